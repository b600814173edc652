"""WebDataset: a tar of `key.flac` and `key.json` pairs, the key being the utterance's safe name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import BinaryIO

from prep_corpus.pipeline.shards.rows import Utterance, from_fields, to_fields
from prep_corpus.pipeline.shards.tar_members import add_member, members, open_tar


class WebDatasetSink:
    """Writes one WebDataset shard.

    Args:
        file: open for writing.
        text_original: with the column of that name.
    """

    def __init__(self, file: BinaryIO, *, text_original: bool = False) -> None:
        self._archive = open_tar(file)
        self._text_original = text_original

    def write(self, row: Utterance) -> None:
        """Add the audio and then the other columns as JSON."""
        add_member(self._archive, row.audio_path, row.audio)
        columns = to_fields(row, text_original=self._text_original)
        line = json.dumps(columns, ensure_ascii=False, sort_keys=True)
        add_member(self._archive, f"{row.key}.json", line.encode())

    def close(self) -> None:
        """End the archive."""
        self._archive.close()


def read_webdataset(file: BinaryIO) -> Iterator[Utterance]:
    """The rows of a shard that `WebDatasetSink` wrote, in order."""
    audio_member: tuple[str, bytes] | None = None
    for name, content in members(file):
        if name.endswith(".json"):
            if audio_member is None:
                raise ValueError(f"audio must come before its columns: {name} has none before it")
            yield from_fields(json.loads(content), audio_member[1], audio_member[0])
            audio_member = None
        else:
            audio_member = (name, content)
