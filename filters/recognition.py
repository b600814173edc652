"""How far to trust what a model hears where no text is trusted: a word classifier with its curve, one JSON file.

Legend: W recognised words, S segments, F features.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.curve import OperatingPoint, choose
from prep_corpus.filters.documents import read_document
from prep_corpus.filters.features import word_feature_blocks, word_features
from prep_corpus.filters.judge_evidence import JUDGE_NAMES
from prep_corpus.filters.linear import Linear, parse_linear
from prep_corpus.filters.recognition_evidence import RECOGNITION_NAMES

if TYPE_CHECKING:
    from prep_corpus.align.cutting.segments import Segment

DoubleArray = NDArray[np.float64]

RECOGNITION_FORMAT = "prep-corpus recognition filter 1"

BUNDLED_RECOGNITION_FILTERS = ("quartznet",)

COLUMNS = (*RECOGNITION_NAMES, *JUDGE_NAMES)
"""Of a word's evidence; without a judge the last are not there."""


@dataclass(frozen=True, kw_only=True)
class RecognitionFilter:
    """The classifier of recognised words, and what can be had with it.

    Attributes:
        word: log-odds that a recognised word was said, over `recognition_features`.
        curve: operating points, of recordings of which no text is known; see `curve.choose`.
        k_frames: shortest pause to cut at with which the curve was measured.
        model_digest: digest of the acoustic model for which it was fitted.
        frame_seconds: length of that model's frames.
        fitted_on: what it was fitted on, in words.
        data_digest: digest of the emissions and truths that it was fitted on.
    """

    word: Linear
    curve: tuple[OperatingPoint, ...]
    k_frames: int
    model_digest: str
    frame_seconds: float
    fitted_on: str
    data_digest: str

    def __post_init__(self) -> None:
        recognition_features(np.zeros((0, len(COLUMNS))), self.word.names)

    @property
    def is_judged(self) -> bool:
        """Whether it looks at what a judge hears."""
        return any(name.startswith(JUDGE_NAMES) for name in self.word.names)

    def point(self, max_wer: float) -> OperatingPoint:
        """The operating point for a word error rate; raises UsageError where it cannot be reached."""
        return choose(self.curve, max_wer, name="the filter of what the model hears (--read)")

    def fits(self, model_digest: str) -> bool:
        """Whether it was fitted for the model of this digest."""
        return self.model_digest == model_digest

    def score_words(self, evidence_WF: NDArray[np.floating]) -> DoubleArray:
        """Log-odds [W] that each recognised word was said.

        Args:
            evidence_WF: of one recording's words in order (neighbours matter), as `recognition_evidence` gives it, and
                with a judge the columns of `judge_evidence` behind.
        """
        blocks = word_feature_blocks(evidence_WF, self.word.names, columns=COLUMNS)
        return np.concatenate([np.empty(0), *map(self.word.score, blocks)])

    @property
    def digest(self) -> str:
        """Identity of all its numbers, hexadecimal."""
        return blake2b(recognition_text(self).encode(), digest_size=16).hexdigest()


def recognition_features(evidence_WF: NDArray[np.floating], names: Sequence[str]) -> DoubleArray:
    """The named features of each recognised word, as `word_features` names them, of `COLUMNS`."""
    return word_features(evidence_WF, names, COLUMNS)


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
        return RecognitionFilter(
            word=parse_linear(document["word"]),
            curve=tuple(OperatingPoint(**point) for point in document["curve"]),
            k_frames=int(document["k_frames"]),
            model_digest=document["model_digest"],
            frame_seconds=float(document["frame_seconds"]),
            fitted_on=document["fitted_on"],
            data_digest=document["data_digest"],
        )
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise UsageError(f"{name}: a field is missing or wrong ({error!r})") from error
