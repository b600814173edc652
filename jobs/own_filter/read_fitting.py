"""The recognition filter of `prep-corpus fit-filter --read-out`: from what people heard, or what a run has kept."""

from __future__ import annotations

from pathlib import Path

from prep_corpus.align.cutting.segments import CutOptions
from prep_corpus.filters.fitting.fit_recognition import (
    FittedRecognition,
    RecognitionFitOptions,
    fit_recognition,
)
from prep_corpus.filters.fitting.recognition_report import recognition_card
from prep_corpus.filters.labels.heard_labels import JudgedUtterance
from prep_corpus.filters.recognition import recognition_text
from prep_corpus.jobs.screen.plain_text import counted
from prep_corpus.pipeline.finished.fit_material import Say
from prep_corpus.pipeline.finished.read_material import ReadMaterial, read_material, trusted_utterances
from prep_corpus.pipeline.finished.self_fit import data_digest
from prep_corpus.pipeline.finished.stored_run import FinishedRun
from prep_corpus.pipeline.storage.writing import write_atomic

NOT_SEEN = (
    "It has seen speech as in this run alone: no recordings in which nobody speaks, and no worse ones. What it "
    "promises, it promises of recordings like these."
)


def read_of_labels(
    run: FinishedRun, judged: tuple[JudgedUtterance, ...], say: Say
) -> tuple[ReadMaterial, str]:
    """What the model hears in utterances that people labelled, and what that is, in words."""
    return read_material(run, judged, say), f"{counted(len(judged), 'utterance')} that people labelled"


def read_of_kept(run: FinishedRun, *, hours: float, seed: int, say: Say) -> tuple[ReadMaterial, str]:
    """What the model hears in utterances that a run has kept of its transcripts, and what that is, in words."""
    drawn = trusted_utterances(run, hours=hours, seed=seed)
    about = f"{counted(len(drawn), 'utterance')} that a run has kept, whose text is taken as true"
    return read_material(run, drawn, say), about


def fit_reading(material: ReadMaterial, about: str, cut: CutOptions, *, k_frames: int) -> FittedRecognition:
    """The filter of what a model hears in a run.

    Args:
        material: what it hears where the words are known.
        about: what that is, in words.
        cut: how the run's utterances were shaped.
        k_frames: the run's shortest pause.

    Raises:
        UsageError: too few speakers or recordings, or words of one class only.
    """
    return fit_recognition(
        material.alone,
        RecognitionFitOptions(cut=cut, k_frames=k_frames),
        with_text=material.with_text,
        rereading=material.rereading,
        model_digest=material.info.digest,
        frame_seconds=material.info.frame_seconds,
        fitted_on=about,
        data_digest=data_digest(material.alone),
    )


def write_reading(fitted: FittedRecognition, material: ReadMaterial, out: Path, command: str) -> str:
    """Write the filter with its card beside it; returns the card."""
    out.parent.mkdir(parents=True, exist_ok=True)
    card = recognition_card(
        fitted,
        (material.alone, material.with_text),
        f"Recognition filter {out.stem}",
        command,
        notes=[NOT_SEEN],
    )
    out.with_suffix(".md").write_text(card, encoding="utf-8")
    # Last, so that there is a card to every filter.
    data = recognition_text(fitted.filter).encode()
    write_atomic(str(out), lambda file: file.write(data), replace=True)
    return card
