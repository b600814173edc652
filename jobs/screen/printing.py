"""Output of the commands: plain lines, and at the end of a run its ledgers and what is to be told of transcripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from prep_corpus.jobs.screen.logs import PRINTED
from prep_corpus.jobs.screen.plain_text import counted, printable
from prep_corpus.jobs.screen.stage_lines import clock
from prep_corpus.pipeline.ledgers import Ledgers
from prep_corpus.pipeline.run_files import CHECKS_NAME

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from prep_corpus.pipeline.stages.transcript_checks import TranscriptCheck

_SHOWN_CHECKS = 10


def print_line(console: Console | None, text: str, style: str | None = None) -> None:
    """Print a text as it is, brackets included, where there is a console; a log file has it too."""
    PRINTED.info("%s", text)
    if console is not None:
        console.print(printable(text), style=style, markup=False, highlight=False, soft_wrap=True)


def print_warning(console: Console | None, text: str) -> None:
    """Print what --quiet does not hide: damage, and what makes the results doubtful."""
    if console is not None and console.quiet:
        from rich.console import Console

        console = Console(stderr=True)
    print_line(console, text, style="yellow")


def over_limit(failed: int, entries: int, max_failed: float) -> str:
    """Why a run with so many failed recordings publishes nothing, and the way out; later stages may fail more."""
    enough = min(100, -(-100 * failed // max(entries, 1)))
    more = ", unless more of them fail" if failed < entries else ""
    return (
        f"{failed} of {counted(entries, 'recording')} failed, and --max-failed allows {max_failed:.0%}; "
        f"--max-failed {enough}% publishes the others{more}"
    )


def transcript_lines(checks: Iterator[TranscriptCheck]) -> list[str]:
    """What a person should know of the transcripts of a run, a line each; the rest is counted."""
    lines: list[str] = []
    disagreeing = broken = 0
    for check in checks:
        disagreeing += check.disagrees
        broken += bool(check.problems)
        if check.disagrees and disagreeing <= _SHOWN_CHECKS:
            lines.append(f"{check.recording_id}: {check.verdict}")
    if disagreeing > _SHOWN_CHECKS:
        lines.append(
            f"cues that disagree with their audio: {counted(disagreeing - _SHOWN_CHECKS, 'more recording')}"
        )
    if broken:
        lines.append(f"parts that could not be read: in {counted(broken, 'transcript')}")
    return [*lines, f"all about transcripts is in {CHECKS_NAME}"] if lines else []


def ledger_tables(ledgers: Ledgers, sample_rate_hz: int) -> list[Table]:
    """The two ledgers as tables for a terminal."""
    samples = _table("Audio", "decoded", ledgers.samples, lambda n: clock(n / sample_rate_hz))
    characters = _table("Text (characters)", "read", ledgers.characters, lambda n: f"{n:,}")
    return [samples, characters]


def _table(title: str, total_name: str, entries: Mapping[str, int], shown: object) -> Table:
    from rich.table import Table

    assert callable(shown)
    whole = entries.get(total_name, 0)
    table = Table(title=title, title_justify="left", show_header=False, show_edge=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(justify="right")
    order = sorted(
        (key for key in entries if key != total_name),
        key=lambda key: (not key.startswith("kept"), -entries[key], key),
    )
    for key in order:
        if entries[key] or key == "kept":
            name = key.replace(":", ": ").replace("-", " ")
            table.add_row(name, shown(entries[key]), f"{entries[key] / max(whole, 1):.1%}")
    table.add_section()
    table.add_row(total_name, shown(whole), "")
    return table
