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


def read_by(name: str, folder: Path) -> dict[str, str]:
    """Run a program in a folder that has a run in `run/`; the PCM digest of every utterance that it has read."""
    libraries, expression = PROGRAMS[name]
    for library in libraries:
        if subprocess.run([PYTHON, "-c", f"import {library}"], capture_output=True, check=False).returncode:
            pytest.skip(f"{library} cannot be imported by {PYTHON}: see PREP_CORPUS_READERS_PYTHON")
    path = folder / f"program_{name.replace('-', '_')}.py"
    path.write_text(_with_report(programs()[name], expression))
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(folder / "hf"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    done = subprocess.run(
        [PYTHON, path.name],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    pairs = [json.loads(line[5:]) for line in done.stdout.splitlines() if line.startswith("READ ")]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)
