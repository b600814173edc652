"""Faults that happen to a run from outside, on this tree or on another: which are held, and which are not."""

from __future__ import annotations

import pytest
from support.program import Place


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Shared by the faults of a process."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "program").mkdir()
    return Place(folder)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the faults, each as held or not, and why not."""
    terminalreporter.section("faults")
    for outcome, word in (
        ("passed", "held"),
        ("failed", "NOT HELD"),
        ("error", "NOT TRIED"),
        ("skipped", "skipped"),
    ):
        for report in terminalreporter.stats.get(outcome, ()):
            name = report.nodeid.partition("::")[2].removeprefix("test_").replace("_", " ")
            crash = getattr(report.longrepr, "reprcrash", None)
            why = "" if crash is None else f": {' '.join(crash.message.split())[:160]}"
            terminalreporter.write_line(f"{word:<10}{name}{why}")
