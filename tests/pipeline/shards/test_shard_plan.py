from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pytest

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.shards import shard_plan as sp


def test_the_shuffle_key_is_a_pure_function_written_down_here() -> None:
    assert sp.shuffle_key(0, "a") == sp.shuffle_key(0, "a")
    assert len({sp.shuffle_key(seed, name) for seed in range(10) for name in "abc"}) == 30
    first_8_bytes = hashlib.blake2b(b"shuffle\x000\x00a", digest_size=8).digest()
    assert sp.shuffle_key(0, "a") == int.from_bytes(first_8_bytes, "big") == 4351920641208475881


def test_three_utterances_by_hand() -> None:
    histogram = sp.empty_histogram()
    top = 64 - sp.BIN_BITS
    keys = [1 << top, 5 << top, 9 << top]
    sp.add_to_histogram(histogram, keys, [100, 100, 100])
    plan = sp.plan_shards("train", histogram, 100)
    assert plan.count == 3
    assert [plan.shard_of(key) for key in keys] == [0, 1, 2]
    assert sp.plan_shards("train", histogram, 10_000).count == 1


def test_no_shard_is_empty_when_one_utterance_is_larger_than_many_targets() -> None:
    histogram = sp.empty_histogram()
    top = 64 - sp.BIN_BITS
    sp.add_to_histogram(histogram, [0, 7 << top, 8 << top], [1_000_000, 10, 10])
    plan = sp.plan_shards("train", histogram, 100)
    shards = [plan.shard_of(key) for key in (0, 7 << top, 8 << top)]
    assert sorted(set(shards)) == list(range(plan.count))


def test_an_empty_split_has_one_shard() -> None:
    assert sp.plan_shards("dev", sp.empty_histogram(), 100).count == 1


@pytest.mark.parametrize("order", ["shuffle", "length"])
def test_shards_of_over_500_utterances_are_within_a_tenth_in_bytes(order: sp.Order) -> None:
    rng = np.random.default_rng(0)
    # Whole model frames of 20 ms, so that lengths repeat; sizes vary for equal lengths, as FLAC does.
    seconds = np.round(rng.gamma(6.0, 1.2, 12_000) / 0.02) * 0.02 + 1.0
    sizes = (seconds * 16_000 * rng.uniform(0.8, 1.2, seconds.size)).astype(int)
    keys = [sp.order_key(order, 3, f"u{number}", float(s)) for number, s in enumerate(seconds)]
    left = sp.add_to_histogram(sp.empty_histogram(), keys[:5000], sizes[:5000])
    right = sp.add_to_histogram(sp.empty_histogram(), keys[5000:], sizes[5000:])
    plan = sp.plan_shards("train", left + right, int(sizes.sum() / 12))
    assert plan.count == 12
    shards = np.array([plan.shard_of(key) for key in keys])
    shard_bytes = np.bincount(shards, weights=sizes)
    assert np.all(np.abs(shard_bytes / shard_bytes.mean() - 1) < 0.1)
    if order == "length":
        order_of = np.argsort(np.array(keys, dtype=np.uint64))
        assert np.all(np.diff(seconds[order_of]) > -sp.LENGTH_UNIT_SECONDS)
        assert np.all(np.diff(shards[order_of]) >= 0)


def test_groups_stay_whole_and_get_their_shares() -> None:
    shares = {"train": 0.8, "dev": 0.1, "test": 0.1}
    counts = Counter(sp.split_of(7, sp.split_group(f"s{n}", "r"), shares) for n in range(20_000))
    assert abs(counts["dev"] / 20_000 - 0.1) < 0.01
    assert abs(counts["test"] / 20_000 - 0.1) < 0.01
    assert sp.split_group("s", "one") == sp.split_group("s", "two")
    assert sp.split_group(None, "one") != sp.split_group(None, "two")
    assert sp.split_group("x", "r") != sp.split_group(None, "x")


def test_a_split_without_a_share_gets_nothing() -> None:
    assert {sp.split_of(0, str(n), {"train": 1.0, "dev": 0.0}) for n in range(100)} == {"train"}


def test_shares_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(UsageError, match="add up"):
        sp.split_of(0, "a", {"train": 0.9})


def test_what_a_recording_of_several_speakers_holds_together() -> None:
    assert sp.company(["ann"], "r1") == sp.company([None], "r1") == ()
    assert sp.company(["bob", "ann", None], "r1") == ("recording:r1", "speaker:ann", "speaker:bob")
    # The first voice of one recording is not the first voice of another.
    assert sp.company(["SPEAKER_00", "SPEAKER_01"], "r1") == ("recording:r1",)
    for local in ("SPEAKER_01", "spk 2", "s1", "Speaker A", "unknown", "Q", "2"):
        assert sp.numbers_a_voice(local), local
    for name in ("ann", "84", "Spencer", "JOHN", "Speaker of the House"):
        assert not sp.numbers_a_voice(name) or name == "84", name


def test_groups_that_share_a_recording_come_to_one_split() -> None:
    kin = sp.Kin()
    for recording, speakers in (
        ("r1", ("ann", "bob")),
        ("r2", ("cid", "dora")),
        ("r3", ("eve", "bob", "s1")),
        ("r4", ("s1", "s2")),
    ):
        kin.join(sp.company(speakers, recording))
    found = dict(kin.pairs())
    assert {
        sp.group_in(found, *one) for one in (("ann", "r1"), ("eve", "r3"), ("s1", "r3"), ("bob", "r9"))
    } == {"speaker:eve"}
    assert sp.group_in(found, "cid", "r2") == sp.group_in(found, "dora", "r8") == "speaker:dora"
    assert sp.group_in(found, "s1", "r4") == sp.group_in(found, "s2", "r4") == "recording:r4"
    assert sp.group_in(found, "s1", "r5") == "speaker:s1"
    assert sp.group_in({}, None, "r5") == "recording:r5"
    # In whatever order the recordings come.
    again = sp.Kin()
    for groups in (("recording:r3", "speaker:bob", "speaker:eve"), ("recording:r2", "speaker:cid", "speaker:dora"),
                   ("recording:r4",), ("recording:r1", "speaker:ann", "speaker:bob")):  # fmt: skip
        again.join(groups)
    assert dict(again.pairs()) == found
