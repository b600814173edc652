"""Ctrl-C at any moment of a command's life, its first imports and its end among them."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import pytest
from support.places import ENVIRONMENT, ROOT

# Ctrl-C as a module is first asked for, or when the interpreter ends; all else is as `python -m` or the script has it.
_SCRIPT = """
import atexit, os, runpy, signal, sys
moment, handling, started = sys.argv[1:]
signal.signal(signal.SIGINT, getattr(signal, handling))
def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == moment:
            interrupt()
sys.meta_path.insert(0, Interrupting())
if moment == "end":
    atexit.register(interrupt)
sys.argv[1:] = ["status", "nowhere"]
if started == "module":
    runpy.run_module("prep_corpus.jobs.cli", run_name="__main__", alter_sys=True)
from prep_corpus.jobs.command_line import main
main()
"""


def ended(moment: str, handling: str = "default_int_handler", started: str = "module") -> tuple[int, str]:
    """Exit code, and what was said, of a command that is refused where nothing interrupts it."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, moment, handling, started],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "moment", ["click", "prep_corpus.jobs.settings_command", "prep_corpus.jobs.runs.opened", "end"]
)
def test_ctrl_c_is_one_line_and_130_from_the_first_import_to_the_end(moment: str) -> None:
    code, said = ended(moment)
    lines = said.splitlines()
    assert (code, lines[-1]) == (130, "Error: interrupted; the same command goes on where it stopped"), said
    # What the command said before stands.
    assert [line[:14] for line in lines[:-1]] == (["Error: nowhere"] if moment == "end" else [])


def test_a_command_in_the_background_of_a_shell_goes_on() -> None:
    code, said = ended("click", "SIG_IGN")
    assert (code, said[:14]) == (2, "Error: nowhere")


def test_the_script_is_settled_as_early() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"prep-corpus": "prep_corpus.jobs.command_line:main"}
    code, said = ended("click", started="script")
    assert (code, said) == (130, "Error: interrupted; the same command goes on where it stopped\n")
