"""Plain audio files of a finished run's utterances, with NeMo manifests and Kaldi data directories.

Each shard of the plan is a part: its files stand in a folder that is named after all that decides their bytes, and the
part's own list is written last. So what is there is found again, and lists are replaced when all files are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from hashlib import blake2b
from typing import IO, NamedTuple, cast

import apache_beam as beam
from apache_beam.pvalue import AsSingleton, PCollection
from apache_beam.utils.shared import Shared

from prep_corpus.align.audio import decode as audio
from prep_corpus.augment.bank import NoiseBank
from prep_corpus.pipeline.plain_files.lists import (
    PlainFormat,
    PlainRow,
    kaldi_lists,
    kaldi_order,
    merged,
    nemo_line,
)
from prep_corpus.pipeline.plain_files.packed import Packed, packed
from prep_corpus.pipeline.shards.clips import UtteranceRef
from prep_corpus.pipeline.shards.encoding import encode_audio
from prep_corpus.pipeline.shards.rows import AudioFormat, Utterance
from prep_corpus.pipeline.stages.write import WriteOptions, rows_of, same_bank
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.digests import digest_of
from prep_corpus.pipeline.storage.stage_store import Store

VERSION = 1
Address = tuple[str, int, int]


class PlainPart(NamedTuple):
    """The files of one shard of the plan.

    Attributes:
        format: of `PLAIN_FORMATS`.
        split: name of the split.
        number: of the shard.
        name: folder of its audio, and name of its list.
    """

    format: PlainFormat
    split: str
    number: int
    name: str


def write_part(
    store: Store,
    out: str,
    shape: PlainFormat,
    address: Address,
    refs: Iterable[UtteranceRef],
    bank: NoiseBank,
    options: WriteOptions,
) -> PlainPart:
    """Write the audio files of a part and then its list, or find them written."""
    split, index, _ = address
    ordered = sorted(set(refs), key=lambda ref: (ref.key, ref.id))
    digest = digest_of(
        "plain",
        VERSION,
        shape,
        [(ref.id, ref.content) for ref in ordered],
        asdict(options.noise),
        options.bank_digest,
        options.seed,
        options.audio_format,
    )
    part = PlainPart(format=shape, split=split, number=index, name=f"{split}-{index:05d}-{digest[:16]}")
    uri = _list_uri(out, part)
    if not files.exists(uri):
        if shape == "whisper":
            clean = replace(options, noise=replace(options.noise, fraction=0.0), audio_format="flac")
            rows = rows_of(store, sorted(ordered, key=lambda ref: placed(ref.id)), bank, clean)
            lines = [_packed(sample, out, part, options.audio_format) for sample in packed(rows)]
        else:
            lines = [_written(row, out, part) for row in rows_of(store, ordered, bank, options)]
        if shape == "kaldi":
            lines.sort(key=kaldi_order)
        files.write_atomic(uri, lambda file: file.writelines(lines), replace=True)
    return part


def placed(utterance_id: str) -> tuple[str, int]:
    """The recording of an utterance, and the sample at which it begins, from its id."""
    recording_id, start, _ = utterance_id.rsplit("-", 2)
    return recording_id, int(start)


def by_recording(shard: tuple[Address, Iterable[UtteranceRef]]) -> Iterator[tuple[Address, UtteranceRef]]:
    """A shard's references, each with the part to which all of its recording go: as many parts as shards."""
    (split, _, count), refs = shard
    for ref in refs:
        hashed = blake2b(placed(ref.id)[0].encode(), digest_size=8).digest()
        yield (split, int.from_bytes(hashed, "big") % count, count), ref


def _packed(sample: Packed, out: str, part: PlainPart, audio_format: AudioFormat) -> bytes:
    """Write a packed sample's audio; returns its line."""
    data = encode_audio(sample.samples_N, sample.sample_rate_hz, audio_format)
    path = f"audio/{part.name}/{sample.key}.{audio_format}"
    uri = files.join(out, part.format, *path.split("/"))
    files.write_atomic(uri, lambda file: file.write(data), replace=True)
    return sample.to_line(path)


def _list_uri(out: str, part: PlainPart) -> str:
    return files.join(out, "work", "plain", part.format, part.name + ".jsonl")


