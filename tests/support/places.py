"""Folders that tests name."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "demo"
DOCS = ROOT / "docs"
TESTS = ROOT / "tests"
SUPPORT = TESTS / "support"

ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(SUPPORT), os.environ.get("PYTHONPATH", "")]),
    "OMP_NUM_THREADS": "1",
}
"""For commands in processes of their own, which name their model as `toy:acoustic_model`."""
