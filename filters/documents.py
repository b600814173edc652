"""The JSON documents that filters are kept in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from prep_corpus.align.errors import UsageError


def document_text(path: Path, option: str) -> str:
    """The text of a filter's file.

    Args:
        path: of the file.
        option: that named it, for messages.

    Raises:
        UsageError: it is not there, or no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{option} {path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{option} {path}: a filter is UTF-8, and byte {error.start} is not") from error


def read_document(text: str, kind: str, name: str, what: str) -> dict[str, Any]:
    """An object that says of what format it is.

    Args:
        text: the JSON document.
        kind: the format that it must name.
        name: where it came from, for messages.
        what: what it should be, for messages.

    Raises:
        UsageError: it is no JSON object, or one of another format.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: {what} must be a JSON file, and this is not one ({error})") from error
    if not isinstance(document, dict) or document.get("format") != kind:
        found = document.get("format") if isinstance(document, dict) else None
        is_other_version = str(found).rpartition(" ")[0] == kind.rpartition(" ")[0]
        told = ": another version of the program wrote it; fit it again" if is_other_version else ""
        raise UsageError(f"{name}: the format must be {kind!r}, not {found!r}{told}")
    return document
