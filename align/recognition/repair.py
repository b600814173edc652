"""Repairs inside a text: what it has wrong between words that are right gives way to what the model hears there.

    transcript   the  old  MAN   and   .   sea         words in capitals are not said, or in doubt
    recognised   the  old  woman and   the sea
    repaired     the  old  woman and   the sea         both stand between words that text and model agree on

Legend: W words of the transcript, U recognised words, M words of the repaired text, L tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.cutting.segments import Segment
from prep_corpus.align.recognition.uncovered import RecognisedText
from prep_corpus.align.words.words import Words

BoolArray = NDArray[np.bool_]
LongArray = NDArray[np.int64]

NO_WORD = -1
"""Stands for no word of the transcript, or for no recognised word."""

LONGEST_REPAIR_SECONDS = 4.0
"""A repair is between words that are right and so near; what is further apart is read as an utterance of its own."""


@dataclass(frozen=True, kw_only=True)
class Repair:
    """Words of the transcript that give way to recognised words; of each there may be none.

    Attributes:
        word_start, word_end: half-open range of words of the transcript.
        read_start, read_end: half-open range of recognised words.
    """

    word_start: int
    word_end: int
    read_start: int
    read_end: int


@dataclass(frozen=True, kw_only=True)
class RepairedText:
    """A transcript with its repairs, as cutting and scoring take words.

    Attributes:
        words: M words.
        tokens_L: their tokens, with a delimiter behind each where the model has one.
        word_M: which word of the transcript each is, or NO_WORD.
        read_M: which recognised word each is, or NO_WORD.
        repairs: in order.
    """

    words: Words
    tokens_L: NDArray[np.int32]
    word_M: LongArray
    read_M: LongArray
    repairs: tuple[Repair, ...]

    def of_both(self, own_W: BoolArray, read_U: BoolArray) -> BoolArray:
        """What is known of the words of the transcript and of the recognised words, for the M words."""
        found_M = np.empty(len(self.word_M), bool)
        is_read_M = self.read_M != NO_WORD
        found_M[~is_read_M] = own_W[self.word_M[~is_read_M]]
        found_M[is_read_M] = read_U[self.read_M[is_read_M]]
        return found_M


@dataclass(frozen=True, kw_only=True)
class RepairRules:
    """What a repair has to keep.

    Attributes:
        k_frames: it holds no pause of this length: there is a cut.
        longest_frames: from the end of the right word before to the start of the right word after.
        mean_score: lowest mean log-odds of its recognised words.
    """

    k_frames: int
    longest_frames: int
    mean_score: float


def agreed_words(
    words: Words, texts: Sequence[str], read: RecognisedText, read_texts: Sequence[str]
) -> LongArray:
    """The recognised word that stands where each of the W words does and is the same; else NO_WORD.

    Args:
        words: of the transcript, in order of time.
        texts: the W words as normalised.
        read: the U recognised words.
        read_texts: they, likewise.
    """
    found_W = np.full(len(words), NO_WORD, np.int64)
    if not len(read_texts):
        return found_W
    middles_W = (words.frame_starts.astype(np.int64) + words.frame_ends) // 2
    at_W = np.searchsorted(read.words.frame_starts, middles_W, side="right") - 1
    for w, u in enumerate(at_W.tolist()):
        is_there = u >= 0 and not words.skipped[w] and middles_W[w] < read.words.frame_ends[u]
        if is_there and read_texts[u] == texts[w]:
            found_W[w] = u
    return found_W


def find_repairs(
    words: Words,
    agreed_W: LongArray,
    likely_W: BoolArray,
    read: RecognisedText,
    trusted_U: BoolArray,
    scores_U: NDArray[np.floating],
    rules: RepairRules,
) -> list[Repair]:
    """The repairs of a transcript: between likely neighbours that are read alike, where all that is read is trusted.

    Args:
        words: W words of the transcript in order of time.
        agreed_W: as `agreed_words` gives it.
        likely_W: words that the audio says, more likely than not.
        read: the U recognised words.
        trusted_U: those that may be kept.
        scores_U: their log-odds.
        rules: what a repair has to keep.
    """
    found = []
    said = np.flatnonzero(likely_W & ~words.skipped).tolist()
    for before, after in pairwise(said):
        first, last = int(agreed_W[before]) + 1, int(agreed_W[after])
        if first == 0 or last == NO_WORD or last < first:
            continue
        if np.array_equal(agreed_W[before + 1 : after], np.arange(first, last)):
            continue
        if not trusted_U[first - 1 : last + 1].all() or not _one_speaker(words, before, after):
            continue
        if words.frame_starts[after] - words.frame_ends[before] > rules.longest_frames:
            continue
        starts = [*read.words.frame_starts[first:last].tolist(), int(words.frame_starts[after])]
        ends = [int(words.frame_ends[before]), *read.words.frame_ends[first:last].tolist()]
        pauses = [start - end for start, end in zip(starts, ends)]
        if min(pauses) < 0 or max(pauses) >= rules.k_frames:
            continue
        # Where nothing is read, the words on both sides vouch for it.
        judged = scores_U[first:last] if first < last else scores_U[[first - 1, last]]
        if judged.mean() >= rules.mean_score:
            found.append(Repair(word_start=before + 1, word_end=after, read_start=first, read_end=last))
    return found


def _one_speaker(words: Words, before: int, after: int) -> bool:
    return words.speakers is None or bool(words.speakers[before] == words.speakers[after])


def repaired_text(
    words: Words, tokens_L: NDArray[np.int32], read: RecognisedText, repairs: Sequence[Repair], delimiter: int
) -> RepairedText:
    """The words of a transcript with its repairs in their places.

    Where recognised words stand instead of others, those are gone; where none do, they stay, for cutting to leave out.

    Args:
        words: W words of the transcript.
        tokens_L: its tokens.
        read: the recognised words.
        repairs: in order.
        delimiter: column of the delimiter, or -1.
    """
    word_parts, read_parts, at = [], [], 0
    for repair in repairs:
        if repair.read_start == repair.read_end:
            continue
        kept = np.arange(at, repair.word_start)
        put = np.arange(repair.read_start, repair.read_end)
        word_parts += [kept, np.full(len(put), NO_WORD)]
        read_parts += [np.full(len(kept), NO_WORD), put]
        at = repair.word_end
    rest = np.arange(at, len(words))
    word_M = np.concatenate([*word_parts, rest]).astype(np.int64)
    read_M = np.concatenate([*read_parts, np.full(len(rest), NO_WORD)]).astype(np.int64)
    parting = [np.array([delimiter], np.int32)] if delimiter >= 0 else []
    tokens, starts, ends, count = [], [], [], 0
    for w, u in zip(word_M.tolist(), read_M.tolist()):
        source, all_L, n = (words, tokens_L, w) if u == NO_WORD else (read.words, read.tokens_L, u)
        own = all_L[source.token_starts[n] : source.token_ends[n]]
        starts.append(count)
        ends.append(count + len(own))
        tokens += [own, *parting]
        count += len(own) + len(parting)
    before_M = np.maximum.accumulate(np.append(0, word_M))[1:]

    def joined(own: NDArray[np.int32], others: NDArray[np.int32]) -> NDArray[np.int32]:
        found_M = np.empty(len(word_M), np.int32)
        is_read_M = read_M != NO_WORD
        found_M[~is_read_M] = own[word_M[~is_read_M]]
        found_M[is_read_M] = others[read_M[is_read_M]]
        return found_M

    char_ends_M = words.char_ends[before_M] if len(words) else np.zeros(0, np.int32)
    whole = Words(
        token_starts=np.array(starts, np.int32),
        token_ends=np.array(ends, np.int32),
        frame_starts=joined(words.frame_starts, read.words.frame_starts),
        frame_ends=joined(words.frame_ends, read.words.frame_ends),
        char_starts=np.where(read_M == NO_WORD, words.char_starts[word_M], char_ends_M).astype(np.int32),
        char_ends=char_ends_M.astype(np.int32),
        skipped=(read_M == NO_WORD) & words.skipped[word_M],
        letters=None if words.letters is None else joined(words.letter_counts, read.words.letter_counts),
        speakers=None if words.speakers is None else words.speakers[before_M],
    )
    return RepairedText(
        words=whole,
        tokens_L=np.concatenate(tokens) if tokens else np.zeros(0, np.int32),
        word_M=word_M,
        read_M=read_M,
        repairs=tuple(repairs),
    )


@dataclass(frozen=True, kw_only=True)
class SaidPart:
    """Words of an utterance that have one source.

    Attributes:
        start, end: half-open range of words of the transcript, or of recognised words.
        is_read: they are recognised words.
    """

    start: int
    end: int
    is_read: bool


def parts_of(text: RepairedText, segment: Segment) -> tuple[SaidPart, ...]:
    """What is said in a segment of a repaired text, in order.

    Args:
        text: the repaired text.
        segment: over its M words.
    """
    parts: list[SaidPart] = []
    for first, last in segment.spoken_ranges():
        for m in range(first, last):
            is_read = int(text.read_M[m]) != NO_WORD
            n = int(text.read_M[m] if is_read else text.word_M[m])
            if parts and parts[-1].is_read == is_read and parts[-1].end == n:
                parts[-1] = SaidPart(start=parts[-1].start, end=n + 1, is_read=is_read)
            else:
                parts.append(SaidPart(start=n, end=n + 1, is_read=is_read))
    return tuple(parts)
