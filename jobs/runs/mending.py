"""Running a graph on this machine; stage files that turn out to be damaged or gone are made again by another round."""

from __future__ import annotations

from collections.abc import Callable

import apache_beam as beam
from rich.console import Console

from prep_corpus.align.errors import StageFileDamaged, StageFileGone
from prep_corpus.jobs.screen.causes import cause_of
from prep_corpus.jobs.screen.printing import print_warning
from prep_corpus.pipeline.progress import BOARD

MOST_MENDINGS = 8
"""Each round sets at least one damaged file aside; a disk that damages more than that is another problem."""

_MENDED = frozenset({StageFileDamaged.__name__, StageFileGone.__name__})


def run_mending(
    make: Callable[[], beam.Pipeline], restore: Callable[[], None], console: Console | None
) -> None:
    """Run a pipeline to its end.

    Args:
        make: the pipeline, anew for every round.
        restore: makes what the pipeline only reads again, where it does not stand.
        console: where a line is printed for each damaged file, with --quiet too.
    """
    for rounds in range(1, MOST_MENDINGS + 1):
        try:
            make().run().wait_until_finish()
            return
        except Exception as error:
            cause = cause_of(error)
            if cause.kind not in _MENDED or rounds == MOST_MENDINGS:
                raise
            print_warning(console, cause.message)
            restore()
            BOARD.clear()
