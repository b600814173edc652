"""Bundles: about an hour of audio each, one long recording or many short ones, the unit of work and storage."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from prep_corpus.align.recordings import Recording
from prep_corpus.pipeline.stores import StageRef, Store, digest_of

BUNDLE_SECONDS = 3600.0
VERSION = 1

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("audio_uri", pa.string()),
        ("text", pa.string()),
        ("offset_seconds", pa.float64()),
        ("duration_seconds", pa.float64()),
        ("sliced", pa.bool_()),
        ("speaker", pa.string()),
        ("language", pa.string()),
        ("channel", pa.int32()),
        ("fingerprint", pa.string()),
        ("seconds", pa.float64()),
    ]
)


@dataclass(frozen=True, kw_only=True)
class ProbedRecording:
    """A recording whose header could be read.

    Attributes:
        recording: the manifest's entry.
        fingerprint: digest of the audio file's content, or what its file system vouches for it with.
        seconds: expected length, from the manifest or the header; 0 where neither tells.
    """

    recording: Recording
    fingerprint: str
    seconds: float

    @property
    def audio_identity(self) -> tuple[object, ...]:
        """All that decides its samples."""
        recording = self.recording
        return (
            recording.id,
            self.fingerprint,
            recording.offset_seconds,
            recording.duration_seconds,
            recording.sliced,
            recording.channel,
        )


def cut_bundles(recordings: Iterable[ProbedRecording]) -> Iterator[list[ProbedRecording]]:
    """Group recordings in order; a bundle ends when it holds an hour, or where an id's hash says so.

    The hash ends about one bundle an hour, so that adding or removing a recording moves the borders of one
    or two bundles and not of all that follow.
    """
    bundle: list[ProbedRecording] = []
    seconds = 0.0
    for probed in recordings:
        bundle.append(probed)
        seconds += probed.seconds
        hashed = hashlib.blake2b(probed.recording.id.encode(), digest_size=8).digest()
        border = int.from_bytes(hashed, "big") / 2**64 < max(probed.seconds, 1.0) / BUNDLE_SECONDS
        if border or seconds >= BUNDLE_SECONDS:
            yield bundle
            bundle, seconds = [], 0.0
    if bundle:
        yield bundle


def write_bundle(store: Store, bundle: list[ProbedRecording]) -> StageRef:
    """Put a bundle's recordings into the store."""
    rows = [
        {
            "id": probed.recording.id,
            "audio_uri": probed.recording.audio_uri,
            "text": probed.recording.text,
            "offset_seconds": probed.recording.offset_seconds,
            "duration_seconds": probed.recording.duration_seconds,
            "sliced": probed.recording.sliced,
            "speaker": probed.recording.speaker,
            "language": probed.recording.language,
            "channel": probed.recording.channel,
            "fingerprint": probed.fingerprint,
            "seconds": probed.seconds,
        }
        for probed in bundle
    ]
    digest = digest_of("bundles", VERSION, rows)
    found = store.find("bundles", digest, digest)
    return found or store.write("bundles", digest, digest, pa.Table.from_pylist(rows, schema=SCHEMA))


def read_bundle(store: Store, digest: str) -> list[ProbedRecording]:
    """The recordings of a bundle, in order."""
    table = store.read(StageRef("bundles", digest, digest, "", True, 0)).table
    return [
        ProbedRecording(
            recording=Recording(
                **{key: row[key] for key in SCHEMA.names if key not in ("fingerprint", "seconds")}
            ),
            fingerprint=row["fingerprint"],
            seconds=row["seconds"],
        )
        for row in table.to_pylist()
    ]
