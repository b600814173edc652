"""What it would cost if a looser --max-wer always meant lower thresholds: the bundled filters' curves and chains.

python benchmarks/quality/bench_nested.py

A chain is a part of a curve's points of which each looser one has neither threshold higher. The best keeps most in
the mean over what may be asked, from 0.3 to 10 %, by equal steps of the logarithm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from prep_corpus.filters.curve import OperatingPoint
from prep_corpus.filters.linear import parse_filter
from prep_corpus.filters.recognition import parse_recognition

FILTERS = Path(__file__).resolve().parents[2] / "filters"
ASKED = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1)
STEPS = np.geomspace(0.003, 0.1, 200)

Curve = Sequence[OperatingPoint]


def best_chain(curve: Curve) -> Curve:
    """The chain that keeps most."""
    points = sorted(curve, key=lambda point: point.wer_upper)
    uppers = np.array([point.wer_upper for point in points] + [np.inf])
    # Steps that are asked from each point's bound on.
    steps = np.array([(upper <= STEPS).sum() for upper in uppers])
    values, chains = np.zeros(len(points)), [[point] for point in points]
    for i in reversed(range(len(points))):
        one = points[i]
        values[i] = steps[i] * one.kept_share
        for j in range(i + 1, len(points)):
            other = points[j]
            falls = (
                other.word_threshold <= one.word_threshold
                and other.utterance_threshold <= one.utterance_threshold
            )
            value = (steps[i] - steps[j]) * one.kept_share + values[j]
            if falls and value > values[i]:
                values[i], chains[i] = value, [one, *chains[j]]
    return chains[int(np.argmax(values))]


def kept_share(curve: Curve, asked: float) -> float:
    """What is kept where so much is asked; 0 where it cannot be reached."""
    return max((point.kept_share for point in curve if point.wer_upper <= asked), default=0.0)


def curves() -> Iterator[tuple[str, Curve]]:
    """The bundled filters' curves by name."""
    for name in ("english", "quartznet"):
        fitted = parse_filter((FILTERS / f"{name}.json").read_text(encoding="utf-8"), name)
        yield f"{name}, --cut words", fitted.words.curve
        yield f"{name}, --cut paper", fitted.paper.curve
    for name in ("quartznet.recognition", "quartznet.judged"):
        heard = parse_recognition((FILTERS / f"{name}.json").read_text(encoding="utf-8"), name)
        yield f"{name}, alone", heard.alone.curve
        if heard.with_text is not None:
            yield f"{name}, with text", heard.with_text.curve


def main() -> None:
    """Print what is kept, and what the best chain would keep."""
    print(f"{'% kept by the curve / the chain, at':36}" + "".join(f"{asked:>14.1%}" for asked in ASKED))
    for name, curve in curves():
        chain = best_chain(curve)
        both = (f"{100 * kept_share(curve, a):.1f} / {100 * kept_share(chain, a):.1f}" for a in ASKED)
        print(f"{name:36}" + "".join(f"{text:>14}" for text in both))


if __name__ == "__main__":
    main()
