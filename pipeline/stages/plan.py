"""Plan: which shard each kept utterance goes to, from a histogram of bytes that workers fill apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import apache_beam as beam
import numpy as np
from apache_beam.pvalue import AsSingleton, PCollection
from numpy.typing import NDArray

from prep_corpus.align.recognition.sources import READ_SPLIT_ENDING, TRANSCRIPT
from prep_corpus.pipeline.shards.clips import UtteranceRef
from prep_corpus.pipeline.shards.shard_plan import (
    Kin,
    Order,
    ShardPlan,
    add_to_histogram,
    company,
    empty_histogram,
    group_in,
    order_key,
    plan_shards,
    split_group,
    split_of,
)
from prep_corpus.pipeline.stages.segment_rows import read_utterance_refs
from prep_corpus.pipeline.storage.stage_store import StageRef, Store

Histograms = dict[str, NDArray[np.int64]]


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """What plan reads of the configuration.

    Attributes:
        seed: seed of order and splits.
        order: "shuffle" or "length".
        splits: share of each split by name.
        split_by: "auto", "speaker" or "recording".
        shard_bytes: target size of a shard.
        split_read: utterances with words that the model hears are in a split beside that of the others.
    """

    seed: int
    order: Order
    splits: tuple[tuple[str, float], ...]
    split_by: str
    shard_bytes: int
    split_read: bool = False


def companies(store: Store, segments: StageRef) -> Iterator[tuple[str, ...]]:
    """What each recording of several speakers holds together."""
    speakers: dict[str, set[str | None]] = {}
    for row in read_utterance_refs(store, segments):
        speakers.setdefault(row.recording_id, set()).add(row.speaker)
    for recording_id, found in speakers.items():
        if groups := company(found, recording_id):
            yield groups


class KinFn(beam.CombineFn):
    """Groups that come to one split, each with the one that stands for it."""

    def create_accumulator(self) -> list[tuple[str, ...]]:
        return []

    def add_input(self, joined: list[tuple[str, ...]], groups: tuple[str, ...]) -> list[tuple[str, ...]]:
        joined.append(groups)
        return joined

    def merge_accumulators(self, many: Iterable[list[tuple[str, ...]]]) -> list[tuple[str, ...]]:
        return [groups for joined in many for groups in joined]

    def extract_output(self, joined: list[tuple[str, ...]]) -> dict[str, str]:
        kin = Kin()
        for groups in joined:
            kin.join(groups)
        return dict(kin.pairs())


def utterance_refs(
    store: Store, segments: StageRef, options: PlanOptions, kin: Mapping[str, str] | None = None
) -> Iterator[UtteranceRef]:
    """The kept utterances of a bundle, each with its split and its place in the order.

    Args:
        store, segments: where they stand.
        options: of the plan.
        kin: what stands for each group of speakers and recordings that must stay together.
    """
    shares = dict(options.splits)
    for row in read_utterance_refs(store, segments, with_source=options.split_read):
        if options.split_by == "recording":
            group = split_group(None, row.recording_id)
        else:
            group = group_in(kin or {}, row.speaker, row.recording_id)
        beside = "" if row.text_source == TRANSCRIPT else READ_SPLIT_ENDING
        yield UtteranceRef(
            id=row.id,
            split=split_of(options.seed, group, shares) + beside,
            key=order_key(options.order, options.seed, row.id, row.seconds),
            digest=segments.digest,
            content=segments.content,
            offset=row.offset,
            n_bytes=row.n_bytes,
        )


class HistogramFn(beam.CombineFn):
    """Bytes by bin of the order, for each split."""

    def create_accumulator(self) -> Histograms:
        return {}

    def add_input(self, sums: Histograms, ref: UtteranceRef) -> Histograms:
        if ref.split not in sums:
            sums[ref.split] = empty_histogram()
        add_to_histogram(sums[ref.split], [ref.key], [ref.n_bytes])
        return sums

    def merge_accumulators(self, many: Iterable[Histograms]) -> Histograms:
        merged: Histograms = {}
        for sums in many:
            for split, histogram in sums.items():
                merged[split] = merged[split] + histogram if split in merged else histogram
        return merged

    def extract_output(self, sums: Histograms) -> Histograms:
        return sums


def plan_all(histograms: Histograms, shard_bytes: int) -> dict[str, ShardPlan]:
    """The shard plan of each split."""
    return {split: plan_shards(split, histograms[split], shard_bytes) for split in sorted(histograms)}


class _Address(beam.DoFn):
    def process(
        self, ref: UtteranceRef, plans: dict[str, ShardPlan]
    ) -> Iterator[tuple[tuple[str, int, int], UtteranceRef]]:
        plan = plans[ref.split]
        yield (ref.split, plan.shard_of(ref.key), plan.count), ref


class Plan(beam.PTransform):
    """References to segments -> ((split, shard, shards), utterance references)."""

    def __init__(self, root: str, options: PlanOptions) -> None:
        super().__init__()
        self._store, self._options = Store(root), options

    def expand(
        self, segments: PCollection[StageRef]
    ) -> PCollection[tuple[tuple[str, int, int], Iterable[UtteranceRef]]]:
        """One group a shard."""
        store, options = self._store, self._options
        kin = (
            segments
            | "Companies" >> beam.FlatMap(lambda ref: companies(store, ref))
            | "Kin" >> beam.CombineGlobally(KinFn()).as_singleton_view()
        )
        refs = segments | "Utterances" >> beam.FlatMap(
            lambda ref, kin: utterance_refs(store, ref, options, kin), kin
        )
        histograms = refs | "Histogram" >> beam.CombineGlobally(HistogramFn()).as_singleton_view()
        plans = (
            segments.pipeline
            | "Once" >> beam.Impulse()
            | "PlanShards" >> beam.Map(lambda _, found: plan_all(found, options.shard_bytes), histograms)
        )
        return refs | "Address" >> beam.ParDo(_Address(), AsSingleton(plans)) | "Gather" >> beam.GroupByKey()
