"""Damage at known places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.fitting.cases import Damage, damage

WORDS = tuple(f"w{n}" for n in range(3000))


@given(st.integers(0, 60), st.lists(st.integers(0, 80)), st.integers(0, 5))
def test_words_left_alone_keep_their_order_and_their_text(count: int, ends: list[int], seed: int) -> None:
    words = WORDS[:count]
    done = damage(words, sorted(ends), seed=seed, name="one", recipe=Damage(sentence_words=5))
    kept = [origin for origin in done.origins if origin >= 0]
    assert kept == sorted(set(kept))
    assert all(done.words[at] == words[o] for at, o in enumerate(done.origins) if o >= 0)


def test_the_shares_are_those_of_the_recipe() -> None:
    words = WORDS * 20
    done = damage(words, range(20, len(words), 20), seed=1, name="one", recipe=Damage())
    kept = sum(origin >= 0 for origin in done.origins) / len(words)
    # Missing and replaced sentences, and three quarters of the edits, lose words.
    assert kept == pytest.approx(1 - 0.10 - 0.75 * (0.16 * 0.12 + 0.09 * 0.55), abs=0.02)


def test_damage_depends_on_seed_and_name_alone() -> None:
    first = damage(WORDS, (), seed=1, name="one", recipe=Damage())
    assert first == damage(WORDS, (), seed=1, name="one", recipe=Damage())
    assert first != damage(WORDS, (), seed=2, name="one", recipe=Damage())
    assert first != damage(WORDS, (), seed=1, name="two", recipe=Damage())


def test_no_damage_changes_nothing() -> None:
    whole = Damage(light=0.0, heavy=0.0, missing=0.0, replaced=0.0, extra=0.0)
    done = damage(WORDS, (), seed=1, name="one", recipe=whole)
    assert done.words == WORDS
    assert done.origins == tuple(range(len(WORDS)))


def test_impossible_recipes_are_refused() -> None:
    with pytest.raises(UsageError, match="at most 1 together"):
        Damage(light=0.9, heavy=0.9)
    with pytest.raises(UsageError, match="at least one word"):
        Damage(sentence_words=0)


def test_sentences_end_where_they_are_said_to() -> None:
    gone = Damage(light=0.0, heavy=0.0, missing=0.5, replaced=0.0, extra=0.0)
    done = damage(WORDS, range(10, 3000, 10), seed=1, name="one", recipe=gone)
    kept = np.array(done.origins)
    assert set(np.bincount(kept // 10, minlength=300).tolist()) == {0, 10}


def test_every_word_knows_what_befell_it() -> None:
    words = WORDS[:1000]
    done = damage(words, range(10, 1000, 10), seed=2, name="one", recipe=Damage(heavy=0.3))
    assert len(done.kinds) == len(done.fates) == len(done.words)
    assert len(done.original_fates) == len(words)
    assert all((kind == "right") == (origin >= 0) for kind, origin in zip(done.kinds, done.origins))
    remaining = {origin for origin in done.origins if origin >= 0}
    for word, fate in enumerate(done.original_fates):
        assert (fate in ("whole", "extra")) <= (word in remaining)
        assert (fate in ("missing", "replaced")) <= (word not in remaining)
    assert set(done.kinds) == {"right", "substituted", "inserted", "replaced", "extra"}


def test_a_neighbours_text_is_not_put_beside_its_own_audio() -> None:
    words = WORDS[:200]
    always = Damage(light=0.0, heavy=0.0, missing=0.0, replaced=1.0, extra=0.0)
    for seed in range(20):
        done = damage(words, range(10, 200, 10), seed=seed, name="one", recipe=always)
        for place in range(len(done.words) // 10):
            drawn = words.index(done.words[10 * place]) // 10
            assert abs(drawn - place) >= 2
    # Of three sentences none is far enough from the middle one.
    short = damage(words[:30], (10, 20), seed=0, name="one", recipe=always)
    assert short.original_fates[10:20] == ("whole",) * 10
