"""The image for one machine: its files are there, its program is ours, and without an engine the target says so."""

from __future__ import annotations

import os
import re
import shlex
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


def test_the_first_engine_at_work_builds_on_the_base_that_is_named(tmp_path: Path) -> None:
    make, shell = shutil.which("make"), shutil.which("sh")
    if make is None or shell is None:
        pytest.skip("there is no make here")
    log = tmp_path / "log"
    for name, ending in (("docker", "exit 1"), ("podman", "test $1 = info")):
        (tmp_path / name).write_text(f'#!{shell}\necho "{name} $*" >> {log}\n{ending}\n')
        (tmp_path / name).chmod(0o755)
    words = ["image", "BASE=localhost/mine", "BUILD_OPTIONS=--network host"]
    subprocess.run(
        [make, "-C", str(ROOT), f"SHELL={shell}", *words],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    assert log.read_text().splitlines() == [
        "docker info",
        "podman info",
        "podman build --build-arg BASE=localhost/mine --network host --tag prep-corpus .",
    ]


def test_where_there_is_an_engine_the_image_runs_the_demo() -> None:
    """PREP_CORPUS_IMAGE holds the words of `make image` where no registry can be reached: BASE=... and more."""
    words = shlex.split(os.environ.get("PREP_CORPUS_IMAGE", ""))
    engine = shutil.which("docker") or shutil.which("podman")
    if not words and (
        engine is None or subprocess.run([engine, "info"], capture_output=True, check=False).returncode
    ):
        pytest.skip("neither docker nor podman is at work here: the image is not built")
    assert subprocess.run(["make", "-C", str(ROOT), "image", *words], check=False).returncode == 0
    assert (ROOT / "demo-image" / "run" / "manifest.json").exists()
