"""The options that are handed on to Beam."""

from __future__ import annotations

from typing import TypeVar

from apache_beam.options.pipeline_options import PipelineOptions

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.config import RunConfig

_Options = TypeVar("_Options", bound=PipelineOptions)


class KeptViews(PipelineOptions):
    """The same options; what Beam asks for hundreds of times while it builds a graph is parsed once.

    A view reads and writes the options that all views share, so that one that is kept is as good as a new one.
    """

    def view_as(self, cls: type[_Options]) -> _Options:
        """The options that a class of them declares."""
        views = self.__dict__.setdefault("_views", {})
        if cls not in views:
            views[cls] = super().view_as(cls)
        return views[cls]


def pipeline_options(config: RunConfig) -> PipelineOptions:
    """Beam's options; the local runner is always named, since the default one may try to download a binary."""
    given = list(config.beam_options)
    if not any(option.startswith("--runner") for option in given):
        given += ["--runner=FnApiRunner"]
    try:
        return KeptViews(given)
    except SystemExit as error:
        raise UsageError(f"Beam does not take these options: {' '.join(given)}") from error
