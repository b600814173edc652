"""The programs of docs/python.md and the examples of `help()`, run as they stand beside a real run."""

from __future__ import annotations

import ast
import doctest
import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.places import DEMO, DOCS, ENVIRONMENT, ROOT

from prep_corpus.pipeline.reading import read_utterances

FACES = ("prep_corpus.align", "prep_corpus.jobs", "prep_corpus.pipeline.reading")
FOLDERS = ("align", "augment", "filters", "jobs", "pipeline")
# These take at most five lines.
SHORT = ("align", "run", "read")


def programs() -> dict[str, str]:
    page = (DOCS / "python.md").read_text()
    blocks = dict(re.findall(r"^```python\n# program: (\S+)\n(.*?)^```", page, re.M | re.S))
    assert len(blocks) == page.count("```python")
    return blocks


def modules_with_examples() -> list[str]:
    found = []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if ">>> " in path.read_text():
                parts = path.relative_to(ROOT).with_suffix("").parts
                found.append(".".join(("prep_corpus", *(parts[:-1] if parts[-1] == "__init__" else parts))))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording, its transcript, a manifest, and the run that the page's program makes of it."""
    folder = tmp_path_factory.mktemp("page")
    shutil.copy(DEMO / "audio" / "alice.opus", folder / "talk.opus")
    shutil.copy(DEMO / "audio" / "alice.txt", folder / "talk.txt")
    entry = {"audio_filepath": "talk.opus", "text_filepath": "talk.txt"}
    (folder / "manifest.jsonl").write_text(json.dumps(entry) + "\n")
    (folder / "program_run.py").write_text(programs()["run"])
    done = subprocess.run(
        [sys.executable, "program_run.py"],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d+ utterances, 0 of 1 recordings failed\n", done.stdout)
    assert int(done.stdout.split()[0]) == sum(1 for _ in read_utterances(str(folder / "run"))) > 2
    return folder


def shown(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """What a program prints in the folder, line by line."""
    monkeypatch.chdir(folder)
    exec(compile(programs()[name], f"docs/python.md: {name}", "exec"), {"__name__": "__main__"})
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("name", SHORT)
def test_the_three_tasks_take_at_most_five_lines(name: str) -> None:
    assert len([line for line in programs()[name].splitlines() if line.strip()]) <= 5


@pytest.mark.slow
def test_one_recording_is_aligned(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown("align", folder, monkeypatch, capsys)
    written = "".join((folder / "talk.txt").read_text().split())
    assert "".join("".join(line.split()[3:]) for line in lines) == written
    times = [tuple(map(float, line.split()[:3])) for line in lines]
    assert all(0 <= start <= end < 66 and 0 <= score <= 1 for start, end, score in times)
    assert times == sorted(times, key=lambda time: time[:2])


@pytest.mark.slow
def test_several_recordings_are_aligned(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.opus").write_bytes(b"no audio")
    (folder / "broken.txt").write_text("nobody says this")
    try:
        lines = shown("many", folder, monkeypatch, capsys)
    finally:
        (folder / "broken.opus").unlink()
    assert len(lines) == 1
    assert lines[0].startswith("broken.opus: audio-unreadable: ")
    assert len((folder / "talk.ctm").read_text().splitlines()) > 100
    assert (folder / "talk.TextGrid").read_text().startswith('File type = "ooTextFile"')


@pytest.mark.slow
def test_of_two_transcripts_the_right_one_is_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown("versions", folder, monkeypatch, capsys)[0].startswith("number 1 fits best; ")


@pytest.mark.slow
def test_a_run_is_read_and_checked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = [f"{row.id}: {row.duration:.1f} s: {row.text}" for row in read_utterances(str(folder / "run"))]
    assert shown("read", folder, monkeypatch, capsys) == wanted
    assert shown("check", folder, monkeypatch, capsys) == [f"1 files, {len(wanted)} utterances, 0 problems"]


@pytest.mark.slow
@pytest.mark.parametrize("module", modules_with_examples())
def test_the_examples_of_help_hold(module: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted > 0
    assert found.failed == 0


def test_every_face_has_an_example_and_names_that_can_be_had() -> None:
    assert set(FACES) <= set(modules_with_examples())
    for face in map(importlib.import_module, FACES):
        assert sorted(face.__all__) == face.__all__
        assert set(face.__all__) <= set(dir(face))
        for name in face.__all__:
            value = getattr(face, name)
            assert name == "__version__" or value.__doc__, name
        with pytest.raises(AttributeError, match="nothing_such"):
            face.nothing_such  # noqa: B018


@pytest.mark.parametrize("face", FACES)
def test_type_checkers_see_the_names_that_are_there(face: str) -> None:
    """The imports under TYPE_CHECKING, the table of homes and `__all__` say the same."""
    module = importlib.import_module(face)
    tree = ast.parse(Path(module.__file__ or "").read_text())
    (guarded,) = (node for node in tree.body if isinstance(node, ast.If))
    typed = {
        alias.name: node.module
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(typed) == set(module.__all__) - {"__version__"}
    for name, home in typed.items():
        assert getattr(importlib.import_module(str(home)), name) is getattr(module, name)


@pytest.mark.slow
def test_reading_imports_nothing_but_pyarrow_soundfile_and_numpy(folder: Path) -> None:
    blocked = [
        "apache_beam",
        "torch",
        "numba",
        "click",
        "sklearn",
        "av",
        "soxr",
        "rapidfuzz",
        "google",
        "rich",
    ]
    code = f"import sys\nfor name in {blocked!r}:\n    sys.modules[name] = None\n" + programs()["read"]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 2
