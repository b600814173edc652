"""The store: every stage's result for a bundle is one file, named by a digest of what it depends on.

    STAGE/DIGEST.parquet          final
    STAGE/DIGEST.retry.parquet    holds internal errors or changed sources: serves this run, done again by the next

A file appears whole or not at all, and the first writer wins. Beside the table it carries notes (dead
letters, ledgers, facts for the next stage) and the digest of its own content, on which what follows depends.
It proves itself when it is read (`seals.py`); one that is damaged is set aside as STAGE/DIGEST.parquet.damaged
and stands no more, so that it is made again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa

from prep_corpus.align.errors import DeadLetter, StageFileDamaged, StageFileGone
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.looking import TOLD, is_looking
from prep_corpus.pipeline.storage.parquet_files import open_parquet, read_rows
from prep_corpus.pipeline.storage.recent_files import SMALL_BYTES, FileState, Recent, state_of
from prep_corpus.pipeline.storage.seals import SealedFile, Unproven, Unsealed, write_sealed

log = logging.getLogger(__name__)

# What says nothing of the recording that the digest names.
_TRIED_AGAIN = frozenset({"internal-error", "source-changed"})
# Their rows are large, and read by row groups.
_READ_ONCE = frozenset({"emit", "judge"})
_RECENT: Recent[FileState, tuple[dict[bytes, bytes], pa.Table]] = Recent()
_NOTES = b"prep_corpus.notes"
_CONTENT = b"prep_corpus.content"


class StageRef(NamedTuple):
    """Names one stage's result for one bundle; all that crosses a shuffle.

    Attributes:
        stage: "bundles", "emit", "judge", "align", "measure" or "segment".
        bundle: digest of the bundle it comes from.
        digest: digest of what it depends on.
        content: digest of what it holds.
        final: False where it holds internal errors.
        failed: dead letters in it.
    """

    stage: str
    bundle: str
    digest: str
    content: str
    final: bool
    failed: int


@dataclass(frozen=True, kw_only=True)
class StageFile:
    """A stage's result, read back.

    Attributes:
        table: its rows.
        notes: a JSON object.
        dead_letters: the recordings that this stage rejected.
        content: digest of the above.
    """

    table: pa.Table
    notes: dict[str, Any]
    dead_letters: tuple[DeadLetter, ...]
    content: str


class _Hasher:
    """A write-only file that hashes."""

    closed = False

    def __init__(self) -> None:
        self._blake2b = hashlib.blake2b(digest_size=16)

    def write(self, data: Any) -> int:
        self._blake2b.update(data)
        return len(data)

    def flush(self) -> None: ...

    def hexdigest(self) -> str:
        return self._blake2b.hexdigest()


def content_of(table: pa.Table, notes: str) -> str:
    """Digest of a table's values and of its notes."""
    hasher = _Hasher()
    hasher.write(notes.encode())
    with pa.ipc.new_stream(pa.PythonFile(hasher, mode="w"), table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return hasher.hexdigest()


def _sealed(file: BinaryIO, name: str) -> SealedFile | _Unsealed:
    try:
        return SealedFile(file, name=name)
    except Unsealed:
        return _Unsealed(file)


def _stage_file(metadata: dict[bytes, bytes], table: pa.Table) -> StageFile:
    notes = json.loads(metadata[_NOTES])
    return StageFile(
        table=table,
        notes=notes["notes"],
        dead_letters=tuple(DeadLetter(**letter) for letter in notes["dead_letters"]),
        content=metadata[_CONTENT].decode(),
    )


def _with_columns(table: pa.Table, columns: list[str] | None) -> pa.Table:
    """Those of some columns that a table has, in its own order; all where None."""
    if columns is None:
        return table
    return table.select([name for name in table.column_names if name in columns])


def _as_written(table: pa.Table) -> pa.Table:
    """A table as it was before Parquet took it: the values of lists are named "item", and null structs hold nulls."""
    structs = False

    def before(kind: pa.DataType) -> pa.DataType:
        nonlocal structs
        if pa.types.is_list(kind):
            return pa.list_(before(kind.value_type))
        if pa.types.is_struct(kind):
            structs = True
            return pa.struct([pa.field(kind[i].name, before(kind[i].type)) for i in range(kind.num_fields)])
        return kind

    schema = pa.schema([pa.field(field.name, before(field.type)) for field in table.schema])
    return pa.Table.from_pylist(table.to_pylist(), schema=schema) if structs else table.cast(schema)


class _Unsealed:
    """A file that an earlier version wrote: the digest of its content proves it, where that can be had again."""

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        try:
            self._table = read_rows(open_parquet(file))
            self.metadata: dict[bytes, bytes] = self._table.schema.metadata
            table = _as_written(self._table.replace_schema_metadata(None))
            found = content_of(table, self.metadata[_NOTES].decode())
            proven = found == self.metadata[_CONTENT].decode()
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
            raise Unproven("it is damaged, and has no checksum") from error
        if not proven:
            raise Unproven("it has no checksum: an earlier version of the program wrote it")

    def table(self, columns: list[str] | None = None) -> pa.Table:
        """Its rows, or some of their columns."""
        return self._table if columns is None else self._table.select(columns)

    def row_groups(self) -> Iterator[pa.Table]:
        """Its rows."""
        yield self._table


@dataclass(frozen=True)
class Store:
    """The stage files of one run folder.

    Attributes:
        root: local path or URI of the folder that holds them.
    """

    root: str

    def uri(self, stage: str, digest: str, suffix: str = ".parquet") -> str:
        """Where a stage's result stands."""
        return files.join(self.root, stage, digest + suffix)

    def find(self, stage: str, bundle: str, digest: str) -> StageRef | None:
        """The reference to a final result, or None where it has yet to be made, or made again."""
        try:
            return self.demand(stage, bundle, digest)
        except StageFileGone:
            return None
        except StageFileDamaged as damaged:
            log.error("%s", damaged)
            return None

    def demand(self, stage: str, bundle: str, digest: str) -> StageRef:
        """The reference to a final result that must be there.

        Raises:
            StageFileDamaged: it is not what was written, and has been set aside, or it is gone.
        """
        uri = self.uri(stage, digest)
        try:
            with files.open_binary(uri) as file:
                metadata = _sealed(file, f"{stage}/{digest}").metadata
        except FileNotFoundError as error:
            raise StageFileGone(f"{uri} is gone; it is made again") from error
        except Unproven as error:
            raise self._set_aside(stage, digest, uri, error) from error
        failed = len(json.loads(metadata[_NOTES])["dead_letters"])
        return StageRef(stage, bundle, digest, metadata[_CONTENT].decode(), True, failed)

    def _set_aside(self, stage: str, digest: str, uri: str, error: object) -> StageFileDamaged:
        """Take a damaged file, and what belongs to it, from its place; nothing is deleted."""
        if is_looking():
            return StageFileDamaged(f"{uri} is damaged ({error}); {TOLD}")
        aside = files.set_aside(uri)
        if not uri.endswith(".retry.parquet"):
            # A table and its clips are made together.
            for suffix in (".parquet", ".clips"):
                files.set_aside(self.uri(stage, digest, suffix))
        return StageFileDamaged(
            f"{uri} is damaged ({error}); it was set aside as {aside.rsplit('/', 1)[-1]} and is made again"
        )

    def damaged_clips(self, digest: str, error: object) -> StageFileDamaged:
        """Set the segments of a bundle aside, whose clips do not prove themselves; returns what to raise."""
        return self._set_aside("segment", digest, self.uri("segment", digest, ".clips"), error)

    def _demand_folder(self) -> None:
        """A local folder that was removed meanwhile must not come back without what says whose it is."""
        folder = os.path.dirname(self.root)
        if files.is_local(self.root) and folder and not os.path.isdir(folder):
            raise FileNotFoundError(errno.ENOENT, "the folder of the run is gone", folder)

    def write(
        self,
        stage: str,
        bundle: str,
        digest: str,
        table: pa.Table,
        *,
        notes: Mapping[str, Any] | None = None,
        dead_letters: list[DeadLetter] | None = None,
        row_group_rows: int | None = None,
    ) -> StageRef:
        """Write a result; one with internal errors or changed sources is kept apart: the next run tries again.

        Raises:
            FileNotFoundError: the run's folder was removed.
        """
        self._demand_folder()
        letters = dead_letters or []
        final = all(letter.reason not in _TRIED_AGAIN for letter in letters)
        text = json.dumps(
            {"notes": dict(notes or {}), "dead_letters": [asdict(letter) for letter in letters]},
            sort_keys=True,
        )
        table = table.replace_schema_metadata(None)
        content = content_of(table, text)
        marked = table.replace_schema_metadata({_NOTES: text.encode(), _CONTENT: content.encode()})

        def save(file: BinaryIO) -> None:
            write_sealed(marked, file, name=f"{stage}/{digest}", row_group_rows=row_group_rows)

        # One with internal errors takes the place of an earlier run's, which may have met others.
        is_ours = files.write_atomic(
            self.uri(stage, digest, ".parquet" if final else ".retry.parquet"), save, replace=not final
        )
        if final and not is_ours:
            # A twin may have been first: what follows depends on the content that stands there.
            standing = self.find(stage, bundle, digest)
            if standing is not None:
                return standing
            raise OSError(f"{self.uri(stage, digest)}: a file that was just written cannot be read back")
        return StageRef(stage, bundle, digest, content, final, len(letters))

    def read(self, ref: StageRef, columns: list[str] | None = None) -> StageFile:
        """Read a result back, or some of its columns, and prove what is read; of no columns no rows are counted.

        Raises:
            StageFileDamaged: it is not what was written, and has been set aside, or it is gone.
        """
        uri = self.uri_of(ref)
        state = state_of(uri)
        kept = _RECENT.find(state)
        if kept is not None:
            return _stage_file(kept[0], _with_columns(kept[1], columns))
        try:
            with files.open_binary(uri) as file:
                sealed = _sealed(file, f"{ref.stage}/{ref.digest}")
                is_small = state is not None and state[3] <= SMALL_BYTES and ref.stage not in _READ_ONCE
                # The notes alone stand in the footer, which is read and proven already.
                table = pa.table({}) if columns == [] and not is_small else None
                if table is None:
                    table = sealed.table(None if is_small else columns)
        except FileNotFoundError as error:
            # Another thread may have set it aside.
            raise StageFileGone(f"{uri} is gone; it is made again") from error
        except Unproven as error:
            raise self._set_aside(ref.stage, ref.digest, uri, error) from error
        if is_small and state is not None and state_of(uri) == state:
            _RECENT.keep(state, max(state[3], table.nbytes), (sealed.metadata, table))
        return _stage_file(sealed.metadata, _with_columns(table, columns))

    def row_groups(self, ref: StageRef) -> Iterator[pa.Table]:
        """Read a result back, one row group at a time, and prove what is read: of a long recording, all is much.

        Raises:
            StageFileDamaged: as for `read`.
        """
        uri = self.uri_of(ref)
        try:
            with files.open_binary(uri) as file:
                yield from _sealed(file, f"{ref.stage}/{ref.digest}").row_groups()
        except FileNotFoundError as error:
            # Another thread may have set it aside.
            raise StageFileGone(f"{uri} is gone; it is made again") from error
        except Unproven as error:
            raise self._set_aside(ref.stage, ref.digest, uri, error) from error

    def uri_of(self, ref: StageRef) -> str:
        """Where the file of a reference stands."""
        return self.uri(ref.stage, ref.digest, ".parquet" if ref.final else ".retry.parquet")
