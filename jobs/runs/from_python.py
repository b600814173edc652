"""A whole run from Python: what `prep-corpus run` does, with the outcome in place of an exit code."""

from __future__ import annotations

from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.start.early import check_early
from prep_corpus.jobs.start.unchanged import standing_outcome
from prep_corpus.pipeline.outcome import RunOutcome


def run_corpus(config: RunConfig, *, force: bool = False, report: bool = True) -> RunOutcome:
    """Turn the recordings of a manifest into shards, on this machine, without printing.

    What an earlier run in the same folder has done already is not done again.

    Args:
        config: all settings; `RunConfig(manifest=..., out=...)` has the defaults of the command line, but for the
            device, which is "cpu" unless it is named.
        force: write into a folder that holds no run, or replace a finished run of other settings.
        report: write report.html at the end.

    Returns:
        Counts and ledgers. `published` is False where more recordings failed than `max_failed` allows.

    Raises:
        UsageError: nothing was started: a setting, the manifest, the model or the folder breaks a rule.
    """
    check_early(config, force=force, claims=True)
    standing = standing_outcome(config, with_report=report)
    if standing is not None:
        return standing
    # Beam takes seconds to import, and is not needed where nothing is to be done.
    from prep_corpus.jobs.runs.run import run_here

    return run_here(config, force=force, quiet=True, with_report=report)
