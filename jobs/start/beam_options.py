"""The options that are handed on to Beam."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, suppress
from difflib import get_close_matches
from typing import TypeVar

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.runner import create_runner

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.start.beam_signatures import remember_signatures

_Options = TypeVar("_Options", bound=PipelineOptions)
_LOCAL_RUNNERS = frozenset(
    {"BundleBasedDirectRunner", "DirectRunner", "FnApiRunner", "SwitchingDirectRunner"}
)
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
    """Beam's options; the local runner is always named, since the default one may try to download a binary.

    Raises:
        UsageError: Beam, or its local runner, does not take them.
    """
    remember_signatures()
    given = list(config.beam_options)
    if not any(option.startswith("--runner") for option in given):
        given += ["--runner=FnApiRunner"]
    told = io.StringIO()
    try:
        with redirect_stderr(told):
            options = KeptViews(given)
            if config.beam_options:
                _refuse_unknown(options, given)
    except SystemExit as error:
        # Behind what it would take, argparse says what it does not.
        why = told.getvalue().rstrip().rpartition("error: ")[2]
        raise UsageError(f"Beam does not take these options: {' '.join(given)}: {why}") from error
    return options


def _refuse_unknown(options: PipelineOptions, given: list[str]) -> None:
    """See that what Beam would leave aside without a word is no slip; other runners have options of their own.

    Raises:
        UsageError: there is no such runner, or the local one has no such option.
    """
    runner = _runner_of(options)
    if runner not in _LOCAL_RUNNERS:
        return
    known = PipelineOptions([]).get_all_options()
    told = options.get_all_options(retain_unknown_options=True)
    # Values may begin so too, as -1 does.
    short = [word for word in given if word[:1] == "-" and word[1:2].isalpha()]
    names = {word[1:].partition("=")[0] for word in short}
    unknown = [f"--{name}" for name in told if name not in known and name not in names] + short
    if unknown:
        near = get_close_matches(unknown[0].lstrip("-"), known, 1)
        meant = f"; is it --{near[0]}?" if near else ""
        raise UsageError(f"Beam's {runner} has no option {', '.join(unknown)}{meant}")
    for at, word in enumerate(given):
        if not word.startswith("-") and _all_of([*given[:at], *given[at + 1 :]]) == told:
            raise UsageError(f"Beam's options: {word!r} is of none of them")


def _all_of(given: list[str]) -> dict[str, object] | None:
    """All that Beam makes of its options, or None where it does not take them."""
    with suppress(SystemExit), redirect_stderr(io.StringIO()):
        return dict(PipelineOptions(given).get_all_options(retain_unknown_options=True))
    return None


def _runner_of(options: PipelineOptions) -> str:
    """The name of the runner's class, as Beam finds it.

    Raises:
        UsageError: there is none.
    """
    named = str(options.view_as(StandardOptions).runner)
    try:
        return type(create_runner(named)).__name__
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"--runner {named}: {' '.join(str(error).split())}") from error
