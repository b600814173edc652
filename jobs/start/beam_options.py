"""The options that are handed on to Beam."""

from __future__ import annotations

from apache_beam.options.pipeline_options import PipelineOptions

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.config import RunConfig


def pipeline_options(config: RunConfig) -> PipelineOptions:
    """Beam's options; the local runner is always named, since the default one may try to download a binary."""
    given = list(config.beam_options)
    if not any(option.startswith("--runner") for option in given):
        given += ["--runner=FnApiRunner"]
    try:
        return PipelineOptions(given)
    except SystemExit as error:
        raise UsageError(f"Beam does not take these options: {' '.join(given)}") from error
