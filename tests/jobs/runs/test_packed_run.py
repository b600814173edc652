"""Whole runs from what other tools packed: the same utterances as from plain files."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from support import toy
from support.runs import run_here


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings as plain files, as WebDataset, as a tarred NeMo manifest, and as Parquet and Arrow."""
    datasets = pytest.importorskip("datasets")
    folder = tmp_path_factory.mktemp("packed")
    toy.write_filter(folder / "filter.json")
    manifest = toy.write_corpus(folder, recordings=2, sentences=6)
    audio = {name: (folder / f"{name}.flac").read_bytes() for name in ("talk0", "talk1")}
    texts = {name: (folder / f"{name}.txt").read_text() for name in audio}
    members = {f"{name}.flac": data for name, data in audio.items()}
    members |= {f"{name}.txt": text.encode() for name, text in texts.items()}
    write_tar(folder / "web.tar", members)
    write_tar(folder / "audio_0.tar", {f"{name}.flac": data for name, data in audio.items()})
    lines = [{"audio_filepath": f"{name}.flac", "text": texts[name], "shard_id": 0} for name in audio]
    (folder / "nemo.json").write_text("".join(json.dumps(line) + "\n" for line in lines))
    rows = {
        "audio": [{"bytes": data, "path": f"{name}.flac"} for name, data in audio.items()],
        "text": list(texts.values()),
        "id": list(audio),
    }
    whole = datasets.Dataset.from_dict(rows).cast_column("audio", datasets.Audio())
    whole.save_to_disk(folder / "arrow")
    (folder / "parquet").mkdir()
    whole.to_parquet(folder / "parquet" / "train.parquet", batch_size=1)
    return manifest


def write_tar(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as archive:
        for name in sorted(members):
            member = tarfile.TarInfo(name)
            member.size = len(members[name])
            archive.addfile(member, io.BytesIO(members[name]))


def rows(out: Path) -> list[tuple[Any, ...]]:
    """The utterances, by what their recordings do not name."""
    found = [row for path in sorted((out / "data").iterdir()) for row in pq.read_table(path).to_pylist()]
    return sorted((row["start_sample"], row["text"], row["score"], row["audio"]["bytes"]) for row in found)


@pytest.fixture(scope="module")
def plain(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    out = tmp_path_factory.mktemp("plain") / "run"
    run_here(corpus, out, "--noise-fraction", "0")
    found = rows(out)
    assert len(found) > 3
    return found


@pytest.mark.parametrize("name", ["web.tar", "nemo.json", "arrow/state.json", "parquet/train.parquet"])
def test_a_run_from_packed_audio_gives_what_plain_files_give(
    corpus: Path, plain: list[tuple[Any, ...]], tmp_path: Path, name: str
) -> None:
    given = corpus.parent / name
    manifest = given.parent if "/" in name else given
    out = tmp_path / "run"
    run_here(manifest, out, "--noise-fraction", "0")
    assert rows(out) == plain
