"""Clips: the kept utterances of a bundle, each a self-contained record in one file beside the segment table.

    record   | CRC32C | header bytes | header: JSON of the row without audio | FLAC |    uint32, little-endian

A shard reads each of its utterances by one range read, so that only references cross the shuffle. The checksum is of
the segment stage's digest and of all that follows it, so that neither damage nor another file's record passes.
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO, NamedTuple

import google_crc32c

_CRC = struct.Struct("<I")
_LENGTH = struct.Struct("<I")


class ClipDamaged(Exception):
    """A record is not what was written; the message says in which way."""


class UtteranceRef(NamedTuple):
    """Where a kept utterance lies and where it goes; about 150 bytes.

    Attributes:
        id: its id.
        split: name of its split.
        key: place in the global order, see `shard_plan`.
        digest: digest of the segment stage that holds it; names the clips file.
        content: content of that stage's result.
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


def pack_clip(fields: dict[str, Any], flac: bytes, *, digest: str) -> bytes:
    """One record.

    Args:
        fields: the row without audio.
        flac: the sound.
        digest: digest of the segment stage that it belongs to.
    """
    header = json.dumps(fields, sort_keys=True, ensure_ascii=False).encode()
    body = _LENGTH.pack(len(header)) + header + flac
    return _CRC.pack(_checksum(body, digest)) + body


def _checksum(body: bytes, digest: str) -> int:
    return int(google_crc32c.extend(google_crc32c.value(digest.encode()), body))


def unpack_clip(record: bytes, *, digest: str) -> tuple[dict[str, Any], bytes]:
    """The row without audio, and its FLAC.

    Raises:
        ClipDamaged: the record is not what was written.
    """
    body = record[_CRC.size :]
    if len(body) < _LENGTH.size or _CRC.unpack_from(record)[0] != _checksum(body, digest):
        raise ClipDamaged(f"the {len(record)} bytes of a clip are not those that were written")
    (length,) = _LENGTH.unpack_from(body)
    header_end = _LENGTH.size + length
    return json.loads(body[_LENGTH.size : header_end]), body[header_end:]


def read_record(file: BinaryIO, *, offset: int, n_bytes: int, digest: str) -> tuple[dict[str, Any], bytes]:
    """Read and prove a record of an open clips file; returns as `unpack_clip`.

    Raises:
        ClipDamaged: it is not what was written.
    """
    file.seek(offset)
    record = file.read(n_bytes)
    if len(record) != n_bytes:
        raise ClipDamaged(
            f"it breaks off: {n_bytes} bytes of a clip expected at byte {offset}, {len(record)} read"
        )
    return unpack_clip(record, digest=digest)


def read_clip(file: BinaryIO, ref: UtteranceRef) -> tuple[dict[str, Any], bytes]:
    """Read the record that a reference names from its open clips file.

    Raises:
        ClipDamaged: it is not what was written, or another's.
    """
    fields, flac = read_record(file, offset=ref.offset, n_bytes=ref.n_bytes, digest=ref.digest)
    if fields["id"] != ref.id:
        raise ClipDamaged(f"{ref.id} was expected at byte {ref.offset}, not {fields['id']}")
    return fields, flac
