"""The list of commands: by what they are for, all of them, none cut off."""

from __future__ import annotations

import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from support.places import ENVIRONMENT

from prep_corpus.jobs.cli import main
from prep_corpus.jobs.screen.commands import COMMAND_GROUPS


def test_every_command_stands_in_one_group_with_its_whole_first_sentence() -> None:
    listed = [name for _, names in COMMAND_GROUPS for name in names]
    assert sorted(listed) == sorted(main.list_commands(click.Context(main)))
    shown = " ".join(CliRunner().invoke(main, ["--help"]).output.split())
    for name in listed:
        command = main.get_command(click.Context(main), name)
        assert command is not None
        sentence = " ".join((command.help or "").split("\n\n")[0].split())
        assert re.search(rf" {name} {re.escape(sentence.split('. ')[0].rstrip('.'))}", shown), name
    assert "..." not in shown.partition("Make:")[2]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_to_be_had(shell: str) -> None:
    code = "from prep_corpus.jobs.cli import main; main(prog_name='prep-corpus')"
    environment = {**ENVIRONMENT, "_PREP_CORPUS_COMPLETE": f"{shell}_source"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert "prep-corpus" in done.stdout, done.stderr