def _written(row: Utterance, out: str, part: PlainPart) -> bytes:
    """Write an utterance's audio; returns its line."""
    data, name = row.audio, row.audio_path
    if part.format == "kaldi" and not name.endswith(".wav"):
        # Kaldi's own programs read no other files.
        samples_N, _ = audio.decode_clip_int16(data)
        data, name = encode_audio(samples_N, row.sample_rate_hz, "wav"), row.key + ".wav"
    path = f"audio/{part.name}/{name}"
    uri = files.join(out, part.format, *path.split("/"))
    files.write_atomic(uri, lambda file: file.write(data), replace=True)
    return PlainRow(
        key=row.key,
        id=row.id,
        audio=path,
        duration=row.duration,
        text=row.text,
        text_normalized=row.text_normalized,
        speaker=row.speaker,
        recording_id=row.recording_id,
        language=row.language,
    ).to_line()


def write_lists(out: str, parts: Iterable[PlainPart]) -> None:
    """Write the lists of every split from those of its parts, and remove the audio of parts that are no more.

    Args:
        out: run folder, absolute where it is local.
        parts: all parts.
    """
    by_list: dict[tuple[PlainFormat, str], list[PlainPart]] = {}
    for part in sorted(set(parts), key=lambda part: (part.format, part.split, part.number)):
        by_list.setdefault((part.format, part.split), []).append(part)
    for (shape, split), listed in by_list.items():
        if shape == "kaldi":
            _write_kaldi(out, split, listed)
        else:
            _write_manifest(out, shape, split, listed)
    for shape in {part.format for part in parts}:
        wanted = {part.name for part in parts if part.format == shape}
        # A part's list says that its audio is there, and so goes first.
        for folder in (files.join(out, "work", "plain", shape), files.join(out, shape, "audio")):
            for uri in files.list_files(folder):
                if uri[len(folder) :].strip("/").partition("/")[0].removesuffix(".jsonl") not in wanted:
                    files.remove(uri)


def _write_manifest(out: str, shape: PlainFormat, split: str, parts: list[PlainPart]) -> None:
    def save(file: IO[bytes]) -> None:
        for part in parts:
            with files.open_binary(_list_uri(out, part)) as lines:
                if shape == "nemo":
                    file.writelines(nemo_line(PlainRow.from_line(line)) for line in lines)
                else:
                    file.writelines(lines)

    files.write_atomic(files.join(out, shape, split + ".jsonl"), save, replace=True)


def _write_kaldi(out: str, split: str, parts: list[PlainPart]) -> None:
    openers = [lambda part=part: cast(IO[bytes], files.open_binary(_list_uri(out, part))) for part in parts]
    with ExitStack() as stack:
        kaldi_lists(
            (PlainRow.from_line(line) for line in merged(openers, kaldi_order)),
            files.join(out, "kaldi"),
            lambda name: stack.enter_context(files.atomic_writer(files.join(out, "kaldi", split, name))),
        )


class _WritePart(beam.DoFn):
    def __init__(self, root: str, out: str, shapes: tuple[PlainFormat, ...], options: WriteOptions) -> None:
        self._store, self._out, self._shapes, self._options = Store(root), out, shapes, options
        self._shared = Shared()

    def setup(self) -> None:
        self._bank = self._shared.acquire(lambda: same_bank(self._options), tag=self._options.bank_digest)

    def process(self, shard: tuple[Address, Iterable[UtteranceRef]], publish: bool) -> Iterator[PlainPart]:
        address, refs = shard
        ordered = list(refs)
        for shape in self._shapes if publish else ():
            yield write_part(self._store, self._out, shape, address, ordered, self._bank, self._options)


class WritePlainFiles(beam.PTransform):
    """((split, shard, shards), utterance references) -> None, when files and lists are written."""

    def __init__(
        self,
        root: str,
        out: str,
        shapes: tuple[PlainFormat, ...],
        options: WriteOptions,
        publish: PCollection[bool],
    ) -> None:
        super().__init__()
        self._root, self._out, self._shapes = root, out, shapes
        self._options, self._publish = options, publish

    def _written(self, shapes: tuple[PlainFormat, ...]) -> beam.ParDo:
        return beam.ParDo(
            _WritePart(self._root, self._out, shapes, self._options), AsSingleton(self._publish)
        )

    def expand(self, shards: PCollection[tuple[Address, Iterable[UtteranceRef]]]) -> PCollection[None]:
        """One list for each split and format, after all its parts."""
        out = self._out
        utterances = tuple(shape for shape in self._shapes if shape != "whisper")
        parts = []
        if utterances:
            parts.append(shards | "WriteParts" >> self._written(utterances))
        if "whisper" in self._shapes:
            recordings = shards | "ByRecording" >> beam.FlatMap(by_recording) | beam.GroupByKey()
            parts.append(recordings | "WritePacked" >> self._written(("whisper",)))
        return (
            parts
            | beam.Flatten()
            | "Parts" >> beam.combiners.ToList()
            | "WriteLists" >> beam.Map(lambda parts: write_lists(out, parts))
        )
