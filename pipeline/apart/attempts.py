"""Which recordings were being decoded or aligned when a process died, and whether one of them is why.

A decoder is native code: what it is given may crash it, let it run for ever or eat the memory, and the run with it. So
before each call into one, and before a text is read out and aligned, the recording's id is noted in a file that
outlives the process. A call into a decoder that takes too much CPU time ends the run. The next run finds what stood
there, decodes those recordings and reads their texts in a process of their own, within bounds of time and memory, and
rejects those that do not come back, until they change.

    work/attempts/BOOT-PID-THREAD.note     the id, or nothing; one file for each thread, written in place
    work/attempts/verdicts.json            id -> [size and time of its file, what happened]
    work/attempts/transcripts.json         digest of a transcript's file -> what happened
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from prep_corpus.align.errors import DeadLetter, DecoderFailed
from prep_corpus.align.recordings import Recording
from prep_corpus.pipeline.apart.parsing import MEMORY_EXIT, Parser
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.sealed_json import read_json, write_json

SECONDS_AT_LEAST = 120.0
SECONDS_PER_MB = 2.0
CALL_SECONDS = 300.0
"""CPU time of one call into a decoder, after which the run is ended: a block of audio takes milliseconds."""
MOST_MEMORY_BYTES = 6 << 30
_NOTE_BYTES = 1024


class _Note:
    """The file of this thread; whoever ends the journal may close it at any moment.

    Attributes:
        clock: of the thread's CPU time.
    """

    def __init__(self, folder: str) -> None:
        self.clock = time.pthread_getcpuclockid(threading.get_ident())
        self._path = os.path.join(folder, f"{_boot()}-{os.getpid()}-{threading.get_ident()}.note")
        self._lock = threading.Lock()
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except FileNotFoundError as error:
            # As FileNotFoundError it would be taken for the recording's own file.
            raise OSError(str(error)) from error
        self._descriptor: int | None = descriptor

    def write(self, recording_id: str) -> None:
        # Once it is closed, another file may have its number.
        with self._lock, suppress(OSError):
            # What fails here must not cost the recording: it is a note alone.
            if self._descriptor is not None:
                os.pwrite(self._descriptor, recording_id.encode("utf-8", "replace").ljust(_NOTE_BYTES), 0)

    def close(self) -> None:
        with self._lock:
            descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                os.close(descriptor)
                os.unlink(self._path)


class _Journal:
    """The notes of this process; none before `begin`."""

    def __init__(self) -> None:
        self._folder: str | None = None
        self._threads = threading.local()
        self._open: list[_Note] = []
        self._lock = threading.Lock()
        self._calls: dict[int, tuple[str, int, float]] = {}
        self._stop = threading.Event()

    @property
    def folder(self) -> str | None:
        """Where the notes are; None where nothing is noted."""
        return self._folder

    def begin(self, folder: str, call_seconds: float, give_up: Callable[[str], None]) -> None:
        self.end()
        os.makedirs(folder, exist_ok=True)
        self._folder = folder
        self._stop = threading.Event()
        watch = (self._stop, call_seconds, give_up)
        threading.Thread(target=self._watch, args=watch, name="watch-decoders", daemon=True).start()

    def _watch(self, stop: threading.Event, call_seconds: float, give_up: Callable[[str], None]) -> None:
        while not stop.wait(min(5.0, call_seconds)):
            for thread, call in list(self._calls.items()):
                id_, clock, began = call
                # A thread that has ended has no clock any more.
                with suppress(OSError):
                    is_long = time.clock_gettime(clock) - began > call_seconds
                    # What its thread did after a call that has ended meanwhile is not the call's.
                    if is_long and self._calls.get(thread) is call:
                        give_up(id_)

    def end(self) -> None:
        self._stop.set()
        with self._lock:
            self._folder, opened = None, self._open
            self._open = []
            self._calls.clear()
        for note in opened:
            note.close()

    def note(self, recording_id: str, *, watched: bool = False) -> None:
        self._calls.pop(threading.get_ident(), None)
        note = self._note_of_thread()
        if note is None:
            return
        if watched:
            self._calls[threading.get_ident()] = (recording_id, note.clock, time.thread_time())
        note.write(recording_id)

    def _note_of_thread(self) -> _Note | None:
        """The file of this thread, made where it has none in the folder of now; None where nothing is noted."""
        note: _Note | None = getattr(self._threads, "note", None)
        with self._lock:
            if self._folder is None:
                return None
            if note is None or note not in self._open:
                note = self._threads.note = _Note(self._folder)
                self._open.append(note)
        return note


_JOURNAL = _Journal()


@contextmanager
def noting(
    folder: str, *, call_seconds: float = CALL_SECONDS, give_up: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Note what is decoded while the block runs, in the work folder of a run on a disk; elsewhere nothing is noted.

    Args:
        folder: the work folder.
        call_seconds: CPU time that one call into a decoder may take.
        give_up: called with the recording's id where one takes more; ends the process where it is None.
    """
    if not files.is_local(folder):
        yield
        return
    _JOURNAL.begin(os.path.join(folder, "attempts"), call_seconds, give_up or _end_run)
    try:
        yield
    finally:
        _JOURNAL.end()


