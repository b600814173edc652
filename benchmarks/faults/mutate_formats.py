"""Mutants of each format of transcript and packed input, read as a run reads them; see `mutate.py`."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from support.mutants import Material, mutated, mutated_archive

from prep_corpus.align.errors import InternalError, ParserFailed, RecordingError, UsageError
from prep_corpus.align.recordings import Recording
from prep_corpus.align.text.normalize import normalize
from prep_corpus.align.transcripts.pieces import EVERYTHING, Selection
from prep_corpus.pipeline.apart.parsing import Parser
from prep_corpus.pipeline.inputs.manifests import read_manifest
from prep_corpus.pipeline.storage import files

MOST_SECONDS = 10.0
MOST_MEMORY_BYTES = 1 << 30
ALPHABET = frozenset("abcdefghijklmnopqrstuvwxyz'")
RTTM = "".join(f"SPEAKER talk 1 {n * 0.4:.3f} 0.350 <NA> <NA> v{n % 2} <NA> <NA>\n" for n in range(8))


@dataclass
class Outcome:
    """What became of the mutants of one format.

    Attributes:
        read: how many gave a transcript, or entries.
        refused: errors by reason.
        slowest_seconds: of one mutant.
        most_bytes: memory that the process which parsed them held at most.
        failures: what went wrong, in words.
    """

    read: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0
    most_bytes: int = 0
    failures: list[str] = field(default_factory=list)

    def line(self, name: str) -> str:
        """One line for people."""
        return (
            f"{name}: {self.read} read, {sum(self.refused.values())} refused {dict(self.refused)}; slowest "
            f"{self.slowest_seconds:.2f} s of CPU time, at most {self.most_bytes / 2**20:.0f} MiB; "
            f"{len(self.failures)} failed"
        )


def mutate_formats(root: Path, seed: int, each: int, keep: Path | None) -> dict[str, Outcome]:
    """Read so many mutants of each format, and print a line for each."""
    material = Material.made()
    others = list(material.transcripts.values())
    found: dict[str, Outcome] = {}
    for name, data in sorted({**material.transcripts, "a.rttm": RTTM.encode()}.items()):
        found[name] = Outcome()
        parser = Parser()
        page = material.transcripts["page.xhtml"]
        _parsing(parser, name, data, page)()
        for number in range(each):
            chance = random.Random(f"{seed} {name} {number}")
            # Of a SMIL file every other mutant is its document's.
            is_page = name.endswith(".smil") and number % 2
            mutant = mutated_archive(page if is_page else data, chance, others)
            read = _parsing(parser, name, data, mutant) if is_page else _parsing(parser, name, mutant, page)
            _judge(found[name], f"{name}, seed {seed}, number {number}", read)
            _kept(found[name], keep, f"{number}-{name}", mutant)
        found[name].most_bytes = _most_bytes()
        parser.close()
        _finish(found[name], name)
    for name, write in PACKED.items():
        found[name] = Outcome()
        for number in range(each):
            folder = root / "packed"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            chance = random.Random(f"{seed} {name} {number}")
            path, manifest = write(folder, material)
            path.write_bytes(mutated(path.read_bytes(), chance, others))
            _judge(found[name], f"{name}, seed {seed}, number {number}", _entries(manifest))
            _kept(found[name], keep, f"{number}-{path.name}", path.read_bytes())
        found[name].most_bytes = _most_bytes(own=True)
        _finish(found[name], name)
    return found


def _parsing(parser: Parser, name: str, mutant: bytes, page: bytes) -> Callable[[], object]:
    if name.endswith(".rttm"):
        return lambda: parser.parse_speakers(mutant, place=name)

    selection = Selection(recordings=("debate_01",)) if name.endswith(".stm") else EVERYTHING

    def parse() -> None:
        documents = dict.fromkeys(parser.documents_of(mutant, place=name), page)
        version = parser.parse(mutant, place=name, name=name, selection=selection, documents=documents)
        normalize(version.text, alphabet=ALPHABET)

    return parse


def _entries(manifest: Path) -> Callable[[], object]:
    def read() -> None:
        for one in read_manifest(str(manifest)):
            if isinstance(one, Recording):
                with contextlib.suppress(FileNotFoundError), files.open_binary(one.audio_uri) as file:
                    file.read()
            elif one.reason == InternalError.reason:
                raise InternalError(one.message)

    return read


def _judge(outcome: Outcome, name: str, read: Callable[[], object]) -> None:
    began = _cpu_seconds()
    try:
        read()
        outcome.read += 1
    except (ParserFailed, InternalError) as error:
        outcome.failures.append(f"{name}: {error}")
    except (RecordingError, UsageError) as error:
        outcome.refused[getattr(error, "reason", "usage")] += 1
    except Exception as error:
        outcome.failures.append(f"{name}: {type(error).__name__}: {error}")
    seconds = _cpu_seconds() - began
    outcome.slowest_seconds = max(outcome.slowest_seconds, seconds)
    if seconds > MOST_SECONDS:
        outcome.failures.append(f"{name}: it took {seconds:.1f} s of CPU time")


def _kept(outcome: Outcome, keep: Path | None, name: str, mutant: bytes) -> None:
    if keep is not None and outcome.failures and name.split("-", 1)[0] in outcome.failures[-1]:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / name).write_bytes(mutant)


def _finish(outcome: Outcome, name: str) -> None:
    if outcome.most_bytes > MOST_MEMORY_BYTES:
        outcome.failures.append(f"{name}: {outcome.most_bytes >> 20} MiB were held")
    print(outcome.line(name), *outcome.failures[:5], sep="\n  ", flush=True)


def _most_bytes(*, own: bool = False) -> int:
    """The most memory that this process, or the processes which it started, have held so far."""
    pids = [str(os.getpid())] if own else list(_children())
    return max((_held(pid) for pid in pids), default=0)


def _children() -> Iterator[str]:
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        with contextlib.suppress(OSError):
            yield from (task / "children").read_text().split()


def _cpu_seconds() -> float:
    """CPU time of this process and of those that it started, which are there."""
    ticks = 0
    for pid in _children():
        with contextlib.suppress(OSError, ValueError):
            ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def _held(pid: str) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    return 0


def _tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def _webdataset(folder: Path, material: Material) -> tuple[Path, Path]:
    members = {"one.flac": material.audio["a.flac"], "one.txt": material.text.encode()}
    members |= {"two.wav": material.audio["a.wav"], "two.json": json.dumps({"text": material.text}).encode()}
    path = _tar(folder / "a.tar", members)
    return path, path


def _tarred_nemo(folder: Path, material: Material) -> tuple[Path, Path]:
    _tar(folder / "audio_0.tar", {"one.flac": material.audio["a.flac"]})
    path = folder / "tarred_audio_manifest.json"
    entry = {"audio_filepath": "one.flac", "text": material.text, "duration": 3.0, "shard_id": 0}
    path.write_text(json.dumps(entry) + "\n")
    return path, path


def _table(material: Material) -> pa.Table:
    audio = [{"bytes": material.audio[name], "path": name} for name in ("a.flac", "a.wav")]
    return pa.table({"audio": audio, "text": [material.text] * 2, "speaker_id": ["a", "b"]})


def _parquet(folder: Path, material: Material) -> tuple[Path, Path]:
    path = folder / "train.parquet"
    pq.write_table(_table(material), path)
    return path, folder


def _arrow(folder: Path, material: Material) -> tuple[Path, Path]:
    path = folder / "data-00000-of-00001.arrow"
    table = _table(material)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": path.name}]}))
    return path, folder


PACKED: dict[str, Callable[[Path, Material], tuple[Path, Path]]] = {
    "WebDataset": _webdataset,
    "tarred NeMo manifest": _tarred_nemo,
    "Parquet": _parquet,
    "Arrow": _arrow,
}
"""What writes a sound input of each form: the file that is mutated, and what is given as the manifest."""
