from __future__ import annotations

import dataclasses
import gc
import gzip
import io
import json
import math
import sys
import tarfile
from collections.abc import Sequence

import google_crc32c
import pyarrow.parquet as pq
import pytest
from support.sample_rows import make_row

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.shards import sinks
from prep_corpus.pipeline.shards.rows import Utterance, WordTime, arrow_schema, from_record_batch
from prep_corpus.pipeline.shards.shar import read_shar
from prep_corpus.pipeline.shards.tfrecord import feature_spec, frame, masked_crc32c, read_tfrecord, records
from prep_corpus.pipeline.shards.webdataset import read_webdataset

ROWS = [make_row(number) for number in range(12)]


def _written(shard_format: sinks.Format, rows: list[Utterance], **options: object) -> list[bytes]:
    count = 2 if shard_format == "shar" else 1
    files = [io.BytesIO() for _ in range(count)]
    sinks.write_rows([sinks.open_sink(shard_format, files, **options)], rows)  # type: ignore[arg-type]
    return [file.getvalue() for file in files]


def _member_names(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return opened.getnames()


def test_parquet_gives_the_rows_back_and_closes_nothing_of_the_callers() -> None:
    file = io.BytesIO()
    assert sinks.write_parquet(file, ROWS) == 12
    assert not file.closed
    table = pq.read_table(file)
    assert table.schema.equals(arrow_schema(), check_metadata=True)
    assert table.column("id").to_pylist() == [row.id for row in ROWS]
    assert table.column("audio").to_pylist()[3] == {"bytes": ROWS[3].audio, "path": ROWS[3].audio_path}
    assert table.column("snr_db").to_pylist() == [row.snr_db for row in ROWS]


def test_parquet_row_groups_stay_under_their_limit_with_audio_plain_and_without_statistics() -> None:
    limit = 4 * max(len(row.audio) for row in ROWS)
    (data,) = _written("parquet", ROWS, row_group_bytes=limit)
    metadata = pq.ParquetFile(io.BytesIO(data)).metadata
    assert metadata.num_row_groups >= 3
    for group in range(metadata.num_row_groups):
        columns = {
            metadata.row_group(group).column(index).path_in_schema: metadata.row_group(group).column(index)
            for index in range(metadata.num_columns)
        }
        assert columns["audio.bytes"].total_compressed_size < limit + 1000
        assert columns["audio.bytes"].compression == "UNCOMPRESSED"
        assert not columns["audio.bytes"].is_stats_set
        assert columns["text"].compression == "ZSTD"
        assert columns["duration"].is_stats_set


def test_parquet_pages_have_checksums_that_find_a_flipped_byte() -> None:
    (data,) = _written("parquet", ROWS)
    position = data.index(ROWS[5].audio) + 100
    broken = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
    with pytest.raises(OSError, match="CRC"):
        pq.ParquetFile(io.BytesIO(broken), page_checksum_verification=True).read()


def test_tfrecord_framing_is_as_published() -> None:
    # "123456789" has the CRC32C e3069283; masking it is rotation by 15 and an addition.
    assert google_crc32c.value(b"123456789") == 0xE3069283
    assert (
        masked_crc32c(b"123456789") == (((0xE3069283 >> 15) | (0xE3069283 << 17)) + 0xA282EAD8) & 0xFFFFFFFF
    )
    framed = frame(b"123456789")
    assert framed[:8] == b"\x09" + b"\0" * 7
    assert list(records(io.BytesIO(framed + framed))) == [b"123456789"] * 2


def test_tfrecord_names_a_flipped_byte_and_a_short_file() -> None:
    framed = frame(b"123456789")
    with pytest.raises(ValueError, match="checksum"):
        list(records(io.BytesIO(framed[:15] + b"x" + framed[16:])))
    with pytest.raises(ValueError, match="ends"):
        list(records(io.BytesIO(framed[:-2])))


@pytest.mark.parametrize("gzipped", [False, True])
def test_tfrecord_gives_the_rows_back_in_float32(gzipped: bool) -> None:
    (data,) = _written("tfrecord", ROWS, gzip=gzipped)
    assert (data[:2] == b"\x1f\x8b") == gzipped
    for row, back in zip(ROWS, read_tfrecord(io.BytesIO(data), gzip=gzipped), strict=True):
        for field in dataclasses.fields(Utterance):
            wanted, got = getattr(row, field.name), getattr(back, field.name)
            if isinstance(wanted, float):
                assert math.isclose(wanted, got, rel_tol=1e-6)
            else:
                assert wanted == got


WORDED = [
    dataclasses.replace(
        row,
        word_times=(
            WordTime(text="Wörd", start=0.0, end=0.05, score=0.75, speaker=row.speaker),
            WordTime(
                text='"x"', start=0.0625, end=0.2, score=1.0, speaker=row.speaker if at % 2 else "other"
            ),
        ),
    )
    for at, row in enumerate(ROWS)
]


def _read(shard_format: sinks.Format, written: Sequence[bytes]) -> list[Utterance]:
    files = [io.BytesIO(data) for data in written]
    if shard_format == "parquet":
        (batch,) = pq.read_table(files[0]).combine_chunks().to_batches()
        return list(from_record_batch(batch))
    if shard_format == "tfrecord":
        return list(read_tfrecord(files[0]))
    if shard_format == "webdataset":
        return list(read_webdataset(files[0]))
    return list(read_shar(*files))


@pytest.mark.parametrize("shard_format", sinks.FORMATS)
def test_words_and_their_times_come_back_from_every_format(shard_format: sinks.Format) -> None:
    back = _read(shard_format, _written(shard_format, WORDED, word_times=True))
    assert [row.id for row in back] == [row.id for row in WORDED]
    for row, wanted in zip(back, WORDED):
        assert row.word_times is not None
        assert wanted.word_times is not None
        for word, one in zip(row.word_times, wanted.word_times, strict=True):
            assert (word.text, word.speaker) == (one.text, one.speaker)
            assert (word.start, word.end, word.score) == pytest.approx((one.start, one.end, one.score))


def test_words_are_a_list_of_structs_that_hugging_face_knows() -> None:
    table = pq.read_table(io.BytesIO(_written("parquet", WORDED, word_times=True)[0]))
    assert table.schema.equals(arrow_schema(word_times=True), check_metadata=True)
    assert table.column("word_times").to_pylist()[0] == [
        {"text": "Wörd", "start": 0.0, "end": 0.05, "score": 0.75, "speaker": None},
        {"text": '"x"', "start": 0.0625, "end": 0.2, "score": 1.0, "speaker": "other"},
    ]
    datasets = pytest.importorskip("datasets")
    features = datasets.Features.from_arrow_schema(table.schema)
    assert features["word_times"].feature["start"].dtype == "float64"


def test_lhotse_has_words_as_its_alignment() -> None:
    cuts = gzip.decompress(_written("shar", WORDED, word_times=True)[0]).splitlines()
    (supervision,) = json.loads(cuts[1])["supervisions"]
    assert supervision["alignment"] == {"word": [["Wörd", 0.0, 0.05, 0.75], ['"x"', 0.0625, 0.1375, 1.0]]}
    assert "word_times" not in supervision["custom"]
    lhotse = pytest.importorskip("lhotse")
    (read, _) = lhotse.MonoCut.from_dict(json.loads(cuts[1])).supervisions[0].alignment["word"]
    assert (read.symbol, read.start, read.duration, read.score) == ("Wörd", 0.0, 0.05, 0.75)


@pytest.mark.parametrize("shard_format", sinks.FORMATS)
def test_without_words_no_format_says_anything_of_them(shard_format: sinks.Format) -> None:
    written = b"".join(_written(shard_format, ROWS))
    assert b"word_times" not in written
    assert written == b"".join(_written(shard_format, ROWS, word_times=False))


@pytest.mark.parametrize("shard_format", sinks.FORMATS)
def test_whose_text_it_is_comes_back_from_every_format(shard_format: sinks.Format) -> None:
    wanted = ["transcript", "model"]
    rows = [dataclasses.replace(row, text_source=source) for row, source in zip(ROWS, wanted)]
    written = _written(shard_format, rows, text_source=True)
    assert [row.text_source for row in _read(shard_format, written)] == wanted
    plain = _written(shard_format, ROWS)
    assert b"text_source" not in b"".join(plain)
    assert {row.text_source for row in _read(shard_format, plain)} == {None}


@pytest.mark.parametrize("shard_format", sinks.FORMATS)
def test_repairs_come_back_from_every_format(shard_format: sinks.Format) -> None:
    words = [
        tuple(dataclasses.replace(word, source=source) for word, source in zip(row.word_times or (), sources))
        for row, sources in zip(WORDED, (("transcript", "model"), ("model", "transcript")))
    ]
    rows = [
        dataclasses.replace(WORDED[0], word_times=words[0], text_source="repaired", text_original="Wrod x"),
        dataclasses.replace(WORDED[1], word_times=words[1], text_source="transcript"),
    ]
    written = _written(shard_format, rows, word_times=True, text_source=True, text_original=True)
    read = _read(shard_format, written)
    assert [row.text_original for row in read] == ["Wrod x", None]
    if shard_format == "webdataset":
        assert written[0].count(b'"text_original": null') == 1
    if shard_format == "shar":
        (supervision,) = json.loads(gzip.decompress(written[0]).splitlines()[1])["supervisions"]
        assert supervision["custom"]["text_original"] is None
        assert supervision["custom"]["word_sources"] == ["model", "transcript"]
    for row, wanted in zip(read, rows, strict=True):
        assert [word.source for word in row.word_times or ()] == [
            word.source for word in wanted.word_times or ()
        ]
    plain = _written(shard_format, WORDED, word_times=True)
    assert b"text_original" not in b"".join(plain)
    assert {word.source for row in _read(shard_format, plain) for word in row.word_times or ()} == {None}


def test_feature_spec_names_every_feature() -> None:
    features = feature_spec()["features"]
    names = {field.name for field in dataclasses.fields(Utterance)}
    assert set(features) == names - {"word_times", "text_source", "text_original"}
    assert set(feature_spec(text_source=True)["features"]) - set(features) == {"text_source"}
    repairs = feature_spec(word_times=True, text_original=True)["features"]
    assert set(repairs) - set(feature_spec(word_times=True)["features"]) == {
        "text_original",
        "word_times/source",
    }
    more = feature_spec(word_times=True)["features"]
    assert set(more) - set(features) == {
        f"word_times/{name}" for name in ("text", "start", "end", "score", "speaker")
    }
    assert more["word_times/start"] == {"dtype": "float32", "shape": [-1]}
    assert features["snr_db"] == {"dtype": "float32", "shape": [], "default": "nan"}
    assert json.loads(json.dumps(feature_spec(gzip=True)))["compression"] == "GZIP"


def test_webdataset_pairs_share_a_key_without_dots() -> None:
    (data,) = _written("webdataset", ROWS)
    names = _member_names(data)
    assert len(names) == 24
    for audio, columns in zip(names[::2], names[1::2], strict=True):
        assert audio.split(".", 1) == [columns.split(".", 1)[0], "flac"]
        assert columns.endswith(".json")
    assert list(read_webdataset(io.BytesIO(data))) == ROWS


def test_shar_gives_the_rows_back_and_its_cuts_name_their_audio() -> None:
    cuts, recordings = _written("shar", ROWS)
    assert list(read_shar(io.BytesIO(cuts), io.BytesIO(recordings))) == ROWS
    first = json.loads(gzip.decompress(cuts).splitlines()[0])
    assert first["type"] == "MonoCut"
    assert first["id"] == _member_names(recordings)[0].removesuffix(".flac")
    assert first["supervisions"][0]["id"] == ROWS[0].id


@pytest.mark.parametrize("shard_format", sinks.FORMATS)
def test_the_same_rows_give_the_same_bytes(shard_format: sinks.Format) -> None:
    assert _written(shard_format, ROWS) == _written(shard_format, ROWS)


def test_gzip_has_no_name_and_no_time() -> None:
    (data,) = _written("tfrecord", ROWS, gzip=True)
    assert data[3] == 0  # no flags, so no file name
    assert data[4:8] == b"\0\0\0\0"


def test_several_formats_come_from_one_pass_with_digests() -> None:
    files = {
        name: [sinks.DigestingFile(io.BytesIO()) for _ in range(1 + (name == "shar"))]
        for name in sinks.FORMATS
    }
    passes = iter(ROWS)
    written = sinks.write_rows([sinks.open_sink(name, opened) for name, opened in files.items()], passes)
    assert written == (12, 12 * 3200)
    assert next(passes, None) is None
    for name, opened in files.items():
        for digesting, data in zip(opened, _written(name, ROWS), strict=True):
            assert digesting.bytes_written == len(data)
            again = sinks.DigestingFile(io.BytesIO())
            again.write(data)
            assert digesting.hexdigest() == again.hexdigest()


def test_shard_names_are_those_that_readers_expect() -> None:
    assert sinks.shard_names("parquet", "train", 0, 12) == ("data/train-00000-of-00012.parquet",)
    assert sinks.shard_names("tfrecord", "dev", 3, 12) == ("tfrecord/dev.tfrecord-00003-of-00012",)
    assert sinks.shard_names("webdataset", "train", 0, 1) == ("webdataset/train-000000.tar",)
    assert sinks.shard_names("shar", "train", 0, 1) == (
        "shar/train/cuts.000000.jsonl.gz",
        "shar/train/recording.000000.tar",
    )
    with pytest.raises(UsageError, match="12 of 12"):
        sinks.shard_names("parquet", "train", 12, 12)


def test_a_sink_wants_as_many_files_as_its_format_has() -> None:
    with pytest.raises(UsageError, match="2 files: 1 given"):
        sinks.open_sink("shar", [io.BytesIO()])


@pytest.mark.parametrize("shard_format", sinks.FORMATS)
def test_a_sink_that_is_given_up_says_nothing(
    shard_format: sinks.Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    # What tests before have left says what it has to say.
    gc.collect()
    monkeypatch.setattr(sys, "unraisablehook", lambda one: said.append(repr(one.exc_value)))
    plain = [io.BytesIO() for _ in sinks.shard_names(shard_format, "train", 0, 1)]
    opened = [sinks.DigestingFile(file) for file in plain]
    sink = sinks.open_sink(shard_format, opened, gzip=True)
    for number in range(3):
        sink.write(make_row(number))
    for file, under in zip(opened, plain):
        file.give_up()
        under.close()
    del sink, opened
    gc.collect()
    assert said == []
