"""Transcripts and RTTM files parsed by a process of their own, so that none can end, stop or fill up the run.

One process per run parses all files, one after the other; it starts with the first, and serves every reading of the
manifest (`leave`). A file on which it takes too long,
wants too much memory or dies twice costs itself alone, at once: the next file gets a new process. What happened is kept
by the file's content, so that no later run tries it again.

    run     ── length of header, length of file, header (JSON), file with those that it names ──▸   parser
            ◂── length of answer, answer (JSON) ──

Its own clock of CPU time ends it (SIGPROF, which needs no Python to run): it outlives neither its bound nor a run
that was killed.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, BinaryIO

from prep_corpus.align import errors
from prep_corpus.align.errors import InternalError, ParserFailed, RecordingError
from prep_corpus.align.offsets import OffsetMap
from prep_corpus.align.speakers.rttm import SpeakerSpan, parse_rttm
from prep_corpus.align.transcripts import formats
from prep_corpus.align.transcripts.formats import PLAIN
from prep_corpus.align.transcripts.pieces import Cue, Selection, Turn
from prep_corpus.align.transcripts.versions import TranscriptSource, Version, version_of

PARSING_SECONDS = 60.0
PARSING_SECONDS_PER_MB = 4.0
PARSING_MEMORY_BYTES = 4 << 30
PARSING_MEMORY_PER_BYTE = 64
"""Memory that a file may want for each of its bytes, beside the above."""

MEMORY_EXIT = 77
_LENGTH, _LENGTHS = struct.Struct("<Q"), struct.Struct("<QQ")


class Parser:
    """A process that parses; `parse` may be called by any thread.

    Args:
        failed: what happened to the processes that parsed files which ended them, by `digest_of_file`.
        note: called with the digest of a file that ended its process, and what happened.
    """

    def __init__(
        self,
        failed: Mapping[str, str] = MappingProxyType({}),
        note: Callable[[str, str], None] = lambda digest, happened: None,
    ) -> None:
        self._failed, self._note = dict(failed), note
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()
        self._lock = threading.Lock()

    def documents_of(self, data: bytes, *, place: str, up: int = 0) -> dict[str, int]:
        """The other files that a transcript's text stands in; see `formats.documents_of`.

        Args:
            data: the file.
            place: as for `parse`.
            up: how many folders above the file's own they may stand.

        Raises:
            RecordingError: as for `parse`.
        """
        if not formats.names_documents(place):
            return {}
        documents: dict[str, int] = self._answer(data, place, {"documents_of": up})["documents"]
        return documents

    def parse(
        self,
        data: bytes,
        *,
        place: str,
        name: str,
        selection: Selection,
        documents: Mapping[str, bytes] = MappingProxyType({}),
    ) -> Version:
        """The transcript in a file.

        Args:
            data: the file.
            place: manifest line, recording and file, for messages; ends as the file's name does.
            name: path or URI of the file.
            selection: which part of it.
            documents: the files of `documents_of`, by their paths there.

        Raises:
            RecordingError: it is not of its format, or the process that parsed it did not come back.
        """
        lengths = [[path, len(document)] for path, document in documents.items()]
        whole = b"".join((data, *documents.values())) if documents else data
        answer = self._answer(whole, place, {"selection": asdict(selection), "documents": lengths})
        if answer["kind"] == PLAIN:
            return Version(text=formats.decode(data, name=place))
        offsets = answer["offsets"]
        return Version(
            text=answer["text"],
            source=TranscriptSource(
                name=name,
                format=answer["kind"],
                offsets=None if offsets is None else OffsetMap.of_flat(offsets),
                cues=tuple(Cue(**cue) for cue in answer["cues"]),
                problems=tuple(answer["problems"]),
                turns=tuple(Turn(**turn) for turn in answer["turns"]),
            ),
        )

    def parse_speakers(
        self, data: bytes, *, place: str, recordings: Sequence[str] = ()
    ) -> tuple[SpeakerSpan, ...]:
        """Who speaks when by an RTTM file.

        Args:
            data: the file.
            place: as for `parse`.
            recordings: names that the recording may have in it.

        Raises:
            RecordingError: as for `parse`.
        """
        spans = self._answer(data, place, {"speakers_of": list(recordings)})["spans"]
        return tuple(
            SpeakerSpan(start_seconds=start, end_seconds=end, speaker=speaker)
            for start, end, speaker in spans
        )

    def _answer(self, data: bytes, place: str, wanted: dict[str, Any]) -> dict[str, Any]:
        """What the process makes of a file.

        Raises:
            RecordingError: as for `parse`.
        """
        bounds = {"seconds": seconds_for(len(data)), "memory_bytes": _memory_for(len(data))}
        header = json.dumps({"place": place, **wanted, **bounds}).encode()
        known = self._failed.get(digest_of_file(data)) if self._failed else None
        if known is not None:
            raise _failure(place, known)
        with self._lock:
            answer = self._ask(header, data)
            if isinstance(answer, int) and answer not in (-signal.SIGPROF, MEMORY_EXIT):
                # Somebody may have ended the process for no fault of the file.
                answer = self._ask(header, data)
        if isinstance(answer, int):
            if answer > 0 and answer != MEMORY_EXIT:
                raise InternalError(
                    f"{place}: the process that parses transcripts must run, and ended with {answer}"
                )
            happened = _happened(answer, len(data))
            digest = digest_of_file(data)
            self._failed[digest] = happened
            self._note(digest, happened)
            raise _failure(place, happened)
        if "error" in answer:
            kind = getattr(errors, answer["error"])
            assert issubclass(kind, RecordingError)
            raise kind(answer["message"])
        return answer

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            if self._process is not None:
                self._end(self._process)

    def leave(self) -> None:
        """As `close`, but the process stays for the next parser that `take`s it up."""
        with self._lock:
            if self._process is not None and self._owner == os.getpid():
                _IDLE.append(self._process)
            self._process = None

    def take(self) -> None:
        """Take up a process that another parser of this process has left, if there is one."""
        with self._lock, suppress(IndexError):
            self._process, self._owner = _IDLE.pop(), os.getpid()

    def _ask(self, header: bytes, data: bytes) -> dict[str, Any] | int:
        """The answer, or the exit code of the process where it died."""
        if self._process is not None and self._owner == os.getpid() and not _is_open(self._process):
            self._end(self._process)
        if self._process is None or self._owner != os.getpid():
            # A fork of this process has a parser of its own.
            self._process, self._owner = _start(), os.getpid()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(_LENGTHS.pack(len(header), len(data)) + header)
            process.stdin.write(data)
            process.stdin.flush()
            (length,) = _LENGTH.unpack(_read(process.stdout, _LENGTH.size))
            answer: dict[str, Any] = json.loads(_read(process.stdout, length))
        except (BrokenPipeError, EOFError):
            code = process.wait()
            self._end(process)
            return code
        except BaseException:
            # What is left in the pipes is another file's.
            self._end(process)
            raise
        return answer

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        self._process = None
        _end(process)


_IDLE: list[subprocess.Popen[bytes]] = []
"""Processes that have nothing to parse, most often one."""


def _is_open(process: subprocess.Popen[bytes]) -> bool:
    """Whether a process is there and can be asked.

    The garbage collector may close the pipes of one that a parser leaves while it is collected with its caller.
    """
    pipes = (process.stdin, process.stdout)
    return process.poll() is None and not any(pipe is None or pipe.closed for pipe in pipes)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()


@atexit.register
def _end_idle() -> None:
    while _IDLE:
        _end(_IDLE.pop())


# What a fork inherits is the other process's.
os.register_at_fork(after_in_child=_IDLE.clear)


def _failure(place: str, happened: str) -> ParserFailed:
    return ParserFailed(
        f"{place}: parsing must come to its end, and a process that parsed it alone {happened}"
    )


def _start() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "prep_corpus.pipeline.apart.parsing"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def digest_of_file(data: bytes) -> str:
    """What stands for a file that ended its process."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def seconds_for(n_bytes: int) -> float:
    """The most that a file of that size may take."""
    return PARSING_SECONDS + PARSING_SECONDS_PER_MB * n_bytes / 1e6


