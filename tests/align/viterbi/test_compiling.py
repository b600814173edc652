"""Kernels where no folder can hold their compiled form."""

from __future__ import annotations

import os
import subprocess
import sys


def test_kernels_run_where_no_cache_can_be_written() -> None:
    program = (
        "from prep_corpus.align.viterbi.compiling import compiled\n"
        "def double(x):\n    return 2 * x\n"
        "double.__code__ = double.__code__.replace(co_filename='/proc/nowhere/kernel.py')\n"
        "print(compiled(double)(21))\n"
    )
    environment = dict(
        os.environ, NUMBA_CACHE_DIR="/proc/nowhere", HOME="/proc/nowhere", XDG_CACHE_HOME="/proc/nowhere"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "42\n", done.stderr
