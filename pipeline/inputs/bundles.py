"""Bundles: the unit of work and storage, about an hour of audio each; in the first hours, one recording each.

    0 h ─── each recording alone, clips by ten minutes ─── 10 h ─── an hour each ───>

Results are made bundle by bundle, and found again by what is in the bundle. So a recording of a small corpus is done
again only where it has changed itself, and a large corpus has no file for each clip.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from prep_corpus.align.offsets import OffsetMap
from prep_corpus.align.recordings import Recording
from prep_corpus.align.speakers.rttm import SpeakerSpan
from prep_corpus.align.transcripts.pieces import Cue, Turn
from prep_corpus.align.transcripts.versions import TranscriptSource, Version
from prep_corpus.pipeline.storage.digests import digest_of
from prep_corpus.pipeline.storage.recent_files import Recent
from prep_corpus.pipeline.storage.stage_store import StageRef, Store

BUNDLE_SECONDS = 3600.0
SMALL_CORPUS_SECONDS = 10 * BUNDLE_SECONDS
"""The beginning of a corpus, in which bundles are small; most corpora that people change by hand have no more."""
ALONE_SECONDS = 60.0
"""A recording of this length is a bundle of its own there."""
UNKNOWN_SECONDS = 10.0
"""What a recording whose length nobody tells counts as."""
SMALL_BUNDLE_SECONDS = 600.0
"""Shorter ones share one of this length: in a bundle for each minute, files and stages cost as much as the clips."""
VERSION = 4

_SOURCE = pa.struct(
    [
        ("name", pa.string()),
        ("format", pa.string()),
        ("offsets", pa.list_(pa.int32())),
        (
            "cues",
            pa.list_(
                pa.struct(
                    [
                        ("start_seconds", pa.float64()),
                        ("end_seconds", pa.float64()),
                        ("char_start", pa.int32()),
                        ("char_end", pa.int32()),
                        ("speaker", pa.string()),
                    ]
                )
            ),
        ),
        ("problems", pa.list_(pa.string())),
        (
            "turns",
            pa.list_(
                pa.struct([("char_start", pa.int32()), ("char_end", pa.int32()), ("speaker", pa.string())])
            ),
        ),
    ]
)
_SPEAKER_SPANS = pa.list_(
    pa.struct([("start_seconds", pa.float64()), ("end_seconds", pa.float64()), ("speaker", pa.string())])
)

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
        ("source", _SOURCE),
        ("others", pa.list_(pa.struct([("text", pa.string()), ("source", _SOURCE)]))),
        ("lost", pa.list_(pa.string())),
        ("speaker_spans", _SPEAKER_SPANS),
        ("fingerprint", pa.string()),
        ("proof", pa.string()),
        ("seconds", pa.float64()),
        ("track", pa.string()),
    ]
)

_RECENT: Recent[tuple[str, str], tuple[ProbedRecording, ...]] = Recent()
"""By digest and content: every stage needs the recordings of its bundles."""

_PLAIN_FIELDS = [
    name
    for name in SCHEMA.names
    if name not in ("source", "others", "lost", "speaker_spans", "fingerprint", "proof", "seconds")
]


@dataclass(frozen=True, kw_only=True)
class ProbedRecording:
    """A recording whose header could be read.

    Attributes:
        recording: the manifest's entry.
        fingerprint: digest of the audio file's content, or what its file system vouches for it with.
        seconds: expected length, from the manifest or the header; 0 where neither tells.
        proof: size and CRC32C of a file on a disk, see `proof.py`; no part of its identity.
    """

    recording: Recording
    fingerprint: str
    seconds: float
    proof: str | None = None

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
            *([] if recording.track is None else [recording.track]),
        )


def longest_bundle_seconds(before_seconds: float) -> float:
    """The length at which a bundle ends that begins so far into a corpus."""
    return SMALL_BUNDLE_SECONDS if before_seconds < SMALL_CORPUS_SECONDS else BUNDLE_SECONDS


def stands_alone(seconds: float, before_seconds: float) -> bool:
    """Whether a recording that begins so far into a corpus is a bundle of its own."""
    return seconds >= (ALONE_SECONDS if before_seconds < SMALL_CORPUS_SECONDS else BUNDLE_SECONDS)


def cut_bundles(recordings: Iterable[ProbedRecording]) -> Iterator[list[ProbedRecording]]:
    """Group recordings in order; a bundle ends when it is long enough, or where an id's hash says so.

    The hash ends about one bundle in the length of a bundle, so that adding or removing a recording moves the borders
    of one or two bundles and not of all that follow. A recording that is long enough by itself stands alone.
    """
    bundle: list[ProbedRecording] = []
    seconds = before_seconds = 0.0
    for probed in recordings:
        counted = probed.seconds or UNKNOWN_SECONDS
        longest, alone = longest_bundle_seconds(before_seconds), stands_alone(counted, before_seconds)
        if bundle and alone:
            yield bundle
            bundle, seconds = [], 0.0
        bundle.append(probed)
        seconds += counted
        before_seconds += counted
        hashed = hashlib.blake2b(probed.recording.id.encode(), digest_size=8).digest()
        border = int.from_bytes(hashed, "big") / 2**64 < max(counted, 1.0) / longest
        if alone or border or seconds >= longest:
            yield bundle
            bundle, seconds = [], 0.0
    if bundle:
        yield bundle


def _rows(bundle: list[ProbedRecording]) -> list[dict[str, Any]]:
    return [
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
            **({} if probed.recording.track is None else {"track": probed.recording.track}),
            **_version_fields(probed.recording),
            "fingerprint": probed.fingerprint,
            "proof": probed.proof,
            "seconds": probed.seconds,
        }
        for probed in bundle
    ]


def bundle_digest(bundle: list[ProbedRecording]) -> str:
    """The name of a bundle: all that is known of its recordings."""
    return digest_of("bundles", VERSION, _rows(bundle))


def write_bundle(store: Store, bundle: list[ProbedRecording]) -> StageRef:
    """Put a bundle's recordings into the store."""
    rows = _rows(bundle)
    digest = digest_of("bundles", VERSION, rows)
    found = store.find("bundles", digest, digest)
    return found or store.write("bundles", digest, digest, pa.Table.from_pylist(rows, schema=SCHEMA))


