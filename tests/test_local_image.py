"""The image for one machine: its files are there, its program is ours, and without an engine the target says so."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from support.places import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_it_copies_every_folder_of_the_package_and_what_installing_reads() -> None:
    copied = {
        source
        for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert all((ROOT / source).exists() for source in copied)
    mapped = PROJECT["tool"]["setuptools"]["package-dir"].values()
    assert {path.partition("/")[0] for path in mapped} <= copied
    assert {
        "pyproject.toml",
        "constraints.txt",
        PROJECT["project"]["readme"],
        *PROJECT["project"]["license-files"],
    } <= copied


def test_what_it_copies_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    copied = [line.split()[:-1] for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE)]
    assert {source for sources in copied for source in sources} == {
        line[1:] for line in ignored if line.startswith("!")
    }


def test_it_runs_our_program_on_a_python_that_we_support() -> None:
    (program,) = re.findall(r'^ENTRYPOINT \["([^"]+)"\]$', DOCKERFILE, re.MULTILINE)
    assert program in PROJECT["project"]["scripts"]
    (version,) = re.findall(r"^ARG PYTHON=(\S+)$", DOCKERFILE, re.MULTILINE)
    minimum = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert tuple(map(int, version.split("."))) >= tuple(map(int, minimum.split(".")))


def test_without_an_engine_the_target_says_so_in_one_line(tmp_path: Path) -> None:
    make, shell = shutil.which("make"), shutil.which("sh")
    if make is None or shell is None:
        pytest.skip("there is no make here")
    done = subprocess.run(
        [make, "-C", str(ROOT), f"SHELL={shell}", "--no-print-directory", "image"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "make image needs docker or podman, and neither is on this machine"


def test_where_there_is_an_engine_the_image_runs_the_demo() -> None:
    engine = shutil.which("docker") or shutil.which("podman")
    if engine is None or subprocess.run([engine, "info"], capture_output=True, check=False).returncode:
        pytest.skip("neither docker nor podman is at work here: the image is not built")
    assert subprocess.run(["make", "-C", str(ROOT), "image"], check=False).returncode == 0
    assert (ROOT / "demo-image" / "run" / "manifest.json").exists()
