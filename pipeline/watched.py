"""A step that makes worker processes report what their stages do (`worker_progress.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import apache_beam as beam

from prep_corpus.pipeline.worker_progress import REPORTER

Element = TypeVar("Element")


class Watched(beam.DoFn):
    """Passes its elements on; the process that it runs in reports what its stages do."""

    def __init__(self, folder: str | None) -> None:
        self._folder = folder

    def setup(self) -> None:
        if self._folder is not None:
            REPORTER.start(self._folder)

    def process(self, element: Element) -> Iterator[Element]:
        yield element

    def finish_bundle(self) -> None:
        # By now what follows in this process has taken the bundle's elements too.
        if self._folder is not None:
            REPORTER.tell()
