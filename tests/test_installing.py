"""What `.ci/install` asks of uv and pip: both are scripts here that write down what they were asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).parent.parent / ".ci" / "install"
_PYTHON = """#!/bin/sh
case "$*" in
*config*) [ -z "$PIP_INDEX_URL" ] || echo ":env:.index-url='$PIP_INDEX_URL'"; echo ":env:.cert='/etc/ca.crt'" ;;
*" uv") if [ -n "$NO_UV" ]; then exit 1; fi; cp ../uv .venv/bin/uv ;;
*) echo "pip $*" >> asked ;;
esac
"""
_UV = """#!/bin/sh
echo "uv $*" >> asked
exit "${UV_EXIT:-0}"
"""


@pytest.mark.parametrize(
    ("told", "programs"),
    [
        ({}, ["uv"]),
        ({"PIP_INDEX_URL": "https://mirror.example/simple"}, ["pip"]),
        ({"NO_UV": "1"}, ["pip"]),
        ({"UV_EXIT": "2"}, ["uv", "pip"]),
    ],
)
def test_uv_installs_and_pip_where_uv_cannot(
    tmp_path: Path, told: dict[str, str], programs: list[str]
) -> None:
    project = tmp_path / "project"
    (project / ".ci").mkdir(parents=True)
    (project / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(_SCRIPT, project / ".ci" / "install")
    for path, text in ((project / ".venv" / "bin" / "python", _PYTHON), (tmp_path / "uv", _UV)):
        path.write_text(text)
        path.chmod(0o755)
    environment = {"PATH": os.environ["PATH"], **told}

    subprocess.run([project / ".ci" / "install", "--editable", "."], env=environment, check=True)

    asked = (project / "asked").read_text().splitlines()
    assert [line.split()[0] for line in asked] == programs
    assert all("--constraint constraints.txt" in line and line.endswith("--editable .") for line in asked)
