"""What other tools packed, tars and tables, and what must come of them."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from support.sample_rows import flac, samples_of

from prep_corpus.align.audio.decode import decode, to_int16
from prep_corpus.align.errors import DeadLetter
from prep_corpus.align.recordings import Recording
from prep_corpus.pipeline.inputs.manifests import read_manifest
from prep_corpus.pipeline.storage import files

NUMBERS = (0, 1, 2, 3, 4)
TEXTS = {number: f'What number {number} says, "so"' for number in NUMBERS}
AUDIO = {number: flac(samples_of(number, 3200 + 160 * number)) for number in NUMBERS}


def recordings(uri: Path) -> list[Recording]:
    found = list(read_manifest(str(uri)))
    assert [one.message for one in found if isinstance(one, DeadLetter)] == []
    return [one for one in found if isinstance(one, Recording)]


def check(uri: Path, *, in_order: bool = True) -> list[Recording]:
    """All five recordings with their texts and their own samples, as the stages read them."""
    found = recordings(uri)
    texts = list(TEXTS.values())
    if not in_order:
        found.sort(key=lambda one: one.text)
    assert [one.text for one in found] == texts
    assert len({one.id for one in found}) == 5
    for number, one in zip(NUMBERS, found):
        with files.open_binary(one.audio_uri) as file:
            samples_N = np.concatenate(list(decode(file, name=one.id, sample_rate_hz=16_000)))
        assert to_int16(samples_N).tolist() == samples_of(number, 3200 + 160 * number).tolist()
    return found


def write_tar(path: Path, members: Mapping[str, bytes], mode: str = "w") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def samples(numbers: tuple[int, ...], *, as_json: bool) -> dict[str, bytes]:
    members = {}
    for number in numbers:
        key = f"book/clip_{number}"
        members[f"{key}.flac"] = AUDIO[number]
        if as_json:
            row = {"sentence": TEXTS[number], "client_id": f"s{number}", "locale": "en", "age": None}
            members[f"{key}.json"] = json.dumps(row).encode()
        else:
            members[f"{key}.txt"] = TEXTS[number].encode() + b"\n"
            members[f"{key}.cls"] = b"7"
    return members


def table(path: Path, **columns: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path.parent
