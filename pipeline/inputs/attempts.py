"""Which recordings were being decoded when a process died, and whether one of them is why.

A decoder is native code: what it is given may crash it, let it run for ever or eat the memory, and the run with it. So
before each call into one, the recording's id is noted in a file that outlives the process; the next run finds what
stood there, decodes those recordings alone in a process of their own, within bounds of time and memory, and
rejects those that do not come back, until their file changes.

    work/attempts/BOOT-PID-THREAD.note     the id, or nothing; one file for each thread, written in place
    work/attempts/verdicts.json            id -> [size and time of its file, what happened]
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prep_corpus.align.errors import DeadLetter, DecoderFailed
from prep_corpus.align.recordings import Recording
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.sealed_json import read_json, write_json

SECONDS_AT_LEAST = 120.0
SECONDS_PER_MB = 2.0
MOST_MEMORY_BYTES = 6 << 30
_NOTE_BYTES = 1024


class _Journal:
    """The notes of this process; none before `begin`."""

    def __init__(self) -> None:
        self._folder: str | None = None
        self._threads = threading.local()
        self._open: list[tuple[int, str]] = []
        self._lock = threading.Lock()

    def begin(self, folder: str) -> None:
        self.end()
        os.makedirs(folder, exist_ok=True)
        self._threads = threading.local()
        self._folder = folder

    def end(self) -> None:
        with self._lock:
            self._folder, opened = None, self._open
            self._open = []
        for descriptor, path in opened:
            with suppress(OSError):
                os.close(descriptor)
                os.unlink(path)

    def note(self, recording_id: str) -> None:
        folder = self._folder
        if folder is None:
            return
        if getattr(self._threads, "folder", None) != folder:
            path = os.path.join(folder, f"{_boot()}-{os.getpid()}-{threading.get_ident()}.note")
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            self._threads.folder, self._threads.descriptor = folder, descriptor
            with self._lock:
                self._open.append((descriptor, path))
        # What fails here must not cost the recording: it is a note alone.
        with suppress(OSError):
            os.pwrite(self._threads.descriptor, recording_id.encode("utf-8", "replace").ljust(_NOTE_BYTES), 0)


_JOURNAL = _Journal()


@contextmanager
def noting(folder: str) -> Iterator[None]:
    """Note what is decoded while the block runs, in the work folder of a run on a disk; elsewhere nothing is noted."""
    if not files.is_local(folder):
        yield
        return
    _JOURNAL.begin(os.path.join(folder, "attempts"))
    try:
        yield
    finally:
        _JOURNAL.end()


@contextmanager
def attempt(recording_id: str) -> Iterator[None]:
    """A call into a decoder."""
    _JOURNAL.note(recording_id)
    try:
        yield
    finally:
        _JOURNAL.note("")


def _boot() -> str:
    with suppress(OSError), open("/proc/sys/kernel/random/boot_id") as file:
        return file.read(8)
    return "00000000"


def left_behind(folder: str) -> set[str]:
    """The ids that stood in the notes of processes that are gone; the notes are taken away."""
    found: set[str] = set()
    for path in sorted(Path(folder, "attempts").glob("*.note")):
        boot, pid, *_ = path.stem.split("-")
        if boot == _boot() and os.path.exists(f"/proc/{pid}"):
            continue
        with suppress(OSError):
            found.add(path.read_bytes().decode("utf-8", "replace").strip())
            path.unlink()
    return found - {""}


class Guard:
    """Rejects the recordings that ended a run before."""

    def __init__(self, folder: str, *, read_only: bool = False) -> None:
        """Find what the last run left.

        Args:
            folder: the work folder of a run.
            read_only: go by what is known; try nothing, and take no note away.
        """
        self._uri = files.join(folder, "attempts", "verdicts.json")
        self._suspects = set() if read_only or not files.is_local(folder) else left_behind(folder)
        self._verdicts: dict[str, list[str]] = (read_json(self._uri) or {}) if files.is_local(folder) else {}

    def rejected(self, recording: Recording) -> DeadLetter | None:
        """The dead letter of a recording that ends the process which decodes it, or None."""
        id_ = recording.id
        if id_ not in self._suspects and id_ not in self._verdicts:
            return None
        try:
            facts = files.identity(recording.audio_uri)
        except OSError:
            return None
        state = f"{facts.size_bytes}:{facts.modified_ns}:{facts.checksum}"
        if id_ in self._suspects:
            self._suspects.discard(id_)
            self._verdicts.pop(id_, None)
            happened = decoded_alone(recording, facts.size_bytes)
            if happened is not None:
                self._verdicts[id_] = [state, happened]
            write_json(self._uri, dict(self._verdicts))
        known = self._verdicts.get(id_)
        if known is None or known[0] != state:
            return None
        return DeadLetter(
            stage="probe",
            recording_id=id_,
            reason=DecoderFailed.reason,
            message=f"{id_}: decoding must come to its end, and a process that decoded {recording.audio_uri} alone "
            f"{known[1]}; it is tried again when the file changes",
            read_characters=recording.read_characters,
        )


def decoded_alone(recording: Recording, size_bytes: int) -> str | None:
    """Decode a recording in a process of its own; what happened to it, or None where it came back."""
    seconds = SECONDS_AT_LEAST + SECONDS_PER_MB * size_bytes / 1e6
    command = [sys.executable, "-m", "prep_corpus.pipeline.inputs.decode_alone", recording.audio_uri]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"took over {seconds:.0f} s"
    if done.returncode < 0:
        with suppress(ValueError):
            return f"was ended by {signal.Signals(-done.returncode).name}"
        return f"was ended by signal {-done.returncode}"
    if done.returncode == MEMORY_EXIT:
        return f"wanted over {MOST_MEMORY_BYTES >> 30} GiB of memory"
    return None


MEMORY_EXIT = 77
