"""`prep-corpus settings`: the settings of a run, given back."""

from __future__ import annotations

import click


@click.command("settings")
@click.argument("folder", metavar="RUN")
def settings_command(folder: str) -> None:
    """Print the settings of the run in RUN as a file that --config takes: those of what is published in it.

    With it and the same manifest another run does the same: prep-corpus settings RUN > run.toml, then
    prep-corpus run MANIFEST --out DIR --config run.toml. Paths stand as they were given.
    """
    from prep_corpus.jobs.config import SETTINGS, default_settings
    from prep_corpus.jobs.runs.opened import open_run
    from prep_corpus.jobs.settings import to_toml

    run = open_run(folder)
    given = run.settings
    if run.is_published:
        # What an earlier version did not know, it did as the default does now.
        published, given = ({**default_settings(), **values} for values in (run.published.config, given))
        if other := [one.key for one in SETTINGS if published.get(one.name) != given.get(one.name)]:
            click.echo(
                f"{folder} was last begun with another {' and '.join(other)} and published nothing: these are the "
                "settings of what stands there",
                err=True,
            )
        given = published
    click.echo(to_toml(SETTINGS, given), nl=False)
