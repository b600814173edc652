"""`prep-corpus sample`: from a finished run to a folder on which people listen."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from prep_corpus.filters.labels.sampling import SampleOptions
from prep_corpus.jobs.runs.opened import open_run
from prep_corpus.jobs.screen.plain_text import counted
from prep_corpus.jobs.screen.printing import print_line
from prep_corpus.pipeline.finished.sample import Sample, draw_sample
from prep_corpus.pipeline.finished.sample_files import check_free
from prep_corpus.pipeline.finished.sample_folder import LISTENING_PAGE_NAME, write_sample


def execute(
    folder: str, target: Path, options: SampleOptions, *, threads: int, force: bool, quiet: bool
) -> None:
    """Draw, cut and write, and say what to do with it.

    Args:
        folder: folder of the run.
        target: where the sample goes.
        options: what to draw.
        threads: recordings that are decoded at once.
        force: write into a folder that is no sample, or replace another sample.
        quiet: print errors alone.

    Raises:
        UsageError: there is no finished run, its source audio is gone, or the folder holds something else.
    """
    run = open_run(folder).stored()
    sample = draw_sample(run, options)
    check_free(target, sample.digest, force=force)
    console = Console(stderr=True, quiet=quiet)
    # Where there is no terminal, a bar would leave an empty line.
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("clips", total=len(sample.clips))
        write_sample(run, sample, target, threads=threads, on_clip=lambda: progress.advance(task))
    said = Console(quiet=quiet)
    for line in _described(sample, target, options):
        print_line(said, line)


def _described(sample: Sample, target: Path, options: SampleOptions) -> list[str]:
    clips = sample.clips
    kept = sum(bool(clip.row["kept"]) for clip in clips)
    minutes = sum(clip.seconds for clip in clips) / 60
    lines = [
        f"{counted(len(clips), 'clip')}, {minutes:.1f} minutes: {kept} of kept segments, {len(clips) - kept} of "
        "dropped ones",
    ]
    if len(clips) < options.count:
        lines.append(f"asked for {options.count}: the run has no more that could be drawn")
    passed = sample.facts["shorter_than_the_minimum"]
    if passed:
        lines.append(f"segments under {options.min_seconds:g} s, which were not drawn from: {passed}")
    if options.listeners > 1:
        shared = sum(len(clip.parts) > 1 for clip in clips)
        lines.append(f"{options.listeners} listeners, {counted(shared, 'clip')} for all of them")
    return [*lines, f"open {target / LISTENING_PAGE_NAME} in a browser; share the whole folder"]
