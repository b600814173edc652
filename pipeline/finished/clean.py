"""Finding and removing the stage files of a run folder that no longer serve."""

from __future__ import annotations

from dataclasses import dataclass

from prep_corpus.pipeline.run_files import PUBLISHED_NAME
from prep_corpus.pipeline.storage import files

_STAGES = ("bundles", "emit", "judge", "align", "measure", "segment")


@dataclass(frozen=True, kw_only=True)
class Removable:
    """A file that no longer serves.

    Attributes:
        path: relative to the run folder.
        size_bytes: its length.
    """

    path: str
    size_bytes: int


def removable(out: str, used: frozenset[str] | None) -> list[Removable]:
    """The stage files that the last finished run did not use, temporary files, and damaged ones.

    Args:
        out: run folder.
        used: stage files that the run used, as STAGE/DIGEST; None to list everything in its store.
    """
    listed = []
    for uri in files.list_files(out):
        path = uri[len(out.rstrip("/")) :].lstrip("/")
        name = path.rpartition("/")[2]
        temporary = (name.startswith(".") and name.endswith(".tmp")) or name.endswith(".damaged")
        # What is published stays known, so that no later run drops some of it by mistake.
        in_work = path.startswith("work/") and path != PUBLISHED_NAME
        if temporary or (in_work and (used is None or _is_stale(path, used))):
            listed.append(Removable(path=path, size_bytes=files.size(uri)))
    return listed


def _is_stale(path: str, used: frozenset[str]) -> bool:
    _, stage, name = path.split("/", 2) if path.count("/") > 1 else ("", "", path)
    digest = name.partition(".")[0]
    return stage in _STAGES and not name.startswith("list-") and f"{stage}/{digest}" not in used


def remove(out: str, listed: list[Removable]) -> None:
    """Delete what `removable` listed."""
    for entry in listed:
        files.remove(files.join(out, entry.path))
