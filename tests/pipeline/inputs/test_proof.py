"""The audio that is decoded is the audio that was fingerprinted, or the recording says so."""

from __future__ import annotations

import io
import os
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile

from prep_corpus.align.audio.decode import to_int16
from prep_corpus.align.audio.levels import LevelMeter, Levels, block_samples
from prep_corpus.align.errors import SourceChanged
from prep_corpus.align.recordings import Recording
from prep_corpus.pipeline.inputs.bundles import ProbedRecording
from prep_corpus.pipeline.inputs.decoding import decoded, decoded_spans
from prep_corpus.pipeline.inputs.probe import FingerprintCache, probe
from prep_corpus.pipeline.inputs.proof import check_source
from prep_corpus.pipeline.storage.remote.object_stores import Identity, ranged

RATE_HZ = 16_000


def write_noise(path: Path, seed: int) -> None:
    """WAV of one length: only its content tells it from another."""
    samples_N = np.random.default_rng(seed).normal(0, 0.1, 3 * RATE_HZ).astype(np.float32)
    soundfile.write(path, samples_N, RATE_HZ, subtype="PCM_16")


@pytest.fixture
def probed(tmp_path: Path) -> ProbedRecording:
    path = tmp_path / "talk.wav"
    write_noise(path, 1)
    found = probe(
        Recording(id="talk", audio_uri=str(path), text="a"),
        FingerprintCache(str(tmp_path / "fingerprints.json")),
    )
    assert isinstance(found, ProbedRecording)
    return found


def samples(probed: ProbedRecording) -> int:
    return sum(len(block_N) for block_N in decoded(probed, RATE_HZ))


def test_the_same_file_is_decoded(probed: ProbedRecording) -> None:
    assert samples(probed) == 3 * RATE_HZ


def test_another_of_the_same_size_and_time_is_not(probed: ProbedRecording) -> None:
    path = Path(probed.recording.audio_uri)
    before = path.stat()
    write_noise(path, 2)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    with pytest.raises(SourceChanged, match=r"talk: .*\(96044:.*talk\.wav is another now \(96044:") as caught:
        samples(probed)
    assert caught.value.decoded_samples == 3 * RATE_HZ


def test_a_file_that_is_back_is_decoded_again(probed: ProbedRecording) -> None:
    path = Path(probed.recording.audio_uri)
    original = path.read_bytes()
    write_noise(path, 2)
    with pytest.raises(SourceChanged):
        samples(probed)
    path.write_bytes(original)
    assert samples(probed) == 3 * RATE_HZ


def test_one_that_takes_its_name_while_it_is_read_does_no_harm(probed: ProbedRecording) -> None:
    path = Path(probed.recording.audio_uri)
    blocks = decoded(probed, RATE_HZ)
    read = len(next(blocks))
    write_noise(path.with_name("new.wav"), 2)
    os.replace(path.with_name("new.wav"), path)
    assert read + sum(map(len, blocks)) == 3 * RATE_HZ


def test_one_that_is_written_over_while_it_is_read_is_found(probed: ProbedRecording) -> None:
    path = Path(probed.recording.audio_uri)
    blocks = decoded(probed, RATE_HZ)
    next(blocks)
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\x55" * 100)
    with pytest.raises(SourceChanged):
        sum(map(len, blocks))


def test_whoever_stops_early_is_told_too(probed: ProbedRecording) -> None:
    write_noise(Path(probed.recording.audio_uri), 2)
    with pytest.raises(SourceChanged), closing(decoded(probed, RATE_HZ)) as blocks:
        next(blocks)


def measured(probed: ProbedRecording) -> tuple[np.ndarray, Levels]:
    """All samples as steps of 16 bits, and how loud they are."""
    meter = LevelMeter(block_samples(RATE_HZ))
    samples_N = np.concatenate(list(meter.through(decoded(probed, RATE_HZ))))
    return to_int16(samples_N), Levels.of(meter.finish(), block_samples(RATE_HZ))


SPANS = [(5, 9_000), (30_000, 41_000)]


def test_spans_are_sought_and_where_they_cannot_be_decoded_in_order(probed: ProbedRecording) -> None:
    samples_N, levels = measured(probed)
    elsewhere = Levels.of(levels.level_P[::-1].astype(np.uint8), levels.block_samples)
    for known in (levels, elsewhere, None):
        pieces = list(decoded_spans(probed, RATE_HZ, SPANS, known))
        for (start, end), piece_N in zip(SPANS, pieces, strict=True):
            np.testing.assert_array_equal(piece_N, samples_N[start:end])


def test_spans_of_another_file_are_found_out(probed: ProbedRecording) -> None:
    levels = measured(probed)[1]
    write_noise(Path(probed.recording.audio_uri), 2)
    with pytest.raises(SourceChanged):
        list(decoded_spans(probed, RATE_HZ, SPANS, levels))
    with pytest.raises(SourceChanged), closing(decoded_spans(probed, RATE_HZ, SPANS, levels)) as pieces:
        next(pieces)


@pytest.mark.parametrize("left", [0, 50_000])
def test_one_that_is_cut_short_or_gone_has_changed(left: int, probed: ProbedRecording) -> None:
    path = Path(probed.recording.audio_uri)
    if left:
        path.write_bytes(path.read_bytes()[:left])
    else:
        path.unlink()
    with pytest.raises(SourceChanged, match="put it back"):
        samples(probed)


def test_an_object_of_another_version_is_not_the_one(probed: ProbedRecording) -> None:
    data = b"x" * 10

    def version(checksum: str) -> io.BufferedReader:
        facts = Identity(size_bytes=10, modified_ns=0, checksum=checksum)
        return ranged(facts, lambda start, end: data[start:end])  # type: ignore[return-value]

    stored = ProbedRecording(recording=probed.recording, fingerprint="10:v1", seconds=1.0)
    check_source(version("v1"), stored)
    with pytest.raises(SourceChanged, match=r"\(10:v1\).*\(10:v2\)"):
        check_source(version("v2"), stored)
