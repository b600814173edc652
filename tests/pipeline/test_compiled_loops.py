"""Loops that are compiled ahead are those that the stages call."""

from __future__ import annotations

import subprocess
import sys

from support.places import ENVIRONMENT

PROGRAM = """
import numpy as np
from prep_corpus.align.cutting import edges, ranges
from prep_corpus.align.text.normalize import TextOptions
from prep_corpus.align.viterbi import chain, halves, kernels, refine, scoring
from prep_corpus.align.viterbi.forward import ceiling, following, tiles
from prep_corpus.align.words import hearing
from prep_corpus.align.words.aligned_text import align_best
from prep_corpus.filters import path_sums
from prep_corpus.pipeline import compiled_loops

CALLED = [
    kernels.visit_edges, kernels.advance_rows, kernels.trace_rows, tiles.advance_tiles, following.follow_tiles,
    ceiling.count_places, refine._advance_band, refine._trace_band, chain.best_path, scoring._best_score,
    edges._find, ranges._shape_all, hearing._compare, path_sums.path_sum_cost,
]
compiled_loops.compile_loops()
before = [len(loop.signatures) for loop in CALLED]
print([loop.__name__ for loop, count in zip(CALLED, before) if not count])
compiled_loops._LETTERS = 700
compiled_loops.compile_loops()
print([loop.__name__ for loop, count in zip(CALLED, before) if len(loop.signatures) != count])
READ = [halves.read_best, halves.sum_nats, halves.read_units, halves.read_nats]
print([all(signature[0].mutable for signature in loop.signatures) for loop in READ])
print(sorted(signature[0].layout for signature in halves.sum_nats.signatures))
print([signature[5].mutable for signature in edges._find.signatures])
"""


def test_every_loop_is_compiled_and_for_all_lengths() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    # The store's emissions cannot be written to, a long recording's are sampled, and loudness is a copy.
    as_the_stages_call = ["[False, False, False, False]", "['A', 'C']", "[True]"]
    assert done.stdout.splitlines() == ["[]", "[]", *as_the_stages_call]
