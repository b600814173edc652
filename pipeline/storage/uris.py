"""Local paths and URIs: what they are, how they are put together, and which store serves them.

Local paths go through the operating system, s3:// and gs:// through `s3.py` and `gs.py`, every other scheme
(hdfs://) through Beam's file systems (`beam_files.py`). Beam is imported for a URI alone.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import TYPE_CHECKING

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.storage.remote.object_stores import ObjectStore

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions


def is_local(uri: str) -> bool:
    """Whether it is a path of this machine."""
    return "://" not in uri


def is_supported(uri: str) -> bool:
    """Whether it is local, or the file system of its scheme is installed."""
    if is_local(uri):
        return True
    try:
        return object_store(uri) is not None or bool(beam_files().is_supported(uri))
    except UsageError:
        return False


def unsupported(uri: str) -> str:
    """What to say of a URI that no installed file system serves."""
    scheme = uri.split("://", 1)[0].lower()
    if scheme in ("http", "https", "ftp"):
        return (
            f"{uri}: nothing is read or written over {scheme}://: download it first, and give its local path"
        )
    return (
        f"{uri}: no file system of this scheme is installed (gs:// needs prep-corpus[gcp], s3:// prep-corpus[aws], "
        "hdfs:// prep-corpus[hdfs])"
    )


def use_options(options: PipelineOptions) -> None:
    """Open files with a pipeline's options (--s3_..., --hdfs_...) before there is a pipeline."""
    beam_files().use_options(options)


def beam_files() -> ModuleType:
    """Beam's file systems, which take a second to import."""
    from prep_corpus.pipeline.storage.remote import beam_files

    return beam_files


def object_store(uri: str) -> ObjectStore | None:
    """The store of a URI, or None where Beam's file systems serve it.

    Raises:
        UsageError: what it needs is not installed.
    """
    scheme = uri.split("://", 1)[0]
    try:
        if scheme == "s3":
            from prep_corpus.pipeline.storage.remote.s3 import S3

            return S3()
        if scheme == "gs":
            from prep_corpus.pipeline.storage.remote.gs import GoogleStorage

            return GoogleStorage()
    except ImportError as error:
        extra = {"s3": "aws", "gs": "gcp"}[scheme]
        raise UsageError(f"{uri}: {scheme}:// needs pip install 'prep-corpus[{extra}]'") from error
    return None


def join(folder: str, *names: str) -> str:
    """A path or URI inside a folder."""
    if is_local(folder):
        return os.path.join(folder, *names)
    return "/".join([folder.rstrip("/"), *names])


def absolute(uri: str) -> str:
    """A local path from the root; a URI as it is."""
    return os.path.abspath(uri) if is_local(uri) else uri


def resolve(manifest: str, name: str) -> str:
    """A name in a manifest: absolute as it is, else relative to the manifest's folder; file:// is dropped."""
    name = name.removeprefix("file://")
    if not is_local(name) or os.path.isabs(name):
        return name
    if is_local(manifest):
        return os.path.join(os.path.dirname(os.path.abspath(manifest)), name)
    return manifest.rsplit("/", 1)[0] + "/" + name
