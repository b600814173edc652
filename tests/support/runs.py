"""Whole runs of the command in the toy language: in this process, or in processes of their own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.places import ENVIRONMENT, SUPPORT
from support.processes import Command

from prep_corpus.jobs.cli import main

BOTH = ("--format", "parquet", "--format", "tfrecord", "--shard-mb", "0.5")


def arguments(manifest: Path, out: Path, *extra: str) -> list[str]:
    # A second --model would be another language's.
    model = [] if "--model" in extra else ["--model", "toy:acoustic_model"]
    return [
        "run",
        str(manifest),
        "--out",
        str(out),
        *model,
        "--filter",
        str(manifest.parent / "filter.json"),
        "--no-report",
        *extra,
    ]


def run(manifest: Path, out: Path, *extra: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    return cli(*arguments(manifest, out, *extra), code=code)


def run_here(
    manifest: Path, out: Path, *extra: str, code: int = 0, formats: tuple[str, ...] = BOTH
) -> Result:
    """The same in this process, which takes half the time; `formats` unless `extra` names one."""
    return cli_here(*arguments(manifest, out, *extra), *(() if "--format" in extra else formats), code=code)


def cli_here(*words: str, code: int = 0) -> Result:
    """As `cli`, in this process."""
    # Not above: it brings Beam.
    from support import signatures

    assert signatures
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SUPPORT)
        done = CliRunner().invoke(main, words)
    assert done.exit_code == code, f"exit {done.exit_code}\n{done.output}"
    return done


def shards(out: Path) -> dict[str, bytes]:
    manifest = json.loads((out / "manifest.json").read_text())
    listed = [shard["path"] for shards in manifest["formats"].values() for shard in shards]
    return {path: (out / path).read_bytes() for path in listed}


def outcome(out: Path) -> dict[str, Any]:
    return json.loads((out / "outcome.json").read_text())  # type: ignore[no-any-return]


def cli(
    *words: str, code: int = 0, environment: Mapping[str, str] = ENVIRONMENT
) -> subprocess.CompletedProcess[str]:
    done = Command(*words, environment=environment).finish()
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done
