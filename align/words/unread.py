"""Which of the marks that a text offers as unread are read after all, and which broken words are one.

The text is aligned without any of them. Then each is tried where it stands, between the words beside it: it is
said if the audio between these words is better explained with it than without.

Legend: T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.text.normalized import NormalizedText, Offer
from prep_corpus.align.text.spelling import Spelled
from prep_corpus.align.viterbi.detours import DEFAULT_DETOURS, EDGE_FRAMES, DetourCosts, sharpness
from prep_corpus.align.viterbi.scoring import score_words
from prep_corpus.align.viterbi.silence import align_in_silence
from prep_corpus.align.viterbi.trellis import FLOOR_NATS
from prep_corpus.align.viterbi.viterbi import Alignment, LogProbs
from prep_corpus.align.words.words import Words, word_table

VERSION = 1
"""Raised whenever another choice may be made."""

READ_NATS = 3.0
"""By how much a mark must explain the audio better than silence and other speech do; scaled as the costs of detours."""

ONE_WORD_NATS = 3.0
"""By how much two words may explain the audio better than one where the text does not know both; scaled likewise."""

BESIDE_WORDS = 3
"""So many words on each side of a mark are tried with it: without it the nearest may have been drawn to its place."""

REACH_FRAMES = 1500
"""How far from the words beside it a mark is looked for."""

Spell = Callable[[str], Spelled]


@dataclass(frozen=True, kw_only=True)
class SaidText:
    """A text without what of it is unread, and its alignment.

    Attributes:
        normalized: the text that was aligned.
        spelled: its tokens.
        alignment: the alignment of these tokens.
        unread: which of the offers are left out, in order.
    """

    normalized: NormalizedText
    spelled: Spelled
    alignment: Alignment
    unread: tuple[int, ...] = ()

    @property
    def tokens_L(self) -> NDArray[np.int32]:
        """Columns of the tokens."""
        return self.spelled.tokens_L


def align_what_is_said(
    normalized: NormalizedText,
    log_probs_TC: LogProbs,
    spell: Spell,
    *,
    blank: int,
    delimiter: int | None,
    detours: DetourCosts = DEFAULT_DETOURS,
    edge_frames: int = EDGE_FRAMES,
    recording_id: str = "",
) -> SaidText:
    """Align a text without those of its marks that nobody reads, and with broken words joined where they are one.

    Args:
        normalized: the text with all that it offers.
        log_probs_TC: natural log-probabilities.
        spell: a normalised writing as tokens of the model.
        blank: column of the blank.
        delimiter: column of the symbol between words, or None.
        detours, edge_frames: as for `align`.
        recording_id: named in errors.

    Returns:
        A text with nothing but marks keeps them all.

    Raises:
        Infeasible: there are more tokens than frames, even without the marks.
    """

    def aligned(unread: tuple[int, ...]) -> SaidText:
        said = normalized.without(unread)
        spelled = spell(said.text)
        found = align_in_silence(
            log_probs_TC,
            spelled.tokens_L,
            blank=blank,
            delimiter=delimiter,
            detours=detours,
            edges_E=spelled.edges_E,
            edge_frames=edge_frames,
            recording_id=recording_id,
        )
        return SaidText(normalized=said, spelled=spelled, alignment=found, unread=unread)

    everything = tuple(range(len(normalized.offers)))
    if not everything or not normalized.without(everything).text:
        return aligned(())
    bare = aligned(everything)
    sharp = sharpness(log_probs_TC, bare.tokens_L, blank=blank, floor_nats=FLOOR_NATS)
    trial = _Trial(
        log_probs_TC=log_probs_TC,
        words=word_table(bare.alignment, bare.normalized, bare.spelled),
        bare=bare.normalized,
        spell=spell,
        blank=blank,
        delimiter=delimiter,
        detours=detours.fitted(sharp),
    )
    unread = tuple(trial.unread(normalized))
    return bare if unread == everything else aligned(unread)


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """What marks are tried on: the recording, and its text without any.

    Attributes:
        words: the words of `bare`, with their frames.
        detours: fitted to the model.
        The others are as in `align_what_is_said`.
    """

    log_probs_TC: LogProbs
    words: Words
    bare: NormalizedText
    spell: Spell
    blank: int
    delimiter: int | None
    detours: DetourCosts

    def unread(self, normalized: NormalizedText) -> list[int]:
        """Which offers nobody reads: each with those before it that are read and stand at the same place."""
        unread: list[int] = []
        place, read_there = -1, ""
        for which, offer in enumerate(normalized.offers):
            if offer.joins:
                if self._is_one_word(normalized, offer):
                    unread.append(which)
                continue
            before = self._words_before(offer)
            if before != place:
                place, read_there = before, ""
            longer = self._joined(read_there, normalized.text[offer.start : offer.end])
            if self._is_read(before, read_there, longer):
                read_there = longer
            else:
                unread.append(which)
        return unread

    def _words_before(self, offer: Offer) -> int:
        """How many words of the bare text stand before a mark."""
        return int(np.searchsorted(self.words.char_ends, offer.char_start, side="right"))

    def _is_read(self, place: int, without: str, with_mark: str) -> bool:
        said = self._said
        after = int(np.searchsorted(said, place))
        left, right = said[max(after - BESIDE_WORDS, 0) : after], said[after : after + BESIDE_WORDS]
        if len(left) + len(right) == 0:
            return False
        rows_FC = self._around(left, right)
        before_text, after_text = self._text_of(left), self._text_of(right)
        scores = [
            self._score(rows_FC, self._joined(before_text, middle, after_text))
            for middle in (without, with_mark)
        ]
        return scores[1] - scores[0] > READ_NATS * self._scale

    def _is_one_word(self, normalized: NormalizedText, offer: Offer) -> bool:
        """Whether a broken word is said as one, between the words beside it."""
        which = int(np.searchsorted(self.words.char_starts, offer.char_start, side="right")) - 1
        if self.words.skipped[which]:
            return True
        said = self._said
        place = int(np.searchsorted(said, which))
        left, right = said[max(place - 1, 0) : place], said[place + 1 : place + 2]
        word = self.bare.spoken_of(which, which + 1)
        first = int(self.bare.word_bounds[0][which])
        at = int(np.searchsorted(self.bare.starts_L[first:], offer.char_end))
        rows_FC = self._around(said[place : place + 1] if not len(left) else left, right, to=which)
        before_text, after_text = self._text_of(left), self._text_of(right)
        whole, parted = (
            self._score(rows_FC, self._joined(before_text, written, after_text))
            for written in (word, self._joined(word[:at], word[at:]))
        )
        parts_are_words = word[:at] in self._vocabulary and word[at:] in self._vocabulary
        return parted - whole <= (0.0 if parts_are_words else ONE_WORD_NATS * self._scale)

    @property
    def _scale(self) -> float:
        """How much more or less a word weighs than with the model that the costs were made for."""
        return self.detours.skip_token_nats / DEFAULT_DETOURS.skip_token_nats

    @cached_property
    def _vocabulary(self) -> frozenset[str]:
        return frozenset(self.bare.text.split())

    @cached_property
    def _said(self) -> NDArray[np.int64]:
        """The words that the alignment has placed."""
        return np.flatnonzero(~self.words.skipped)

    def _text_of(self, which: NDArray[np.int64]) -> str:
        return self._joined(*(self.bare.spoken_of(w, w + 1) for w in which.tolist()))

    def _around(
        self, left: NDArray[np.int64], right: NDArray[np.int64], to: int | None = None
    ) -> NDArray[np.floating]:
        """The frames from the first of some words to the last of some others, or up to `to` where there are none.

        At the recording's edges and in long gaps only what is near the words.
        """
        starts, ends = self.words.frame_starts, self.words.frame_ends
        frames = len(self.log_probs_TC)
        if not len(left):
            reach = max(int(starts[right[0]]) - REACH_FRAMES, 0)
            return self.log_probs_TC[reach : int(ends[right[-1]])]
        start, near_left = int(starts[left[0]]), int(ends[left[-1]]) + REACH_FRAMES
        if not len(right):
            return self.log_probs_TC[start : min(frames, near_left) if to is None else int(ends[to])]
        near_right, end = int(starts[right[0]]) - REACH_FRAMES, int(ends[right[-1]])
        if near_left >= near_right:
            return self.log_probs_TC[start:end]
        return np.concatenate((self.log_probs_TC[start:near_left], self.log_probs_TC[near_right:end]))

    def _joined(self, *parts: str) -> str:
        return (" " if self.bare.has_spaces else "").join(filter(None, parts))

    def _score(self, rows_FC: NDArray[np.floating], text: str) -> float:
        spelled = self.spell(text)
        return score_words(
            rows_FC,
            spelled.tokens_L,
            blank=self.blank,
            delimiter=self.delimiter,
            detours=self.detours,
            edges_E=spelled.edges_E,
        )
