"""Small documents of a run folder: what is damaged is named in one line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prep_corpus.align.errors import DocumentDamaged, damage_in_words
from prep_corpus.pipeline.run_files import USED_NAME
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.sealed_json import proven

WRITTEN_ANEW = "the same `prep-corpus run` again writes it anew"


@contextmanager
def told_as_damage(uri: str, way_out: str = WRITTEN_ANEW) -> Iterator[None]:
    """Say of a file that it is damaged, where what is made of it inside the block does not work.

    Raises:
        DocumentDamaged: in place of what JSON, and values of other types than were written, raise.
    """
    try:
        yield
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        IndexError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise DocumentDamaged(f"{uri} is damaged: {damage_in_words(error)}; {way_out}") from error


def read_document(uri: str) -> dict[str, Any]:
    """An object with a checksum of itself; one of an earlier version has none.

    Raises:
        DocumentDamaged: it is not what was written.
    """
    content = proven(files.read_bytes(uri))
    if content is None:
        raise DocumentDamaged(f"{uri} is damaged: it is not what was written; {WRITTEN_ANEW}")
    return content


def read_used(folder: str) -> list[str] | None:
    """The stage files that the last run to end in a folder used, as STAGE/DIGEST; None where none has ended.

    Raises:
        DocumentDamaged: the list is damaged.
    """
    uri = files.join(folder, USED_NAME)
    if not files.exists(uri):
        return None
    data = files.read_bytes(uri)
    with told_as_damage(uri):
        # Earlier versions wrote a list alone.
        listed = json.loads(data) if data.lstrip()[:1] == b"[" else read_document(uri)["files"]
        if not all(isinstance(name, str) and name.count("/") == 1 for name in listed):
            raise ValueError("stage files are named STAGE/DIGEST")
        return sorted(listed)


def read_used_segments(work: str) -> dict[str, str]:
    """Digests of the segments that the last run to end used, by their bundles; none where that is not known.

    Args:
        work: the work folder of the run.
    """
    uri = files.join(work, USED_NAME.rpartition("/")[2])
    try:
        found = read_document(uri).get("segments", {})
    except (OSError, DocumentDamaged):
        return {}
    return dict(found) if isinstance(found, dict) else {}
