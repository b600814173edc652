"""Two recordings aligned on two threads beside one after the other, in one process.

    python benchmarks/alignment/bench_threads.py [--minutes 60] [--rounds 9]

The emissions and texts of bench_align.py, with and without gaps. Each round times both ways, so that the ratio of a
round is of one moment; the machine must do nothing else, since two threads need both cores.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from bench_align import make_problems
from numpy.typing import NDArray
from support.planted import BLANK, DELIMITER

from prep_corpus.align.viterbi.detours import DEFAULT_DETOURS, DetourCosts
from prep_corpus.align.viterbi.viterbi import align

RECORDINGS = 2


def seconds_of(
    log_probs_TC: NDArray[np.float16], tokens_L: NDArray[np.int32], detours: DetourCosts | None, threads: int
) -> float:
    """Wall time of `RECORDINGS` alignments on some threads."""

    def one(_: int) -> None:
        align(log_probs_TC, tokens_L, blank=BLANK, delimiter=DELIMITER, detours=detours)

    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, range(RECORDINGS)))
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        problems = make_problems(options.minutes, options.seed, Path(folder))
        log_probs_TC = np.load(Path(folder, "log_probs.npy"))
    print(
        f"{'text':10} {'detours':8} {'1 thread s':>10} {'2 threads s':>11} {'times':>6} {'least':>6} {'most':>6}"
    )
    for problem in problems:
        for name, detours in (("none", None), ("default", DEFAULT_DETOURS)):
            align(log_probs_TC, problem.tokens_L, blank=BLANK, delimiter=DELIMITER, detours=detours)
            rounds = [
                tuple(
                    seconds_of(log_probs_TC, problem.tokens_L, detours, threads)
                    for threads in (1, RECORDINGS)
                )
                for _ in range(options.rounds)
            ]
            times = [alone / together for alone, together in rounds]
            alone, together = (statistics.median(column) for column in zip(*rounds))
            print(
                f"{problem.name:10} {name:8} {alone:10.2f} {together:11.2f} {statistics.median(times):6.2f} "
                f"{min(times):6.2f} {max(times):6.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
