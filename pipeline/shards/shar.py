"""Lhotse Shar: cuts as JSON lines, and a tar with each cut's audio followed by its recording manifest.

The cut's id has to equal the audio member's name without its extension, so it is the utterance's safe name;
the supervision carries the utterance's own id, and every other column as a custom field. Words with their times are
its alignment of the kind "word"; those whose speaker is not the utterance's have theirs in a custom field, as
the sources of words have.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from prep_corpus.pipeline.shards.rows import WORD_TIMES, Utterance, from_fields, to_fields
from prep_corpus.pipeline.shards.tar_members import add_member, members, open_tar

_GZIP_LEVEL = 6
# Columns that a supervision has a field of its own for.
_OWN_FIELDS = ("id", "text", "language", "speaker")
_WORD_SPEAKERS = "word_speakers"
_WORD_SOURCES = "word_sources"
# Sums of decimal fractions are not the fraction that was meant.
_PLACES = 6


class SharSink:
    """Writes one Shar shard: `cuts.NNNNNN.jsonl.gz` and `recording.NNNNNN.tar`.

    Args:
        cuts_file, recordings_file: open for writing.
        text_original: with the column of that name.
    """

    def __init__(
        self, cuts_file: BinaryIO, recordings_file: BinaryIO, *, text_original: bool = False
    ) -> None:
        self._text_original = text_original
        # Without a name and a time in its header the same rows give the same bytes.
        self._cuts = gzip.GzipFile(
            filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=cuts_file, mtime=0
        )
        self._recordings = open_tar(recordings_file)

    def write(self, row: Utterance) -> None:
        """Add one cut and its recording."""
        recording = _recording(row)
        self._cuts.write(_json_line(_cut(row, recording, self._text_original)))
        add_member(self._recordings, row.audio_path, row.audio)
        add_member(self._recordings, f"{row.key}.json", _json_line(recording))

    def close(self) -> None:
        """End both files."""
        self._cuts.close()
        self._recordings.close()


def _recording(row: Utterance) -> dict[str, Any]:
    return {
        "id": row.key,
        "sources": [{"type": "shar", "channels": [0], "source": ""}],
        "sampling_rate": row.sample_rate_hz,
        "num_samples": row.samples,
        "duration": row.samples / row.sample_rate_hz,
        "channel_ids": [0],
    }


def _cut(row: Utterance, recording: dict[str, Any], text_original: bool) -> dict[str, Any]:
    columns = to_fields(row, text_original=text_original)
    columns.pop(WORD_TIMES, None)
    words = row.word_times
    if words is not None and any(word.speaker != row.speaker for word in words):
        columns[_WORD_SPEAKERS] = [word.speaker for word in words]
    if words is not None and any(word.source is not None for word in words):
        columns[_WORD_SOURCES] = [word.source for word in words]
    supervision = {
        "id": row.id,
        "recording_id": recording["id"],
        "start": 0.0,
        "duration": recording["duration"],
        "channel": 0,
        "text": row.text,
        "language": row.language,
        "speaker": row.speaker,
        "custom": {name: value for name, value in columns.items() if name not in _OWN_FIELDS},
        "alignment": None
        if words is None
        else {
            "word": [
                [word.text, word.start, round(word.end - word.start, _PLACES), word.score] for word in words
            ]
        },
    }
    return {
        "id": recording["id"],
        "start": 0.0,
        "duration": recording["duration"],
        "channel": 0,
        "supervisions": [{name: value for name, value in supervision.items() if value is not None}],
        "recording": recording,
        "type": "MonoCut",
    }


def _json_line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def read_shar(cuts_file: BinaryIO, recordings_file: BinaryIO) -> Iterator[Utterance]:
    """The rows of a shard that `SharSink` wrote, in order.

    Raises:
        ValueError: cuts and recordings do not go together.
    """
    archive = members(recordings_file)
    with gzip.open(cuts_file) as lines:
        for line in lines:
            cut = json.loads(line)
            name, audio = next(archive, ("", b""))
            if not name.startswith(f"{cut['id']}."):
                raise ValueError(
                    f"cuts and recordings must have the same order: cut {cut['id']}, recording {name!r}"
                )
            next(archive, None)
            supervision = cut["supervisions"][0]
            columns = {key: supervision.get(key) for key in _OWN_FIELDS}
            custom = dict(supervision["custom"])
            speakers, sources = custom.pop(_WORD_SPEAKERS, None), custom.pop(_WORD_SOURCES, None)
            if (aligned := supervision.get("alignment")) is not None:
                columns[WORD_TIMES] = [
                    {
                        "text": text,
                        "start": start,
                        "end": round(start + duration, _PLACES),
                        "score": score,
                        "speaker": speakers[at] if speakers else columns["speaker"],
                        **({"source": sources[at]} if sources else {}),
                    }
                    for at, (text, start, duration, score) in enumerate(aligned["word"])
                ]
            yield from_fields({**columns, **custom}, audio, name)
    if (left_over := next(archive, None)) is not None:
        raise ValueError(f"every recording must have a cut: {left_over[0]} has none")
