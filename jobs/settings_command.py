"""`prep-corpus settings`: the settings of a run, given back."""

from __future__ import annotations

import click


@click.command("settings")
@click.argument("folder", metavar="RUN")
def settings_command(folder: str) -> None:
    """Print the settings of the run in RUN as a file that --config takes.

    With it and the same manifest another run does the same: prep-corpus settings RUN > run.toml, then
    prep-corpus run MANIFEST --out DIR --config run.toml. Paths stand as they were given.
    """
    from prep_corpus.jobs.config import SETTINGS
    from prep_corpus.jobs.runs.opened import open_run
    from prep_corpus.jobs.settings import to_toml

    click.echo(to_toml(SETTINGS, open_run(folder).settings), nl=False)
