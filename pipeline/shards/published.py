"""Which recordings a folder has published, so that none is dropped by mistake.

Ids are held as sorted 8-byte digests: of 36 million recordings they take 288 MB, and comparing them takes seconds.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.run_files import MANIFEST_NAME, PUBLISHED_NAME
from prep_corpus.pipeline.storage import files

Keys = NDArray[np.uint64]
_CHECKSUM_BYTES = 4


def recording_key(recording_id: str) -> int:
    """The digest that stands for an id."""
    return int.from_bytes(
        blake2b(recording_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little"
    )


def keys_of(recording_ids: Iterable[str]) -> bytes:
    """The digests of ids, as they cross a shuffle."""
    return np.fromiter(map(recording_key, recording_ids), np.uint64).tobytes()


def joined(parts: Iterable[bytes]) -> Keys:
    """All digests, each once, in order."""
    return np.unique(np.frombuffer(b"".join(parts), np.uint64))


def published_keys(out: str) -> Keys:
    """Of the recordings that a folder has published; none where no manifest stands, or an earlier version wrote it.

    Raises:
        UsageError: the file is damaged.
    """
    uri = files.join(out, PUBLISHED_NAME)
    if not files.exists(files.join(out, MANIFEST_NAME)) or not files.exists(uri):
        return np.empty(0, np.uint64)
    data = files.read_bytes(uri)
    if wrong_with(data) is not None:
        raise UsageError(
            f"{uri} is damaged: which recordings are published cannot be told from it, and so not whether this run "
            "would lose some; --force publishes without comparing, and writes it anew"
        )
    return np.frombuffer(data[: len(data) // 8 * 8], np.uint64)


def wrong_with(data: bytes) -> str | None:
    """What is wrong with a file of keys, or None."""
    keys, checksum = data[: len(data) // 8 * 8], data[len(data) // 8 * 8 :]
    if len(checksum) != _CHECKSUM_BYTES:
        return f"its keys have 8 bytes each, and a checksum of {_CHECKSUM_BYTES} follows: {len(data)} bytes do not fit"
    if checksum != _checksum(keys):
        return f"its checksum is {checksum.hex()}, and that of its keys {_checksum(keys).hex()}"
    return None


def _checksum(keys: bytes) -> bytes:
    return zlib.crc32(keys).to_bytes(_CHECKSUM_BYTES, "big")


def lost(out: str, keys: Keys) -> tuple[int, int]:
    """How many published recordings are not among these, and how many are published."""
    published = published_keys(out)
    return int((~np.isin(published, keys)).sum()), len(published)


def note_published(out: str, keys: Keys) -> None:
    """Keep what is published now."""
    data = keys.tobytes()
    uri = files.join(out, PUBLISHED_NAME)
    files.write_atomic(uri, lambda file: file.write(data + _checksum(data)), replace=True)
