"""The settings that say how recordings become utterances."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from prep_corpus.align.errors import UsageError
from prep_corpus.align.language_tags import is_known, one_spelling
from prep_corpus.align.model.naming import adapters_of
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

_OF_LANGUAGE = re.compile(r"([A-Za-z0-9_-]*)=(.*)", re.DOTALL)


def joined_models(words: tuple[str, ...]) -> str:
    """One value of all --model; without any, the bundled model.

    Raises:
        UsageError: there are several, and no language is named.
    """
    if len(words) > 1 and not any(map(_named_by_language, words)):
        raise UsageError(
            "several --model must name their languages, as in --model de=NAME --model en=NAME, "
            f"not {' and '.join(words)}"
        )
    return ",".join(words) or "english"


def model_words(model: str) -> list[str]:
    """What `joined_models` joined."""
    return [f"{key}={name}" if key else name for key, name in models_by_language(model).items()]


def models_by_language(value: str, option: str = "--model") -> dict[str, str]:
    """The names of "de=NAME,en=NAME" by language; "" is the key of a name for all others, or for all.

    Args:
        value: of the option.
        option: for messages.

    Raises:
        UsageError: a language has two, or is none, or has no name.
    """
    words = value.split(",")
    if not any(map(_named_by_language, words)):
        return {"": value}
    found: dict[str, str] = {}
    spelled: dict[str, str] = {}
    for word in words:
        key, name = _named_by_language(word) or ("", word)
        if not name or (key == "" and word.startswith("=")):
            raise UsageError(f"{option} {word}: it must be LANG=NAME, such as de=NAME; one side is empty")
        if key and not is_known(key):
            raise UsageError(
                f"{option} {word}: {key!r} is no language; a tag begins with ISO 639, such as de, de-AT or deu"
            )
        first = spelled.setdefault(one_spelling(key), key)
        if key in found or first != key:
            shown = key or "all others"
            raise UsageError(
                f"{option} must name one for each language, and {shown} has two"
                + ("" if first == key else f": {first} and {key} are the same language")
            )
        found[key] = name
    return found


def _named_by_language(word: str) -> tuple[str, str] | None:
    """(tag, name) of "de=NAME"; None of a name alone, or of a path that has the sign in it."""
    match = _OF_LANGUAGE.fullmatch(word)
    return None if match is None or os.path.exists(word) else (match[1], match[2])


def is_one_model(model: str) -> bool:
    """Whether a run has one model for all of its recordings."""
    return set(models_by_language(model)) == {""} and not adapters_of(model)


@dataclass(frozen=True, kw_only=True)
class CuttingSettings:
    """Model, filter and cuts."""

    model: str = setting(
        "english",
        "--model",
        "Bundled model, model folder, Hugging Face CTC model, ONNX folder or file, or module:factory; LANG=NAME for "
        "the recordings of one language, repeated for others.",
        repeated=True,
        words=model_words,
        parse=joined_models,
        default_about="english",
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
        "Filter file, the name of a bundled filter, or nearest: that of the bundled model with frames most alike.",
        kind=str,
        metavar="FILE.json",
        default_about="the one made for the model, else one fitted on the corpus itself",
        group=CUTTING,
        to="segment",
        parameter=Parameter(
            about="A filter file inside the image or on gs://.", regex="^(/|gs://).+\\.json$"
        ),
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
