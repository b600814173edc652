"""The whole graph on one screen; the same on one machine, on Flink and on Dataflow.

    bundles ─ emit ─┬─ align ─┬─ measure ─ pick k ─┐
                    │         └────────────────────┴─ segment ─┬─ plan ─ write ─┐
                    └── dead letters, counts ──────────────────┴── ledgers ─────┴─ close

Before align, segment and write a run stops that has failed too often. Only references cross a shuffle. The reshuffles
around emit keep the other stages off GPU workers.
"""

from __future__ import annotations

from dataclasses import dataclass

import apache_beam as beam

from prep_corpus.align.recognition.sources import READING_ALONE
from prep_corpus.pipeline.recognition.refused import ReadRefused
from prep_corpus.pipeline.stages.align import Align
from prep_corpus.pipeline.stages.close import (
    Close,
    CloseOptions,
    Ends,
    KeepsPublished,
    ledgers_of,
    letters_of,
)
from prep_corpus.pipeline.stages.cut_recording import SegmentOptions
from prep_corpus.pipeline.stages.emit import Emit, EmitOptions
from prep_corpus.pipeline.stages.failures import FailureLimit, GoOn, WithinLimit
from prep_corpus.pipeline.stages.gather import Gather
from prep_corpus.pipeline.stages.measure import Measure, PickK
from prep_corpus.pipeline.stages.plan import Plan, PlanOptions
from prep_corpus.pipeline.stages.segment import SegmentBundles
from prep_corpus.pipeline.stages.transcript_checks import CheckTranscripts
from prep_corpus.pipeline.stages.write import WriteOptions, WriteShards
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.stage_store import Store
from prep_corpus.pipeline.watched import Watched


@dataclass(frozen=True, kw_only=True)
class GraphOptions:
    """What each stage reads of the configuration.

    Attributes:
        work: folder of the stage files.
        bundles_uri: text file with the digest of one bundle a line.
        k_frames: shortest pause to cut at, or None to pick it.
        k_uri: where a picked k is kept.
        target_samples: mean length that k is picked for.
        retune: pick k anew.
        max_failed: share of `close.entries` that may fail.
        threads: number of threads of one worker; no part of any result.
        judge: how the judge is run, beside emit; None where the run has none.
        progress: folder for the progress of workers on other machines, or None where they are this process.
    """

    work: str
    bundles_uri: str
    k_frames: int | None
    k_uri: str
    target_samples: float
    retune: bool
    max_failed: float
    threads: int
    emit: EmitOptions
    segment: SegmentOptions
    plan: PlanOptions
    write: WriteOptions
    close: CloseOptions
    progress: str | None = None
    judge: EmitOptions | None = None


def build(pipeline: beam.Pipeline, options: GraphOptions) -> None:
    """Add all stages to a pipeline."""
    work, store = options.work, Store(options.work)
    bundles = (
        pipeline
        | "BundleList" >> beam.Create([options.bundles_uri])
        | "ReadList" >> beam.FlatMap(lambda uri: files.read_bytes(uri).decode().split())
        | "SpreadBundles" >> beam.Reshuffle()
    )
    watched = beam.ParDo(Watched(options.progress))
    emitted = bundles | Emit(work, options.emit, options.progress) | "SpreadEmitted" >> beam.Reshuffle()
    limit = FailureLimit(
        share=options.max_failed, entries=options.close.entries, early=len(options.close.early_letters)
    )
    judged = None
    if options.judge is not None:
        judged = bundles | "Judge" >> Emit(work, options.judge, options.progress)
    both = emitted if judged is None else (emitted, judged) | "Emitted" >> Gather()
    after_emit = both | "AfterEmit" >> WithinLimit(limit)
    sound = emitted | "GoOnToAlign" >> GoOn(after_emit)
    aligned = sound | "WatchAlign" >> watched | Align(work, options.segment.text, options.threads)
    if options.segment.recognised is not None and options.segment.recognised.mode in READING_ALONE:
        aligned = aligned | ReadRefused(work)
    measured = aligned | Measure(work, options.segment, judged)
    if options.k_frames is None:
        k_frames = measured | PickK(work, options.k_uri, options.target_samples, options.retune)
    else:
        k_frames = pipeline | "GivenK" >> beam.Create([options.k_frames])
    after_align = (emitted, aligned) | "Settled" >> Gather() | "AfterAlign" >> WithinLimit(limit)
    segments = (
        aligned
        | "GoOnToSegment" >> GoOn(after_align)
        | "WatchSegment" >> watched
        | SegmentBundles(work, options.segment, k_frames, options.threads, judged)
    )

    checked = aligned | CheckTranscripts(work, options.close.out, options.segment.text)

    own = () if judged is None else (judged,)
    stages = (emitted, *own, aligned, checked, measured, segments) | "AllStages" >> Gather()
    closing = segments | "Ledgers" >> beam.Map(lambda ref: ledgers_of(store, ref))
    recordings = closing | "Recordings" >> beam.Map(lambda both: both[1])
    within = stages | "AfterSegment" >> WithinLimit(limit)
    publish = within | "KeepsPublished" >> KeepsPublished(options.close, recordings)
    shards = (
        segments
        | Plan(work, options.plan)
        | "WatchWrite" >> watched
        | WriteShards(work, work, options.close.out, options.write, publish)
    )
    ends = Ends(
        publish=publish,
        k_frames=k_frames,
        ledgers=closing | "OnlyLedgers" >> beam.Map(lambda both: both[0]),
        letters=stages | "Letters" >> beam.FlatMap(lambda ref: letters_of(store, ref)),
        shards=shards,
        stages=stages,
        recordings=recordings,
    )
    pipeline | Close(options.close, ends)
