"""Entries of a manifest, written and read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from prep_corpus.align.errors import DeadLetter
from prep_corpus.align.recordings import Recording
from prep_corpus.pipeline.inputs.manifests import read_manifest


def read(folder: Path, *entries: Any, name: str = "m.jsonl") -> list[Recording | DeadLetter]:
    data = "".join(json.dumps(entry) + "\n" for entry in entries).encode()
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return list(read_manifest(str(folder / name)))


def good(found: list[Recording | DeadLetter]) -> list[Recording]:
    assert all(isinstance(one, Recording) for one in found), found
    return found  # type: ignore[return-value]


def bad(found: list[Recording | DeadLetter]) -> list[DeadLetter]:
    assert all(isinstance(one, DeadLetter) for one in found), found
    return found  # type: ignore[return-value]


def write(path: Path, content: str | bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def json_lines(path: Path, *entries: Any) -> str:
    return write(path, "".join(json.dumps(entry) + "\n" for entry in entries))


def kaldi(folder: Path, **tables: str) -> str:
    for name, content in tables.items():
        write(folder / name.replace("wav_scp", "wav.scp"), content)
    return str(folder)


def recordings(uri: str, **options: Any) -> list[Recording]:
    found = list(read_manifest(uri, **options))
    assert all(isinstance(one, Recording) for one in found), found
    return found  # type: ignore[return-value]


def reasons(uri: str) -> list[str]:
    return [one.reason if isinstance(one, DeadLetter) else "" for one in read_manifest(uri)]


def letters(uri: str) -> list[DeadLetter]:
    return [one for one in read_manifest(uri) if isinstance(one, DeadLetter)]
