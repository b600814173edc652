"""`prep-corpus run --dry-run`: what would be done, and what it would take."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console

from prep_corpus.align.errors import StageFileDamaged
from prep_corpus.align.model.models import LoadedModel, ModelInfo, load_judge
from prep_corpus.align.recognition.sources import READING_ALONE
from prep_corpus.jobs.runs.prepare import PreparedRun, shard_place, too_many_rejected
from prep_corpus.jobs.runs.stage_options import k_uri_of
from prep_corpus.jobs.screen.plain_text import counted
from prep_corpus.jobs.screen.printing import over_limit, print_line
from prep_corpus.jobs.screen.stage_lines import clock
from prep_corpus.jobs.start.claim import refuse_losses
from prep_corpus.jobs.start.corpus import Corpus, read_corpus, warn_of_manifest
from prep_corpus.jobs.start.operating_point import expected, reading_line
from prep_corpus.pipeline.finished.proven import read_clips
from prep_corpus.pipeline.inputs.bundles import read_bundle
from prep_corpus.pipeline.progress import BOARD
from prep_corpus.pipeline.recognition.judge import JudgeOptions
from prep_corpus.pipeline.recognition.refused import with_refused
from prep_corpus.pipeline.run_files import MANIFEST_NAME, MARKER
from prep_corpus.pipeline.shards.clips import ClipDamaged
from prep_corpus.pipeline.stage_frame import NotMade, finding_only
from prep_corpus.pipeline.stages.align import align_bundle
from prep_corpus.pipeline.stages.emit import JUDGE, emissions_digest, emit_bundle
from prep_corpus.pipeline.stages.measure import kept_k, measure_bundle
from prep_corpus.pipeline.stages.segment import segment_bundle
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.stage_store import StageRef, Store

log = logging.getLogger(__name__)

_READ_BY = {
    "align": ("emit",),
    "judge": ("emit", "align"),
    "measure": ("emit", "align", "judge"),
    "segment": ("emit", "align", "judge"),
    "write": ("segment",),
}
"""What each stage reads of those before it."""
# FLAC of 16 kHz mono speech holds about half of its 16 bits a sample; shards hold as much again.
_FLAC_SHARE = 0.55
# CPU seconds per hour of audio for everything but the model, from `make bench-run`; decoding is emit's and segment's.
_CPU_SECONDS_PER_HOUR = {
    "emit": 6.0,
    "judge": 6.0,
    "align": 3.0,
    "measure": 5.0,
    "segment": 9.0,
    "write": 2.0,
}


def model_seconds_per_hour(model: LoadedModel) -> float:
    """Seconds that the model takes for an hour of audio in one thread, tried on a few seconds of noise."""
    info = model.info
    seconds = 10
    noise_N = np.random.default_rng(0).normal(0, 0.05, seconds * info.sample_rate_hz)
    batch_BN = noise_N.astype(np.float32)[None]
    model.log_probs(batch_BN)
    began = time.perf_counter()
    model.log_probs(batch_BN)
    return (time.perf_counter() - began) * 3600 / seconds


def seconds_to_do(prepared: PreparedRun, corpus: Corpus) -> dict[str, float]:
    """Audio that each stage still has to do, in seconds; what stands in the store is found and not made.

    What stands and is read by a stage that is to be done is proven; what is damaged is told, and to be done again.

    Where k is yet to be picked, or a stage before is to be done, what follows is to be done too. Shards are written
    where a bundle's segments are made anew, or where nothing is published.
    """
    config, store = prepared.config, prepared.store
    k_frames = config.min_pause_frames
    if k_frames is None and not config.retune and prepared.has_filter:
        k_frames = kept_k(k_uri_of(config, prepared.model.info, prepared.segment))
    writes = not files.exists(files.join(config.out, MANIFEST_NAME))
    to_do = dict.fromkeys(prepared.stages, 0.0)
    for bundle, seconds in zip(corpus.bundles, corpus.bundle_seconds):
        for stage in _stages_to_do(prepared, store, bundle, k_frames, writes=writes):
            to_do[stage] += seconds
    if writes or to_do["segment"]:
        to_do["write"] = corpus.audio_seconds
    BOARD.clear()
    return to_do


def _stages_to_do(
    prepared: PreparedRun, store: Store, bundle: str, k_frames: int | None, *, writes: bool
) -> tuple[str, ...]:
    """The stages of a bundle that do not stand: those from the first one on that is to be made."""
    stages = prepared.stages
    if store.find("bundles", bundle, bundle) is None:
        return stages
    standing: list[StageRef] = []
    try:
        with finding_only():
            first = _first_to_do(prepared, store, bundle, k_frames, standing)
    except NotMade as missing:
        first = str(missing)
    except StageFileDamaged as damaged:
        # What says which recordings the bundle holds, on which all depends.
        log.error("%s", damaged)
        return stages
    if first is None and writes:
        first = "write"
    read = _READ_BY.get(first or "", ())
    for ref in standing:
        if ref.stage in read and not _is_proven(store, ref):
            first = ref.stage
            break
    return () if first is None else stages[stages.index(first) : stages.index("write")]


def _first_to_do(
    prepared: PreparedRun, store: Store, bundle: str, k_frames: int | None, standing: list[StageRef]
) -> str | None:
    """The first stage that is to be made for another reason than that it does not stand; what stands is listed.

    Raises:
        NotMade: that one, where it does not stand.
    """
    standing.append(emit_bundle(store, bundle, prepared.model, prepared.emit))
    aligned = align_bundle(store, standing[-1], prepared.emit.text, 1)
    if prepared.config.read in READING_ALONE:
        aligned = with_refused(store, aligned)
    standing.append(aligned)
    if not prepared.has_filter:
        return "measure"
    judge = _judge_emissions(store, bundle, prepared.judge)
    if judge is not None:
        standing.append(judge)
    standing.append(measure_bundle(store, aligned, prepared.segment, judge))
    if k_frames is None:
        return "segment"
    standing.append(segment_bundle(store, aligned, prepared.segment, k_frames, 1, judge))
    return None


def _judge_emissions(store: Store, bundle: str, judge: JudgeOptions | None) -> StageRef | None:
    """What the judge sees in a bundle; None where the run has no judge.

    Raises:
        NotMade: it does not stand.
    """
    if judge is None:
        return None
    digest = emissions_digest(JUDGE, read_bundle(store, bundle), judge.info, judge.windows, judge.runs_on)
    found = store.find(JUDGE, bundle, digest)
    if found is None:
        raise NotMade(JUDGE)
    return found


def _is_proven(store: Store, ref: StageRef) -> bool:
    """Whether a file is what was written; what is damaged is told."""
    try:
        table = store.read(ref).table
        if ref.stage == "segment":
            read_clips(store, ref.digest, table)
    except StageFileDamaged as damaged:
        log.error("%s", damaged)
        return False
    except ClipDamaged as damaged:
        log.error("%s", store.damaged_clips(ref.digest, damaged))
        return False
    return True


def describe(prepared: PreparedRun, *, console: Console, force: bool) -> bool:
    """Print recordings, hours, what is to be done, bytes, free space and time; nothing is written.

    Returns:
        False where the run that follows would publish nothing, since too much is rejected already.

    Raises:
        UsageError: the run that follows would be refused.
    """
    config, model = prepared.config, prepared.model
    info: ModelInfo = model.info
    corpus = read_corpus(config, None, None)
    warn_of_manifest(config.manifest, console)
    if not force:
        refuse_losses(config, corpus.keys)
    # Bad clips of noise are told now.
    shard_place(config, info.sample_rate_hz, corpus.voices)
    hours = corpus.audio_seconds / 3600

    def say(name: str, text: str) -> None:
        print_line(console, f"{name:14}{text}")

    too_many = too_many_rejected(config, corpus)
    if too_many:
        line = over_limit(len(corpus.dead_letters), corpus.entries, config.max_failed)
        print_line(Console(stderr=True), f"nothing would be published: {line}", style="red")
    say(
        "manifest",
        f"{config.manifest}: {counted(corpus.entries, 'recording')}, {hours:.2f} hours, "
        f"{counted(len(corpus.bundles), 'bundle')}",
    )
    for letter in corpus.dead_letters[:10]:
        say("  rejected", f"{letter.reason}: {letter.message}")
    if len(corpus.dead_letters) > 10:
        say("  rejected", f"{len(corpus.dead_letters) - 10} more")
    say("model", f"{config.model} on {config.device}: {_shape(info)}")
    judge = prepared.judge
    if judge is not None:
        say("judge", f"{config.judge}: {_shape(judge.info)}")
    _say_filters(prepared, say)
    state = "a run to go on with" if files.exists(files.join(config.out, MARKER)) else "new"
    say("out", f"{config.out} ({state})")
    if too_many:
        return False
    to_do = seconds_to_do(prepared, corpus)
    listed = [f"{stage} {to_do[stage] / 3600:.2f} of {hours:.2f} h" for stage in to_do if to_do[stage]]
    say("to do", ", ".join(listed) or "write, where shards are not as they should be")
    if done := [stage for stage in to_do if not to_do[stage]]:
        say("stands", ", ".join(done))
    emissions = to_do["emit"] / info.frame_seconds * len(info.vocabulary) * 2
    if judge is not None:
        emissions += to_do["judge"] / judge.info.frame_seconds * len(judge.info.vocabulary) * 2
    second_bytes = info.sample_rate_hz * 2 * _FLAC_SHARE
    need = emissions + second_bytes * (to_do["segment"] + to_do["write"] * len(config.formats))
    say("space", f"about {need / 1e9:.2f} GB at most, {_free(config.out)}")
    rates = dict(_CPU_SECONDS_PER_HOUR)
    if to_do["emit"]:
        rates["emit"] += model_seconds_per_hour(model)
    if config.judge is not None and to_do["judge"]:
        rates["judge"] += model_seconds_per_hour(load_judge(config.judge, model.device))
    seconds = sum(to_do[stage] / 3600 * rates[stage] for stage in to_do) / max(config.workers, 1)
    say("time", f"about {clock(seconds)} with {counted(config.workers, 'worker')}, for what is to do")
    return True


def _shape(info: ModelInfo) -> str:
    return f"{len(info.vocabulary)} symbols, {1000 * info.frame_seconds:.0f} ms frames"


def _say_filters(prepared: PreparedRun, say: Callable[[str, str], None]) -> None:
    """Say what is expected of the transcripts, and of what the model reads where there are none."""
    if prepared.must_fit:
        say("filter", "none was fitted for the model: one will be fitted on the corpus itself")
        return
    fitted, config = prepared.fitted, prepared.config
    say("filter", f"fitted on {fitted.fitted_on}")
    say("", f"expected to keep {expected(prepared.point)}")
    if line := reading_line(config, prepared.model.info.digest):
        say("", line)


def _free(out: str) -> str:
    if not files.is_local(out):
        return "free space is not known for an object store"
    folder = Path(os.path.abspath(out))
    while not folder.exists():
        folder = folder.parent
    return f"{shutil.disk_usage(folder).free / 1e9:.1f} GB free"
