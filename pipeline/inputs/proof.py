"""Proof that an audio file is the one that was fingerprinted before the run.

    object stores   its version (ETag or CRC32C) and size are in the fingerprint; every range read is of one version
    disks           size and CRC32C of the content, looked at once for each state of the file (inode, size, times)

A file on a disk is looked at through the handle that its audio was read from, after the reading: so what is proven is
what was read, whatever has taken its name meanwhile.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from typing import BinaryIO

import google_crc32c

from prep_corpus.align.errors import SourceChanged
from prep_corpus.pipeline.inputs.bundles import ProbedRecording
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.parts import HeldFile, SpanFile
from prep_corpus.pipeline.storage.remote.object_stores import Identity

_State = tuple[object, ...]

# Within one tick of the file system's clock a second change leaves no trace in the times.
_TICK_NS = 100_000_000
_MOST_KNOWN = 4096
_known: OrderedDict[_State, str] = OrderedDict()
_lock = threading.Lock()


def store_fingerprint(facts: Identity) -> str | None:
    """The fingerprint of a file that its file system vouches for; None on disks."""
    return None if facts.checksum is None else f"{facts.size_bytes}:{facts.checksum}"


def _state(file: BinaryIO) -> _State:
    held = getattr(file, "raw", file)
    place = held.place if isinstance(held, SpanFile | HeldFile) else ()
    facts = held.facts if isinstance(held, HeldFile) else os.fstat(file.fileno())
    assert facts is not None, "files of a disk have facts"
    return *place, facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def content_proof(file: BinaryIO) -> str:
    """Size and CRC32C of an open file of a disk, read where this state of it was not read before."""
    state = _state(file)
    with _lock:
        if state in _known:
            return _known[state]
    crc, size_bytes = 0, 0
    file.seek(0)
    while block := file.read(1 << 20):
        crc, size_bytes = google_crc32c.extend(crc, block), size_bytes + len(block)
    proof = f"{size_bytes}:{crc:08x}"
    changed_ns = state[-1]
    if _state(file) == state and isinstance(changed_ns, int) and changed_ns + _TICK_NS < time.time_ns():
        with _lock:
            _known[state] = proof
            if len(_known) > _MOST_KNOWN:
                _known.popitem(last=False)
    return proof


def check_source(file: BinaryIO, probed: ProbedRecording) -> None:
    """See that an open file is the one that was fingerprinted.

    Raises:
        SourceChanged: it is another.
    """
    uri = probed.recording.audio_uri
    served = files.opened_identity(file)
    if served is not None:
        wanted, found = probed.fingerprint, store_fingerprint(served)
    elif probed.proof is not None:
        wanted, found = probed.proof, content_proof(file)
    elif files.is_local(uri):
        # A bundle of an earlier version: its recordings have no proof but the digest, which costs more.
        wanted, found = probed.fingerprint, files.content_digest(file)
    else:
        facts = files.identity(uri)
        wanted, found = probed.fingerprint, store_fingerprint(facts) or files.content_digest(file)
    if found != wanted:
        raise SourceChanged(
            f"{probed.recording.id}: the audio must be what it was when the run began ({wanted}), and {uri} is "
            f"another now ({found}); put it back, or run again with the new one"
        )
