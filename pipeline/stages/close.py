"""Close: add everything up, write the dead letters, and publish the shards by writing manifest.json last."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsIter, AsSingleton, PCollection

from prep_corpus.align.errors import DeadLetter
from prep_corpus.align.recognition.sources import READ_NOTHING, REPAIRING
from prep_corpus.pipeline.counters import tell_engine_of_letters
from prep_corpus.pipeline.ledgers import Ledgers, of_dead_letters, total
from prep_corpus.pipeline.outcome import RunOutcome
from prep_corpus.pipeline.reuse.standing_shards import ShardFile
from prep_corpus.pipeline.run_files import (
    CARD_NAME,
    DEAD_LETTERS_NAME,
    FEATURES_NAME,
    MANIFEST_NAME,
    OUTCOME_NAME,
    USED_NAME,
)
from prep_corpus.pipeline.shards.dataset_card import dataset_card
from prep_corpus.pipeline.shards.manifest import ShardEntry, manifest, parse_manifest
from prep_corpus.pipeline.shards.placing import place
from prep_corpus.pipeline.shards.published import Keys, joined, keys_of, lost, note_published
from prep_corpus.pipeline.shards.tfrecord import feature_spec
from prep_corpus.pipeline.stages.measure import keep_k
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.sealed_json import write_json
from prep_corpus.pipeline.storage.stage_store import StageRef, Store


@dataclass(frozen=True, kw_only=True)
class CloseOptions:
    """What close reads of the configuration.

    Attributes:
        out: run folder.
        entries: manifest entries.
        early_letters: what the manifest and the probe rejected.
        sample_rate_hz: the model's sample rate.
        settings: the run's settings, for the manifest.
        model_digest: the acoustic model's digest.
        config_digest: the configuration's digest, as in the rows.
        seed: the run's seed.
        k_uri: where a picked k is kept.
        force: publish even if recordings that are published now are dropped.
    """

    out: str
    entries: int
    early_letters: tuple[DeadLetter, ...]
    sample_rate_hz: int
    settings: dict[str, Any]
    model_digest: str
    config_digest: str
    seed: int
    k_uri: str = ""
    force: bool = False


def ledgers_of(store: Store, segments: StageRef) -> tuple[Ledgers, bytes]:
    """The ledgers of a bundle's segments, and the keys of its recordings (`published.py`)."""
    notes = store.read(segments, columns=[]).notes
    return Ledgers.from_json(notes["ledgers"]), keys_of(notes.get("recordings", ()))


def letters_of(store: Store, ref: StageRef) -> Iterator[DeadLetter]:
    """The dead letters of a stage's result."""
    if ref.failed:
        yield from store.read(ref, columns=[]).dead_letters


def write_dead_letters(uri: str, letters: Iterable[DeadLetter]) -> None:
    """Write dead letters as JSON lines, in an order that depends on them alone."""
    ordered = sorted(letters, key=lambda letter: (letter.recording_id, letter.stage, letter.message))
    data = "".join(json.dumps(asdict(letter), ensure_ascii=False) + "\n" for letter in ordered)
    # A message may show half a surrogate pair, which no file can hold.
    content = data.encode("utf-8", "replace")
    files.write_atomic(uri, lambda file: file.write(content), replace=True)


def close_run(
    options: CloseOptions,
    *,
    publish: bool,
    k_frames: int,
    ledgers: Iterable[Ledgers],
    letters: Iterable[DeadLetter],
    shards: Iterable[ShardFile],
    stages: Iterable[StageRef],
    recordings: Iterable[bytes] = (),
) -> RunOutcome:
    """Write dead-letters.jsonl, then outcome.json, then, where all is well, manifest.json.

    Args:
        options: see there.
        publish: False where too much has failed.
        k_frames: shortest pause that was cut at.
        ledgers: the ledgers of each bundle's segments.
        letters: dead letters of emit, align and segment.
        shards: all finished shard files.
        stages: every stage result that served; what is not among them may be cleaned away.
        recordings: keys of the recordings that were cut, for each bundle.
    """
    keys = joined(recordings)
    rejected = [*options.early_letters, *letters]
    whole = total([*ledgers, of_dead_letters(rejected)])
    whole.check("the corpus")
    write_dead_letters(files.join(options.out, DEAD_LETTERS_NAME), rejected)
    listed = sorted(shards)
    formats = sorted({shard.format for shard in listed})
    # Every format holds the same utterances, and Shar has two files to a shard.
    counted = [shard for shard in listed if shard.format == formats[0] and _entry(shard, options).counts]
    reasons: dict[str, int] = {}
    for letter in rejected:
        reasons[letter.reason] = reasons.get(letter.reason, 0) + 1
    outcome = RunOutcome(
        published=publish,
        entries=options.entries,
        failed=len(rejected),
        internal_errors=reasons.get("internal-error", 0),
        reasons=dict(sorted(reasons.items())),
        k_frames=k_frames,
        sample_rate_hz=options.sample_rate_hz,
        ledgers=whole.to_json(),
        shards={name: sum(shard.format == name for shard in listed) for name in formats},
        utterances=sum(shard.utterances for shard in counted),
        noisy=sum(shard.noisy for shard in counted),
        lost=0 if publish or options.force else lost(options.out, keys)[0],
    )
    stages = list(stages)
    segments = {ref.bundle: ref.digest for ref in stages if ref.stage == "segment" and ref.final}
    used = sorted({name for ref in stages for name in (f"{ref.stage}/{ref.digest}", f"bundles/{ref.bundle}")})
    if publish or not files.exists(files.join(options.out, MANIFEST_NAME)):
        # What is published keeps its own list.
        write_json(files.join(options.out, USED_NAME), {"files": used, "segments": segments})
    write_json(files.join(options.out, OUTCOME_NAME), asdict(outcome))
    if publish:
        _publish(options, listed, outcome, keys)
    return outcome


