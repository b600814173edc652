"""The options that are handed on to Beam."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TypeVar

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.config import RunConfig

_Options = TypeVar("_Options", bound=PipelineOptions)
_LOCAL_RUNNERS = frozenset({"BundleBasedDirectRunner", "DirectRunner", "FnApiRunner"})
"""They take what Beam itself declares."""


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
        options = KeptViews(given)
        if config.beam_options:
            _refuse_unknown(options, given)
    except SystemExit as error:
        raise UsageError(f"Beam does not take these options: {' '.join(given)}") from error
    return options


def _refuse_unknown(options: PipelineOptions, given: list[str]) -> None:
    """See that what Beam would leave aside without a word is no slip; other runners have options of their own.

    Raises:
        UsageError: the local runner has no such option.
    """
    runner = str(options.view_as(StandardOptions).runner).rpartition(".")[2]
    if runner not in _LOCAL_RUNNERS:
        return
    known = PipelineOptions([]).get_all_options()
    told = options.get_all_options(retain_unknown_options=True)
    unknown = [f"--{name}" for name in told if name not in known]
    # Values may begin so too, as -1 does.
    unknown += [word for word in given if word[:1] == "-" and word[1:2].isalpha()]
    if unknown:
        near = get_close_matches(unknown[0].lstrip("-"), known, 1)
        meant = f"; is it --{near[0]}?" if near else ""
        raise UsageError(f"Beam's {runner} has no option {', '.join(unknown)}{meant}")
