"""Fixtures that every folder of tests shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.shared_runs import demo_run, toy_corpus, toy_run

__all__ = ["demo_run", "shared_dir", "toy_corpus", "toy_run"]

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What builds, installs and runs first, and files with slow tests: of several workers none ends with a long one."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}

    def is_short(item: pytest.Item) -> bool:
        room = item.path.relative_to(TESTS).parts[0]
        return room in ("align", "augment", "filters", "pipeline", "support") and item.path not in slow

    items.sort(key=is_short)


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of real speech and of the real pretrained model, which is no part of the project."""
    folder = Path(os.environ.get("PREP_CORPUS_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real speech at {folder}: set PREP_CORPUS_SHARED to run this test")
    return folder