def _publish(options: CloseOptions, shards: list[ShardFile], outcome: RunOutcome, keys: Keys) -> None:
    uri = files.join(options.out, MANIFEST_NAME)
    place(options.out, ((shard.path, shard.digest) for shard in shards))
    document = manifest(
        [_entry(shard, options) for shard in shards],
        ledgers=outcome.ledgers,
        settings=options.settings,
        model_digest=options.model_digest,
        seed=options.seed,
        sample_rate_hz=options.sample_rate_hz,
        config_digest=options.config_digest,
    )
    if "tfrecord" in document["formats"]:
        spec = feature_spec(
            gzip=bool(options.settings.get("tfrecord_gzip")),
            word_times=bool(options.settings.get("word_times")),
            text_source=options.settings.get("read", READ_NOTHING) != READ_NOTHING,
            text_original=options.settings.get("read") in REPAIRING,
        )
        _save(options.out, FEATURES_NAME, json.dumps(spec, indent=1, sort_keys=True))
    if "parquet" in document["formats"]:
        published = parse_manifest(json.dumps(document).encode(), name=uri)
        _save(options.out, CARD_NAME, dataset_card(published))
    note_published(options.out, keys)
    if options.k_uri:
        keep_k(options.k_uri)
    _save(options.out, MANIFEST_NAME, json.dumps(document, indent=1, sort_keys=True))


def _entry(shard: ShardFile, options: CloseOptions) -> ShardEntry:
    return ShardEntry(
        format=shard.format,
        path=shard.path,
        split=shard.split,
        utterances=shard.utterances,
        seconds=shard.seconds_at(options.sample_rate_hz),
        n_bytes=shard.n_bytes,
        digest=shard.digest,
    )


def _save(out: str, name: str, text: str) -> None:
    data = text.encode()
    files.write_atomic(files.join(out, name), lambda file: file.write(data), replace=True)


class _CloseRun(beam.DoFn):
    def __init__(self, options: CloseOptions) -> None:
        self._options = options

    def process(
        self,
        _: bytes,
        publish: bool,
        k_frames: int,
        ledgers: Iterable[Ledgers],
        letters: Iterable[DeadLetter],
        shards: Iterable[ShardFile],
        stages: Iterable[StageRef],
        recordings: Iterable[bytes],
    ) -> Iterator[None]:
        tell_engine_of_letters(self._options.early_letters)
        close_run(
            self._options,
            publish=publish,
            k_frames=k_frames,
            ledgers=ledgers,
            letters=letters,
            shards=shards,
            stages=stages,
            recordings=recordings,
        )
        yield None


@dataclass(frozen=True, kw_only=True)
class Ends:
    """What the other stages leave for closing."""

    publish: PCollection[bool]
    k_frames: PCollection[int]
    ledgers: PCollection[Ledgers]
    letters: PCollection[DeadLetter]
    shards: PCollection[ShardFile]
    stages: PCollection[StageRef]
    recordings: PCollection[bytes]


class KeepsPublished(beam.PTransform):
    """Whether to publish, one value -> the same, but False where recordings that are published would be dropped."""

    def __init__(self, options: CloseOptions, recordings: PCollection[bytes]) -> None:
        super().__init__()
        self._options, self._recordings = options, recordings

    def expand(self, publish: PCollection[bool]) -> PCollection[bool]:
        """Waits for all recordings."""
        out, force = self._options.out, self._options.force

        def keeps(wanted: bool, recordings: Iterable[bytes]) -> bool:
            return wanted and (force or not lost(out, joined(recordings))[0])

        return publish | "Keeps" >> beam.Map(keeps, AsIter(self._recordings))


class Close(beam.PTransform):
    """All results -> the published run."""

    def __init__(self, options: CloseOptions, ends: Ends) -> None:
        super().__init__()
        self._options, self._ends = options, ends

    def expand(self, pipeline: beam.Pipeline) -> PCollection[None]:
        """Runs once, after everything else."""
        ends = self._ends
        return (
            pipeline
            | "Once" >> beam.Impulse()
            | "CloseRun"
            >> beam.ParDo(
                _CloseRun(self._options),
                AsSingleton(ends.publish),
                AsSingleton(ends.k_frames),
                AsIter(ends.ledgers),
                AsIter(ends.letters),
                AsIter(ends.shards),
                AsIter(ends.stages),
                AsIter(ends.recordings),
            )
        )
