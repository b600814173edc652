"""What the two distributions hold, and that each works where it is installed: the whole, and the reader alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import soundfile
from support.environments import call, make_environment, pip
from support.places import DEMO, DOCS, ROOT
from support.planted_run import sample_rows, write_run

FOLDERS = ("align", "augment", "filters", "jobs", "pipeline")
SENTENCE = (
    "Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do."
)
SENTENCE_SECONDS = 6.8


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution of the whole."""
    folder = tmp_path_factory.mktemp("whole")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def whole(built: Path) -> Path:
    (wheel,) = built.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reader")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index", "--wheel-dir", str(folder)]
    subprocess.run([*command, str(ROOT / ".ci" / "reader")], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run in `run/`."""
    folder = tmp_path_factory.mktemp("finished")
    write_run(folder / "run", {"train": [sample_rows(6)]}, formats=("parquet",))
    return folder


def names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def requirements(wheel: Path) -> list[str]:
    (entry,) = (name for name in names(wheel) if name.endswith(".dist-info/METADATA"))
    text = zipfile.ZipFile(wheel).read(entry).decode().partition("\n\n")[0]
    return re.findall(r"^Requires-Dist: (.*)$", text, re.M)


def program(page: str, name: str) -> str:
    found = re.search(rf"^```python\n# program: {name}\n(.*?)^```", (DOCS / page).read_text(), re.M | re.S)
    assert found
    return found[1]


def test_every_module_of_a_folder_is_in_the_wheel_and_nothing_else(built: Path, whole: Path) -> None:
    expected = {
        f"prep_corpus/{path.relative_to(ROOT).as_posix()}"
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".json", ".safetensors", ".md", ".html", ".css", ".js")
        or path.name == "py.typed"
    }
    assert {name for name in names(whole) if not name.split("/")[0].endswith(".dist-info")} == expected
    (sdist,) = built.glob("*.tar.gz")
    assert sdist.stat().st_size < 40_000_000


def test_the_reader_is_a_small_part_of_the_whole_with_three_requirements(whole: Path, reader: Path) -> None:
    files = {name.partition("/")[2] for name in names(reader) if name.startswith("_prep_corpus_reader/")}
    assert files < names(whole)
    assert len(files) < 30
    assert {"prep_corpus/pipeline/reading/reader.py", "prep_corpus/align/errors.py"} <= files
    plain = [one for one in requirements(reader) if "extra ==" not in one]
    assert [re.split(r"\W", one)[0] for one in plain] == ["numpy", "pyarrow", "soundfile"]
    assert set(plain) <= set(requirements(whole))
    # `pip install` of one never touches a file of the other.
    assert not names(reader) & names(whole)


def test_a_run_is_read_with_pyarrow_soundfile_and_numpy_alone(
    reader: Path, finished: Path, tmp_path: Path
) -> None:
    python = make_environment(tmp_path / "env", [reader], ["pyarrow", "soundfile", "numpy"])
    assert "No broken requirements found" in pip(python, "check")
    absent = "import importlib.util as u; print([n for n in {!r} if u.find_spec(n)])"
    assert (
        call(python, "-c", absent.format(["apache_beam", "torch", "numba", "click"]), folder=finished)
        == "[]\n"
    )
    for page, name in (("python.md", "read"), ("reading.md", "plain")):
        lines = call(python, "-c", program(page, name), folder=finished).splitlines()
        assert len([line for line in lines if re.match(r"r\d-\d+-\d+", line)]) == 6
    assert call(python, "-c", program("python.md", "check"), folder=finished).startswith(
        "1 files, 6 utterances, "
    )
    versions = (
        "from prep_corpus.pipeline.reading import __version__; from importlib.metadata import version; "
    )
    versions += "print(__version__ == version('prep-corpus-reader'))"
    assert call(python, "-c", versions, folder=finished) == "True\n"


@pytest.mark.slow
def test_the_command_runs_from_the_wheel_with_the_reader_beside_it(
    whole: Path, reader: Path, tmp_path: Path
) -> None:
    python = make_environment(tmp_path / "env", [whole, reader], None)
    command = python.parent / "prep-corpus"
    samples, rate_hz = soundfile.read(DEMO / "audio" / "alice.opus")
    soundfile.write(tmp_path / "talk.wav", samples[: round(SENTENCE_SECONDS * rate_hz)], rate_hz)
    entry = {"audio_filepath": "talk.wav", "text": SENTENCE}
    (tmp_path / "manifest.jsonl").write_text(json.dumps(entry) + "\n")

    places = "import prep_corpus.align as a, prep_corpus.pipeline.reading as r; print(a.__file__); print(r.__file__)"
    (site,) = (tmp_path / "env").glob("lib/python*/site-packages")
    shown = call(python, "-c", places, folder=tmp_path).splitlines()
    assert [Path(line).relative_to(site).parts[0] for line in shown] == ["prep_corpus"] * 2
    assert re.fullmatch(r"prep-corpus, version [\d.]+\n", call(command, "--version", folder=tmp_path))
    call(command, "run", "manifest.jsonl", "--out", "run", "--device", "cpu", folder=tmp_path)
    assert "no problems" in call(command, "check", "run", folder=tmp_path)

    pip(python, "uninstall", "--yes", "prep-corpus-reader")
    before = call(python, "-c", program("python.md", "read"), folder=tmp_path)
    assert "Alice was beginning" in before
    pip(python, "install", "--no-deps", "--no-index", str(reader))
    pip(python, "uninstall", "--yes", "prep-corpus")
    assert call(python, "-c", program("python.md", "read"), folder=tmp_path) == before
