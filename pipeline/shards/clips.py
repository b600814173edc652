"""Clips: the kept utterances of a bundle, each a self-contained record in one file beside the segment table.

    record   | header bytes (uint32, little-endian) | header: JSON of the row without audio | FLAC |

A shard reads each of its utterances by one range read, so that only references cross the shuffle.
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO, NamedTuple

_LENGTH = struct.Struct("<I")


class UtteranceRef(NamedTuple):
    """Where a kept utterance lies and where it goes; about 150 bytes.

    Attributes:
        id: its id.
        split: name of its split.
        key: place in the global order, see `shard_plan`.
        digest: of the segment stage that holds it; names the clips file.
        content: of that stage's result.
        offset: first byte of its record.
        n_bytes: length of its record.
    """

    id: str
    split: str
    key: int
    digest: str
    content: str
    offset: int
    n_bytes: int


def pack_clip(fields: dict[str, Any], flac: bytes) -> bytes:
    """One record."""
    header = json.dumps(fields, sort_keys=True, ensure_ascii=False).encode()
    return _LENGTH.pack(len(header)) + header + flac


def unpack_clip(record: bytes) -> tuple[dict[str, Any], bytes]:
    """The row without audio, and its FLAC."""
    (length,) = _LENGTH.unpack_from(record)
    header_end = _LENGTH.size + length
    return json.loads(record[_LENGTH.size : header_end]), record[header_end:]


def read_clip(file: BinaryIO, ref: UtteranceRef) -> tuple[dict[str, Any], bytes]:
    """Read the record that a reference names from its open clips file."""
    file.seek(ref.offset)
    record = file.read(ref.n_bytes)
    if len(record) != ref.n_bytes:
        raise OSError(f"clips of {ref.digest}: {ref.n_bytes} bytes of {ref.id} expected, {len(record)} read")
    fields, flac = unpack_clip(record)
    if fields["id"] != ref.id:
        raise OSError(
            f"clips of {ref.digest}: {ref.id} was expected at byte {ref.offset}, not {fields['id']}"
        )
    return fields, flac
