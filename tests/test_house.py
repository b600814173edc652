"""The rules of the house: which folder may import what, and what the wheel holds."""

from __future__ import annotations

import ast
import subprocess
import sys
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

# Rooms and files of pipeline/ that Beam has no business in.
BEAM_FREE = ("shards", "reading", "ledgers", "run_files")
# A folder with more than this asks to be two.
MOST_FILES = 14
# What every stage file's or table's module has of its own, by rule.
EACH_ITS_OWN = {"SCHEMA", "VERSION"}


def imports(path: Path) -> set[str]:
    """Every module that a file imports, at any depth; `from room import file` counts as the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.update(_file_of(node.module, alias.name) for alias in node.names)
    return found


def _file_of(module: str, name: str) -> str:
    """The module that `from module import name` reads."""
    below = ROOT.joinpath(*module.split(".")[1:], name)
    return f"{module}.{name}" if below.is_dir() or below.with_suffix(".py").exists() else module


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def module_of(path: Path) -> str:
    """The name under which a file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("prep_corpus", *(parts[:-1] if parts[-1] == "__init__" else parts)))


def room_of(module: str) -> str:
    """The room, or the file, that stands directly in a top-level folder: `align.text`, `align.errors`."""
    return ".".join(module.split(".")[1:3])


def arrows() -> dict[str, set[str]]:
    """Which of our modules each of our modules imports, function-level imports included."""
    return {
        module_of(path): {module for module in imports(path) if module.startswith("prep_corpus.")}
        for folder in FOLDERS
        for path in sources(folder)
    }


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Some circle of a graph; empty where there is none."""
    done: set[str] = set()

    def walk(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        for after in sorted(graph.get(node, ())):
            if found := walk(after, [*path, node]):
                return found
        done.add(node)
        return []

    return next((found for node in sorted(graph) if (found := walk(node, []))), [])


@pytest.mark.parametrize("folder", FOLDERS)
def test_imports_point_one_way(folder: str) -> None:
    for path in sources(folder):
        for module in imports(path):
            if module.startswith("prep_corpus."):
                assert module.split(".")[1] in ALLOWED[folder], f"{path.name} imports {module}"


def test_no_module_stands_in_a_circle() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle(arrows()) == []


def test_rooms_point_one_way() -> None:
    rooms: dict[str, set[str]] = {}
    for module, imported in arrows().items():
        rooms.setdefault(room_of(module), set()).update(room_of(one) for one in imported)
    assert circle({room: after - {room} for room, after in rooms.items()}) == []


def test_no_folder_is_crowded() -> None:
    for folder in FOLDERS:
        for place in {path.parent for path in sources(folder)}:
            assert len(list(place.glob("*.py"))) <= MOST_FILES, place


def test_beam_stays_in_pipeline_and_jobs() -> None:
    for folder in FOLDERS:
        for path in sources(folder):
            room = path.relative_to(ROOT).with_suffix("").parts[1]
            if folder == "jobs" or (folder == "pipeline" and room not in BEAM_FREE):
                continue
            assert not any(m.split(".")[0] == "apache_beam" for m in imports(path)), path


def test_click_stays_in_jobs_and_scikit_learn_where_filters_are_fitted() -> None:
    fitting = (("filters", "fit"), ("filters", "fit_words"))
    for folder in FOLDERS:
        for path in sources(folder):
            modules = {module.split(".")[0] for module in imports(path)}
            assert "click" not in modules or folder == "jobs", path
            assert "sklearn" not in modules or (folder, path.stem) in fitting, path


@pytest.mark.parametrize(
    ("module", "blocked"),
    [
        ("prep_corpus.align.viterbi.viterbi", "apache_beam,torch,click,sklearn"),
        ("prep_corpus.align.cutting.cutting", "apache_beam,torch,click,sklearn"),
        ("prep_corpus.align.text.normalize", "apache_beam,torch,click,sklearn"),
        ("prep_corpus.align.audio.decode", "apache_beam,torch,click,sklearn"),
        ("prep_corpus.align.network.runtime", "apache_beam,torch,click,sklearn,numba"),
        ("prep_corpus.filters.scoring", "apache_beam,torch,click,sklearn"),
        ("prep_corpus.augment.mix", "apache_beam,torch,click,sklearn"),
        ("prep_corpus.pipeline.shards.rows", "apache_beam,torch,click,sklearn"),
        ("prep_corpus.pipeline.reading.reader", "apache_beam,torch,click,sklearn,numba,soxr,av,rapidfuzz"),
        ("prep_corpus.jobs.runs.run", "torch,transformers,sklearn"),
        ("prep_corpus.jobs.cli", "torch,sklearn,numba,apache_beam,pyarrow,numpy,av,rich"),
    ],
)
def test_modules_import_without_what_they_must_not_need(module: str, blocked: str) -> None:
    code = f"import sys\nfor name in {blocked.split(',')!r}:\n    sys.modules[name] = None\nimport {module}\n"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT.parent, check=False
    )
    assert done.returncode == 0, done.stderr


def test_no_file_of_the_product_names_a_path_of_one_machine() -> None:
    for folder in FOLDERS:
        for path in sources(folder):
            text = path.read_text()
            assert "/work/" not in text, path
            assert "/root/" not in text, path


def test_no_two_public_classes_share_a_name() -> None:
    homes: dict[str, list[str]] = {}
    for folder in FOLDERS:
        for path in sources(folder):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    homes.setdefault(node.name, []).append(module_of(path))
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def constants(path: Path) -> dict[str, str]:
    """The public names that a module assigns, each with what it assigns, as source."""
    found: dict[str, str] = {}
    for node in ast.parse(path.read_text()).body:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Name) and not target.id.startswith("_"):
                found[target.id] = ast.unparse(node.value).replace("npt.", "")
    return found


def test_a_public_constant_has_one_value_and_is_no_class() -> None:
    values: dict[str, dict[str, str]] = {}
    classes: set[str] = set()
    for folder in FOLDERS:
        for path in sources(folder):
            for name, value in constants(path).items():
                values.setdefault(name, {})[module_of(path)] = value
            body = ast.parse(path.read_text()).body
            classes.update(node.name for node in body if isinstance(node, ast.ClassDef))
    assert values.keys() >= EACH_ITS_OWN
    several = {name: places for name, places in values.items() if len(set(places.values())) > 1}
    assert {name: several[name] for name in several.keys() - EACH_ITS_OWN} == {}
    assert values.keys() & classes == set()


def test_parquet_in_python_files_is_opened_in_one_place() -> None:
    # `reading` has Arrow open its files; a Python file in Arrow's threads can end a process that leaves.
    openers = {
        path.relative_to(ROOT).as_posix()
        for path in sources("pipeline") + sources("jobs") + sources("filters")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("ParquetFile", "read_table")
    }
    assert {path for path in openers if not path.startswith("pipeline/reading/")} == {
        "pipeline/storage/parquet_files.py"
    }
