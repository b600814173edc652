"""The group of all commands: its help by what commands are for, and errors as one line each with their exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.screen.causes import cause_of
from prep_corpus.jobs.screen.interrupts import INTERRUPTED, INTERRUPTED_LINE, InterruptsRaised
from prep_corpus.jobs.screen.logs import PRINTED
from prep_corpus.jobs.screen.plain_text import printable

COMMAND_GROUPS = (
    ("Make", ("run", "export", "align", "pair")),
    ("Look", ("status", "report", "check", "settings", "clean")),
    ("A filter of your own", ("evaluate", "sample", "agreement", "label", "fit-filter")),
    ("Models", ("models", "train", "train-english", "error-rates")),
    ("Clusters", ("submit", "workers")),
)
_WHOLE = 1000
"""Characters of a sentence of help: none is cut off."""


class _Refusal(click.ClickException):
    """Wrong usage: nothing was started."""

    exit_code = 2


class _Stopped(click.ClickException):
    """It did not come to its end; one line says why."""

    exit_code = 1


class _Interrupted(click.ClickException):
    """A person stopped it."""

    exit_code = INTERRUPTED


class Commands(click.Group):
    """Turns errors into click's, each one line, at this one place."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Ends at once when it is interrupted: threads under way are not waited for."""
        try:
            return super().main(*args, **kwargs)
        except SystemExit as end:
            if end.code == _Interrupted.exit_code and not args and not kwargs:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(_Interrupted.exit_code)
            raise

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Takes the options of all commands wherever they stand."""
        end = args.index("--") if "--" in args else len(args)
        first: list[str] = []
        others: list[str] = []
        words = iter(args[:end])
        for word in words:
            mine = word in ("--debug", "--verbose", "-v") or word.partition("=")[0] == "--log-file"
            (first if mine else others).append(word)
            if word == "--log-file":
                first += [next(words, "")]
        with _without_secrets():
            return super().parse_args(ctx, [*first, *others, *args[end:]])

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by what they are for, each with its whole first sentence."""
        named = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        for title, names in COMMAND_GROUPS:
            with formatter.section(title):
                formatter.write_dl(
                    [(name, one.get_short_help_str(_WHOLE)) for name in names if (one := named.get(name))]
                )

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with InterruptsRaised(), _without_secrets():
                return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except (Exception, KeyboardInterrupt) as error:
            PRINTED.error("the command has stopped", exc_info=error)
            if ctx.params.get("debug"):
                raise
            raise _told(error) from error


@contextmanager
def _without_secrets() -> Iterator[None]:
    """Click's own refusals repeat the argument that they refuse: no secret of it is told."""
    try:
        yield
    except click.UsageError as refusal:
        message = refusal.format_message()
        if printable(message) == message:
            raise
        raise click.UsageError(printable(message), ctx=refusal.ctx) from None


def _told(error: Exception | KeyboardInterrupt) -> click.ClickException:
    """An error as one line, with its exit code."""
    if isinstance(error, UsageError):
        # Libraries' messages, which some of ours end with, may have several lines.
        return _Refusal(printable(" ".join(line.strip() for line in str(error).splitlines())))
    if isinstance(error, ModuleNotFoundError) and error.name == "torch":
        return _Refusal("this command needs torch: pip install 'prep-corpus[torch]'")
    cause = cause_of(error)
    if cause.is_interrupt:
        return _Interrupted(INTERRUPTED_LINE)
    return _Stopped(printable(cause.line()))
