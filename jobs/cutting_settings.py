"""The settings that say how recordings become utterances."""

from __future__ import annotations

from dataclasses import dataclass

from prep_corpus.jobs.settings import (
    AT_LEAST_0,
    AT_LEAST_1,
    CUTTING,
    MODEL,
    POSITIVE,
    Parameter,
    Range,
    setting,
)


@dataclass(frozen=True, kw_only=True)
class CuttingSettings:
    """Model, filter and cuts."""

    model: str = setting(
        "english",
        "--model",
        "Bundled model, model folder, Hugging Face CTC model, or module:factory.",
        group=MODEL,
        to="emit.model",
        parameter=Parameter(
            label="Acoustic model",
            about="english, or the folder of a model inside the image, such as /opt/model.",
            regex="^(english|/.+|[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*)$",
        ),
    )
    filter: str | None = setting(
        None,
        "--filter",
        "Filter file, or the name of a bundled filter.",
        kind=str,
        metavar="FILE.json",
        default_about="the one made for the model",
        group=CUTTING,
        to="segment",
        parameter=Parameter(about="A filter file inside the image.", regex="^/.+\\.json$"),
    )
    cut: str = setting(
        "words",
        "--cut",
        "Cut also around words that the audio does not say (words), or at pauses alone (paper).",
        choices=("words", "paper"),
        group=CUTTING,
        to="segment.cut",
        parameter=Parameter(label="Cutting"),
    )
    max_wer: float | None = setting(
        None,
        "--max-wer",
        "Highest word error rate of what is kept, such as 0.01 for 1 %.",
        kind=float,
        allowed=Range(low=0, high=1, low_open=True, high_open=True),
        group=CUTTING,
        to="segment",
        parameter=Parameter(label="Wrong words"),
    )
    target_duration_seconds: float = setting(
        7.0,
        "--target-duration",
        "Mean length of utterances, in seconds.",
        unit="seconds",
        allowed=POSITIVE,
        group=CUTTING,
        to="measure",
    )
    min_duration_seconds: float = setting(
        0.5,
        "--min-duration",
        "Drop utterances that are shorter, in seconds.",
        unit="seconds",
        allowed=POSITIVE,
        group=CUTTING,
        to="segment.min_seconds",
    )
    max_duration_seconds: float = setting(
        20.0,
        "--max-duration",
        "Cut utterances that are longer, or drop them, in seconds.",
        unit="seconds",
        allowed=POSITIVE,
        group=CUTTING,
        to="segment.max_seconds",
    )
    padding_seconds: float = setting(
        0.2,
        "--padding",
        "Most silence kept at each end of an utterance, in seconds.",
        unit="seconds",
        allowed=AT_LEAST_0,
        group=CUTTING,
        to="segment.padding_seconds",
    )
    min_pause_frames: int | None = setting(
        None,
        "--min-pause-frames",
        "Shortest pause to cut at, in frames of the model.",
        kind=int,
        unit="frames",
        allowed=AT_LEAST_1,
        default_about="chosen for the target",
        group=CUTTING,
        to="measure",
    )
    retune: bool = setting(
        False,
        "--retune",
        "Choose the shortest pause anew for a corpus that has grown.",
        group=CUTTING,
        to="measure",
        moves_bytes=False,
    )