def _end_run(recording_id: str) -> None:
    """The call cannot be ended alone: the process is, and what stands in its note is found by the next one."""
    shown = recording_id.encode("unicode_escape").decode()
    line = (
        f"Error: {shown}: a decoder must come back, and one call has taken over {CALL_SECONDS:.0f} s of CPU time; "
        "give the same command again, which tries this recording alone and goes on without it\n"
    )
    os.write(2, line.encode())
    os._exit(1)


@contextmanager
def attempt(recording_id: str, *, watched: bool = True) -> Iterator[None]:
    """A call into a decoder, or another that may not come back.

    Args:
        recording_id: whose audio or text it is.
        watched: whether a call that takes over `CALL_SECONDS` of CPU time ends the run.
    """
    _JOURNAL.note(recording_id, watched=watched)
    try:
        yield
    finally:
        _JOURNAL.note("")


@contextmanager
def parsing() -> Iterator[Parser]:
    """A parser of transcripts for as long as the block lasts; what ended it once is not tried again by later runs."""
    uri = None if _JOURNAL.folder is None else os.path.join(_JOURNAL.folder, "transcripts.json")
    failed: dict[str, str] = (read_json(uri) or {}) if uri is not None else {}

    writing = threading.Lock()

    def note(digest: str, happened: str) -> None:
        with writing:
            failed[digest] = happened
            if uri is not None:
                write_json(uri, dict(failed))

    parser = Parser(failed, note)
    parser.take()
    try:
        yield parser
    finally:
        parser.leave()


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
        self._lock = threading.Lock()
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
        state = f"{facts.size_bytes}:{facts.modified_ns}:{facts.checksum}:{_digest_of_texts(recording)}"
        if id_ in self._suspects:
            self._suspects.discard(id_)
            self._verdicts.pop(id_, None)
            happened = decoded_alone(recording, facts.size_bytes)
            # Of two threads the one that writes last must know of both.
            with self._lock:
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
            message=f"{id_}: decoding must come to its end, and a process that decoded {recording.audio_uri} and "
            f"read its text alone {known[1]}; it is tried again when one of them changes",
            read_characters=recording.read_characters,
        )


def _digest_of_texts(recording: Recording) -> str:
    texts = "\0".join(version.text for version in recording.versions)
    return blake2b(texts.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def decoded_alone(recording: Recording, size_bytes: int) -> str | None:
    """Decode a recording and read its texts in a process of its own; what happened to it, or None if it came back.

    A process that dies is tried once more: somebody may have ended it for no fault of the recording.
    """
    return _decoded_alone(recording, size_bytes, again=True)


def _decoded_alone(recording: Recording, size_bytes: int, *, again: bool) -> str | None:
    seconds = SECONDS_AT_LEAST + SECONDS_PER_MB * size_bytes / 1e6
    command = [sys.executable, "-m", "prep_corpus.pipeline.apart.decode_alone", recording.audio_uri]
    if recording.track is not None:
        command.append(recording.track)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            input=json.dumps([recording.language, [version.text for version in recording.versions]]).encode(),
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"took over {seconds:.0f} s"
    if done.returncode < 0 and again:
        return _decoded_alone(recording, size_bytes, again=False)
    if done.returncode < 0:
        with suppress(ValueError):
            return f"was ended by {signal.Signals(-done.returncode).name}"
        return f"was ended by signal {-done.returncode}"
    if done.returncode == MEMORY_EXIT:
        return f"wanted over {MOST_MEMORY_BYTES >> 30} GiB of memory"
    return None
