"""Fixtures that every folder of tests shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of real speech and of the real pretrained model, which is no part of the project."""
    folder = Path(os.environ.get("PREP_CORPUS_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real speech at {folder}: set PREP_CORPUS_SHARED to run this test")
    return folder
