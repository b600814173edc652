"""Sending a run to a cluster: what an engine must say, and the way of a run from checks to ledgers.

    checks ─ estimate ─ prepare (manifest, probe, bundles, as for `run`) ─ submit ─ progress ─ ledgers

The graph and everything that this machine decides before it are those of `prep-corpus run`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

CHECK_SECONDS = 8.0
"""Longest that the checks before a submission may take together."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a run will need, as far as its manifest tells.

    Attributes:
        recordings: in the bundles.
        bundles: units of work; more workers than bundles would wait.
        audio_hours: expected audio.
        cpu_hours: of all stages but the model.
        model_hours: of the model, in hours of one GPU where there is one, else of one CPU core.
        read_bytes: source audio, which is read twice.
        written_bytes: stage files and shards.
    """

    recordings: int
    bundles: int
    audio_hours: float
    cpu_hours: float
    model_hours: float
    read_bytes: int
    written_bytes: int


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
    """Where a graph runs. `prep_corpus.jobs.submit_ENGINE` holds one frozen dataclass that satisfies this.

    Attributes:
        name: as in `prep-corpus submit NAME`.
        accelerator: Beam's accelerator hint for the emit stage (such as
            "type:nvidia-l4;count:1;install-nvidia-driver"), or None to run the model on CPUs.
        sees_local_files: whether paths without a scheme may be named, as where all workers mount the same disk.
        outlives_launcher: whether the job goes on when this process ends: else `--detach` is refused.
    """

    name: str
    accelerator: str | None
    sees_local_files: bool
    outlives_launcher: bool

    def check(self) -> None:
        """Refuse what could not run: master, image, project, credentials. Starts nothing.

        Raises:
            UsageError: one line; within `CHECK_SECONDS`.
        """

    def hints(self, estimate: Estimate) -> list[str]:
        """Lines for the user before the submission: quotas to have, slots that will stay idle, what it may cost."""

    def beam_options(self, job_name: str) -> list[str]:
        """Beam's options, as on its command line, `--runner` among them."""

    def job(self, result: Any, job_name: str) -> Job:
        """The handle of the job that `Pipeline.run()` has just returned `result` for."""
