"""Sending a run to a cluster: what an engine must say, and the way of a run from checks to ledgers.

    checks ─ estimate ─ manifest, probe, bundles (as for `run`) ─ submit ─ progress ─ ledgers

The graph and everything that this machine decides before it are those of `prep-corpus run`.
"""

from __future__ import annotations

import json
import logging
import os
import re
import threading
import time
import uuid
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import apache_beam as beam
import grpc
from apache_beam.options.pipeline_options import PipelineOptions
from rich.console import Console

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.models import load_judge
from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.runs import run
from prep_corpus.jobs.runs.prepare import PreparedRun, StartedRun, prepare_run, start_run
from prep_corpus.jobs.screen import display
from prep_corpus.jobs.screen.printing import print_line
from prep_corpus.jobs.start.claim import holding
from prep_corpus.jobs.start.operating_point import NoFilter
from prep_corpus.jobs.submit.checks import check_local_names, last_error_line, shared_names
from prep_corpus.jobs.submit.estimate import RunEstimate as RunEstimate
from prep_corpus.jobs.submit.estimate import estimate_run
from prep_corpus.pipeline.graph import GraphOptions, build
from prep_corpus.pipeline.outcome import read_outcome
from prep_corpus.pipeline.progress import StageProgress
from prep_corpus.pipeline.run_files import STATUS_NAME, SUBMITTED_NAME
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.worker_progress import read_progress

EXIT_JOB_FAILED = 1
_POLL_SECONDS = 2.0
_BOARD_SECONDS = 5.0


class Job(Protocol):
    """A job that was submitted."""

    @property
    def link(self) -> str:
        """Where a person can watch it."""

    def state(self) -> str:
        """One of "waiting", "running", "done", "failed" and "cancelled"."""

    def failure(self) -> str:
        """Why it failed, in one line; asked for when it has."""


class Engine(Protocol):
    """Where a graph runs. `prep_corpus.jobs.submit_ENGINE` holds one frozen dataclass that satisfies this."""

    @property
    def name(self) -> str:
        """As in `prep-corpus submit NAME`."""

    @property
    def accelerator(self) -> str | None:
        """Beam's accelerator hint for the emit stage, or None to run the model on CPUs."""

    @property
    def sees_local_files(self) -> bool:
        """Whether paths without a scheme may be named, as where all workers mount the same disk."""

    @property
    def outlives_launcher(self) -> bool:
        """Whether the job goes on when this process ends: else `--detach` is refused."""

    def check(self) -> None:
        """Refuse what could not run: master, image, project, credentials. Starts nothing.

        Raises:
            UsageError: one line, within seconds.
        """

    def hints(self, estimate: RunEstimate) -> list[str]:
        """Lines for the user before the submission: quotas to have, slots that will stay idle."""

    def beam_options(self, job_name: str) -> list[str]:
        """Beam's options, as on its command line, `--runner` among them."""

    def job(self, result: Any, job_name: str) -> Job:
        """The handle of the job that `Pipeline.run()` has just returned `result` for."""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """How a run is submitted.

    Attributes:
        name: the job's name; lower-case letters, digits and dashes.
        detach: return when the job has begun.
        force: write into a folder that is no run, or replace a run of other settings.
        quiet: print errors alone.
    """

    name: str
    detach: bool = False
    force: bool = False
    quiet: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z]([a-z0-9-]{0,60}[a-z0-9])?", self.name):
            raise UsageError(f"--name takes lower-case letters, digits and dashes, not {self.name!r}")


