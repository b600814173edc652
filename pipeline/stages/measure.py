"""Measure: what the real cut function would yield for each candidate k, summed over the corpus; then pick k."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import PCollection

from prep_corpus.align.cutting.pause_length import candidate_gaps, pick_k
from prep_corpus.align.errors import DeadLetter
from prep_corpus.pipeline.counters import tell_engine
from prep_corpus.pipeline.inputs.bundles import ProbedRecording, read_bundle
from prep_corpus.pipeline.recognition.judged_bundles import JudgedBundles, by_bundle, judge_of
from prep_corpus.pipeline.stage_frame import BundleTally, bundle_stage, emissions_of
from prep_corpus.pipeline.stages.align import read_alignments
from prep_corpus.pipeline.stages.cut_recording import (
    SegmentOptions,
    measured_totals,
)
from prep_corpus.pipeline.stages.dead_letters import dead_letter
from prep_corpus.pipeline.stages.emit import judged_words, read_emissions
from prep_corpus.pipeline.stages.segment_rows import speakers_identity
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.digests import digest_of
from prep_corpus.pipeline.storage.sealed_json import read_json, write_json
from prep_corpus.pipeline.storage.stage_store import StageRef, Store

VERSION = 16
Totals = dict[int, tuple[int, int]]

SCHEMA = pa.schema([("k_frames", pa.int32()), ("segments", pa.int64()), ("samples", pa.int64())])


def measure_bundle(
    store: Store, alignments: StageRef, options: SegmentOptions, judge: StageRef | None = None
) -> StageRef:
    """Make, or find, the totals of a bundle for each candidate k; `judge` is what the judge sees in it."""
    bundle = read_bundle(store, alignments.bundle)
    digest = digest_of(
        "measure",
        VERSION,
        alignments.content,
        speakers_identity(bundle),
        options.identity(),
        *([] if options.recognised is None else options.recognised.identity()),
        *([] if judge is None else [judge.content]),
    )
    return bundle_stage(
        store,
        "measure",
        (alignments.bundle, bundle),
        digest,
        lambda tally: _measure(store, alignments, digest, bundle, options, judge, tally),
    )


def _measure(
    store: Store,
    alignments: StageRef,
    digest: str,
    bundle: list[ProbedRecording],
    options: SegmentOptions,
    judge: StageRef | None,
    tally: BundleTally,
) -> StageRef:
    info, emitted = read_emissions(store, emissions_of(store, alignments))
    judged = judged_words(store, judge, info)
    candidates = candidate_gaps(options.cut_options(info.stride_samples, info.sample_rate_hz))
    sums: Totals = {}
    failed: list[DeadLetter] = []
    for aligned in read_alignments(store, alignments, bundle, info, options.text):
        try:
            recording = emitted[aligned.probed.recording.id]
            words = judged.get(aligned.probed.recording.id)
            totals = measured_totals(aligned, recording, info, options, candidates, words)
            sums = add_totals(sums, dict(zip(candidates, totals)))
        except Exception as error:
            # Segment meets the same error and writes the dead letter; here it only leaves the sums.
            failed.append(dead_letter("measure", aligned.probed, error, 0))
        tally.done(aligned.probed.seconds)
    rows = [{"k_frames": k, "segments": sums[k][0], "samples": sums[k][1]} for k in sorted(sums)]
    notes = {"left_out": [letter.message for letter in failed]}
    return store.write(
        "measure", alignments.bundle, digest, pa.Table.from_pylist(rows, schema=SCHEMA), notes=notes
    )


def add_totals(one: Totals, other: Totals) -> Totals:
    """Sums of (segments, samples) for each k."""
    added = dict(one)
    for k, (segments, samples) in other.items():
        before = added.get(k, (0, 0))
        added[k] = (before[0] + segments, before[1] + samples)
    return added


def read_totals(store: Store, measured: StageRef) -> Totals:
    """The totals of a bundle."""
    table = store.read(measured).table
    return {row["k_frames"]: (row["segments"], row["samples"]) for row in table.to_pylist()}


class TotalsFn(beam.CombineFn):
    """Sums over bundles."""

    def create_accumulator(self) -> Totals:
        return {}

    def add_input(self, sums: Totals, totals: Totals) -> Totals:
        return add_totals(sums, totals)

    def merge_accumulators(self, many: Iterable[Totals]) -> Totals:
        merged: Totals = {}
        for sums in many:
            merged = add_totals(merged, sums)
        return merged

    def extract_output(self, sums: Totals) -> Totals:
        return sums


def settle_k(uri: str, totals: Totals, target_samples: float, retune: bool) -> int:
    """The run's k: the one it has, unless `retune`; else the best for the target, kept once it is published.

    Args:
        uri: where the run keeps it.
        totals: the whole corpus's totals; empty where nothing could be aligned.
        target_samples: mean length wanted.
        retune: choose anew.
    """
    kept = None if retune else kept_k(uri)
    if kept is not None:
        # Left by a run that published nothing.
        files.remove(picked_uri(uri))
        return kept
    if not any(segments for segments, _ in totals.values()):
        return min(totals, default=1)
    k_frames = pick_k(totals, target_samples)
    segments, samples = totals[k_frames]
    mean_samples = samples / segments
    note = {"k_frames": k_frames, "mean_samples": mean_samples, "target_samples": target_samples}
    write_json(picked_uri(uri), note)
    return k_frames


def kept_k(uri: str) -> int | None:
    """The k that a run has picked and keeps, or None where it has none."""
    note = read_json(uri)
    return None if note is None else int(note["k_frames"])


def picked_uri(uri: str) -> str:
    """Where a picked k waits until it is published."""
    return uri.removesuffix(".json") + ".picked.json"


def keep_k(uri: str) -> None:
    """Keep the k that was picked, if one was: what is published was cut with it."""
    note = read_json(picked_uri(uri))
    if note is not None:
        write_json(uri, note)
        files.remove(picked_uri(uri))


class _MeasureBundle(beam.DoFn):
    def __init__(self, root: str, options: SegmentOptions) -> None:
        self._store, self._options = Store(root), options

    def process(self, alignments: StageRef, judged: JudgedBundles | None = None) -> Iterator[StageRef]:
        made = measure_bundle(self._store, alignments, self._options, judge_of(judged, alignments.bundle))
        tell_engine("measure")
        yield made


class Measure(beam.PTransform):
    """References to alignments -> references to what each k would yield; `judged` are those to what a judge sees."""

    def __init__(
        self, root: str, options: SegmentOptions, judged: PCollection[StageRef] | None = None
    ) -> None:
        super().__init__()
        self._root, self._options, self._judged = root, options, judged

    def expand(self, alignments: PCollection[StageRef]) -> PCollection[StageRef]:
        """One reference per bundle."""
        return alignments | "MeasureBundle" >> beam.ParDo(
            _MeasureBundle(self._root, self._options), *by_bundle(self._judged)
        )


class PickK(beam.PTransform):
    """References to measures -> k, one number."""

    def __init__(self, root: str, uri: str, target_samples: float, retune: bool) -> None:
        super().__init__()
        self._store, self._uri = Store(root), uri
        self._target_samples, self._retune = target_samples, retune

    def expand(self, measured: PCollection[StageRef]) -> PCollection[int]:
        """A single number, for all segments."""
        store, uri = self._store, self._uri
        target_samples, retune = self._target_samples, self._retune
        totals = (
            measured
            | "ReadTotals" >> beam.Map(lambda ref: read_totals(store, ref))
            | "SumTotals" >> beam.CombineGlobally(TotalsFn()).as_singleton_view()
        )
        return (
            measured.pipeline
            | "Once" >> beam.Impulse()
            | "SettleK" >> beam.Map(lambda _, totals: settle_k(uri, totals, target_samples, retune), totals)
        )
