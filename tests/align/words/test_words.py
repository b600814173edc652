"""The table of words, CTM and TextGrid."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from prep_corpus.align.text.normalize import NormalizedText, normalize
from prep_corpus.align.transcripts.formats import parse
from prep_corpus.align.viterbi.viterbi import Alignment
from prep_corpus.align.words.words import Words, to_ctm, to_textgrid, word_table

ALPHABET = frozenset("abcdefghijklmnopqrstuvwxyz'")
FRAME_SECONDS = 0.02


def _aligned(
    text: str, starts: dict[int, int], *, skipped: range = range(0)
) -> tuple[Alignment, NormalizedText]:
    """Token i is said for one frame at 2 * i, or where `starts` says."""
    normalized = normalize(text, alphabet=ALPHABET)
    starts_L = np.array([starts.get(i, 2 * i) for i in range(len(normalized.text))], np.int32)
    skipped_L = np.isin(np.arange(len(starts_L)), np.array(skipped))
    ends_L = np.where(skipped_L, starts_L, starts_L + 1).astype(np.int32)
    alignment = Alignment(
        starts_L=starts_L, ends_L=ends_L, skipped_L=skipped_L, untranscribed=(), score_nats=0.0
    )
    return alignment, normalized


def test_every_word_knows_its_tokens_frames_and_characters() -> None:
    alignment, normalized = _aligned("Hello, World 25!", {})
    assert normalized.text == "hello world twenty five"
    words = word_table(alignment, normalized)
    assert len(words) == 4
    assert words.token_starts.tolist() == [0, 6, 12, 19]
    assert words.token_ends.tolist() == [5, 11, 18, 23]
    assert words.frame_starts.tolist() == [0, 12, 24, 38]
    assert words.frame_ends.tolist() == [9, 21, 35, 45]
    assert [normalized.original[a:b] for a, b in zip(words.char_starts, words.char_ends)] == [
        "Hello",
        "World",
        "25",
        "25",
    ]
    assert not words.skipped.any()


def test_a_text_without_words_has_an_empty_table() -> None:
    alignment, normalized = _aligned("...", {})
    words = word_table(alignment, normalized)
    assert len(words) == 0
    assert to_ctm(words, normalized, recording_id="a", frame_seconds=FRAME_SECONDS) == ""


def test_an_alignment_of_another_text_is_refused() -> None:
    alignment, _ = _aligned("one two", {})
    with pytest.raises(ValueError, match="7 places, 3 tokens"):
        word_table(alignment, normalize("one", alphabet=ALPHABET))


def test_ctm_has_one_line_for_each_word_that_is_said() -> None:
    # "two " is left out: tokens 4 to 7 stand where "one " ended.
    alignment, normalized = _aligned("one two three", {4: 7, 5: 7, 6: 7, 7: 7}, skipped=range(4, 8))
    words = word_table(alignment, normalized)
    assert words.skipped.tolist() == [False, True, False]
    ctm = to_ctm(words, normalized, recording_id="my talk", frame_seconds=FRAME_SECONDS)
    assert ctm.splitlines() == ["my_talk 1 0.000 0.100 one", "my_talk 1 0.320 0.180 three"]


def test_ctm_says_who_speaks_where_anybody_is_named() -> None:
    alignment, normalized = _aligned("one two three", {})
    words = replace(word_table(alignment, normalized), speakers=np.array([0, -1, 1], np.int32))
    ctm = to_ctm(words, normalized, recording_id="t", frame_seconds=FRAME_SECONDS, speakers=("Ann B", "bo"))
    assert [line.split()[4:] for line in ctm.splitlines()] == [
        ["one", "NA", "lex", "Ann_B"],
        ["two", "NA", "lex", "null"],
        ["three", "NA", "lex", "bo"],
    ]
    assert [turn.speaker for turn in parse(ctm, name="t.ctm").turns] == ["Ann_B", "bo"]


def _tiers(grid: str) -> dict[str, list[tuple[float, float, str]]]:
    """A TextGrid read back the way Praat reads it: numbers and quoted strings in order."""
    tiers: dict[str, list[tuple[float, float, str]]] = {}
    for part in re.split(r"item \[\d+\]:", grid)[1:]:
        values = re.findall(r'= ("(?:[^"]|"")*"|[\d.]+)', part)
        kind, name, xmin, xmax, size = (v.strip('"') for v in values[:5])
        rest, step = values[5:], 3 if kind == "IntervalTier" else 2
        assert xmin == "0"
        assert len(rest) == step * int(size)
        assert float(xmax) > 0
        rows = [rest[i : i + step] for i in range(0, len(rest), step)]
        tiers[name] = [(float(r[0]), float(r[-2]), r[-1][1:-1].replace('""', '"')) for r in rows]
    return tiers


def test_a_textgrid_covers_the_recording_and_names_what_is_missing() -> None:
    alignment, normalized = _aligned("one two three", {4: 7, 5: 7, 6: 7, 7: 7}, skipped=range(4, 8))
    words = word_table(alignment, normalized)
    grid = to_textgrid(words, normalized, [(8, 14)], frame_seconds=FRAME_SECONDS, duration_seconds=1.0)
    assert grid.startswith('File type = "ooTextFile"\nObject class = "TextGrid"\n')
    tiers = _tiers(grid)
    assert tiers["words"] == [(0.0, 0.1, "one"), (0.1, 0.32, ""), (0.32, 0.5, "three"), (0.5, 1.0, "")]
    assert tiers["untranscribed"] == [(0.0, 0.16, ""), (0.16, 0.28, "speech"), (0.28, 1.0, "")]
    assert tiers["unspoken"] == [(0.14, 0.14, "two")]


def test_a_textgrid_of_nothing_is_one_empty_interval() -> None:
    none = np.empty(0, np.int32)
    words = Words(
        token_starts=none,
        token_ends=none,
        frame_starts=none,
        frame_ends=none,
        char_starts=none,
        char_ends=none,
        skipped=np.empty(0, bool),
    )
    grid = to_textgrid(
        words, normalize("", alphabet=ALPHABET), [], frame_seconds=FRAME_SECONDS, duration_seconds=2.0
    )
    assert _tiers(grid) == {"words": [(0.0, 2.0, "")], "unspoken": [], "untranscribed": [(0.0, 2.0, "")]}
