"""Before anything runs: read every header, fingerprint every file, and sort out what cannot be opened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice

from prep_corpus.align.audio import decode as audio
from prep_corpus.align.errors import AudioMissing, DeadLetter, RecordingError
from prep_corpus.align.recordings import Recording
from prep_corpus.pipeline.apart.attempts import Guard, attempt
from prep_corpus.pipeline.inputs.bundles import ProbedRecording
from prep_corpus.pipeline.inputs.proof import content_proof, store_fingerprint
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.sealed_json import read_json, write_json

_CHUNK = 4096


class FingerprintCache:
    """Digests of local files by path, size and time of change, so that content is read once."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._known: dict[str, list[object]] = read_json(uri) or {}
        self._changed = False

    def fingerprint(self, uri: str) -> str:
        """What stands for the content of a file.

        Raises:
            FileNotFoundError: no such file.
        """
        return self.prove(uri)[0]

    def prove(self, uri: str) -> tuple[str, str | None]:
        """What stands for the content of a file, and on a disk its size and CRC32C (`proof.py`).

        Raises:
            FileNotFoundError: no such file.
        """
        facts = files.identity(uri)
        vouched = store_fingerprint(facts)
        if vouched is not None:
            return vouched, None
        key = [facts.size_bytes, facts.modified_ns, facts.changed_ns]
        known = self._known.get(uri)
        if known is not None and len(known) == 5 and known[:3] == key:
            return str(known[3]), str(known[4])
        with files.open_binary(uri) as file:
            digest = files.content_digest(file)
            proof = content_proof(file) if files.is_local(uri) else ""
        self._known[uri] = [*key, digest, proof]
        self._changed = True
        return digest, proof or None

    def save(self) -> None:
        """Write it back where it has changed."""
        if self._changed:
            write_json(self._uri, dict(self._known))


def probe(recording: Recording, cache: FingerprintCache) -> ProbedRecording | DeadLetter:
    """Open a recording's audio and read its header."""
    try:
        try:
            fingerprint, proof = cache.prove(recording.audio_uri)
            with files.open_binary(recording.audio_uri) as file:
                header = audio.probe(file, name=recording.id, track=recording.track)
            audio.check_stated(
                header,
                name=recording.id,
                channel=recording.channel,
                offset_seconds=recording.offset_seconds,
                duration_seconds=recording.duration_seconds,
                sliced=recording.sliced,
            )
        except OSError as error:
            # Of an object that may not be read, nothing else can be told before the start.
            if not files.is_absent(error) and not isinstance(error, PermissionError):
                raise
            raise AudioMissing(
                f"{recording.id}: the audio must be a file, and {recording.audio_uri} is none: "
                f"{error.strerror or error}"
            ) from error
    except RecordingError as error:
        return DeadLetter(
            stage="probe",
            recording_id=recording.id,
            reason=error.reason,
            message=str(error),
            read_characters=recording.read_characters,
        )
    if header.track:
        # A default or a language may name another track to another library; a number does not.
        recording = replace(recording, track=str(header.track))
    seconds = recording.duration_seconds
    if seconds is None:
        seconds = max((header.duration_seconds or 0.0) - recording.offset_seconds, 0.0)
    return ProbedRecording(recording=recording, fingerprint=fingerprint, seconds=seconds, proof=proof)


def probe_all(
    recordings: Iterable[Recording | DeadLetter],
    cache: FingerprintCache,
    *,
    threads: int = 16,
    on_progress: Callable[[int], None] = lambda count: None,
    guard: Guard | None = None,
) -> Iterator[ProbedRecording | DeadLetter]:
    """Probe recordings in order, many at a time; dead letters of the manifest pass through."""

    def one(recording: Recording | DeadLetter) -> ProbedRecording | DeadLetter:
        if isinstance(recording, DeadLetter):
            return recording
        rejected = guard.rejected(recording) if guard is not None else None
        if rejected is not None:
            return rejected
        with attempt(recording.id):
            return probe(recording, cache)

    source = iter(recordings)
    done = 0
    with ThreadPoolExecutor(threads) as pool:
        while chunk := list(islice(source, _CHUNK)):
            yield from pool.map(one, chunk)
            done += len(chunk)
            on_progress(done)
