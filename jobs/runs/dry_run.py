"""`prep-corpus run --dry-run`: what would be done, and what it would take."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import numpy as np
from rich.console import Console

from prep_corpus.align.model.models import LoadedModel, ModelInfo
from prep_corpus.jobs.runs.prepare import PreparedRun
from prep_corpus.jobs.screen.printing import print_line
from prep_corpus.jobs.screen.stage_lines import clock
from prep_corpus.jobs.start.corpus import read_corpus
from prep_corpus.pipeline.run_files import MARKER
from prep_corpus.pipeline.storage import files

# FLAC of 16 kHz mono speech holds about half of its 16 bits a sample; shards hold as much again.
_FLAC_SHARE = 0.55
# CPU seconds per hour of audio for everything but the model, from `make bench-run`.
_OTHER_CPU_SECONDS_PER_HOUR = 25.0


def model_seconds_per_hour(model: LoadedModel) -> float:
    """Seconds that the model takes for an hour of audio in one thread, tried on a few seconds of noise."""
    import torch

    info = model.info
    seconds = 10
    noise_N = np.random.default_rng(0).normal(0, 0.05, seconds * info.sample_rate_hz)
    batch_BN = torch.from_numpy(noise_N.astype(np.float32))[None].to(model.device)
    with torch.inference_mode():
        model.run(batch_BN)
        began = time.perf_counter()
        model.run(batch_BN).sum().item()
    return (time.perf_counter() - began) * 3600 / seconds


def stages_done(out: str) -> dict[str, int]:
    """Files in the store by stage."""
    work = files.join(out, "work")
    if not files.exists(work):
        return {}
    counts: dict[str, int] = {}
    for uri in files.list_files(work):
        stage = uri[len(work) :].lstrip("/").split("/")[0]
        if uri.endswith(".parquet"):
            counts[stage] = counts.get(stage, 0) + 1
    return counts


def describe(prepared: PreparedRun, *, console: Console) -> None:
    """Print recordings, hours, stages done, bytes, free space and time; nothing is written."""
    config, model = prepared.config, prepared.model
    fitted, point = prepared.fitted, prepared.point
    info: ModelInfo = model.info
    corpus = read_corpus(config, None, None)
    hours = corpus.audio_seconds / 3600

    def say(name: str, text: str) -> None:
        print_line(console, f"{name:14}{text}")

    say(
        "manifest",
        f"{config.manifest}: {corpus.entries} recordings, {hours:.2f} hours, {len(corpus.bundles)} bundles",
    )
    for letter in corpus.dead_letters[:10]:
        say("  rejected", f"{letter.reason}: {letter.message}")
    if len(corpus.dead_letters) > 10:
        say("  rejected", f"{len(corpus.dead_letters) - 10} more")
    frame_ms = 1000 * info.frame_seconds
    say(
        "model",
        f"{config.model} on {config.device}: {len(info.vocabulary)} symbols, {frame_ms:.0f} ms frames",
    )
    say("filter", f"fitted on {fitted.fitted_on}")
    say("", f"expected to keep {point.kept_share:.0%} of the spoken words at {point.wer:.2%} wrong "
        f"(at most {point.wer_upper:.2%})")  # fmt: skip
    state = "a run to go on with" if files.exists(files.join(config.out, MARKER)) else "new"
    done = ", ".join(f"{stage} {count}" for stage, count in sorted(stages_done(config.out).items()))
    say("out", f"{config.out} ({state}); in its store: {done or 'nothing yet'}")
    emissions = corpus.audio_seconds / info.frame_seconds * len(info.vocabulary) * 2
    audio_bytes = corpus.audio_seconds * info.sample_rate_hz * 2 * _FLAC_SHARE
    need = emissions + audio_bytes * (1 + len(config.formats))
    say("space", f"about {need / 1e9:.2f} GB at most, {_free(config.out)}")
    seconds = hours * (model_seconds_per_hour(model) + _OTHER_CPU_SECONDS_PER_HOUR) / max(config.workers, 1)
    say("time", f"about {clock(seconds)} with {config.workers} workers, if nothing is done yet")


def _free(out: str) -> str:
    if not files.is_local(out):
        return "free space is not known for an object store"
    folder = Path(os.path.abspath(out))
    while not folder.exists():
        folder = folder.parent
    return f"{shutil.disk_usage(folder).free / 1e9:.1f} GB free"
