"""Every transform of the stages as a list in and a list out: what the pure function of each bundle gives, no more."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from support.eager import created, eager
from support.toy_stages import EARLY, K_FRAMES, ToyStages, placed

from prep_corpus.align.errors import DeadLetter
from prep_corpus.pipeline.inputs.noise import open_bank
from prep_corpus.pipeline.ledgers import Ledgers
from prep_corpus.pipeline.outcome import read_outcome
from prep_corpus.pipeline.reuse.standing_shards import ShardFile
from prep_corpus.pipeline.shards.clips import UtteranceRef
from prep_corpus.pipeline.stages import write
from prep_corpus.pipeline.stages.align import Align
from prep_corpus.pipeline.stages.close import (
    Close,
    CloseOptions,
    Ends,
    KeepsPublished,
    ledgers_of,
    letters_of,
)
from prep_corpus.pipeline.stages.emit import Emit
from prep_corpus.pipeline.stages.measure import Measure, PickK, add_totals, keep_k, kept_k, read_totals
from prep_corpus.pipeline.stages.plan import Plan, utterance_refs
from prep_corpus.pipeline.stages.segment import SegmentBundles
from prep_corpus.pipeline.stages.transcript_checks import CheckTranscripts, read_checks
from prep_corpus.pipeline.stages.write import WriteShards
from prep_corpus.pipeline.storage.stage_store import Store

Shards = dict[tuple[str, int, int], list[UtteranceRef]]


def test_emit_gives_a_reference_for_each_bundle(toy_stages: ToyStages, tmp_path: Path) -> None:
    options = toy_stages.without(tmp_path, ["emit", "align", "measure", "segment"])
    found = eager(
        lambda pipeline: created(pipeline, B=toy_stages.bundles)[0] | Emit(options.work, options.emit)
    )
    assert sorted(found) == sorted(toy_stages.emitted)
    assert sorted(ref.failed for ref in found) == [0, 0, 0, 1]


def test_align_gives_a_reference_for_each(toy_stages: ToyStages, tmp_path: Path) -> None:
    options = toy_stages.without(tmp_path, ["align", "measure", "segment"])
    transform = Align(options.work, options.segment.text, 2)
    found = eager(lambda pipeline: created(pipeline, E=toy_stages.emitted)[0] | transform)
    assert sorted(found) == sorted(toy_stages.aligned)


def test_measure_gives_a_reference_for_each(toy_stages: ToyStages, tmp_path: Path) -> None:
    options = toy_stages.without(tmp_path, ["measure", "segment"])
    transform = Measure(options.work, options.segment)
    found = eager(lambda pipeline: created(pipeline, A=toy_stages.aligned)[0] | transform)
    assert sorted(found) == sorted(toy_stages.measured)


def test_one_k_is_picked_for_all_measures(toy_stages: ToyStages, tmp_path: Path) -> None:
    work = toy_stages.options.work
    totals = {}
    for ref in toy_stages.measured:
        totals = add_totals(totals, read_totals(Store(work), ref))
    wanted_samples = 3.0 * 16_000
    transform = PickK(work, str(tmp_path / "k.json"), wanted_samples, False)
    (k_frames,) = eager(lambda pipeline: created(pipeline, M=toy_stages.measured)[0] | transform)
    means = {k: samples / segments for k, (segments, samples) in totals.items() if segments}
    assert abs(means[k_frames] - wanted_samples) == min(abs(mean - wanted_samples) for mean in means.values())
    # It waits to be published.
    assert kept_k(str(tmp_path / "k.json")) is None
    keep_k(str(tmp_path / "k.json"))
    assert kept_k(str(tmp_path / "k.json")) == k_frames


def test_segment_gives_a_reference_for_each_cut_at_the_one_k(toy_stages: ToyStages, tmp_path: Path) -> None:
    options = toy_stages.without(tmp_path, ["segment"])
    found = eager(
        lambda pipeline: (
            created(pipeline, A=toy_stages.aligned)[0]
            | SegmentBundles(options.work, options.segment, created(pipeline, K=[K_FRAMES])[0], 2)
        )
    )
    assert sorted(found) == sorted(toy_stages.segmented)


def test_transcripts_without_cues_or_versions_have_no_checks(toy_stages: ToyStages, tmp_path: Path) -> None:
    transform = CheckTranscripts(toy_stages.options.work, str(tmp_path), toy_stages.options.segment.text)
    assert eager(lambda pipeline: created(pipeline, A=toy_stages.aligned)[0] | transform) == []
    assert list(read_checks(str(tmp_path))) == []


@pytest.fixture(scope="module")
def shards(toy_stages: ToyStages) -> Shards:
    plan = Plan(toy_stages.options.work, toy_stages.options.plan)
    groups = eager(lambda pipeline: created(pipeline, S=toy_stages.segmented)[0] | plan)
    return {address: list(refs) for address, refs in groups}


def test_plan_puts_each_utterance_into_one_shard(toy_stages: ToyStages, shards: Shards) -> None:
    store, options = Store(toy_stages.options.work), toy_stages.options.plan
    refs = [ref for ref in toy_stages.segmented for ref in utterance_refs(store, ref, options)]
    assert Counter(ref for found in shards.values() for ref in found) == Counter(refs)
    assert len(refs) > 5
    count = len(shards)
    assert sorted(shards) == [("train", index, count) for index in range(count)]
    assert count > 1
    # A shard's keys lie under those of the next.
    keys = [[ref.key for ref in shards["train", index, count]] for index in range(count)]
    assert all(max(one) < min(after) for one, after in pairwise(keys))


@pytest.mark.parametrize("publish", [True, False])
def test_write_gives_the_files_of_each_shard_or_none(
    toy_stages: ToyStages, shards: Shards, tmp_path: Path, publish: bool
) -> None:
    options = placed(toy_stages.options, tmp_path)
    found = eager(
        lambda pipeline: (
            created(pipeline, S=shards.items())[0]
            | WriteShards(
                toy_stages.options.work,
                options.work,
                str(tmp_path),
                options.write,
                created(pipeline, P=[publish])[0],
            )
        )
    )
    if not publish:
        assert found == []
        assert not (tmp_path / "data").exists()
        return
    other = tmp_path / "other"
    bank = open_bank(None, options.write.sample_rate_hz)
    wanted: list[ShardFile] = []
    for address, refs in shards.items():
        store, receipts = Store(toy_stages.options.work), Store(str(other / "work"))
        wanted += write.write_shard(store, receipts, str(other), address, refs, bank, options.write)
    assert sorted(found) == sorted(wanted)


@pytest.mark.parametrize("publish", [True, False])
def test_close_adds_up_and_publishes_or_not(toy_stages: ToyStages, tmp_path: Path, publish: bool) -> None:
    options = placed(toy_stages.options, tmp_path)
    store = Store(toy_stages.options.work)
    stages = [*toy_stages.emitted, *toy_stages.aligned, *toy_stages.segmented]
    closing = [ledgers_of(store, ref) for ref in toy_stages.segmented]
    ledgers, recordings = [one for one, _ in closing], [keys for _, keys in closing]
    letters = [letter for ref in stages for letter in letters_of(store, ref)]
    assert [letter.reason for letter in letters] == ["audio-silent"]
    ends = {
        "publish": [publish],
        "k_frames": [K_FRAMES],
        "ledgers": ledgers,
        "letters": letters,
        "stages": stages,
        "recordings": recordings,
    }
    assert eager(
        lambda pipeline: (
            pipeline
            | Close(
                options.close,
                Ends(**dict(zip([*ends, "shards"], created(pipeline, **ends, shards=[])))),
            )
        )
    ) == [None]
    outcome = read_outcome(str(tmp_path))
    assert outcome.reasons == {"audio-missing": 1, "audio-silent": 1}
    assert outcome.published is publish is (tmp_path / "manifest.json").exists()
    whole = Ledgers.from_json(outcome.ledgers)
    assert whole.counts["utterances"] == sum(one.counts.get("utterances", 0) for one in ledgers)
    lines = (tmp_path / "dead-letters.jsonl").read_text().splitlines()
    assert {DeadLetter(**json.loads(line)).reason for line in lines} == {EARLY.reason, "audio-silent"}
    if publish:
        assert keeps(options.close, recordings) == [True]
        assert keeps(options.close, recordings[1:]) == [False]
        assert keeps(replace(options.close, force=True), recordings[1:]) == [True]


def keeps(options: CloseOptions, recordings: list[bytes]) -> list[bool]:
    """Whether a run that may publish does, where those recordings are left of what is published."""
    return eager(
        lambda pipeline: (
            created(pipeline, P=[True])[0] | KeepsPublished(options, created(pipeline, R=recordings)[0])
        )
    )
