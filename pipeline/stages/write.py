"""Write: gather each shard's clips in order, mix noise into those chosen, and write every format in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from typing import BinaryIO

import apache_beam as beam
from apache_beam.pvalue import AsSingleton, PCollection
from apache_beam.utils.shared import Shared

from prep_corpus.align.audio import decode as audio
from prep_corpus.align.errors import InputChanged
from prep_corpus.align.recognition.sources import READ_NOTHING, REPAIRING
from prep_corpus.augment.bank import NoiseBank
from prep_corpus.augment.mix import mix, noise_json
from prep_corpus.augment.plan import NoiseOptions, plan_noise
from prep_corpus.pipeline.counters import tell_engine
from prep_corpus.pipeline.inputs.bundles import ProbedRecording
from prep_corpus.pipeline.inputs.noise import open_bank
from prep_corpus.pipeline.progress import StageProgress
from prep_corpus.pipeline.reuse.standing_shards import (
    NoisyUtterances,
    ShardFile,
    noise_key,
    note_shard,
    standing_shard,
)
from prep_corpus.pipeline.run_files import MANIFEST_NAME, NEXT_NAME
from prep_corpus.pipeline.shards.clips import ClipDamaged, UtteranceRef, read_clip
from prep_corpus.pipeline.shards.encoding import encode_audio
from prep_corpus.pipeline.shards.rows import (
    TEXT_ORIGINAL,
    TEXT_SOURCE,
    WORD_TIMES,
    AudioFormat,
    Utterance,
    audio_path,
    from_fields,
)
from prep_corpus.pipeline.shards.sinks import DigestingFile, Format, open_sink, shard_names
from prep_corpus.pipeline.stage_frame import made_once
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.digests import digest_of
from prep_corpus.pipeline.storage.stage_store import Store

VERSION = 2


@dataclass(frozen=True, kw_only=True)
class WriteOptions:
    """What write reads of the configuration.

    Attributes:
        formats: shard formats.
        noise: how much noise, and of what kind.
        noise_uri: folder or manifest of clips, or None for generated noise.
        rooms_uri: folder or manifest of room impulse responses, or None.
        voices: recordings of the corpus that babble is made of, or none.
        bank_digest: digest of all clips and rooms.
        published: digest of the manifest that stood when the run began, or "": while it stands, new shards are
            written apart.
        seed: seed of the noise plan.
        sample_rate_hz: rate of the clips.
        audio_format: format of the audio inside the shards.
        gzip: compress TFRecord files.
        word_times: the rows have the times of their words.
        read: what the model reads is kept too, of `READ_MODES`; then the rows say whose their text is.
    """

    formats: tuple[Format, ...]
    noise: NoiseOptions
    noise_uri: str | None
    rooms_uri: str | None
    voices: tuple[ProbedRecording, ...]
    bank_digest: str
    seed: int
    sample_rate_hz: int
    audio_format: AudioFormat = "flac"
    gzip: bool = False
    word_times: bool = False
    published: str = ""
    read: str = READ_NOTHING


def same_bank(options: WriteOptions) -> NoiseBank:
    """Open the noise bank once more.

    Raises:
        InputChanged: it is not what it was when the run began.
    """
    bank = open_bank(
        options.noise_uri, options.sample_rate_hz, rooms_uri=options.rooms_uri, voices=options.voices
    )
    if bank.digest != options.bank_digest:
        places = (
            " or ".join(filter(None, (options.noise_uri, options.rooms_uri))) or "the corpus's own voices"
        )
        raise InputChanged(
            f"the noise must be what it was when the run began (digest {options.bank_digest}), and something in "
            f"{places} is another now ({bank.digest}); put it back, or give the same command again"
        )
    return bank


@dataclass
class NoisyRows:
    """Takes over noisy utterances for one shard, and remembers in which rows of it they are.

    Attributes:
        standing: what there is to take.
        rows: the number of each one's row, by `noise_key`.
    """

    standing: NoisyUtterances
    rows: dict[str, int] = field(default_factory=dict)
    row: int = 0


def noisy_row(
    fields: dict[str, object],
    flac: bytes,
    bank: NoiseBank,
    options: WriteOptions,
    noisy: NoisyRows | None = None,
) -> Utterance:
    """The row of an utterance, with noise if its id says so; clean FLAC is passed on byte for byte."""
    id_ = str(fields["id"])
    path = audio_path(id_, options.audio_format)
    clean = from_fields({**fields, "noise": None, "snr_db": None}, flac, path)
    plan = plan_noise(
        seed=options.seed,
        utterance_id=id_,
        samples=clean.samples,
        bank=bank,
        options=options.noise,
        recording_id=clean.recording_id,
    )
    if plan is None:
        if options.audio_format == "flac":
            return clean
        samples_N, _ = audio.decode_clip_int16(flac)
        return replace(clean, audio=encode_audio(samples_N, clean.sample_rate_hz, options.audio_format))
    if noisy is not None:
        key = noise_key(flac, plan, options.audio_format, VERSION)
        noisy.rows[key] = noisy.row
        if (found := noisy.standing.find(key, id_)) is not None:
            return replace(clean, audio=found[0], noise=found[1], snr_db=plan.snr_db)
    speech_N, _ = audio.decode_clip_int16(flac)
    mixed_N, report = mix(speech_N, plan, bank, utterance_id=id_)
    return replace(
        clean,
        audio=encode_audio(mixed_N, clean.sample_rate_hz, options.audio_format),
        noise=noise_json(plan, report),
        snr_db=plan.snr_db,
    )


def rows_of(
    store: Store,
    refs: list[UtteranceRef],
    bank: NoiseBank,
    options: WriteOptions,
    noisy: NoisyRows | None = None,
) -> Iterator[Utterance]:
    """The rows of a shard in order, each read where its clip lies."""
    with ExitStack() as stack:
        opened: dict[str, BinaryIO] = {}
        for number, ref in enumerate(refs):
            if ref.digest not in opened:
                if len(opened) >= 64:
                    opened.pop(next(iter(opened))).close()
                opened[ref.digest] = stack.enter_context(
                    files.open_binary(store.uri("segment", ref.digest, ".clips"))
                )
            try:
                fields, flac = read_clip(opened[ref.digest], ref)
            except ClipDamaged as error:
                raise store.damaged_clips(ref.digest, error) from error
            if noisy is not None:
                noisy.row = number
            yield noisy_row(fields, flac, bank, options, noisy)


def write_shard(
    store: Store,
    receipts: Store,
    out: str,
    address: tuple[str, int, int],
    refs: Iterable[UtteranceRef],
    bank: NoiseBank,
    options: WriteOptions,
    standing: NoisyUtterances | None = None,
) -> list[ShardFile]:
    """Write one shard in all formats, or find it written.

    A receipt says what stands at the shard's place; it is taken away before the shard is written and put back after.
    While a published state stands, the shard is written apart, and put in its place when all are there (`placing.py`).
    """
    split, index, count = address
    ordered = sorted(set(refs), key=lambda ref: (ref.key, ref.id))
    digest = digest_of(
        "write",
        VERSION,
        [(ref.id, ref.content) for ref in ordered],
        list(options.formats),
        asdict(options.noise),
        options.bank_digest,
        options.seed,
        options.audio_format,
        options.gzip,
        *([WORD_TIMES] if options.word_times else []),
        *([TEXT_SOURCE] if options.read != READ_NOTHING else []),
        *([TEXT_ORIGINAL] if options.read in REPAIRING else []),
    )
    name = f"{split}-{index:05d}-of-{count:05d}"
    placed = receipts.uri("write", name, ".json")
    place, receipt = out, placed
    if options.published:
        place, receipt = files.join(out, NEXT_NAME), files.join(out, NEXT_NAME, name + ".json")

    def find() -> list[ShardFile] | None:
        return standing_shard(placed, out, digest) or standing_shard(receipt, place, digest)

    def make() -> list[ShardFile]:
        noisy = None
        if standing is not None and "parquet" in options.formats and files.is_local(out):
            noisy = NoisyRows(standing)
        files.remove(receipt)
        written = _write_or_find(store, place, address, ordered, bank, options, receipt, digest, noisy)
        note_shard(receipt, place, digest, written, None if noisy is None else noisy.rows)
        return written

    def counted(written: list[ShardFile], stood: bool) -> StageProgress:
        seconds = written[0].seconds_at(options.sample_rate_hz)
        return StageProgress(
            units=1, found=int(stood), recordings=written[0].utterances, audio_seconds=seconds
        )

    return made_once("write", find, make, counted)


def manifest_digest(out: str) -> str:
    """Digest of the manifest that stands in a run folder, or "" where there is none."""
    try:
        return blake2b(files.read_bytes(files.join(out, MANIFEST_NAME)), digest_size=16).hexdigest()
    except FileNotFoundError:
        return ""


class _TwinWasFirst(Exception):
    """Another worker has written the same shard meanwhile."""


def _write_or_find(
    store: Store,
    out: str,
    address: tuple[str, int, int],
    refs: list[UtteranceRef],
    bank: NoiseBank,
    options: WriteOptions,
    receipt: str,
    digest: str,
    noisy: NoisyRows | None,
) -> list[ShardFile]:
    try:
        return _write(store, out, address, refs, bank, options, receipt, digest, noisy)
    except _TwinWasFirst:
        standing = standing_shard(receipt, out, digest)
        if standing is None:
            raise OSError(f"{receipt}: a shard was there a moment ago, and is not any more") from None
        return standing


def _write(
    store: Store,
    out: str,
    address: tuple[str, int, int],
    refs: list[UtteranceRef],
    bank: NoiseBank,
    options: WriteOptions,
    receipt: str,
    digest: str,
    noisy: NoisyRows | None,
) -> list[ShardFile]:
    split, index, count = address
    n_noisy = samples = 0
    seconds, is_mixed = 0.0, False
    named: list[tuple[Format, str, DigestingFile]] = []
    with ExitStack() as stack:
        sinks = []
        for shard_format in options.formats:
            opened = []
            for path in shard_names(shard_format, split, index, count):
                uri = files.join(out, path)
                file = DigestingFile(stack.enter_context(files.atomic_writer(uri)))
                stack.callback(file.give_up)
                named.append((shard_format, path, file))
                opened.append(file)
            sink = open_sink(
                shard_format,
                opened,
                gzip=options.gzip,
                word_times=options.word_times,
                text_source=options.read != READ_NOTHING,
                text_original=options.read in REPAIRING,
            )
            sinks.append(sink)
        for row in rows_of(store, refs, bank, options, noisy):
            n_noisy += row.noise is not None
            samples += row.samples
            seconds += row.samples / row.sample_rate_hz
            is_mixed = is_mixed or row.sample_rate_hz != options.sample_rate_hz
            for sink in sinks:
                sink.write(row)
        for sink in sinks:
            sink.close()
        if standing_shard(receipt, out, digest) is not None:
            # A twin was first, and its receipt may be published by now; leaving by an error discards our files.
            raise _TwinWasFirst(receipt)
    return [
        ShardFile(
            format=shard_format,
            split=split,
            path=path,
            utterances=len(refs),
            noisy=n_noisy,
            samples=samples,
            n_bytes=file.bytes_written,
            digest=file.hexdigest(),
            seconds=seconds if is_mixed else None,
        )
        for shard_format, path, file in named
    ]


class _WriteShard(beam.DoFn):
    def __init__(self, root: str, receipts: str, out: str, options: WriteOptions) -> None:
        self._store, self._receipts = Store(root), Store(receipts)
        self._out, self._options = out, options
        self._shared = Shared()

    def setup(self) -> None:
        self._noisy = NoisyUtterances(self._receipts, self._out)
        self._bank = self._shared.acquire(lambda: same_bank(self._options), tag=self._options.bank_digest)

    def process(
        self, shard: tuple[tuple[str, int, int], Iterable[UtteranceRef]], publish: bool
    ) -> Iterator[ShardFile]:
        if publish:
            written = write_shard(
                self._store, self._receipts, self._out, *shard, self._bank, self._options, self._noisy
            )
            tell_engine("write")
            yield from written

    def teardown(self) -> None:
        self._noisy.close()


class WriteShards(beam.PTransform):
    """((split, shard, shards), utterance references) -> finished files; none where too much has failed."""

    def __init__(
        self, root: str, receipts: str, out: str, options: WriteOptions, publish: PCollection[bool]
    ) -> None:
        super().__init__()
        self._root, self._receipts, self._out = root, receipts, out
        self._options, self._publish = options, publish

    def expand(
        self, shards: PCollection[tuple[tuple[str, int, int], Iterable[UtteranceRef]]]
    ) -> PCollection[ShardFile]:
        """The files of each shard."""
        return shards | "WriteShard" >> beam.ParDo(
            _WriteShard(self._root, self._receipts, self._out, self._options), AsSingleton(self._publish)
        )