def read_bundle_seconds(store: Store, digest: str) -> float:
    """Expected audio of a bundle."""
    table = store.read(StageRef("bundles", digest, digest, "", True, 0), ["seconds"]).table
    return float(sum(table["seconds"].to_pylist()))


def read_bundle(store: Store, digest: str) -> list[ProbedRecording]:
    """The recordings of a bundle, in order."""
    stage = store.read(StageRef("bundles", digest, digest, "", True, 0))
    found = _RECENT.find((digest, stage.content))
    if found is None:
        found = tuple(map(_probed, stage.table.to_pylist()))
        _RECENT.keep((digest, stage.content), stage.table.nbytes, found)
    return list(found)


def _probed(row: dict[str, Any]) -> ProbedRecording:
    plain: dict[str, Any] = {key: row.get(key) for key in _PLAIN_FIELDS}
    return ProbedRecording(
        recording=Recording(
            **plain,
            source=_source(row["source"]),
            others=tuple(
                Version(text=other["text"], source=_source(other["source"])) for other in row["others"] or ()
            ),
            lost=tuple(row["lost"] or ()),
            speaker_spans=tuple(SpeakerSpan(**span) for span in row.get("speaker_spans") or ()),
        ),
        fingerprint=row["fingerprint"],
        proof=row.get("proof"),
        seconds=row["seconds"],
    )


def _version_fields(recording: Recording) -> dict[str, Any]:
    """Where the transcripts come from; nothing for the many recordings with one plain text."""
    fields = {
        "source": _source_row(recording.source),
        "others": [{"text": other.text, "source": _source_row(other.source)} for other in recording.others],
        "lost": list(recording.lost),
        "speaker_spans": [asdict(span) for span in recording.speaker_spans],
    }
    return {key: value for key, value in fields.items() if value}


def _source_row(source: TranscriptSource | None) -> dict[str, Any] | None:
    if source is None:
        return None
    return {
        "name": source.name,
        "format": source.format,
        "offsets": None if source.offsets is None else source.offsets.flat(),
        "cues": [asdict(cue) for cue in source.cues],
        "problems": list(source.problems),
        "turns": [asdict(turn) for turn in source.turns],
    }


def _source(row: dict[str, Any] | None) -> TranscriptSource | None:
    if row is None:
        return None
    return TranscriptSource(
        name=row["name"],
        format=row["format"],
        offsets=None if row["offsets"] is None else OffsetMap.of_flat(row["offsets"]),
        cues=tuple(Cue(**cue) for cue in row["cues"]),
        problems=tuple(row["problems"]),
        turns=tuple(Turn(**turn) for turn in row.get("turns") or ()),
    )
