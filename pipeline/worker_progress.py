"""Progress of a run on other machines: every worker process keeps one small file, and anyone may add them up.

    work/progress/JOB/WORKER.json    the worker's own board, written every few seconds while it changes

Beam's own counters come at the end of a stage on Flink, and in other ways on other engines. A worker that died leaves
its last figures, and what was done twice counts twice: the sums are for people, and no result depends on them.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import uuid
from contextlib import suppress
from dataclasses import asdict

from prep_corpus.pipeline.progress import BOARD, StageProgress, added
from prep_corpus.pipeline.storage import files

SECONDS = 5.0
"""Between two writings of a worker's file."""


class _Reporter:
    """Writes this process's board to the folders that jobs name; every worker process has one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._uris: dict[str, str] = {}
        self._told: dict[str, StageProgress] = {}

    def start(self, folder: str) -> None:
        """Report to a folder from now on; once is enough."""
        with self._lock:
            if folder in self._uris:
                return
            name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.json"
            self._uris[folder] = files.join(folder, name)
            if len(self._uris) == 1:
                threading.Thread(target=self._follow, name="report-progress", daemon=True).start()

    def tell(self) -> None:
        """Write the board, where it has changed."""
        with self._lock:
            board = BOARD.snapshot()
            if board == self._told:
                return
            text = json.dumps({stage: asdict(progress) for stage, progress in board.items()}).encode()
            # It is for people alone: where it cannot be written the work goes on, and the next writing tells as much.
            with suppress(OSError):
                for uri in self._uris.values():
                    files.write_atomic(uri, lambda file: file.write(text), replace=True)
                self._told = board

    def _follow(self) -> None:
        pause = threading.Event()
        while not pause.wait(SECONDS):
            self.tell()


REPORTER = _Reporter()
"""The one of this process."""


def read_progress(folder: str) -> dict[str, StageProgress]:
    """The sums over all workers, by stage."""
    sums: dict[str, StageProgress] = {}
    for uri in files.list_files(folder):
        if not uri.endswith(".json"):
            continue
        for stage, counts in json.loads(files.read_bytes(uri)).items():
            sums[stage] = added(sums.get(stage, StageProgress()), StageProgress(**counts))
    return sums
