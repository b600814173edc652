"""Several bundles at a time: small ones side by side, each on one thread; a large one alone, on all of them.

Results come in the order of the bundles, whatever their number; no result depends on threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import MIN_TIMESTAMP
from apache_beam.utils.windowed_value import WindowedValue

from prep_corpus.pipeline.counters import tell_engine
from prep_corpus.pipeline.inputs.bundles import BUNDLE_SECONDS
from prep_corpus.pipeline.storage.stage_store import StageRef

Make = Callable[[int], StageRef]
"""Makes a bundle's result on a number of threads."""


class Abreast:
    """Bundles under way in one process.

    Args:
        threads: of all bundles together.
        longest_seconds: audio of a bundle that is made beside others; so many threads of it hold an hour, by default.
    """

    def __init__(self, threads: int, longest_seconds: float | None = None) -> None:
        self._threads = threads
        self._longest_seconds = BUNDLE_SECONDS / threads if longest_seconds is None else longest_seconds
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="bundle")
        self._running: deque[Future[StageRef]] = deque()

    def take(self, seconds: float, make: Make) -> Iterator[StageRef]:
        """Begin a bundle; yields results for which it would have to wait, and its own where it is made alone.

        Args:
            seconds: of its audio.
            make: called in this thread, or in one of the pool.
        """
        if self._threads == 1 or seconds > self._longest_seconds:
            yield from self.rest()
            yield make(self._threads)
            return
        while len(self._running) >= 2 * self._threads:
            yield self._running.popleft().result()
        self._running.append(self._pool.submit(make, 1))

    def rest(self) -> Iterator[StageRef]:
        """The results of all bundles that have been begun."""
        while self._running:
            yield self._running.popleft().result()

    def close(self) -> None:
        """Begin no more."""
        self._running.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)


class AbreastDoFn(beam.DoFn):
    """A step that makes a stage's result for each bundle, several of them at a time.

    Its `process` yields from `made`.

    Args:
        stage: name on the board.
        threads: of all bundles together.
        longest_seconds: see `Abreast`.
    """

    def __init__(self, stage: str, threads: int, longest_seconds: float | None = None) -> None:
        self._stage, self._at_once, self._longest_seconds = stage, threads, longest_seconds

    def setup(self) -> None:
        self._abreast = Abreast(self._at_once, self._longest_seconds)

    def made(self, seconds: float, make: Make) -> Iterator[StageRef]:
        """See `Abreast.take`; what is done is counted for the engine."""
        for ref in self._abreast.take(seconds, make):
            tell_engine(self._stage)
            yield ref

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for ref in self._abreast.rest():
            tell_engine(self._stage)
            yield WindowedValue(ref, MIN_TIMESTAMP, [GlobalWindow()])

    def teardown(self) -> None:
        self._abreast.close()
