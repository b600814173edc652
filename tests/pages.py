"""Pages of docs/ that are written from the code: every command with its options, and the graph with lettered steps.

    make reference        writes docs/reference.md, docs/graph.md and docs/graph.svg

`tests/test_pages.py` sees that they stand as they would be written now.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import apache_beam as beam
import click
from support import toy
from support.places import DOCS
from support.toy_stages import graph_options

from prep_corpus.jobs.cli import main as command_line
from prep_corpus.pipeline.graph import build

WIDTH, HEIGHT, STEP_X, STEP_Y = 190, 34, 220, 62


@dataclass(frozen=True, kw_only=True)
class Note:
    """What is said of a step, and where it stands in the drawing.

    Attributes:
        says: one sentence.
        column: of its box, from the left; None where it has none: what goes through it is drawn past it.
    """

    says: str
    column: int | None = None


NOTES = {
    "BundleList": Note(says="The name of the list of bundles."),
    "ReadList": Note(says="The digest of each bundle.", column=1),
    "SpreadBundles": Note(says="Spreads them over the workers."),
    "Emit": Note(
        says="Decodes, resamples, and runs the model: log-probs of each bundle, into the store.", column=1
    ),
    "SpreadEmitted": Note(says="Spreads the references, and keeps what follows off GPU workers."),
    "AfterEmit": Note(says="Whether few enough recordings have failed so far.", column=2),
    "GoOnToAlign": Note(says="Lets nothing pass where too many have."),
    "WatchAlign": Note(says="Workers report what they do."),
    "Align": Note(
        says="Normalises each transcript, aligns it exactly, and gathers evidence for each word.", column=1
    ),
    "Measure": Note(says="What the cut would give for each shortest gap `k`.", column=0),
    "PickK": Note(
        says="The one `k` whose mean length is nearest to the target; given where `--min-pause-frames` is.",
        column=0,
    ),
    "Settled": Note(says="What has been emitted and aligned.", column=2),
    "AfterAlign": Note(says="As after emit.", column=2),
    "GoOnToSegment": Note(says="Lets nothing pass where too many have failed."),
    "WatchSegment": Note(says="Workers report what they do."),
    "SegmentBundles": Note(
        says="Cuts, scores, decodes once more, and writes segments and clips into the store.", column=1
    ),
    "CheckTranscripts": Note(
        says="Compares cue times and versions with the alignment; writes `transcripts.jsonl`.", column=3
    ),
    "AllStages": Note(says="A reference to every result that served.", column=2),
    "AfterSegment": Note(says="Whether the run may publish.", column=2),
    "Recordings": Note(says="What became of each recording."),
    "KeepsPublished": Note(says="Refuses where a published set would lose recordings unasked.", column=2),
    "OnlyLedgers": Note(says="The ledgers alone."),
    "Plan": Note(says="Split, order and shard of each kept utterance; groups them by shard.", column=1),
    "WatchWrite": Note(says="Workers report what they do."),
    "WriteShards": Note(says="Gathers clips, mixes noise, and writes every format in one pass.", column=1),
    "Ledgers": Note(says="Where the samples and characters of each bundle went.", column=0),
    "Letters": Note(says="The dead letters of all stages.", column=3),
    "Close": Note(
        says="Adds up, writes `dead-letters.jsonl` and `outcome.json`, and publishes: `manifest.json` last.",
        column=1,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """A transform that stands in the graph itself, not inside another.

    Attributes:
        name: its label.
        after: steps whose elements it takes.
        beside: steps whose whole result it waits for, as a side input.
    """

    name: str
    after: frozenset[str]
    beside: frozenset[str]


@cache
def graph() -> tuple[Step, ...]:
    """The steps of the graph that `run` builds, in the order in which it adds them."""
    with tempfile.TemporaryDirectory() as folder:
        toy.write_filter(Path(folder) / "filter.json")
        pipeline = beam.Pipeline(runner="FnApiRunner")
        build(pipeline, graph_options(Path(folder), []))
    tops = pipeline.transforms_stack[0].parts
    owners = {
        output: top.full_label for top in tops for part in parts(top) for output in part.outputs.values()
    }
    steps = []
    for top in tops:
        after = {owners.get(one) for part in parts(top) for one in part.inputs}
        beside = {owners.get(side.pvalue) for part in parts(top) for side in part.side_inputs}
        none = {None, top.full_label}
        steps.append(
            Step(name=top.full_label, after=frozenset(after - none), beside=frozenset(beside - none))
        )
    return tuple(steps)


def parts(transform: Any) -> Iterator[Any]:
    """A transform and all inside it."""
    yield transform
    for part in transform.parts:
        yield from parts(part)


def letters(steps: Iterable[Step]) -> dict[str, str]:
    """A letter for each step that has a box, in the order of the graph."""
    boxed = [step.name for step in steps if NOTES[step.name].column is not None]
    return {name: chr(ord("A") + number) for number, name in enumerate(boxed)}


def through(steps: Iterable[Step]) -> list[Step]:
    """The steps that have a box; what comes through others comes from the boxes before those."""
    by_name = {step.name: step for step in steps}

    def boxes(name: str) -> frozenset[str]:
        return frozenset([name]) if NOTES[name].column is not None else all_boxes(by_name[name].after)

    def all_boxes(names: Iterable[str]) -> frozenset[str]:
        return frozenset(box for name in names for box in boxes(name))

    drawn = []
    for step in by_name.values():
        if NOTES[step.name].column is None:
            continue
        beside = set(all_boxes(step.beside))
        before = set(step.after)
        while before:
            one = by_name[before.pop()]
            if NOTES[one.name].column is None:
                before |= one.after
                beside |= all_boxes(one.beside)
        drawn.append(Step(name=step.name, after=all_boxes(step.after), beside=frozenset(beside)))
    return drawn


def rows_of(steps: Iterable[Step]) -> dict[str, int]:
    """The row of each box, counted from the top: under everything that it takes or waits for."""
    rows: dict[str, int] = {}
    taken: set[tuple[int, int | None]] = set()
    for step in steps:
        row = 1 + max((rows[name] for name in step.after | step.beside), default=-1)
        while (row, NOTES[step.name].column) in taken:
            row += 1
        taken.add((row, NOTES[step.name].column))
        rows[step.name] = row
    return rows


def graph_svg() -> str:
    """The drawing: boxes with letters; full lines carry elements, broken lines a whole result that is waited for."""
    steps = graph()
    drawn, named = through(steps), letters(steps)
    rows = rows_of(drawn)
    left = {step.name: 20 + STEP_X * (NOTES[step.name].column or 0) for step in drawn}
    top = {name: 20 + STEP_Y * row for name, row in rows.items()}
    width = max(left.values()) + WIDTH + 20
    height = max(top.values()) + HEIGHT + 20
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="14">',
        '<rect width="100%" height="100%" fill="white"/>',
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="#444"/></marker></defs>',
    ]
    for step in drawn:
        entries = sorted([(name, False) for name in step.after] + [(name, True) for name in step.beside])
        for number, (name, waits) in enumerate(entries, 1):
            x1, y1 = left[name] + WIDTH // 2, top[name] + HEIGHT
            x2, y2 = left[step.name] + WIDTH * number // (len(entries) + 1), top[step.name]
            dash = ' stroke-dasharray="5 4"' if waits else ""
            bend = (y2 - y1) // 2
            lines.append(
                f'<path d="M{x1},{y1} C{x1},{y1 + bend} {x2},{y2 - bend} {x2},{y2}" fill="none" stroke="#444"{dash} '
                'marker-end="url(#tip)"/>'
            )
    for step in drawn:
        x, y = left[step.name], top[step.name]
        lines.append(
            f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#eef3fa" stroke="#345"/>'
            f'<text x="{x + 10}" y="{y + 22}"><tspan font-weight="bold">{named[step.name]}</tspan> {step.name}</text>'
        )
    return "\n".join([*lines, "</svg>", ""])


def graph_page() -> str:
    """The drawing with a sentence for each step."""
    steps = graph()
    unsaid = {step.name for step in steps} ^ NOTES.keys()
    if unsaid:
        raise ValueError(
            f"NOTES must say something of every step of the graph and of no other: {sorted(unsaid)}"
        )
    named = letters(steps)
    boxes = {step.name: step for step in through(steps)}
    lines = [
        "# The graph",
        "",
        "What `pipeline/graph.py` builds for every engine; `make reference` draws it from Beam's own graph. Full lines",
        "carry elements (references, under 1 KB each), broken lines a whole result that is waited for.",
        "",
        "![The steps of the graph, from the list of bundles to the published run](graph.svg)",
        "",
        "| | step | takes | waits for | what it does |",
        "|---|---|---|---|---|",
    ]
    for step in steps:
        box = boxes.get(step.name)
        takes, waits = (
            ", ".join(sorted(named[name] for name in names))
            for names in ((box.after, box.beside) if box else ((), ()))
        )
        lines.append(
            f"| {named.get(step.name, '')} | {step.name} | {takes} | {waits} | {NOTES[step.name].says} |"
        )
    return "\n".join([*lines, ""])


def commands(
    command: click.Command, path: str, parent: click.Context | None
) -> Iterator[tuple[str, click.Context]]:
    """A command and those below it, each with the words that call it."""
    context = click.Context(command, info_name=path.split()[-1], parent=parent, **command.context_settings)
    if not isinstance(command, click.Group):
        yield path, context
        return
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        yield from commands(below, f"{path} {name}", context)


def reference() -> str:
    """Every command with its options, as `--help` tells them."""
    lines = [
        "# Command reference",
        "",
        "Every command with its options, as `--help` tells them; `make reference` writes this page.",
        "What to use when is in [commands.md](commands.md).",
        "",
    ]
    for path, context in commands(command_line, "prep-corpus", None):
        command = context.command
        usage = " ".join([path, *command.collect_usage_pieces(context)])
        lines += [
            f"## {path}",
            "",
            f"`{usage}`",
            "",
            *paragraphs(command.help or ""),
            "",
            "| option | |",
            "|---|---|",
        ]
        # Click's own option for help keeps the names by which it was first asked for.
        for parameter in command.params:
            record = parameter.get_help_record(context)
            if record is not None:
                names, text = (" ".join(part.split()).replace("|", "\\|") for part in record)
                lines.append(f"| `{names}` | {text} |")
        lines += [f"| `{', '.join(context.help_option_names)}` | Show this message and exit. |", ""]
    return "\n".join(lines)


def paragraphs(text: str) -> list[str]:
    """A help text with a line for each paragraph."""
    found: list[str] = []
    for paragraph in text.replace("\b\n", "").split("\n\n"):
        found += [" ".join(paragraph.split()), ""]
    return found[:-1]


def pages() -> dict[Path, str]:
    """Every page that is written from the code."""
    return {
        DOCS / "reference.md": reference(),
        DOCS / "graph.md": graph_page(),
        DOCS / "graph.svg": graph_svg(),
    }


if __name__ == "__main__":
    for place, text in pages().items():
        place.write_text(text)
