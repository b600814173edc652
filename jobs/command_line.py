"""Where the script `prep-corpus` begins: Ctrl-C is settled before anything that takes time is imported."""

from __future__ import annotations

from prep_corpus.jobs.screen.interrupts import leave_at_interrupts


def main() -> None:
    """The command line, as `python -m prep_corpus.jobs.cli`."""
    leave_at_interrupts()
    from prep_corpus.jobs.cli import main as command_line

    command_line()
