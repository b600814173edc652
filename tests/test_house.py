"""The rules of the house: which folder may import what, and what the wheel holds."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("align", "augment", "filters", "pipeline", "jobs")

# What each folder may import of the others: jobs -> pipeline -> {augment, filters} -> align.
ALLOWED = {
    "align": {"align"},
    "augment": {"augment", "align"},
    "filters": {"filters", "align"},
    "pipeline": {"pipeline", "augment", "filters", "align"},
    "jobs": {"jobs", "pipeline", "augment", "filters", "align"},
}

BEAM_FREE = (
    "rows",
    "sinks",
    "reader",
    "tfrecord",
    "webdataset",
    "shar",
    "shard_plan",
    "published",
    "check",
    "ledgers",
    "clips",
)


def imports(path: Path) -> set[str]:
    """Every module that a file imports, at any depth."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
    return found


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).glob("*.py"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_imports_point_one_way(folder: str) -> None:
    for path in sources(folder):
        for module in imports(path):
            if module.startswith("prep_corpus."):
                assert module.split(".")[1] in ALLOWED[folder], f"{path.name} imports {module}"


def test_beam_stays_in_pipeline_and_jobs() -> None:
    for folder in FOLDERS:
        for path in sources(folder):
            if folder == "jobs" or (folder == "pipeline" and path.stem not in BEAM_FREE):
                continue
            assert not any(m.split(".")[0] == "apache_beam" for m in imports(path)), path


def test_click_stays_in_jobs_and_scikit_learn_where_filters_are_fitted() -> None:
    for folder in FOLDERS:
        for path in sources(folder):
            modules = {module.split(".")[0] for module in imports(path)}
            assert "click" not in modules or folder == "jobs", path
            assert "sklearn" not in modules or (folder, path.stem) == ("filters", "fit"), path


@pytest.mark.parametrize(
    ("module", "blocked"),
    [
        ("prep_corpus.align.viterbi", "apache_beam,torch,click,sklearn"),
        ("prep_corpus.align.cutting", "apache_beam,torch,click,sklearn"),
        ("prep_corpus.align.text", "apache_beam,torch,click,sklearn"),
        ("prep_corpus.align.audio", "apache_beam,torch,click,sklearn"),
        ("prep_corpus.filters.scoring", "apache_beam,torch,click,sklearn"),
        ("prep_corpus.augment.mix", "apache_beam,torch,click,sklearn"),
        ("prep_corpus.pipeline.rows", "apache_beam,torch,click,sklearn"),
        ("prep_corpus.pipeline.reader", "apache_beam,torch,click,sklearn,numba,soxr,av,rapidfuzz"),
        ("prep_corpus.jobs.cli", "torch,sklearn,numba"),
    ],
)
def test_modules_import_without_what_they_must_not_need(module: str, blocked: str) -> None:
    code = f"import sys\nfor name in {blocked.split(',')!r}:\n    sys.modules[name] = None\nimport {module}\n"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT.parent, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_module_of_a_folder_is_in_the_wheel_and_nothing_else(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        f"prep_corpus/{folder}/{path.name}"
        for folder in FOLDERS
        for path in (ROOT / folder).iterdir()
        if path.suffix in (".py", ".json", ".safetensors", ".md", ".html", ".css", ".js") or path.name == "py.typed"
    }
    assert {name for name in names if not name.split("/")[0].endswith(".dist-info")} == expected
    (sdist,) = tmp_path.glob("*.tar.gz")
    assert sdist.stat().st_size < 40_000_000


def test_no_file_of_the_product_names_a_path_of_one_machine() -> None:
    for folder in FOLDERS:
        for path in sources(folder):
            text = path.read_text()
            assert "/work/" not in text, path
            assert "/root/" not in text, path