def _happened(code: int, n_bytes: int) -> str:
    if code == -signal.SIGPROF:
        return f"took over {seconds_for(n_bytes):g} s of CPU time"
    if code == MEMORY_EXIT:
        return f"wanted over {_memory_for(n_bytes) / 2**30:.1f} GiB of memory"
    with suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"


def _memory_for(n_bytes: int) -> int:
    return PARSING_MEMORY_BYTES + PARSING_MEMORY_PER_BYTE * n_bytes


def _read(file: Any, count: int) -> bytes:
    data: bytes = file.read(count)
    if len(data) < count:
        raise EOFError
    return data


def parsed(data: bytes, place: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """What is in a file, or what is wrong with it, as JSON values.

    Args:
        data: the file.
        place: the file, for messages; ends as its name does.
        wanted: `selection`, which part of a transcript, and `documents`, path and length of each that follows it in
            `data`; or `documents_of`, by how many folders up they may stand; or `speakers_of`, names of a recording in
            an RTTM file.
    """
    try:
        if "speakers_of" in wanted:
            spans = parse_rttm(data, name=place, recordings=wanted["speakers_of"])
            return {"spans": [[span.start_seconds, span.end_seconds, span.speaker] for span in spans]}
        if "documents_of" in wanted:
            return {"documents": formats.documents_of(data, name=place, up=wanted["documents_of"])}
        documents: dict[str, bytes] = {}
        for path, n_bytes in reversed(wanted.get("documents", [])):
            documents[path] = data[len(data) - n_bytes :]
            data = data[: len(data) - n_bytes]
        return _transcript(data, place, _selection(wanted["selection"]), documents)
    except MemoryError:
        raise
    except RecordingError as error:
        return {"error": type(error).__name__, "message": str(error)}
    except Exception as error:
        told = f"{place}: " + "".join(traceback.format_exception(error)).strip()
        return {"error": InternalError.__name__, "message": told}


def _transcript(
    data: bytes, place: str, selection: Selection, documents: Mapping[str, bytes]
) -> dict[str, Any]:
    original = formats.decode(data, name=place)
    kind = formats.format_of(place, original)
    if kind == PLAIN:
        return {"kind": PLAIN}
    transcript = formats.parse(original, name=place, selection=selection, documents=documents)
    version = version_of(transcript, name="", kind=kind)
    source = version.source
    assert source is not None
    return {
        "kind": kind,
        "text": version.text,
        "offsets": None if source.offsets is None else source.offsets.flat(),
        "cues": [asdict(cue) for cue in source.cues],
        "problems": list(source.problems),
        "turns": [asdict(turn) for turn in source.turns],
    }


def _selection(fields: dict[str, Any]) -> Selection:
    """As `asdict` gave it, and JSON brought it over."""
    return Selection(**{**fields, "recordings": tuple(fields["recordings"]), "tiers": tuple(fields["tiers"])})


def serve(requests: BinaryIO, answers: BinaryIO) -> int:
    """Parse what is asked for until nothing is; returns the exit code."""
    # Ctrl-C is the run's business.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    while lengths := requests.read(_LENGTHS.size):
        header_bytes, n_bytes = _LENGTHS.unpack(lengths)
        header = json.loads(_read(requests, header_bytes))
        resource.setrlimit(resource.RLIMIT_AS, (header["memory_bytes"], hard))
        signal.setitimer(signal.ITIMER_PROF, header["seconds"])
        try:
            data = _read(requests, n_bytes)
            answer = json.dumps(parsed(data, header["place"], header)).encode()
        except MemoryError:
            return MEMORY_EXIT
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(_LENGTH.pack(len(answer)))
        answers.write(answer)
        answers.flush()
    return 0


if __name__ == "__main__":
    sys.exit(serve(sys.stdin.buffer, sys.stdout.buffer))
