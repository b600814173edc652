"""The pages that are written from the code stand as they would be written now."""

from __future__ import annotations

import ast
import re
from xml.etree import ElementTree

import click
import pages
import pytest
from support.places import DOCS, ROOT

from prep_corpus.jobs.cli import main

FOLDERS = ("align", "augment", "filters", "jobs", "pipeline")


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    return {place.name: text for place, text in pages.pages().items()}


@pytest.mark.parametrize("name", ["reference.md", "graph.md", "graph.svg"])
def test_the_page_is_what_the_code_says(written: dict[str, str], name: str) -> None:
    assert (DOCS / name).read_text() == written[name], "make reference writes it anew"


def test_every_command_and_every_option_is_in_the_reference(written: dict[str, str]) -> None:
    found = list(pages.commands(main, "prep-corpus", None))
    assert {"prep-corpus run", "prep-corpus submit flink"} <= {path for path, _ in found}
    for path, context in found:
        _, _, section = written["reference.md"].partition(f"## {path}\n")
        section = section.partition("\n## ")[0]
        assert section
        options = [one for one in context.command.params if isinstance(one, click.Option) and not one.hidden]
        for option in options:
            assert all(name in section for name in option.opts), f"{path}: {option.opts}"


def test_the_drawing_has_a_box_for_each_letter(written: dict[str, str]) -> None:
    named = pages.letters(pages.graph())
    drawing = ElementTree.fromstring(written["graph.svg"])
    labels = ["".join(text.itertext()) for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert sorted(labels) == sorted(f"{letter} {name}" for name, letter in named.items())
    assert len(named) <= 26


def test_a_step_that_nothing_is_said_of_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(pages.NOTES, "SpreadEmitted")
    with pytest.raises(ValueError, match="SpreadEmitted"):
        pages.graph_page()


def test_the_glossary_has_each_term_once_and_names_what_is_there() -> None:
    rows = re.findall(
        r"^\| (?!term)(\w[^|]*) \| [^|]* \| ([^|]*) \|$", (DOCS / "glossary.md").read_text(), re.M
    )
    terms = [term for term, _ in rows]
    assert len(terms) == len(set(terms)) > 50
    code = [
        path
        for folder in ("align", "augment", "filters", "jobs", "pipeline")
        for path in (ROOT / folder).rglob("*.py")
    ]
    classes = {
        node.name
        for path in code
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
    }
    named = {name for _, places in rows for name in re.findall("`([^`]+)`", places)}
    assert {name for name in named if "/" not in name} - classes == set()
    assert [name for name in named if "/" in name and not (ROOT / name).exists()] == []


def test_contributing_names_files_targets_and_names_that_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = re.findall(r"`([\w./-]+)`", text)
    paths = [
        name for name in named if name.split("/")[0] in {path.name for path in ROOT.iterdir()} and "/" in name
    ]
    assert len(paths) > 25
    # Names of files to come, and what git ignores.
    absent = {name for name in paths if "NAME" not in name and not name.startswith(".types")}
    assert {name for name in absent if not (ROOT / name).exists()} == set()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named_targets = set(re.findall(r"(?:`|^)make ([a-z]+(?:-[a-z]+)*)", text, re.M))
    assert {"check", "reference"} <= named_targets <= targets | {"bench"}
    code = "\n".join(path.read_text() for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    for name in (
        "ENDINGS",
        "NOT_READ",
        "_OF_NAME",
        "_inside",
        "SCRIPTS",
        "open_model",
        "BUNDLED_FILTERS",
        "shard_names",
        "open_sink",
        "FORMATS",
        "counts",
        "submit_command",
        "rules_for",
        "TONGUES",
        "assemble",
    ):
        assert re.search(rf"\b{name}\b", text)
        assert re.search(rf"^ *(def )?{name}\b", code, re.M), name
