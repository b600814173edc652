"""Linear classifiers as plain numbers, and the fitted filter that holds them: one JSON file.

Legend: N rows, F features.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError
from prep_corpus.align.words.evidence import EVIDENCE_NAMES
from prep_corpus.filters.curve import OperatingPoint, choose, parse_curve
from prep_corpus.filters.documents import document_text, read_document
from prep_corpus.filters.features import FEATURE_NAMES, word_features
from prep_corpus.filters.ground import Ground
from prep_corpus.filters.guard import HearingGuard

DoubleArray = NDArray[np.float64]

FILTER_FORMAT = "prep-corpus filter 1"
NO_FLOOR = -1e9
"""In place of minus infinity: all utterances lie over it."""

BUNDLED_FILTERS = ("quartznet", "english")


@dataclass(frozen=True, kw_only=True)
class Linear:
    """Log-odds of the good class as a linear function of standardised features.

    Attributes:
        names: the names of the F features, in the order of the columns.
        means, scales: of each feature where the classifier was fitted; scales are positive.
        coefficients: one per feature.
        intercept: the intercept, in nats.
        lows, highs: features beyond these count as these, so that no extreme speaks louder than what the classifier
            was fitted on; empty where features count as they are.
    """

    names: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float
    lows: tuple[float, ...] = ()
    highs: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        lengths = {len(self.names), len(self.means), len(self.scales), len(self.coefficients)}
        if len(lengths) != 1:
            raise UsageError(
                "a linear classifier needs one mean, scale and coefficient for each feature name: "
                f"{len(self.names)} names, {len(self.means)} means, {len(self.scales)} scales, "
                f"{len(self.coefficients)} coefficients"
            )
        if not all(scale > 0 for scale in self.scales):
            raise UsageError(f"a linear classifier's scales must be positive, not {min(self.scales)}")
        if len(self.lows) != len(self.highs) or len(self.lows) not in (0, len(self.names)):
            raise UsageError(
                f"a linear classifier needs no limits or two for each of its {len(self.names)} features, "
                f"not {len(self.lows)} lows and {len(self.highs)} highs"
            )
        numbers = (*self.means, *self.scales, *self.coefficients, self.intercept, *self.lows, *self.highs)
        if not np.isfinite(numbers).all():
            raise UsageError("a linear classifier's numbers must be finite")

    @cached_property
    def _arrays(self) -> tuple[DoubleArray, ...]:
        return tuple(map(np.array, (self.lows, self.highs, self.means, self.scales, self.coefficients)))

    def score(self, features_NF: NDArray[np.floating]) -> DoubleArray:
        """Log-odds [N], in nats.

        Args:
            features_NF: columns as in `names`.
        """
        if features_NF.ndim != 2 or features_NF.shape[1] != len(self.names):
            raise ValueError(f"features must be [N, {len(self.names)}], not {list(features_NF.shape)}")
        lows_F, highs_F, means_F, scales_F, coefficients_F = self._arrays
        standard_NF: DoubleArray = features_NF.astype(np.float64, copy=False)
        if len(lows_F):
            standard_NF = np.maximum(standard_NF, lows_F)
            np.minimum(standard_NF, highs_F, out=standard_NF)
        standard_NF = np.subtract(standard_NF, means_F, out=standard_NF if len(lows_F) else None)
        standard_NF /= scales_F
        standard_NF *= coefficients_F
        # A sum along rows, not a matrix product: BLAS may give other last bits for other numbers of rows.
        scores_N: DoubleArray = standard_NF.sum(axis=1) + self.intercept
        return scores_N


@dataclass(frozen=True, kw_only=True)
class Level:
    """The utterance classifier for one way of cutting, and what can be had with it.

    Attributes:
        utterance: over the six features.
        curve: operating points; see `curve.choose`.
        k_frames: the k with which the curve was measured.
        floor: no point keeps utterances of a lower log-odds: hardly a right one of the fit lies there.
        by_words: points drop an utterance that has a word under their word threshold: of `--cut paper`, where no word
            is cut out. Without it their word thresholds mean nothing there.
    """

    utterance: Linear
    curve: tuple[OperatingPoint, ...]
    k_frames: int
    floor: float = NO_FLOOR
    by_words: bool = False

    def __post_init__(self) -> None:
        if self.utterance.names != FEATURE_NAMES:
            raise UsageError(
                f"a filter's utterance features must be {', '.join(FEATURE_NAMES)}, "
                f"not {', '.join(self.utterance.names)}"
            )


@dataclass(frozen=True, kw_only=True)
class Filter:
    """The word classifier, and for each way of cutting the utterance classifier with its curve.

    Attributes:
        word: over `word_features`.
        words: the operating points of utterances cut around bad words (`--cut words`).
        paper: the operating points of the paper's utterances (`--cut paper`).
        model_digest: the digest of the acoustic model for which the filter was fitted.
        frame_seconds: the length of that model's frames.
        fitted_on: what it was fitted on, in words.
        data_digest: the digest of the recordings and transcripts that it was fitted on.
        guard: what is never kept, or None in a filter without one.
        ground: how much less a word's score is worth where the model hears badly, or None where it is worth the same
            everywhere.
        lacking: log-odds, over `word_features`, that something is said before a word that the text lacks; None where
            nothing tells.
    """

    word: Linear
    words: Level
    paper: Level
    model_digest: str
    frame_seconds: float
    fitted_on: str
    data_digest: str
    guard: HearingGuard | None = None
    ground: Ground | None = None
    lacking: Linear | None = None

    def __post_init__(self) -> None:
        for linear in (self.word, *([] if self.lacking is None else [self.lacking])):
            word_features(np.zeros((0, len(EVIDENCE_NAMES))), linear.names)

    def level(self, cut: str) -> Level:
        """The part for one way of cutting.

        Args:
            cut: "words" or "paper".
        """
        if cut not in ("words", "paper"):
            raise UsageError(f"the way of cutting must be words or paper, not {cut!r}")
        return self.words if cut == "words" else self.paper

    def point(self, max_wer: float, *, cut: str = "words") -> OperatingPoint:
        """The operating point for a word error rate; raises UsageError where it cannot be reached.

        Args:
            max_wer: largest share of wrong words accepted.
            cut: "words" or "paper".
        """
        level = self.level(cut)
        found = choose(level.curve, max_wer)
        return replace(found, utterance_threshold=max(found.utterance_threshold, level.floor))

    def fits(self, model_digest: str) -> bool:
        """Whether it was fitted for the model of this digest."""
        return self.model_digest == model_digest

    @cached_property
    def digest(self) -> str:
        """Identity of all its numbers, hexadecimal; every bundle asks for it."""
        return blake2b(filter_text(self).encode(), digest_size=16).hexdigest()


def filter_text(fitted: Filter) -> str:
    """The filter as the text of its JSON file, floats in full."""
    return json.dumps({"format": FILTER_FORMAT, **asdict(fitted)}, indent=1, allow_nan=False) + "\n"


def save_filter(fitted: Filter, path: Path) -> None:
    """Write the filter as JSON, floats in full."""
    path.write_text(filter_text(fitted), encoding="utf-8")


def load_filter(path: Path) -> Filter:
    """Read a filter that `save_filter` wrote.

    Raises:
        UsageError: it is not there or not such a file.
    """
    return parse_filter(document_text(path, "--filter"), str(path))


def bundled_filter(name: str) -> Filter:
    """One of the filters that ship with the package.

    Args:
        name: a name of `BUNDLED_FILTERS`.
    """
    return load_filter(Path(__file__).with_name(f"{name}.json"))


def parse_filter(text: str, name: str) -> Filter:
    """A filter from the text of its JSON file.

    Args:
        text: the JSON document.
        name: where it came from, for messages.

    Raises:
        UsageError: it is not a filter of this format.
    """
    document = read_document(text, FILTER_FORMAT, f"--filter {name}", "a filter")
    try:
        return Filter(
            word=parse_linear(document["word"]),
            words=_level(document["words"]),
            paper=_level(document["paper"]),
            model_digest=document["model_digest"],
            frame_seconds=float(document["frame_seconds"]),
            fitted_on=document["fitted_on"],
            data_digest=document["data_digest"],
            guard=_guard(document.get("guard")),
            ground=_ground(document.get("ground")),
            lacking=None if document.get("lacking") is None else parse_linear(document["lacking"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise UsageError(f"--filter {name}: a field is missing or wrong ({error!r})") from error


def _level(document: Mapping[str, Any]) -> Level:
    return Level(
        utterance=parse_linear(document["utterance"]),
        curve=parse_curve(document["curve"]),
        k_frames=int(document["k_frames"]),
        floor=float(document.get("floor", NO_FLOOR)),
        by_words=bool(document.get("by_words", False)),
    )


def parse_linear(document: Mapping[str, Any]) -> Linear:
    """A classifier from its part of a JSON document."""
    return Linear(
        names=tuple(document["names"]),
        means=tuple(map(float, document["means"])),
        scales=tuple(map(float, document["scales"])),
        coefficients=tuple(map(float, document["coefficients"])),
        intercept=float(document["intercept"]),
        lows=tuple(map(float, document.get("lows", ()))),
        highs=tuple(map(float, document.get("highs", ()))),
    )


def _guard(document: Mapping[str, Any] | None) -> HearingGuard | None:
    if document is None:
        return None
    return HearingGuard(
        hearing=parse_linear(document["hearing"]),
        threshold=float(document["threshold"]),
        names=tuple(document["names"]),
        means=tuple(map(float, document["means"])),
        whitening=tuple(tuple(map(float, row)) for row in document["whitening"]),
        limit=float(document["limit"]),
    )


def _ground(document: Mapping[str, Any] | None) -> Ground | None:
    if document is None:
        return None
    return Ground(
        clean=parse_linear(document["clean"]),
        free=float(document["free"]),
        charge=float(document["charge"]),
    )
