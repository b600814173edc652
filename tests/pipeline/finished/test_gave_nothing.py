"""Why a recording gave nothing, from its ledgers."""

from __future__ import annotations

from typing import Any

import pytest

from prep_corpus.pipeline.finished.gave_nothing import why_nothing


def outcome(samples: dict[str, int], characters: dict[str, int], utterances: int = 0) -> dict[str, Any]:
    return {
        "samples": {**samples, "decoded": sum(samples.values())},
        "characters": {**characters, "read": sum(characters.values())},
        "counts": {"recordings": 1, "utterances": utterances},
    }


@pytest.mark.parametrize(
    ("samples", "characters", "part"),
    [
        ({"pause": 100}, {"stripped": 20}, "no words"),
        ({"untranscribed": 90, "pause": 10}, {"unsayable": 80, "unspoken": 20}, "another language or script"),
        ({"pause": 98, "untranscribed": 2}, {"unspoken": 100}, "silent channel"),
        ({"untranscribed": 70, "pause": 30}, {"unspoken": 100}, "is not its text"),
        ({"dropped:low-score": 40, "pause": 60}, {"unspoken": 90, "dropped:low-score": 10}, "is not said"),
        ({"untranscribed": 90, "dropped:too-short": 10}, {"dropped:too-short": 30}, "has no text"),
        (
            {"dropped:low-score": 60, "dropped:too-short": 10, "pause": 30},
            {"dropped:low-score": 100},
            "most of them as low-score",
        ),
    ],
)
def test_the_likeliest_reason(samples: dict[str, int], characters: dict[str, int], part: str) -> None:
    reason = why_nothing(outcome(samples, characters))
    assert reason is not None
    assert part in reason


def test_a_recording_with_an_utterance_needs_none() -> None:
    assert why_nothing(outcome({"kept": 1, "pause": 99}, {"kept": 1, "unspoken": 99}, utterances=1)) is None


def test_a_phrase_that_many_texts_have_does_not_hide_anothers_text() -> None:
    samples = {"kept": 1, "untranscribed": 79, "pause": 20}
    assert "is not its text" in (
        why_nothing(outcome(samples, {"kept": 1, "unspoken": 99}, utterances=1)) or ""
    )
    assert why_nothing(outcome(samples, {"kept": 3, "unspoken": 97}, utterances=1)) is None


def test_of_a_recording_without_a_transcript_the_text_is_not_blamed() -> None:
    unsure = outcome({"untranscribed": 90, "pause": 10}, {})
    silent = outcome({"untranscribed": 2, "pause": 98}, {})
    unsure["counts"]["utterances recognised"] = silent["counts"]["utterances recognised"] = 0
    assert "has no transcript" in (why_nothing(unsure) or "")
    assert "silent channel" in (why_nothing(silent) or "")


def test_what_is_read_does_not_hide_that_the_text_is_anothers() -> None:
    wrong = outcome({"kept:model": 70, "pause": 30}, {"unspoken": 100}, utterances=5)
    wrong["counts"]["utterances recognised"] = 5
    assert "is not its text" in (why_nothing(wrong) or "")
    phrase = outcome({"kept": 1, "kept:model": 79, "pause": 20}, {"kept": 1, "unspoken": 99}, utterances=6)
    phrase["counts"]["utterances recognised"] = 5
    assert "is not its text" in (why_nothing(phrase) or "")
    right = outcome({"kept": 50, "kept:model": 40, "pause": 10}, {"kept": 90, "unspoken": 10}, utterances=9)
    bare = outcome({"kept:model": 90, "pause": 10}, {}, utterances=4)
    right["counts"]["utterances recognised"] = bare["counts"]["utterances recognised"] = 4
    assert why_nothing(right) is why_nothing(bare) is None
