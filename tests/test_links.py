"""Every relative link of the documents leads to a file, and to a heading where it names one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from support.places import DOCS, ROOT

PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])


def anchors(text: str) -> set[str]:
    """The names that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        place = (page.parent / name) if name else page
        assert place.exists(), f"{page}: {target}"
        assert not anchor or anchor in anchors(place.read_text()), f"{page}: {target}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    found: set[Path] = set()
    todo = [ROOT / "README.md"]
    while todo:
        page = todo.pop().resolve()
        if page in found:
            continue
        found.add(page)
        targets = re.findall(r"\]\(([^)#\s]+\.md)", page.read_text())
        todo += [page.parent / target for target in targets if "://" not in target]
    assert set(DOCS.glob("*.md")) <= found


def test_every_extra_that_pages_and_messages_name_is_one() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    code = [
        path for folder in ("align", "filters", "jobs", "pipeline") for path in (ROOT / folder).rglob("*.py")
    ]
    named: dict[str, str] = {}
    for path in [*PAGES, *code]:
        for extras in re.findall(r"prep-corpus\[([a-z0-9,]+)\]", path.read_text()):
            named.update(dict.fromkeys(extras.split(","), path.name))
    assert {"torch", "hf", "aws"} <= named.keys()
    assert {extra: page for extra, page in named.items() if extra not in declared} == {}
