"""Which shards stand as they were written, by their receipts, and the noisy utterances in them.

    work/write/train-00000-of-00002.json    what stands at the shard's place, and of what it was made

The same noise in the same clean audio has the same bytes: a shard that is written anew, since other utterances are
kept, takes them over from the Parquet shards that stand.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
import soundfile
from pyarrow.parquet import ParquetFile

from prep_corpus.augment.plan import MixPlan
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.digests import digest_of
from prep_corpus.pipeline.storage.looking import is_looking
from prep_corpus.pipeline.storage.parquet_files import open_parquet, read_group
from prep_corpus.pipeline.storage.sealed_json import read_json, write_json
from prep_corpus.pipeline.storage.stage_store import Store

MOST_SHARDS = 64
"""Shards whose receipts are read for what may be taken over; more are of a corpus too large to hold their lists."""
_OPEN_AT_ONCE = 2

log = logging.getLogger(__name__)


class ShardFile(NamedTuple):
    """One finished file of a shard.

    Attributes:
        format: "parquet", "tfrecord", ...
        split: name of the split.
        path: relative to the run folder.
        utterances, noisy: utterances in it, and those with noise.
        samples: samples in it.
        n_bytes: its length.
        digest: digest of its bytes.
        seconds: length of its audio, where clips have other rates than the model; else the samples tell.
    """

    format: str
    split: str
    path: str
    utterances: int
    noisy: int
    samples: int
    n_bytes: int
    digest: str
    seconds: float | None = None

    def seconds_at(self, sample_rate_hz: int) -> float:
        """Length of its audio."""
        return self.samples / sample_rate_hz if self.seconds is None else self.seconds


def note_shard(
    receipt: str, out: str, digest: str, written: list[ShardFile], noisy: dict[str, int] | None = None
) -> None:
    """Write a receipt: what was written, when its files were changed last, and the rows of noisy utterances."""
    content = {"digest": digest, "files": [shard._asdict() for shard in written], "noisy": noisy or {}}
    write_json(receipt, {**content, "changed": _changed(out, written)})


def _changed(out: str, written: list[ShardFile]) -> list[list[int]]:
    """Times of the last change of each file on a disk; a store vouches for what it holds."""
    if not files.is_local(out):
        return []
    found = [files.identity(files.join(out, shard.path)) for shard in written]
    return [[one.modified_ns, one.changed_ns] for one in found]


def standing_shard(receipt: str, out: str, digest: str) -> list[ShardFile] | None:
    """What stands at a shard's place as it was written; files that were changed since are read through."""
    note = read_json(receipt)
    if note is None or note["digest"] != digest:
        return None
    written = [ShardFile(**shard) for shard in note["files"]]
    uris = [files.join(out, shard.path) for shard in written]
    if any(not files.exists(uri) or files.size(uri) != shard.n_bytes for uri, shard in zip(uris, written)):
        return None
    if note.get("changed", []) != _changed(out, written):
        for uri, shard in zip(uris, written):
            with files.open_binary(uri) as file:
                found = files.content_digest(file)
            if found != shard.digest:
                log.error("%s is damaged (its bytes are not those that were written); it is made again", uri)
                return None
        # Moving a shard to its place changed its time too.
        if not is_looking():
            note_shard(receipt, out, digest, written, note.get("noisy"))
    return written


def noise_key(clean: bytes, plan: MixPlan, audio_format: str, version: int) -> str:
    """All that decides the bytes of a noisy utterance.

    Args:
        clean: its clean audio, as it is stored.
        plan: of the noise.
        audio_format: format of the audio inside the shards.
        version: of the code that mixes.
    """
    stored = blake2b(clean, digest_size=16).hexdigest()
    return digest_of(stored, plan.to_fields(), audio_format, version, soundfile.__libsndfile_version__)


@dataclass
class _Opened:
    """A Parquet shard that is being read; of its rows, one row group is held."""

    file: BinaryIO
    parquet: ParquetFile
    group: int = -1
    table: pa.Table | None = None

    def row(self, number: int) -> dict[str, Any]:
        """Id, audio and noise of a row."""
        metadata, group = self.parquet.metadata, 0
        while number >= metadata.row_group(group).num_rows:
            number -= metadata.row_group(group).num_rows
            group += 1
        if group != self.group or self.table is None:
            self.table = None
            self.table = read_group(self.parquet, group, ["id", "audio.bytes", "noise"])
            self.group = group
        found: dict[str, Any] = self.table.slice(number, 1).to_pylist()[0]
        return found


@dataclass
class NoisyUtterances:
    """Noisy utterances of the shards that stand in a run folder on a disk, read where they are asked for.

    Attributes:
        receipts: store of the receipts.
        out: the run folder.
    """

    receipts: Store
    out: str
    _places: dict[str, tuple[ShardFile, int, int]] | None = None
    _opened: dict[str, _Opened | None] = field(default_factory=dict)

    def find(self, key: str, id_: str) -> tuple[bytes, str] | None:
        """The encoded audio of a noisy utterance, and its `noise` column; None where none stands.

        Args:
            key: see `noise_key`.
            id_: its id.
        """
        if self._places is None:
            self._places = self._read_receipts()
        place = self._places.get(key)
        if place is None:
            return None
        shard, modified_ns, row = place
        try:
            opened = self._open(shard, modified_ns)
            found = None if opened is None else opened.row(row)
        except (OSError, pa.ArrowException, IndexError, ValueError):
            self._close(shard.path)
            self._opened[shard.path] = None
            return None
        if found is None or found["id"] != id_ or found["noise"] is None:
            return None
        return found["audio"]["bytes"], found["noise"]

    def _read_receipts(self) -> dict[str, tuple[ShardFile, int, int]]:
        places: dict[str, tuple[ShardFile, int, int]] = {}
        if not files.is_local(self.out):
            return places
        folder = self.receipts.uri("write", "", "")
        uris = [uri for uri in files.list_files(folder) if uri.endswith(".json")]
        for uri in uris if len(uris) <= MOST_SHARDS else ():
            note = read_json(uri) or {}
            written = [ShardFile(**shard) for shard in note.get("files", ())]
            for shard, changed in zip(written, note.get("changed", ())):
                if shard.format == "parquet":
                    noisy = note.get("noisy", {})
                    places.update((key, (shard, changed[0], row)) for key, row in noisy.items())
        return places

    def _open(self, shard: ShardFile, modified_ns: int) -> _Opened | None:
        """A shard, where its length and time are those of its receipt; each page proves itself by its checksum."""
        if shard.path not in self._opened:
            while len(self._opened) >= _OPEN_AT_ONCE:
                self._close(next(iter(self._opened)))
            uri = files.join(self.out, shard.path)
            facts = files.identity(uri)
            self._opened[shard.path] = None
            if (facts.size_bytes, facts.modified_ns) == (shard.n_bytes, modified_ns):
                file = files.open_binary(uri)
                try:
                    self._opened[shard.path] = _Opened(file, open_parquet(file, prove_pages=True))
                except BaseException:
                    file.close()
                    raise
        return self._opened[shard.path]

    def _close(self, path: str) -> None:
        opened = self._opened.pop(path, None)
        if opened is not None:
            opened.parquet.close(force=True)
            opened.file.close()

    def close(self) -> None:
        """Close what is open; it is opened again where it is asked for."""
        for path in list(self._opened):
            self._close(path)