class _WorkersBoard:
    """What the workers have reported so far, read anew every few seconds at most."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._read_at = -_BOARD_SECONDS
        self._stages: dict[str, StageProgress] = {}

    def expire(self) -> None:
        """Read anew at the next look."""
        with self._lock:
            self._read_at = -_BOARD_SECONDS

    def snapshot(self) -> dict[str, StageProgress]:
        """The sums over all workers."""
        with self._lock:
            if time.monotonic() - self._read_at >= _BOARD_SECONDS:
                self._stages = read_progress(self._folder)
                self._read_at = time.monotonic()
            return self._stages


def submit(config: RunConfig, engine: Engine, submission: Submission) -> int:
    """Check, submit and follow a run; returns the exit code.

    Args:
        config: settings of the run; its device says whether the workers have GPUs, its workers the threads of each.
        engine: where it runs.
        submission: how.
    """
    console = Console(stderr=True, quiet=submission.quiet)
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    if submission.detach and not engine.outlives_launcher:
        raise UsageError(f"--detach: a job on {engine.name} ends with the process that submitted it")
    config = shared_names(config)
    check_local_names(config, engine.name, engine.sees_local_files)
    prepared = _prepared(config, engine, console)
    with holding(config, console, force=submission.force):
        started = start_run(prepared, force=submission.force)
    if started.too_many_rejected:
        return run.report(config, run.close_unrun(started), quiet=submission.quiet)
    models = [prepared.model, *([load_judge(config.judge, "cpu")] if config.judge is not None else [])]
    estimate = estimate_run(config, started.corpus, prepared.store, models)
    for line in [*estimate.lines(engine.accelerator is not None), *engine.hints(estimate)]:
        print_line(console, line)
    options = for_workers(started.options, engine)
    job_name = f"{submission.name}-{uuid.uuid4().hex[:8]}"
    job = _start(config, engine, options, job_name)
    started = replace(started, options=options)
    _note_submitted(config, engine, job, started)
    print_line(console, f"submitted to {engine.name} as {job_name}: {job.link}")
    if submission.detach:
        print_line(console, f"prep-corpus status {config.out} tells how far it is")
        return 0
    return _follow(config, job, started, submission, console)


def _prepared(config: RunConfig, engine: Engine, console: Console) -> PreparedRun:
    # The model's digest and filter are all that this machine needs of it: it may have no GPU.
    try:
        return prepare_run(config, console, load_on="cpu")
    except NoFilter as error:
        raise NoFilter(
            f"no filter was fitted for the model {config.model}, and none is fitted on {engine.name}: run a part of "
            f"the corpus here first (`prep-corpus run PART --out FOLDER --model {config.model}` fits one on it) and "
            "submit with --filter FOLDER/filter.json; or take --filter nearest, that of another model, which promises "
            "nothing"
        ) from error


def for_workers(options: GraphOptions, engine: Engine) -> GraphOptions:
    """The options of the graph for workers on other machines."""
    emit, judge = options.emit, options.judge
    if engine.accelerator is not None:
        emit = replace(emit, accelerator=engine.accelerator)
        judge = None if judge is None else replace(judge, accelerator=engine.accelerator)
    progress = files.join(options.work, "progress", uuid.uuid4().hex[:16])
    return replace(options, emit=emit, judge=judge, progress=progress)


def _start(config: RunConfig, engine: Engine, options: GraphOptions, job_name: str) -> Job:
    given = [*engine.beam_options(job_name), *config.beam_options]
    try:
        beam_options = PipelineOptions(given)
    except SystemExit as error:
        raise UsageError(f"Beam does not take these options: {' '.join(given)}") from error
    pipeline = beam.Pipeline(options=beam_options)
    build(pipeline, options)
    try:
        result = pipeline.run()
    except (OSError, RuntimeError, grpc.RpcError) as error:
        # Each engine's client has exceptions of its own for a service that refuses or goes away.
        raise UsageError(f"{engine.name} did not take the job: {last_error_line(str(error))}") from error
    return engine.job(result, job_name)


def _note_submitted(config: RunConfig, engine: Engine, job: Job, started: StartedRun) -> None:
    """Leave in the run folder what `prep-corpus status` needs when nobody follows the job."""
    note = {
        "engine": engine.name,
        "link": job.link,
        "progress": started.options.progress,
        "publishes": {
            "config_digest": started.options.close.config_digest,
            "seed": started.options.close.seed,
        },
        "submitted_at": round(time.time(), 1),
        "work": asdict(started.work),
    }
    text = json.dumps(note, indent=1).encode()
    files.write_atomic(files.join(config.out, SUBMITTED_NAME), lambda file: file.write(text), replace=True)


def _follow(
    config: RunConfig, job: Job, started: StartedRun, submission: Submission, console: Console
) -> int:
    assert started.options.progress is not None
    board = _WorkersBoard(started.options.progress)
    status_uri = files.join(config.out, STATUS_NAME)
    try:
        with display.shown_progress(
            started.work, status_uri, quiet=submission.quiet, console=console, board=board.snapshot
        ):
            state = wait_for_end(job)
            board.expire()
            if state != "done":
                raise _JobFailed(job.failure() if state == "failed" else "it was cancelled")
    except KeyboardInterrupt:
        print_line(Console(stderr=True), f"the job goes on: {job.link}")
        return 130
    except _JobFailed as error:
        files.remove(files.join(config.out, SUBMITTED_NAME))
        print_line(
            Console(stderr=True),
            f"the job did not end well: {error} ({job.link}); the same command goes on where it stopped",
            style="red",
        )
        return EXIT_JOB_FAILED
    except JobLost as error:
        print_line(
            Console(stderr=True),
            f"the engine does not answer any more: {error}. The job may go on ({job.link}): prep-corpus status "
            f"{config.out} tells; else the same command goes on where it stopped",
            style="red",
        )
        return EXIT_JOB_FAILED
    files.remove(files.join(config.out, SUBMITTED_NAME))
    return run.report(config, read_outcome(config.out), quiet=submission.quiet)


class JobLost(Exception):
    """The engine is silent."""


class _JobFailed(Exception):
    """The engine says that the job has failed or was cancelled."""


def wait_for_end(job: Job, *, pause_seconds: float = _POLL_SECONDS, patience_seconds: float = 120.0) -> str:
    """The state in which a job ends.

    Args:
        job: job that was submitted.
        pause_seconds: between two looks.
        patience_seconds: how long its engine may be silent; the job may go on all the while.

    Raises:
        JobLost: it was silent for longer.
    """
    heard_at = time.monotonic()
    while True:
        try:
            state = job.state()
            heard_at = time.monotonic()
        except Exception as error:
            # Each engine's client has exceptions of its own, and a service that starts again answers soon.
            if time.monotonic() - heard_at > patience_seconds:
                raise JobLost(last_error_line(str(error))) from error
            state = "running"
        if state not in ("waiting", "running"):
            return state
        time.sleep(pause_seconds)


@dataclass(frozen=True, kw_only=True)
class BeamJob:
    """The handle of a job that only Beam's own result knows.

    Attributes:
        result: what Beam returned.
        link: where it was submitted to.
    """

    result: Any
    link: str

    def state(self) -> str:
        """As Beam's job service tells it."""
        state = str(self.result.state)
        if state in ("DONE", "FAILED", "CANCELLED"):
            return state.lower()
        return "running" if state == "RUNNING" else "waiting"

    def failure(self) -> str:
        """The last line of the job service's last error, which comes with a traceback."""
        before = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        try:
            self.result.wait_until_finish()
        except RuntimeError as error:
            return last_error_line(str(error))
        finally:
            logging.disable(before)
        return "the job service gives no reason"


def default_name() -> str:
    """A job's name where none is given."""
    user = re.sub(r"[^a-z0-9]", "", (os.environ.get("USER") or "").lower())
    return f"prep-corpus-{user}" if user else "prep-corpus"
