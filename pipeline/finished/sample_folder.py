"""A sample's folder: written whole or not at all, and read back when people have listened."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from prep_corpus.align.audio import decode as audio
from prep_corpus.pipeline.finished import listening_page as listening
from prep_corpus.pipeline.finished.sample import Sample, cut_clips, sample_lines
from prep_corpus.pipeline.finished.sample_files import FACTS_NAME, ROWS_NAME
from prep_corpus.pipeline.finished.stored_run import FinishedRun

LISTENING_PAGE_NAME = "index.html"
CLIPS_NAME = "clips"

_CLIP = re.compile(r"\d{4,}\.flac")


def write_sample(
    run: FinishedRun,
    sample: Sample,
    folder: Path,
    *,
    threads: int = 1,
    on_clip: Callable[[], None] = lambda: None,
) -> None:
    """Cut the clips and write the folder; what people have put beside an earlier sample stays.

    Args:
        run: run that the sample was drawn from.
        sample: sample from `sample.draw_sample`.
        folder: where it goes.
        threads: recordings that are decoded at once.
        on_clip: called after each clip.

    Raises:
        UsageError: the audio of a dropped segment is gone, or has changed since the run.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name[:80]}.", suffix=".tmp", dir=folder.parent))
    try:
        made.chmod(0o755)
        (made / CLIPS_NAME).mkdir()
        shapes: dict[str, str] = {}
        for clip, flac in cut_clips(run, sample, threads=threads, on_clip=on_clip):
            (made / clip.name).write_bytes(flac)
            shapes[clip.name] = listening.peaks(audio.decode_clip(flac)[0])
        clips = [
            {
                "id": clip.row["id"],
                "src": clip.name,
                "seconds": round(clip.seconds, 3),
                "text": clip.row["text"],
                "language": clip.language,
                "peaks": shapes[clip.name],
            }
            for clip in sample.clips
        ]
        page = listening.page(
            digest=sample.digest,
            listeners=sample.facts["options"]["listeners"],
            clips=clips,
            parts=[clip.parts for clip in sample.clips],
        )
        (made / LISTENING_PAGE_NAME).write_text(page, encoding="utf-8")
        (made / ROWS_NAME).write_text(sample_lines(sample), encoding="utf-8")
        (made / FACTS_NAME).write_text(json.dumps(sample.facts, indent=1) + "\n", encoding="utf-8")
        _put(made, folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _put(made: Path, folder: Path) -> None:
    """Move what was made to its place; of an earlier sample its own files alone are removed."""
    folder.mkdir(exist_ok=True)
    # A folder with facts is whole: they go first and come last.
    (folder / FACTS_NAME).unlink(missing_ok=True)
    clips = folder / CLIPS_NAME
    if clips.is_dir():
        for path in clips.iterdir():
            if _CLIP.fullmatch(path.name):
                path.unlink()
    clips.mkdir(exist_ok=True)
    for path in sorted((made / CLIPS_NAME).iterdir()):
        path.replace(clips / path.name)
    for name in (LISTENING_PAGE_NAME, ROWS_NAME, FACTS_NAME):
        (made / name).replace(folder / name)
