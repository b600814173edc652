"""A finished run's folder, local or on an object store: its manifest, and whether its shards match it.

    PrepCorpusError
    └── ShardError          a shard is not the one that the manifest lists
        ├── ShardMissing        shard-missing      not there
        ├── ShardTruncated      shard-truncated    it breaks off
        ├── ShardCorrupt        shard-corrupt      its bytes have changed
        └── ShardStale          shard-stale        a whole shard, but of another run

pyarrow opens the files, so that nothing else is needed to read from gs:// and s3://.
"""

from __future__ import annotations

import io
import tarfile
import warnings
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from prep_corpus.align.errors import PrepCorpusError, UsageError
from prep_corpus.pipeline.run_files import MANIFEST_NAME
from prep_corpus.pipeline.shards.manifest import RunManifest, ShardEntry, parse_manifest

_DIGEST_BYTES = 16
_BLOCK_BYTES = 1 << 20
_FOLDERS = {"parquet": "data", "tfrecord": "tfrecord", "webdataset": "webdataset", "shar": "shar"}
_SUFFIXES = {"parquet": (".parquet",), "webdataset": (".tar",), "shar": (".tar", ".jsonl.gz")}


class ShardError(PrepCorpusError):
    """A shard is not the one that the manifest lists."""

    reason: ClassVar[str] = "shard-corrupt"


class ShardMissing(ShardError):
    """A shard that the manifest lists is not there."""

    reason = "shard-missing"


class ShardTruncated(ShardError):
    """A shard breaks off before its end."""

    reason = "shard-truncated"


class ShardCorrupt(ShardError):
    """A shard's bytes are not those that were written."""

    reason = "shard-corrupt"


class ShardStale(ShardError):
    """A shard is whole but was written by another run."""

    reason = "shard-stale"


class StaleShardWarning(UserWarning):
    """A shard lies beside those that the manifest lists; other readers may take it for one of them."""


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """Where a finished run lies, and what it publishes.

    Attributes:
        filesystem: a pyarrow file system.
        folder: the run's folder there.
        manifest: what it publishes.
    """

    filesystem: Any
    folder: str
    manifest: RunManifest

    def path(self, relative: str) -> str:
        """The path of a file of the run on its file system."""
        return f"{self.folder}/{relative}"

    @property
    def is_local(self) -> bool:
        """Whether it lies on a disk of this machine, or mounted on it."""
        return isinstance(self.filesystem, fs.LocalFileSystem)

    def size_bytes(self, relative: str) -> int | None:
        """The size of a file, or None where there is none."""
        info = self.filesystem.get_file_info(self.path(relative))
        return int(info.size) if info.type == fs.FileType.File else None

    def open(self, relative: str) -> Any:
        """A file of the run, open for reading and seeking."""
        return self.filesystem.open_input_file(self.path(relative))

    def unlisted(self, shard_format: str) -> list[str]:
        """Files that look like shards of a format but are not listed, relative to the folder."""
        selector = fs.FileSelector(self.path(_FOLDERS[shard_format]), recursive=True, allow_not_found=True)
        prefix = len(self.folder) + 1
        listed = {shard.path for shard in self.manifest.shards}
        found = [
            info.path[prefix:]
            for info in self.filesystem.get_file_info(selector)
            if info.type == fs.FileType.File and _looks_like_shard(shard_format, info.base_name)
        ]
        return sorted(set(found) - listed)


def open_run(uri: str) -> RunFolder:
    """Open a finished run by its folder or by its manifest.

    Args:
        uri: local path, or a URI that pyarrow knows (gs://, s3://, file://).

    Raises:
        UsageError: there is no manifest, or it cannot be read.
    """
    if "://" in uri:
        filesystem, path = fs.FileSystem.from_uri(uri)
    else:
        filesystem, path = fs.LocalFileSystem(), uri
    path = path.rstrip("/") or "/"
    manifest_path = path if path.endswith(".json") else f"{path}/{MANIFEST_NAME}"
    folder = manifest_path.rpartition("/")[0] or "."
    try:
        with filesystem.open_input_file(manifest_path) as file:
            content = file.read()
    except NotADirectoryError as error:
        raise UsageError(
            f"a finished run is a folder with a {MANIFEST_NAME}, or that file: {uri!r} is another file"
        ) from error
    except FileNotFoundError as error:
        raise UsageError(f"a finished run must have a {MANIFEST_NAME}: there is none at {uri!r}") from error
    return RunFolder(
        filesystem=filesystem, folder=folder, manifest=parse_manifest(content, name=manifest_path)
    )


