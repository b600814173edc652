"""The programs of docs/reading.md, and what each has read.

Libraries that are no part of the development environment may stand in another one: name its Python in
PREP_CORPUS_READERS_PYTHON.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest

PYTHON = os.environ.get("PREP_CORPUS_READERS_PYTHON", sys.executable)
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reading.md"

# What a program needs beside this project, and what it has read, by the names in its last loop.
PROGRAMS = {
    "plain": ((), "utterance.id, samples"),
    "pytorch": (
        ("torch",),
        "*zip(batch.ids, map(lambda s, n: s[:n], batch.samples_BN, batch.lengths_B))",
    ),
    "datasets": (("datasets", "torchcodec"), 'row["id"], samples'),
    "datasets-soundfile": (("datasets",), 'row["id"], samples'),
    "tensorflow": (("tensorflow",), "identifier.numpy().decode(), samples.numpy()"),
    "webdataset": (("webdataset",), 'sample["json"]["id"], samples'),
    "lhotse": (("lhotse",), "supervision.id, samples"),
}


def programs() -> dict[str, str]:
    """The document's programs by name."""
    blocks = re.findall(r"^```python\n# program: (\S+)\n(.*?)^```", DOCUMENT.read_text(), re.M | re.S)
    return dict(blocks)


def pcm_digest(samples_N: np.ndarray) -> str:
    return blake2b(np.rint(samples_N * 32768).astype("<i2").tobytes()).hexdigest()


def _with_report(program: str, expression: str) -> str:
    """The program with a line at the top of its last loop's end that reports what it read."""
    lines = program.rstrip().splitlines()
    last = next(
        number
        for number in reversed(range(len(lines)))
        if re.match(r"\s*(print|losses\.append)\(", lines[number])
    )
    if "batch" in expression:
        last = next(number for number, line in enumerate(lines) if "losses.append" in line)
    indent = re.match(r"\s*", lines[last]).group()  # type: ignore[union-attr]
    pairs = f"[({expression})]" if not expression.startswith("*") else f"[{expression}]"
    lines.insert(last + 1, f"{indent}_report({pairs})")
    head = [
        "import hashlib, json, numpy",
        "def _report(pairs):",
        "    for name, samples in pairs:",
        "        pcm = numpy.rint(numpy.asarray(samples) * 32768).astype('<i2').tobytes()",
        "        print('READ', json.dumps([name, hashlib.blake2b(pcm).hexdigest()]), flush=True)",
    ]
    return "\n".join([*head, *lines])


_IN_EACH_FOLDER = """
import importlib, os, sys
for library in sys.argv[2].split():
    importlib.import_module(library)
print("READY", flush=True)
program = compile(open(sys.argv[1], encoding="utf-8").read(), sys.argv[1], "exec")
for folder in sys.argv[3:]:
    os.chdir(folder)
    print("FOLDER", flush=True)
    exec(program, {"__name__": "__main__"})
"""


def read_by(name: str, folders: Sequence[Path], scratch: Path) -> list[dict[str, str]]:
    """Run a program in folders that have a run in `run/` each: by folder, the PCM digest of every utterance read.

    One process reads them one after the other, so that libraries are imported once. Skips the test where they
    cannot be.

    Args:
        name: of a program.
        folders: in which it is run.
        scratch: an empty folder for the program and for what libraries keep.
    """
    libraries, expression = PROGRAMS[name]
    path = scratch / f"program_{name.replace('-', '_')}.py"
    path.write_text(_with_report(programs()[name], expression))
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(scratch / "hf"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    done = subprocess.run(
        [PYTHON, "-c", _IN_EACH_FOLDER, str(path), " ".join(libraries), *map(str, folders)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if done.returncode and not done.stdout.startswith("READY"):
        pytest.skip(f"{PYTHON} cannot import {' and '.join(libraries)}: see PREP_CORPUS_READERS_PYTHON")
    assert done.returncode == 0, done.stderr
    found = []
    for part in done.stdout.split("FOLDER\n")[1:]:
        pairs = [json.loads(line[5:]) for line in part.splitlines() if line.startswith("READ ")]
        assert len(dict(pairs)) == len(pairs)
        found.append(dict(pairs))
    assert len(found) == len(folders)
    return found
