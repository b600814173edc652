"""What filters are fitted on, from a finished run's stored results: stretches drawn at random, and labelled utterances.

No model is run. Memory holds one bundle and what was drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import pairwise

import numpy as np

from prep_corpus.align.errors import PrepCorpusError, UsageError
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.text.normalize import NormalizedText
from prep_corpus.align.words.evidence import evidence, track
from prep_corpus.align.words.placing import place_text
from prep_corpus.filters.fitting.cases import Case
from prep_corpus.filters.fitting.self_labels import Aligned, Unlabelled
from prep_corpus.filters.labels.heard_labels import JudgedUtterance
from prep_corpus.filters.labels.stretches import borders, heard_case, stretch, words_within
from prep_corpus.pipeline.finished.stored_run import (
    FinishedRun,
    StoredAlignments,
    StoredRecording,
    segment_rows,
    stored_bundles,
)

STRETCH_SECONDS = 600.0
_TOLD_BUNDLES = 50
"""Bundles between two lines that say how far it is."""
_SENTENCE_ENDS = frozenset(".?!\u2026\u3002\uff01\uff1f\u061f\u0964")

Say = Callable[[str], None]


@dataclass
class Drawn:
    """Stretches of a run's recordings, with the models whose columns their emissions hold.

    Attributes:
        stretches: stretches in the run's order.
        infos: the model of each stretch, by its name.
        seconds: audio of the stretches.
        total_seconds: audio of the whole run, in seconds.
    """

    stretches: list[Unlabelled] = field(default_factory=list)
    infos: dict[str, ModelInfo] = field(default_factory=dict)
    seconds: float = 0.0
    total_seconds: float = 0.0

    @property
    def info(self) -> ModelInfo:
        """The model; its columns are those of one bundle where the vocabulary is large."""
        return next(iter(self.infos.values()))

    def realign(self, one: Unlabelled, words: tuple[str, ...]) -> Aligned:
        """Other words aligned with the emissions of a stretch.

        Raises:
            RecordingError: they do not fit.
        """
        return align_words(one, words, self.infos[one.name])


def align_words(one: Unlabelled, words: tuple[str, ...], info: ModelInfo) -> Aligned:
    """Normalised words aligned with stored emissions.

    Raises:
        RecordingError: they do not fit into the frames.
        UsageError: the emissions have no column for one of the characters.
    """
    normalized = _as_normalized(words, info)
    placed = place_text(one.log_probs_TC, normalized, info, recording_id=one.name)
    return Aligned(
        tokens_L=placed.tokens_L,
        words=placed.words,
        texts=words,
        evidence_WF=evidence(
            one.log_probs_TC, placed.tokens_L, placed.alignment, placed.words, info, frame_track=one.seen
        ),
    )


def _as_normalized(words: Sequence[str], info: ModelInfo) -> NormalizedText:
    """Words that are normalised already."""
    has_spaces = info.has_spaces
    joined = (" " if has_spaces else "").join(words)
    places_L = np.arange(len(joined), dtype=np.int32)
    return NormalizedText(
        original=joined, text=joined, starts_L=places_L, ends_L=places_L + np.int32(1), has_spaces=has_spaces
    )


def draw_stretches(run: StoredAlignments, *, hours: float, seed: int, say: Say) -> Drawn:
    """Stretches of about ten minutes, each drawn by the hash of seed, recording and place.

    Args:
        run: corpus with stored alignments.
        hours: about so much is drawn; everything where there is less.
        seed: of the draw.
        say: told how far it is.

    Raises:
        UsageError: nothing could be drawn.
    """
    drawn = Drawn(total_seconds=sum(_seconds(run)))
    share = min(1.0, hours * 3600 / max(drawn.total_seconds, 1e-9))
    for number, bundle in enumerate(stored_bundles(run), start=1):
        wanted = {
            probed.recording.id
            for probed in bundle.recordings
            if any(
                _is_drawn(seed, probed.recording.id, part, share)
                for part in range(1 + int((probed.seconds or STRETCH_SECONDS) // STRETCH_SECONDS))
            )
        }
        for stored in bundle.read(frozenset(wanted)) if wanted else ():
            for part, piece in enumerate(_stretches(stored)):
                if piece is not None and _is_drawn(seed, stored.aligned.probed.recording.id, part, share):
                    drawn.stretches.append(piece)
                    drawn.infos[piece.name] = stored.info
                    drawn.seconds += len(piece.log_probs_TC) * stored.info.frame_seconds
        if number % _TOLD_BUNDLES == 0 or number == len(run.alignments):
            say(f"drawn from {number} of {len(run.alignments)} bundles: {drawn.seconds / 3600:.2f} hours")
    if not drawn.stretches:
        raise UsageError(
            f"{run.folder}: there must be aligned speech to fit on, and of {drawn.total_seconds / 3600:.2f} hours "
            f"none was drawn; raise --hours ({hours:g})"
        )
    return replace(drawn, stretches=_grouped(drawn.stretches, say))


def _seconds(run: StoredAlignments) -> Iterator[float]:
    for bundle in stored_bundles(run):
        for probed in bundle.recordings:
            yield probed.seconds or STRETCH_SECONDS


def _is_drawn(seed: int, recording_id: str, part: int, share: float) -> bool:
    digest = blake2b(f"{seed} stretch {part} {recording_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def _stretches(stored: StoredRecording) -> Iterator[Unlabelled | None]:
    """The pieces of a recording in order; None for one without words."""
    whole = unlabelled(stored)
    info = stored.info
    words = whole.aligned.words
    longest = max(1, round(STRETCH_SECONDS / info.frame_seconds))
    edges = borders(words, len(whole.log_probs_TC), longest)
    for part, (first, last) in enumerate(pairwise(edges)):
        start, end = (int(w) for w in np.searchsorted(words.frame_starts, (first, last)))
        if part + 2 == len(edges):
            end = len(words)
        yield (
            stretch(
                whole,
                (first, last),
                (start, end),
                stride_samples=info.stride_samples,
                name=f"{whole.name} {part}",
            )
            if start < end
            else None
        )


def unlabelled(stored: StoredRecording) -> Unlabelled:
    """A stored recording with its own transcript."""
    aligned, recording = stored.aligned, stored.aligned.probed.recording
    normalized = aligned.normalized
    return Unlabelled(
        name=recording.id,
        group=recording.speaker or recording.id,
        log_probs_TC=stored.emitted.log_probs_TC,
        seen=track(stored.emitted.log_probs_TC, stored.info),
        levels=stored.emitted.levels,
        aligned=Aligned(
            tokens_L=aligned.tokens_L,
            words=aligned.words,
            texts=tuple(normalized.text[start:end] for start, end in normalized.words()),
            evidence_WF=aligned.evidence_WF,
        ),
        sentence_ends=sentence_ends(aligned.words.char_ends.tolist(), normalized.original),
    )


def sentence_ends(char_ends: Sequence[int], original: str) -> tuple[int, ...]:
    """Indices one past each word that the original ends a sentence after."""
    return tuple(
        at + 1
        for at, (end, following) in enumerate(zip(char_ends, [*char_ends[1:], len(original)]))
        if not _SENTENCE_ENDS.isdisjoint(original[end : min(following, end + 8)].split(" ")[0])
    )


def _grouped(stretches: list[Unlabelled], say: Say) -> list[Unlabelled]:
    """Groups for cross-validation: speakers, else recordings, else parts of the only one."""
    if len({one.group for one in stretches}) > 1:
        return stretches
    say(
        "all that was drawn is of one speaker: recordings, or parts of the only one, are held out instead, and the "
        "intervals are too narrow for other speakers"
    )
    recordings = [one.name.rpartition(" ")[0] for one in stretches]
    if len(set(recordings)) > 1:
        return [replace(one, group=recording) for one, recording in zip(stretches, recordings)]
    if len(stretches) > 1:
        return [replace(one, group=one.name) for one in stretches]
    raise UsageError(
        "a filter is cross-validated: at least two speakers or recordings, or 20 minutes of one, must be drawn; "
        "add recordings, or raise --hours"
    )


@dataclass(frozen=True, kw_only=True)
class LabelledPiece:
    """An utterance with its label, and the recording that it stands in.

    Attributes:
        stored: the recording's stored results.
        whole: the recording with its own transcript.
        judged: the label.
        case: the utterance as a small recording of its own.
    """

    stored: StoredRecording
    whole: Unlabelled
    judged: JudgedUtterance
    case: Case


def heard_cases(
    run: FinishedRun, judged: Sequence[JudgedUtterance], say: Say
) -> tuple[list[Case], ModelInfo]:
    """Labelled utterances as cases, each a small recording of its own.

    Args:
        run: the run that the stretches belong to.
        judged: the labelled utterances.
        say: told how far it is.

    Raises:
        UsageError: the run does not have them.
    """
    cases: list[Case] = []
    found_info: ModelInfo | None = None
    for piece in labelled_pieces(run, judged):
        found_info = piece.stored.info
        cases.append(piece.case)
    say(f"{len(cases)} of {len(judged)} labelled utterances read")
    if found_info is None:
        raise UsageError(f"{run.folder}: none of the {len(judged)} labelled utterances has stored emissions")
    return cases, found_info


def labelled_pieces(run: FinishedRun, judged: Sequence[JudgedUtterance]) -> Iterator[LabelledPiece]:
    """Labelled utterances with the recordings that they stand in, recording by recording.

    Args:
        run: the run that the stretches belong to.
        judged: the labelled utterances.

    Raises:
        UsageError: the run does not have them.
    """
    by_recording: dict[str, list[JudgedUtterance]] = {}
    for one in judged:
        by_recording.setdefault(one.recording_id, []).append(one)
    wanted = {one.id for one in judged}
    columns = ["id", "char_start", "char_end"]
    chars = {
        row["id"]: (row["char_start"], row["char_end"])
        for row in segment_rows(run, columns)
        if row["id"] in wanted
    }
    if len(chars) < len(wanted):
        raise UsageError(
            f"labels must be of utterances of the run: {len(wanted) - len(chars)} of {len(wanted)} are not in "
            f"{run.folder}"
        )
    group_of = _groups(judged)
    for bundle in stored_bundles(run):
        here = frozenset(probed.recording.id for probed in bundle.recordings) & by_recording.keys()
        for stored in bundle.read(frozenset(here)) if here else ():
            whole = unlabelled(stored)
            for one in by_recording[whole.name]:
                case = heard_piece(whole, one, chars[one.id], stored.info)
                if case is not None:
                    case = replace(case, group=group_of[one.id])
                    yield LabelledPiece(stored=stored, whole=whole, judged=one, case=case)


def heard_piece(
    whole: Unlabelled, one: JudgedUtterance, char_span: tuple[int, int], info: ModelInfo
) -> Case | None:
    """A labelled utterance as a small recording of its own; None where the transcript has no word there.

    Args:
        whole: the recording with its transcript.
        one: the label.
        char_span: half-open, of the utterance's text in the transcript.
        info: the model's description.
    """
    span = frames_of(one, whole, info)
    word_span = words_within(whole.aligned.words, span, char_span)
    if word_span[0] == word_span[1]:
        return None
    piece = stretch(whole, span, word_span, stride_samples=info.stride_samples, name=one.id)

    def place(piece: Unlabelled, words: tuple[str, ...]) -> Aligned | None:
        try:
            return align_words(piece, words, info)
        except PrepCorpusError:
            return None

    return heard_case(piece, one.heard, place, frame_seconds=info.frame_seconds, weight=one.weight)


def frames_of(one: JudgedUtterance, whole: Unlabelled, info: ModelInfo) -> tuple[int, int]:
    """The half-open range of frames of an utterance."""
    last = -(-one.end_sample // info.stride_samples)
    return one.start_sample // info.stride_samples, min(last, len(whole.log_probs_TC))


def _groups(judged: Sequence[JudgedUtterance]) -> dict[str, str]:
    """What cross-validation never parts: a speaker, else a recording, else a quarter of the only recording."""
    by_speaker = {one.id: one.speaker or one.recording_id for one in judged}
    if len(set(by_speaker.values())) > 1:
        return by_speaker
    if len({one.recording_id for one in judged}) > 1:
        return {one.id: one.recording_id for one in judged}
    ordered = sorted(judged, key=lambda one: one.start_sample)
    return {
        one.id: f"{one.recording_id} part {4 * place // len(ordered) + 1}"
        for place, one in enumerate(ordered)
    }
