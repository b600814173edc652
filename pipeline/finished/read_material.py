"""What recognition filters are fitted on, from a finished run's stored results; no model is run.

It is what the model hears in utterances whose words are known, to people or because the run trusts them.

Legend: W recognised words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.recognition.recognised import RecognisedWords, recognise
from prep_corpus.align.recognition.sources import READ_NOTHING, TRANSCRIPT
from prep_corpus.align.recognition.uncovered import as_text
from prep_corpus.filters.fitting.cases import GIVEN, Case
from prep_corpus.filters.fitting.fit_recognition import right_words
from prep_corpus.filters.fitting.self_labels import Aligned, Unlabelled
from prep_corpus.filters.fitting.texted.fit_rereading import KnownReadings, fit_rereading, said_in_place
from prep_corpus.filters.labels.heard_labels import JudgedUtterance
from prep_corpus.filters.labels.stretches import stretch
from prep_corpus.filters.recognition_evidence import recognition_evidence
from prep_corpus.filters.rereading import Readings, Rereading, choose_readings, find_readings, with_text
from prep_corpus.filters.text_evidence import TextWords, words_of_text
from prep_corpus.pipeline.finished.fit_material import Say, frames_of, labelled_pieces
from prep_corpus.pipeline.finished.label_run import split_words
from prep_corpus.pipeline.finished.stored_run import FinishedRun, segment_rows, stored_bundles
from prep_corpus.pipeline.shards.rows import TEXT_SOURCE


@dataclass(frozen=True, kw_only=True)
class ReadMaterial:
    """What the model hears in utterances whose words are known.

    Attributes:
        alone: cases as of recordings without a text.
        with_text: the same as they are read with their recordings' texts.
        rereading: how much these count for that.
        info: of the model.
    """

    alone: list[Case]
    with_text: list[Case]
    rereading: Rereading
    info: ModelInfo


@dataclass(frozen=True, kw_only=True)
class HeardRecording:
    """What the model hears in a recording, before it is known how much its text counts for what is read.

    Attributes:
        whole: the recording with its transcript.
        found: the W words that the model hears.
        text: the words of the transcript.
        readings: what else may have been said.
        pieces: its utterances with known words, each as one of `whole` too.
    """

    whole: Unlabelled
    found: RecognisedWords
    text: TextWords
    readings: Readings
    pieces: list[tuple[JudgedUtterance, Case]] = field(default_factory=list)

    def known(self, info: ModelInfo) -> KnownReadings:
        """What `fit_rereading` learns from it."""
        said: list[str | None] = [None] * len(self.found)
        middles_W = (self.found.frame_starts + self.found.frame_ends) / 2
        for judged, case in self.pieces:
            start, end = np.searchsorted(middles_W, frames_of(judged, self.whole, info)).tolist()
            said[start:end] = said_in_place(self.found.texts[start:end], case.true_texts)
        return KnownReadings(readings=self.readings, said=said)


def trusted_utterances(run: FinishedRun, *, hours: float, seed: int) -> list[JudgedUtterance]:
    """Utterances that a run has kept of its transcripts, as if people had heard in them what their text says.

    Args:
        run: a finished run.
        hours: about so much is drawn, by the hash of seed and utterance; everything where there is less.
        seed: of the draw.

    Raises:
        UsageError: it has kept none.
    """
    columns = [
        "id",
        "recording_id",
        "speaker",
        "kept",
        "start_sample",
        "end_sample",
        "duration",
        "text_normalized",
    ]
    reads = run.settings.get("read", READ_NOTHING) != READ_NOTHING
    info = next(stored_bundles(run)).model()
    rows = [
        row
        for row in segment_rows(run, [*columns, *([TEXT_SOURCE] if reads else [])])
        if row["kept"] and row.get(TEXT_SOURCE, TRANSCRIPT) == TRANSCRIPT
    ]
    if not rows:
        raise UsageError(
            f"{run.folder}: a recognition filter is fitted on what a run has kept of its transcripts, and it has kept "
            "nothing of them"
        )
    share = min(1.0, hours * 3600 / sum(row["duration"] for row in rows))
    return [
        JudgedUtterance(
            id=row["id"],
            recording_id=row["recording_id"],
            speaker=row["speaker"],
            start_sample=row["start_sample"],
            end_sample=row["end_sample"],
            kept=True,
            weight=1.0,
            text=(),
            heard=split_words(row["text_normalized"], info),
            listeners=0,
        )
        for row in rows
        if _luck(seed, row["id"]) < share
    ]


def _luck(seed: int, id_: str) -> float:
    digest = blake2b(f"{seed} read {id_}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def read_material(run: FinishedRun, judged: Sequence[JudgedUtterance], say: Say) -> ReadMaterial:
    """What the model hears in utterances whose words are known.

    Args:
        run: the run that they belong to.
        judged: the utterances; those that nobody could make out are left out.
        say: told how much was read.

    Raises:
        UsageError: the run does not have them, or the model does not tell where a word ends.
    """
    clear = [one for one in judged if one.heard is not None]
    heard: list[HeardRecording] = []
    info: ModelInfo | None = None
    for piece in labelled_pieces(run, clear):
        info = piece.stored.info
        if not heard or heard[-1].whole.name != piece.whole.name:
            heard.append(heard_recording(piece.whole, info))
        heard[-1].pieces.append((piece.judged, piece.case))
    material = None if info is None else material_of(heard, info)
    if material is None or not material.alone:
        raise UsageError(
            f"{run.folder}: the model hears no word in any of the {len(clear)} utterances with known words"
        )
    say(f"what the model hears was read in {len(material.alone)} of {len(clear)} utterances with known words")
    return material


def material_of(heard: Sequence[HeardRecording], info: ModelInfo) -> ReadMaterial:
    """What is heard in the pieces of some recordings."""
    rereading = fit_rereading([one.known(info) for one in heard])
    alone: list[Case] = []
    texted: list[Case] = []
    for one in heard:
        for cases, whole in zip((alone, texted), recognised_texts(one, rereading, info)):
            for judged, piece in one.pieces:
                case = read_piece(whole, judged, piece, info)
                if case is not None:
                    cases.append(case)
    return ReadMaterial(alone=alone, with_text=texted, rereading=rereading, info=info)


def heard_recording(whole: Unlabelled, info: ModelInfo) -> HeardRecording:
    """What the model hears in a recording, without pieces."""
    found = recognise(whole.seen, info)
    aligned = whole.aligned
    text = words_of_text(aligned.words, aligned.texts, aligned.tokens_L, info)
    readings = find_readings(whole.log_probs_TC, whole.seen, info, found, text)
    return HeardRecording(whole=whole, found=found, text=text, readings=readings)


def recognised_texts(
    one: HeardRecording, rereading: Rereading, info: ModelInfo
) -> tuple[Unlabelled, Unlabelled]:
    """A recording with what the model hears in place of its transcript, without that and as it is read with it."""
    whole = one.whole
    words = choose_readings(whole.log_probs_TC, whole.seen, one.found, one.text, one.readings, rereading)
    evidence_WF = recognition_evidence(whole.log_probs_TC, words.found, whole.seen)
    texted_WF = with_text(evidence_WF, words, info, one.text)
    alone_WF = recognition_evidence(whole.log_probs_TC, one.found, whole.seen)
    alone, texted = (
        _with_heard(whole, *heard, info) for heard in ((one.found, alone_WF), (words.found, texted_WF))
    )
    return alone, texted


def _with_heard(
    whole: Unlabelled, found: RecognisedWords, evidence_WF: NDArray[np.float32], info: ModelInfo
) -> Unlabelled:
    """A recording with what the model hears in place of its transcript."""
    text = as_text(found, whole.seen.delimiter, in_pieces=bool(info.tokenizer))
    aligned = Aligned(tokens_L=text.tokens_L, words=text.words, texts=found.texts, evidence_WF=evidence_WF)
    return replace(whole, aligned=aligned, sentence_ends=())


def read_piece(whole: Unlabelled, judged: JudgedUtterance, case: Case, info: ModelInfo) -> Case | None:
    """What the model hears in an utterance; None where that is nothing.

    Args:
        whole: a recording, as `recognised_texts` gives it.
        judged: the utterance.
        case: the same with its true words.
        info: the model's description.
    """
    first, last = span = frames_of(judged, whole, info)
    words = whole.aligned.words
    middles_W = (words.frame_starts + words.frame_ends) / 2
    start, end = (int(w) for w in np.searchsorted(middles_W, (first, last)))
    if start == end:
        return None
    heard = stretch(whole, span, (start, end), stride_samples=info.stride_samples, name=judged.id)
    right_W, right_V = right_words(heard.aligned.texts, case.true_texts)
    return replace(
        case,
        log_probs_TC=heard.log_probs_TC,
        tokens_L=heard.aligned.tokens_L,
        words=heard.aligned.words,
        texts=heard.aligned.texts,
        evidence_WF=heard.aligned.evidence_WF,
        seen=heard.seen,
        levels=heard.levels,
        right_W=right_W,
        known_W=np.ones(len(right_W), bool),
        true_right_V=right_V,
        origin=GIVEN,
    )
