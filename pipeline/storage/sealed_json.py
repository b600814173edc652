"""Small JSON files of a run that prove themselves: one that is damaged is named, set aside and counts as not there."""

from __future__ import annotations

import json
import logging
from typing import Any

import google_crc32c

from prep_corpus.pipeline.damaged_seals import holds_a_damaged_seal
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.looking import TOLD, is_looking

log = logging.getLogger(__name__)

_SEAL = "crc32c"


def _checksum(content: dict[str, Any]) -> str:
    return f"{google_crc32c.value(json.dumps(content, sort_keys=True).encode()):08x}"


def write_json(uri: str, content: dict[str, Any], *, replace: bool = True) -> None:
    """Write an object with string keys, sealed."""
    sealed = {**content, _SEAL: _checksum(content)}
    data = json.dumps(sealed, indent=1).encode()
    files.write_atomic(uri, lambda file: file.write(data), replace=replace)


def proven(data: bytes) -> dict[str, Any] | None:
    """What stands in such a file, or None where it does not prove itself."""
    try:
        content: dict[str, Any] = json.loads(data)
        seal = content.pop(_SEAL, None)
        if seal is None:
            return None if holds_a_damaged_seal(content, _SEAL, 8) else content
        return content if seal == _checksum(content) else None
    except (ValueError, AttributeError, TypeError, RecursionError):
        return None


def read_json(uri: str) -> dict[str, Any] | None:
    """What was written; None where there is nothing, or nothing that proves itself.

    A file without a checksum, of an earlier version of the program, is believed.
    """
    try:
        data = files.read_bytes(uri)
    except FileNotFoundError:
        return None
    content = proven(data)
    if content is not None:
        return content
    if is_looking():
        log.error("%s is damaged; %s", uri, TOLD)
        return None
    aside = files.set_aside(uri)
    log.error("%s is damaged; it was set aside as %s and is made again", uri, aside.rsplit("/", 1)[-1])
    return None
