"""How far to trust what a model hears: word classifiers with their curves, one JSON file.

Legend: W recognised words, S segments, F features.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.curve import OperatingPoint, choose, parse_curve
from prep_corpus.filters.documents import read_document
from prep_corpus.filters.features import word_feature_blocks, word_features
from prep_corpus.filters.judge_evidence import JUDGE_NAMES
from prep_corpus.filters.linear import Linear, parse_linear
from prep_corpus.filters.recognition_evidence import RECOGNITION_NAMES
from prep_corpus.filters.rereading import Rereading
from prep_corpus.filters.text_evidence import TEXT_NAMES

if TYPE_CHECKING:
    from prep_corpus.align.cutting.segments import Segment

DoubleArray = NDArray[np.float64]

RECOGNITION_FORMAT = "prep-corpus recognition filter 3"

BUNDLED_RECOGNITION_FILTERS = ("quartznet",)


@dataclass(frozen=True, kw_only=True)
class RecognitionLevel:
    """The classifier of recognised words for one kind of evidence, and what can be had with it.

    Attributes:
        word: log-odds that a recognised word was said, over the features of `word_features`.
        curve: operating points; see `curve.choose`.
        columns: names of the columns of a word's evidence: those of `recognition_evidence`, with a judge those of
            `judge_evidence` behind, and with a text those of `text_evidence` behind these.
    """

    word: Linear
    curve: tuple[OperatingPoint, ...]
    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        word_features(np.zeros((0, len(self.columns))), self.word.names, self.columns)

    def point(self, max_wer: float) -> OperatingPoint:
        """The operating point for a word error rate; raises UsageError where it cannot be reached."""
        return choose(self.curve, max_wer, name="the filter of what the model hears (--read)")

    def score_words(self, evidence_WF: NDArray[np.floating]) -> DoubleArray:
        """Log-odds [W] that each recognised word was said.

        Args:
            evidence_WF: of one recording's words in order (neighbours matter), of `columns`.
        """
        blocks = word_feature_blocks(evidence_WF, self.word.names, columns=self.columns)
        return np.concatenate([np.empty(0), *map(self.word.score, blocks)])


@dataclass(frozen=True, kw_only=True)
class RecognitionFilter:
    """The classifiers of recognised words, by what is known of a recording besides its sound.

    Attributes:
        alone: of recordings of which no text is known.
        with_text: of recordings that have a text; None in a filter that looks at none.
        rereading: how much such a text counts for what is read; None in a filter that looks at none.
        k_frames: shortest pause to cut at with which the curves were measured.
        model_digest: digest of the acoustic model for which it was fitted.
        frame_seconds: length of that model's frames.
        fitted_on: what it was fitted on, in words.
        data_digest: digest of the emissions and truths that it was fitted on.
    """

    alone: RecognitionLevel
    with_text: RecognitionLevel | None = None
    rereading: Rereading | None = None
    k_frames: int
    model_digest: str
    frame_seconds: float
    fitted_on: str
    data_digest: str

    def __post_init__(self) -> None:
        if self.alone.columns not in [columns_of(judged=judged, has_text=False) for judged in (False, True)]:
            raise UsageError(f"a recognition filter looks at other evidence: {', '.join(self.alone.columns)}")
        if (self.rereading is None) != (self.with_text is None):
            raise UsageError(
                "a recognition filter that looks at texts, and no other, says how much they count"
            )
        wanted = columns_of(judged=self.is_judged, has_text=True)
        if self.with_text is not None and self.with_text.columns != wanted:
            raise UsageError(
                f"where there is a text a recognition filter looks at {', '.join(wanted)}, "
                f"not at {', '.join(self.with_text.columns)}"
            )

    @property
    def is_judged(self) -> bool:
        """Whether it looks at what a judge hears."""
        return JUDGE_NAMES[0] in self.alone.columns

    def fits(self, model_digest: str) -> bool:
        """Whether it was fitted for the model of this digest."""
        return self.model_digest == model_digest

    @property
    def digest(self) -> str:
        """Identity of all its numbers, hexadecimal."""
        return blake2b(recognition_text(self).encode(), digest_size=16).hexdigest()


def columns_of(*, judged: bool, has_text: bool) -> tuple[str, ...]:
    """Names of the columns of a word's evidence, with a judge or without, with a text or without."""
    return (*RECOGNITION_NAMES, *(JUDGE_NAMES if judged else ()), *(TEXT_NAMES if has_text else ()))


def mean_scores(scores_W: DoubleArray, segments: Sequence[Segment]) -> DoubleArray:
    """What each segment's text is worth [S]: the mean of its words' log-odds."""
    sums = np.concatenate(([0.0], np.cumsum(scores_W)))
    return np.array(
        [(sums[s.word_end] - sums[s.word_start]) / (s.word_end - s.word_start) for s in segments], np.float64
    )


def recognition_text(fitted: RecognitionFilter) -> str:
    """The filter as the text of its JSON file, floats in full."""
    return json.dumps({"format": RECOGNITION_FORMAT, **asdict(fitted)}, indent=1, allow_nan=False) + "\n"


def bundled_recognition_filter(model_digest: str, *, judged: bool = False) -> RecognitionFilter | None:
    """The filter that ships with the package for a model, with a judge or without; None where there is none."""
    for name in BUNDLED_RECOGNITION_FILTERS:
        path = Path(__file__).with_name(f"{name}.{'judged' if judged else 'recognition'}.json")
        found = parse_recognition(path.read_text(encoding="utf-8"), str(path))
        if found.fits(model_digest):
            return found
    return None


def parse_recognition(text: str, name: str) -> RecognitionFilter:
    """A filter from the text of its JSON file.

    Args:
        text: the JSON document.
        name: where it came from, for messages.

    Raises:
        UsageError: it is not a filter of this format.
    """
    document = read_document(text, RECOGNITION_FORMAT, name, "a recognition filter")
    try:
        with_text, rereading = document["with_text"], document["rereading"]
        return RecognitionFilter(
            alone=_parse_level(document["alone"]),
            with_text=None if with_text is None else _parse_level(with_text),
            rereading=None if rereading is None else Rereading(**rereading),
            k_frames=int(document["k_frames"]),
            model_digest=document["model_digest"],
            frame_seconds=float(document["frame_seconds"]),
            fitted_on=document["fitted_on"],
            data_digest=document["data_digest"],
        )
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise UsageError(f"{name}: a field is missing or wrong ({error!r})") from error


def _parse_level(document: Any) -> RecognitionLevel:
    return RecognitionLevel(
        word=parse_linear(document["word"]),
        curve=parse_curve(document["curve"]),
        columns=tuple(document["columns"]),
    )
