"""Whether bytes behind the stated end of a FLAC file are audio: frame headers as RFC 9639, section 9.1, has them."""

from __future__ import annotations

import re

_START = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
"""A stream's marker with the header of its first block, which tells of the whole stream and has 34 bytes."""
_SYNC = re.compile(rb"\xff[\xf8\xf9]")
_LONGEST_HEADER = 16


def own_start(first: bytes) -> int:
    """Where a FLAC file's own stream starts: at 0, or behind an ID3v2 tag.

    Args:
        first: the file's first 10 bytes.
    """
    if first[:3] != b"ID3" or len(first) < 10:
        return 0
    size = 0
    for byte in first[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


def last_start(data: bytes) -> int | None:
    """Where the last stream in some bytes starts, which chance does not make of audio; None where none does."""
    starts = [found.start() for found in _START.finditer(data)]
    return starts[-1] if starts else None


def hold_frames(data: bytes) -> bool:
    """Whether two frame headers of one kind stand in some bytes.

    A header proves itself by its CRC; that two alike are chance does not happen.

    Args:
        data: from anywhere in a file, of at least two frames.
    """
    seen: set[bytes] = set()
    for found in _SYNC.finditer(data):
        header = data[found.start() : found.start() + _LONGEST_HEADER]
        length = _header_bytes(header)
        if length is None or len(header) <= length or _crc8(header[:length]) != header[length]:
            continue
        # Blocking, rate, channels and bits stay, but for how channels are joined; the block may be a shorter last one.
        kind = bytes((header[1], header[2] & 0x0F, header[3] & 0x0E))
        if kind in seen:
            return True
        seen.add(kind)
    return False


def _header_bytes(header: bytes) -> int | None:
    """How long a frame header is before its CRC, by what it says of itself; None where it cannot be one."""
    if len(header) < 6:
        return None
    block, rate, channels = header[2] >> 4, header[2] & 0x0F, header[3] >> 4
    if block == 0 or rate == 15 or channels > 10 or header[3] & 0x01:
        return None
    # The number of the frame or sample is coded as UTF-8 codes characters, in up to seven bytes.
    ones = next((bit for bit in range(8) if not header[4] & 0x80 >> bit), 8)
    if ones in (1, 8):
        return None
    coded = max(ones, 1)
    if any(byte & 0xC0 != 0x80 for byte in header[5 : 4 + coded]):
        return None
    return 4 + coded + {6: 1, 7: 2}.get(block, 0) + {12: 1, 13: 2, 14: 2}.get(rate, 0)


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc
