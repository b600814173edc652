"""A run's folder: whether it is ours to write to, and against whom it is held."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.config import RunConfig, default_settings, settings_of
from prep_corpus.jobs.screen.plain_text import counted
from prep_corpus.pipeline.outcome import refuse_run_by_language
from prep_corpus.pipeline.run_files import MANIFEST_NAME, MARKER, STANDING_NAME
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.digests import digest_of
from prep_corpus.pipeline.storage.locks import held
from prep_corpus.pipeline.storage.sealed_json import proven, write_json

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def holding(
    config: RunConfig, console: Console | None, *, force: bool = False, what: str = "run"
) -> Iterator[None]:
    """Hold the run folder against other runs while the block goes on; twins of the same settings wait for it.

    Args:
        config: settings of the run.
        console: where it is told whom it waits for, or None.
        force: as for `claim_folder`.
        what: the command, which is part of what it does.

    Raises:
        UsageError: the folder is not ours, or is in use by a run of another manifest or other settings.
    """
    if what == "run":
        check_claim(config, force)
    work = digest_of(what, settings_of(config), config.manifest, config.retune)

    from prep_corpus.jobs.screen.printing import print_line

    def say(line: str) -> None:
        print_line(console, line)

    with held(config.out, work, say):
        yield


def claim_folder(config: RunConfig, force: bool) -> None:
    """Make the run folder ours, or find it ours.

    Raises:
        UsageError: it holds something else, or a finished run of other settings, and `force` is off.
    """
    check_claim(config, force)
    # From now on what stands here may be another's.
    files.remove(files.join(config.out, STANDING_NAME))
    settings = json.loads(json.dumps(settings_of(config)))
    write_json(files.join(config.out, MARKER), {"program": "prep-corpus", "settings": settings})


def _settings_there(out: str) -> dict[str, Any]:
    """The settings of what is published, else of the run that claimed the folder last; none where both are damaged."""
    for name, key in ((MANIFEST_NAME, "config"), (MARKER, "settings")):
        with suppress(FileNotFoundError, KeyError, TypeError, ValueError):
            found = proven(files.read_bytes(files.join(out, name)))
            if found is not None:
                return dict(found[key])
    return {}


def check_claim(config: RunConfig, force: bool) -> None:
    marker = files.join(config.out, MARKER)
    settings = json.loads(json.dumps(settings_of(config)))
    if files.exists(marker):
        # What an earlier version did not know, it did as the default does now.
        before = {**default_settings(), **_settings_there(config.out)}
        changed = sorted(key for key in settings if before.get(key) != settings[key])
        if changed and files.exists(files.join(config.out, MANIFEST_NAME)) and not force:
            shown = ", ".join(f"{key}: {before.get(key)} -> {settings[key]}" for key in changed)
            raise UsageError(
                f"{config.out} holds a finished run of other settings ({shown}); --force replaces its shards "
                "and does again only what the change touches, or choose another --out"
            )
    elif not force and files.holds_files(config.out) and not files.exists(marker):
        refuse_run_by_language(config.out)
        # Else a twin has made it ours meanwhile.
        raise UsageError(
            f"{config.out} is not empty and holds no run of prep-corpus; choose another --out, or --force"
        )


def refuse_losses(config: RunConfig, keys: bytes) -> None:
    """See that every recording that is published in the run folder is in the corpus.

    Args:
        config: settings of the run.
        keys: of the recordings in the corpus (`published.py`).

    Raises:
        UsageError: some are not.
    """
    from prep_corpus.pipeline.shards.published import joined, lost

    missing, published = lost(config.out, joined([keys]))
    if missing:
        raise UsageError(
            f"{config.out} has {counted(published, 'recording')} published, and {missing} of them are not in "
            f"{config.manifest} or cannot be read now; --force publishes without them, or choose another --out"
        )
