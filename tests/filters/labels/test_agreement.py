from __future__ import annotations

import pytest
from sklearn.metrics import cohen_kappa_score

from prep_corpus.filters.labels.agreement import (
    Agreement,
    Versions,
    agreement_lines,
    agreements,
    differences,
    total,
)


def _words(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(text.split())


def _versions(**clips: dict[str, str | None]) -> Versions:
    return {id_: {name: _words(text) for name, text in heard.items()} for id_, heard in clips.items()}


HEARD = _versions(
    a={"ann": "one two three", "ben": "one two three"},
    b={"ann": "one two three", "ben": "one too three four"},
    c={"ann": None, "ben": None},
    d={"ann": "five", "ben": None},
    e={"ann": "six", "cat": "six"},
    f={"ann": "alone"},
    g={"ann": "", "ben": ""},
)


def test_a_pair_by_hand() -> None:
    first, second = agreements(HEARD)
    assert first.listeners == ("ann", "ben")
    assert (first.both, first.only_first, first.only_second, first.neither) == (3, 1, 0, 1)
    # One word exchanged and one put in; 3 + 3, 3 + 4 and 0 + 0 words.
    assert first.edits == 2
    assert first.wer == pytest.approx(2 / 6.5)
    assert first.identical_share == pytest.approx(2 / 3)
    assert first.same_verdict == pytest.approx(4 / 5)
    assert (second.listeners, second.clips, second.wer) == (("ann", "cat"), 1, 0.0)


def test_kappa_is_that_of_scikit_learn() -> None:
    pair = Agreement(both=40, only_first=6, only_second=3, neither=11)
    first = [1] * 46 + [0] * 14
    second = [1] * 40 + [0] * 6 + [1] * 3 + [0] * 11
    assert pair.kappa == pytest.approx(cohen_kappa_score(first, second))


def test_figures_that_nothing_tells_are_none() -> None:
    assert (
        Agreement().kappa
        is Agreement().wer
        is Agreement().identical_share
        is Agreement().same_verdict
        is None
    )
    assert Agreement(both=5).kappa is None
    assert Agreement(neither=5).wer is None
    # Always at odds: far below chance, and still a number.
    assert Agreement(only_first=5, only_second=5).kappa == pytest.approx(-1)


def test_pairs_add_up() -> None:
    pairs = agreements(HEARD)
    whole = total(pairs)
    assert whole.clips == sum(pair.clips for pair in pairs) == 6
    assert whole.edits == 2
    assert whole.words == pytest.approx(6.5 + 1)


def test_differences_come_worst_first() -> None:
    found = differences(HEARD)
    assert [(one.id, one.edits) for one in found] == [("b", 2), ("d", 1)]
    assert found[1].texts == ("five", None)


def test_lines_for_people() -> None:
    lines = agreement_lines(HEARD, examples=1)
    assert lines[0] == "6 of 7 clips were heard by two or more of 3 listeners"
    assert "ann and ben: 5 clips; 30.8% of the words differ, 2 of 3 texts are identical" in lines[1]
    assert "kappa 0.55" in lines[1]
    assert lines[-2:] == ["  ann: one two three", "  ben: one too three four"]
    assert agreement_lines(_versions(a={"ann": "x"})) == []
    (_, only) = agreement_lines(_versions(a={"ann": None, "ben": None}))
    assert "no clip that both could understand" in only
