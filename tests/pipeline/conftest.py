"""What the tests of stages share."""

from __future__ import annotations

import pytest
from support.toy_stages import ToyStages, run_stages


@pytest.fixture(scope="session")
def toy_stages(tmp_path_factory: pytest.TempPathFactory) -> ToyStages:
    """The result of every stage for a small corpus."""
    return run_stages(tmp_path_factory.mktemp("stages"))
