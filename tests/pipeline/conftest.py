"""What the tests of stages share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.toy_stages import ToyStages


@pytest.fixture(scope="session")
def toy_stages(tmp_path_factory: pytest.TempPathFactory) -> ToyStages:
    """The result of every stage for a small corpus."""
    # Not above: the tests of shards run where torch and Beam are not installed.
    from support.toy_stages import run_stages

    return run_stages(tmp_path_factory.mktemp("stages"))
