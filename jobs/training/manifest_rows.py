"""What training reads of manifests; nothing heavy is imported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.storage import files


@dataclass(frozen=True, kw_only=True)
class ManifestRow:
    """What training reads of a manifest entry; unlike the main job's, the text may be missing.

    Attributes:
        audio_uri: path or URI of the file.
        text: the transcript, or None.
        speaker: who speaks, or "".
    """

    audio_uri: str
    text: str | None
    speaker: str


def manifest_rows(uri: str) -> Iterator[ManifestRow]:
    """The rows of a JSON-lines manifest (`audio_filepath`, and `text` and `speaker` where known).

    Raises:
        UsageError: there is no such file, it has no rows, or a line is no such row or names a file of its text.
    """
    if not files.exists(uri):
        raise UsageError(f"{uri}: there is no such manifest")
    try:
        lines = files.read_bytes(uri).decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{uri}: the manifest cannot be read: {error}") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                entry = json.loads(line)
                if entry.get("text") is None and entry.get("text_filepath"):
                    raise UsageError(
                        f"{uri}:{number}: short recordings are taken with their `text` in the manifest, and this line "
                        "has text_filepath alone; put what the file holds into `text`"
                    )
                row = ManifestRow(
                    audio_uri=files.resolve(uri, entry["audio_filepath"]),
                    text=entry.get("text"),
                    speaker=str(entry.get("speaker", "")),
                )
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise UsageError(
                    f"{uri}:{number}: a line must be a JSON object with audio_filepath, and text where it is known: "
                    f"{error!r}"
                ) from error
            yield row


def check_rows(uri: str) -> None:
    """See that a manifest is there and begins with a row.

    Raises:
        UsageError: it is not, or does not.
    """
    if next(manifest_rows(uri), None) is None:
        raise UsageError(f"{uri}: the manifest is empty")
