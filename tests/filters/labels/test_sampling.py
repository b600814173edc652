from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.labels.sampling import Draw, SampleOptions, allocate, draw, luck, share_out


def _corpus(kept: int, low: int, unscored: int, seed: int = 0) -> tuple[np.ndarray, list[str], list[str]]:
    random = np.random.default_rng(seed)
    scores = np.concatenate([random.normal(2, 1, kept), random.normal(-2, 1, low), np.full(unscored, np.nan)])
    reasons = [""] * kept + ["low-score"] * low + ["inside-speech", "too-short"] * (unscored // 2)
    order = random.permutation(len(reasons))
    ids = [f"r-{number:06d}" for number in range(len(reasons))]
    return scores[order], [reasons[i] for i in order], ids


def _draw(kept: int, low: int, unscored: int, **options: float) -> tuple[Draw, np.ndarray, list[str]]:
    scores, reasons, ids = _corpus(kept, low, unscored)
    chosen = SampleOptions(**options)  # type: ignore[arg-type]
    return draw(scores, reasons, luck(chosen.seed, "draw", ids), chosen), scores, reasons


def test_half_is_kept_and_scores_are_covered_evenly() -> None:
    drawn, scores, reasons = _draw(1000, 200, 300, count=100)
    fate = [reasons[i] for i in drawn.indices_D]
    assert fate.count("") == 50
    assert fate.count("low-score") == pytest.approx(35, abs=1)
    assert fate.count("inside-speech") == pytest.approx(fate.count("too-short"), abs=1)
    kept_scores = np.sort([score for score, reason in zip(scores, reasons) if not reason])
    borders = kept_scores[[200, 400, 600, 800]]
    bins = np.searchsorted(borders, [scores[i] for i in drawn.indices_D if not reasons[i]], side="right")
    assert np.bincount(bins).tolist() == [10] * 5


def test_weights_stand_for_all_segments_and_give_unbiased_figures() -> None:
    drawn, _, reasons = _draw(1000, 200, 300, count=100)
    assert drawn.weights_D.sum() == pytest.approx(1500)
    weight_of_kept = sum(w for w, i in zip(drawn.weights_D, drawn.indices_D) if not reasons[i])
    assert weight_of_kept == pytest.approx(1000)
    # A property that rises with the score, estimated over many seeds.
    scores, reasons, ids = _corpus(300, 100, 100, seed=3)
    is_bad = np.nan_to_num(scores, nan=-3.0) < 1.0
    found = []
    for seed in range(200):
        options = SampleOptions(count=40, seed=seed)
        one = draw(scores, reasons, luck(seed, "draw", ids), options)
        found.append((one.weights_D * is_bad[one.indices_D]).sum() / one.weights_D.sum())
    assert np.mean(found) == pytest.approx(is_bad.mean(), abs=3 * np.std(found) / np.sqrt(len(found)))


def test_a_segment_is_drawn_once_and_the_seed_decides() -> None:
    first, _, _ = _draw(500, 100, 100, count=200)
    again, _, _ = _draw(500, 100, 100, count=200)
    other, _, _ = _draw(500, 100, 100, count=200, seed=1)
    assert len(set(first.indices_D.tolist())) == 200
    assert first.indices_D.tolist() == again.indices_D.tolist() != other.indices_D.tolist()


def test_a_larger_sample_holds_the_smaller_one() -> None:
    small, _, _ = _draw(500, 100, 100, count=40)
    large, _, _ = _draw(500, 100, 100, count=80)
    assert set(small.indices_D.tolist()) < set(large.indices_D.tolist())


def test_the_order_mixes_the_strata() -> None:
    drawn, _, reasons = _draw(1000, 200, 300, count=100)
    first_half = [not reasons[i] for i in drawn.indices_D[:50]]
    assert 12 < sum(first_half) < 38


def test_what_one_group_cannot_give_comes_from_the_others() -> None:
    drawn, _, reasons = _draw(1000, 4, 0, count=100)
    assert len(drawn.indices_D) == 100
    assert sum(reasons[i] == "low-score" for i in drawn.indices_D) == 4
    everything, _, _ = _draw(20, 4, 2, count=500)
    assert sorted(everything.indices_D.tolist()) == list(range(26))
    assert everything.weights_D.tolist() == [1.0] * 26


def test_kept_alone_or_dropped_alone() -> None:
    drawn, _, reasons = _draw(100, 50, 50, count=60, kept_share=1)
    assert {reasons[i] for i in drawn.indices_D} == {""}
    drawn, _, reasons = _draw(100, 50, 50, count=60, kept_share=0)
    assert "" not in {reasons[i] for i in drawn.indices_D}


def test_nothing_to_draw_from_is_refused() -> None:
    with pytest.raises(UsageError, match="of 0 none has a share"):
        _draw(0, 0, 0)
    with pytest.raises(UsageError, match="--kept 1"):
        _draw(0, 10, 10, kept_share=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "--count"),
        ({"listeners": 0}, "--listeners"),
        ({"overlap": 1.5}, "--overlap"),
        ({"kept_share": -0.1}, "--kept"),
        ({"min_seconds": -1.0}, "--min-seconds"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        SampleOptions(**options)  # type: ignore[arg-type]


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 200),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 50)), max_size=8),
)
def test_allocation_gives_out_all_that_can_be_taken(count: int, takers: list[tuple[float, int]]) -> None:
    shares, sizes = [share for share, _ in takers], [size for _, size in takers]
    taken = allocate(count, shares, sizes)
    assert all(0 <= t <= size for t, size in zip(taken, sizes))
    assert all(t == 0 for t, share in zip(taken, shares) if share == 0)
    assert sum(taken) == min(count, sum(size for share, size in takers if share > 0))


