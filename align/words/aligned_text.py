"""Forced alignment of a text with emissions: normalised, aligned, gathered into words, with the evidence for each.

Legend: T frames, C classes, L tokens, W words, F features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import Infeasible, RecordingError, TranscriptEmpty, TranscriptUnsayable
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.sections import reading_order
from prep_corpus.align.sections.anchors import ReadLetters
from prep_corpus.align.sections.order import ReadingOrder
from prep_corpus.align.sections.part_of_text import is_far_longer, part_that_is_said
from prep_corpus.align.sections.reordered import read_part, reordered_text
from prep_corpus.align.text.normalize import NormalizedText, TextOptions, normalize
from prep_corpus.align.text.recent import RecentTexts
from prep_corpus.align.text.spelling import Spelled
from prep_corpus.align.viterbi.viterbi import Alignment, LogProbs
from prep_corpus.align.words.choosing import heard_characters
from prep_corpus.align.words.evidence import EVIDENCE_NAMES, Track, evidence, track
from prep_corpus.align.words.hearing import reading
from prep_corpus.align.words.placing import placed_again
from prep_corpus.align.words.unread import align_what_is_said
from prep_corpus.align.words.words import Words, word_table

UNSAYABLE_LIMIT = 0.5
"""Highest share of a transcript's letters and digits that may be outside the model's alphabet."""

FEWEST_GAINED = 200.0
"""A text is taken in another order than its own where so many characters more are heard of it."""

SURELY_GAINED = 2 * FEWEST_GAINED
"""And without looking where so many letters are heard of the sections that leave their place."""

_MARGIN_SHARES = (1.0, 0.3, 0.0)
"""Of the usual margins of a part: a short recording has no frames for all of them."""

_RECENT = RecentTexts()
"""The stages need the texts of a bundle one after the other."""


@dataclass(frozen=True, kw_only=True)
class AlignedText:
    """A transcript with the frames of its tokens and words.

    Attributes:
        normalized: the transcript in the model's alphabet, without the marks that nobody reads; its sections in the
            order in which they are read.
        tokens_L: int32 columns of the emissions, one for each token.
        alignment: frames of each token.
        words: frames and characters of each word.
        evidence_WF: float32, columns as `EVIDENCE_NAMES`.
        unread: which of the transcript's offers are left out.
        part: half-open span of the characters that were aligned, where the text is far longer than its recording.
        order: in which order its sections are read, where that is not the transcript's own; `normalized` and `part`
            are of the text that is in this order.
    """

    normalized: NormalizedText
    tokens_L: NDArray[np.int32]
    alignment: Alignment
    words: Words
    evidence_WF: NDArray[np.float32]
    unread: tuple[int, ...] = ()
    part: tuple[int, int] | None = None
    order: ReadingOrder | None = None


@dataclass(frozen=True, kw_only=True)
class BestText:
    """The transcript of a recording that fits its audio best.

    Attributes:
        number: its place among those that were given.
        aligned: the transcript, aligned.
        heard: `heard_characters` of each of them; None where it cannot be aligned.
    """

    number: int
    aligned: AlignedText
    heard: tuple[float | None, ...]


def normalize_for_model(
    text: str,
    info: ModelInfo,
    *,
    language: str,
    options: TextOptions,
    recording_id: str,
    part: tuple[int, int] | None = None,
) -> NormalizedText:
    """A transcript in a model's alphabet, with all that it offers as unread.

    Args:
        text: the transcript.
        info: the model.
        language: the transcript's language, a tag such as "en".
        options: what is left out, settled for this transcript.
        recording_id: named in errors.
        part: half-open span of its characters that is said; all where None.

    Raises:
        TranscriptEmpty: nothing in it could be said.
        TranscriptUnsayable: over half of its letters and digits are outside the alphabet.
    """
    normalized = _RECENT.normalized(
        text if part is None else text[part[0] : part[1]],
        alphabet=info.alphabet,
        language=language,
        has_spaces=info.has_spaces,
        options=options,
    )
    share = normalized.unsayable_share
    if share > UNSAYABLE_LIMIT:
        raise TranscriptUnsayable(
            f"{recording_id}: at most {UNSAYABLE_LIMIT:.0%} of the transcript's letters may be outside the model's "
            f"alphabet, not {share:.0%}; is it in the model's language?"
        )
    if not normalized.text:
        raise TranscriptEmpty(
            f"{recording_id}: the transcript must hold a word; its {len(text)} characters hold none"
        )
    return normalized if part is None else normalized.placed_in(text, part[0])


def no_text_aligned(info: ModelInfo) -> AlignedText:
    """What there is of a recording without a transcript: no tokens, no words."""
    none = np.zeros(0, np.int32)
    alignment = Alignment(
        starts_L=none, ends_L=none, score_nats=0.0, skipped_L=np.zeros(0, np.bool_), untranscribed=()
    )
    normalized = normalize("", alphabet=info.alphabet, has_spaces=info.has_spaces)
    placed = placed_again(alignment, normalized, info)
    return AlignedText(
        normalized=normalized,
        tokens_L=placed.tokens_L,
        alignment=alignment,
        words=placed.words,
        evidence_WF=np.zeros((0, len(EVIDENCE_NAMES)), np.float32),
    )


def align_text(
    log_probs_TC: LogProbs,
    text: str,
    info: ModelInfo,
    *,
    language: str,
    options: TextOptions,
    recording_id: str,
) -> AlignedText:
    """Align one transcript with the emissions of its recording.

    Args:
        log_probs_TC: natural log-probabilities.
        text, language, options, recording_id: as `normalize_for_model` takes them.
        info: the model, with the columns of the emissions as its vocabulary.

    Raises:
        RecordingError: the transcript breaks a rule, or is too long for the audio.
    """
    seen = track(log_probs_TC, info)
    read = cache(partial(_letters_of, seen, info))
    far_longer = is_far_longer(text, len(log_probs_TC) * info.frame_seconds)
    may_be_reordered = reading_order.may_be_reordered(text, far_longer=far_longer)
    order = reading_order.reading_order(text, read(), far_longer=far_longer) if may_be_reordered else None
    aligned = partial(
        _aligned, log_probs_TC, seen, info=info, language=language, options=options, recording_id=recording_id
    )

    def as_given() -> AlignedText:
        part: tuple[int, int] | None = None
        refused: Infeasible | None = None
        for part in _parts(text, read, far_longer=far_longer):
            try:
                return aligned(text, part=part)
            except Infeasible as error:
                refused = error
        assert refused is not None, "there is one at least"
        if part is not None:
            raise refused
        raise Infeasible(
            f"{refused}; no part of it was found in what is heard: is it the text of another recording?"
        ) from refused

    if order is None:
        return as_given()
    ordered = replace(aligned(reordered_text(text, order), part=read_part(order)), order=order)
    if far_longer or order.moved_letters >= SURELY_GAINED:
        return ordered
    given = as_given()
    return ordered if _gain(ordered, given) >= FEWEST_GAINED else given


def _parts(
    text: str, read: Callable[[], ReadLetters], *, far_longer: bool
) -> Iterator[tuple[int, int] | None]:
    """What of a text may be aligned, until it has few enough tokens: all, or what is said with less and less around it.

    What can be said may have too many for the frames as well, where these are coarse.
    """
    if not far_longer:
        yield None
    for number, share in enumerate(_MARGIN_SHARES):
        part = part_that_is_said(text, read(), margin_share=share)
        if part is not None:
            yield part
        elif far_longer and not number:
            yield None


def _gain(found: AlignedText, other: AlignedText) -> float:
    """How many characters more are heard of a text in one order than in another."""
    return heard_characters(found.words, found.evidence_WF) - heard_characters(other.words, other.evidence_WF)


def _aligned(
    log_probs_TC: LogProbs,
    seen: Track,
    text: str,
    *,
    info: ModelInfo,
    language: str,
    options: TextOptions,
    recording_id: str,
    part: tuple[int, int] | None,
) -> AlignedText:
    """Align a text as it stands, or a part of it; as `align_text` takes it."""
    normalized = normalize_for_model(
        text, info, language=language, options=options, recording_id=recording_id, part=part
    )
    said = align_what_is_said(
        normalized,
        log_probs_TC,
        lambda written: _spelled(written, info),
        blank=info.blank,
        delimiter=info.delimiter_index,
        edge_frames=info.edge_frames,
        recording_id=recording_id,
    )
    table = word_table(said.alignment, said.normalized, said.spelled)
    return AlignedText(
        normalized=said.normalized,
        tokens_L=said.tokens_L,
        alignment=said.alignment,
        words=table,
        evidence_WF=evidence(log_probs_TC, said.tokens_L, said.alignment, table, info, frame_track=seen),
        unread=said.unread,
        part=part,
    )


def read_letters(log_probs_TC: LogProbs, info: ModelInfo) -> ReadLetters:
    """What the greedy decoding reads."""
    return _letters_of(track(log_probs_TC, info), info)


def _letters_of(seen: Track, info: ModelInfo) -> ReadLetters:
    return ReadLetters.of(reading(seen).symbols.tolist(), info.vocabulary)


def _spelled(written: str, info: ModelInfo) -> Spelled:
    """A normalised writing as tokens of the model."""
    places_L = np.arange(len(written), dtype=np.int32)
    return info.spell(
        NormalizedText(
            original=written,
            text=written,
            starts_L=places_L,
            ends_L=places_L + np.int32(1),
            has_spaces=info.has_spaces,
        )
    )


def align_best(
    log_probs_TC: LogProbs,
    texts: Sequence[tuple[str, TextOptions]],
    info: ModelInfo,
    *,
    language: str,
    recording_id: str,
) -> BestText:
    """Align the transcript of which the audio says most, by `heard_characters`; the first of equals.

    Args:
        log_probs_TC, info, language, recording_id: as `align_text` takes them.
        texts: at least one transcript, each with its options.

    Raises:
        RecordingError: none can be aligned; that of the first.
    """
    heard: list[float | None] = []
    best: tuple[float, int, AlignedText] | None = None
    errors: list[RecordingError] = []
    for number, (text, options) in enumerate(texts):
        try:
            found = align_text(
                log_probs_TC, text, info, language=language, options=options, recording_id=recording_id
            )
        except RecordingError as error:
            errors.append(error)
            heard.append(None)
            continue
        characters = heard_characters(found.words, found.evidence_WF)
        heard.append(characters)
        if best is None or characters > best[0]:
            best = characters, number, found
    if best is None:
        raise errors[0]
    return BestText(number=best[1], aligned=best[2], heard=tuple(heard))