def verify_shard(run: RunFolder, shard: ShardEntry, *, digest: bool = True) -> None:
    """See that a shard's file is the one that the manifest lists.

    Args:
        run: the run it belongs to.
        shard: one file of it.
        digest: read it whole and compare its digest; else its size alone is compared.

    Raises:
        ShardError: it is not; the class says in what way.
    """
    size_bytes = run.size_bytes(shard.path)
    if size_bytes is None:
        raise ShardMissing(f"every listed shard must be there: {shard.path} is not in {run.folder}")
    if size_bytes == shard.n_bytes and (not digest or file_digest(run, shard.path) == shard.digest):
        return
    facts = f"{shard.n_bytes} bytes listed, {size_bytes} found in {run.path(shard.path)}"
    # Archives have no checksum of their content: at the right size only the digest can tell, and a flipped
    # byte is likelier than another run's archive of just this size.
    checked_inside = shard.format in ("parquet", "tfrecord") or size_bytes != shard.n_bytes
    if checked_inside and is_whole(run, shard):
        raise ShardStale(f"a shard must be the one that is listed, not another run's: {facts}")
    if size_bytes < shard.n_bytes:
        raise ShardTruncated(f"a shard must have all its bytes: {facts}")
    raise ShardCorrupt(f"a shard must have the bytes that were written: digest {shard.digest}, {facts}")


def file_digest(run: RunFolder, relative: str) -> str:
    """blake2b of a file, as the manifest lists it."""
    digest = blake2b(digest_size=_DIGEST_BYTES)
    with run.open(relative) as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def is_whole(run: RunFolder, shard: ShardEntry) -> bool:
    """Whether a file is complete and consistent in itself, whatever the manifest says."""
    try:
        with run.open(shard.path) as file:
            if shard.format == "parquet":
                if file.read(4) != b"PAR1":
                    return False
                parquet = pq.ParquetFile(file, pre_buffer=not run.is_local, page_checksum_verification=True)
                for group in range(parquet.metadata.num_row_groups):
                    parquet.read_row_group(group, use_threads=False)
            elif shard.path.endswith(".tar"):
                _read_archive(file)
            else:
                _read_records(file, shard)
    except (OSError, ValueError, EOFError, tarfile.TarError, pa.ArrowException):
        return False
    return True


def warn_of_unlisted(run: RunFolder, shard_format: str) -> None:
    """Warn where shards of an earlier run lie beside those of this one."""
    unlisted = run.unlisted(shard_format)
    if unlisted:
        more = f" and {len(unlisted) - 3} more" if len(unlisted) > 3 else ""
        warnings.warn(
            f"shards of another run lie beside this one's and are not read: {', '.join(unlisted[:3])}{more} "
            f"in {run.folder}",
            StaleShardWarning,
            stacklevel=3,
        )


def _looks_like_shard(shard_format: str, name: str) -> bool:
    if name.startswith("."):
        return False
    if shard_format == "tfrecord":
        return ".tfrecord-" in name
    return name.endswith(_SUFFIXES[shard_format])


def _read_archive(file: Any) -> None:
    end = b"\0" * 1024
    tail = file.read()[-len(end) :]
    if tail != end:
        raise tarfile.ReadError("an archive must end in 1,024 zero bytes")
    file.seek(0)
    with tarfile.open(fileobj=file, mode="r|") as archive:
        for _ in archive:
            pass


def _read_records(file: Any, shard: ShardEntry) -> None:
    # protobuf and crc32c are needed for this format alone; reading Parquet must not ask for them.
    import gzip

    from prep_corpus.pipeline.shards.tfrecord import records

    content = io.BufferedReader(file)
    gzipped = content.peek(2)[:2] == b"\x1f\x8b"
    opened: Any = gzip.GzipFile(fileobj=content) if gzipped else content
    for _ in records(opened) if shard.format == "tfrecord" else opened:
        pass
