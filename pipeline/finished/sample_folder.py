"""A sample's folder: written whole or not at all, and read back when people have listened."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prep_corpus.align.audio import decode as audio
from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.finished import listening_page as listening
from prep_corpus.pipeline.finished.sample import SAMPLE_FORMAT, Sample, cut_clips, sample_lines
from prep_corpus.pipeline.finished.stored_run import FinishedRun

FACTS_NAME = "sample.json"
ROWS_NAME = "sample.jsonl"
LISTENING_PAGE_NAME = "index.html"
CLIPS_NAME = "clips"

_CLIP = re.compile(r"\d{4,}\.flac")


def check_free(folder: Path, digest: str, *, force: bool) -> None:
    """See that a sample may be written here.

    Args:
        folder: where it goes.
        digest: digest of the sample; the same one may be written again.
        force: write in any case.

    Raises:
        UsageError: the folder holds something else, or another sample.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out must be a folder, and {folder} is a file")
    if force or not folder.is_dir() or not any(folder.iterdir()):
        return
    facts = _facts(folder)
    if facts is None:
        raise UsageError(
            f"{folder} is not empty and holds no sample of prep-corpus; choose another --out, or --force"
        )
    if facts["digest"] != digest:
        raise UsageError(
            f"{folder} holds another sample ({facts['digest'][:8]}, this one is {digest[:8]}), and what people type on "
            "its page belongs to it; choose another --out, or replace it with --force"
        )


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
        folder: see `check_free`.
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


def _facts(folder: Path) -> dict[str, Any] | None:
    """The content of sample.json, or None where the folder holds no sample."""
    try:
        facts = json.loads((folder / FACTS_NAME).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return facts if isinstance(facts, dict) and facts.get("format") == SAMPLE_FORMAT else None