def test_allocation_by_hand() -> None:
    assert allocate(10, [0.5, 0.5], [100, 100]) == [5, 5]
    assert allocate(10, [0.5, 0.3, 0.2], [100, 1, 100]) == [6, 1, 3]
    assert allocate(3, [1, 1], [10, 10]) == [2, 1]


def test_parts_overlap_as_asked_and_hold_every_stratum_evenly() -> None:
    strata = [clip % 5 for clip in range(500)]
    heard = share_out(strata, SampleOptions(listeners=3, overlap=0.1))
    assert sum(parts == (1, 2, 3) for parts in heard) == 50
    for listener in (1, 2, 3):
        own = [clip for clip, parts in enumerate(heard) if listener in parts]
        assert len(own) == 200
        counts = np.bincount([strata[clip] for clip in own])
        assert counts.max() - counts.min() <= 2
    shared = np.bincount([strata[clip] for clip, parts in enumerate(heard) if len(parts) == 3])
    assert shared.max() - shared.min() <= 1


def test_one_listener_hears_everything_and_full_overlap_gives_everyone_everything() -> None:
    assert share_out([0, 0, 1], SampleOptions()) == [(1,)] * 3
    assert share_out([0, 0, 1], SampleOptions(listeners=2, overlap=1)) == [(1, 2)] * 3
    assert share_out([0, 0, 1], SampleOptions(listeners=2, overlap=0)) == [(1,), (2,), (1,)]


def test_kept_texts_of_each_source_are_drawn_alike() -> None:
    scores, reasons, ids = _corpus(300, 40, 0)
    sources = ["model" if number % 3 == 0 else "transcript" for number in range(len(ids))]
    drawn = draw(scores, reasons, luck(0, "draw", ids), SampleOptions(count=100), sources)
    kept = [sources[i] for i in drawn.indices_D if not reasons[i]]
    assert kept.count("model") == kept.count("transcript") > 0
    assert sum(
        weight for i, weight in zip(drawn.indices_D, drawn.weights_D) if not reasons[i]
    ) == pytest.approx(300)
    assert {stratum.name for stratum in drawn.strata} >= {"kept, model 1 of 5", "kept, transcript 5 of 5"}
