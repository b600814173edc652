"""Whatever can be refused at once is refused here, before Beam, torch or the model is loaded.

Every command that works as a run calls it first; a run from Python comes by it too (`prepare_run`).
"""

from __future__ import annotations

import os

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.devices import check_device
from prep_corpus.align.model.naming import check_name
from prep_corpus.align.recognition.sources import READ_NOTHING
from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.cutting_settings import models_by_language
from prep_corpus.jobs.start.claim import check_claim
from prep_corpus.pipeline.inputs.forms import clip_uris, form_of
from prep_corpus.pipeline.storage import files


def check_early(
    config: RunConfig, *, force: bool = False, claims: bool = False, device: str | None = None
) -> None:
    """Refuse what can be refused in a fraction of a second; nothing is written.

    Args:
        config: settings of the command.
        force: as for `claim_folder`.
        device: where the model is loaded here, if not on the run's own.
        claims: whether the command makes `config.out` a run's folder.

    Raises:
        UsageError: something that was asked for cannot be; the message is one line.
    """
    if config.out:
        check_out(config.out)
    check_places(config)
    if files.is_local(config.manifest):
        # A name that leads nowhere is told before what reads manifests is imported.
        form_of(config.manifest)
        from prep_corpus.jobs.start.entries import manifest_entries

        entries = manifest_entries(config)
        if next(entries, None) is None:
            told = f" for {', '.join(config.only_languages)}" if config.only_languages else ""
            raise UsageError(f"{config.manifest}: the manifest is empty{told}")
    check_device(device or config.device)
    check_values(config)
    if claims:
        check_claim(config, force)


def check_values(config: RunConfig) -> None:
    """Refuse models, filters and clips that are not there, or cannot be what they are named for.

    Raises:
        UsageError: one is not; the message is one line.
    """
    if set(models_by_language(config.model)) != {""}:
        raise UsageError(
            f"--model by language ({config.model}) is for `prep-corpus run`; give one model, and --only-language"
        )
    check_name(config.model)
    if config.judge is not None:
        check_name(config.judge, "--judge")
    for option, given in (("--filter", config.filter), ("--read-filter", config.read_filter)):
        if given is not None and set(models_by_language(given, option)) != {""}:
            raise UsageError(
                f"{option} by language ({given}) goes with --model by language; give one filter for the one model"
            )
    if config.filter is not None or config.max_wer is not None:
        from prep_corpus.jobs.start.operating_point import check_filter

        check_filter(config)
    if config.read != READ_NOTHING:
        from prep_corpus.jobs.start.operating_point import check_read

        check_read(config)
    check_clips(config)


def check_clips(config: RunConfig) -> None:
    """Refuse noise and rooms of this machine that are not there.

    Raises:
        UsageError: one is not; the message is one line.
    """
    for place, option in ((config.noise, "--noise"), (config.rooms, "--rooms")):
        if place is not None and files.is_local(place):
            clip_uris(place, option=option)


def check_out(place: str, option: str = "--out") -> None:
    """See that a file or folder may be written at a path of this machine; elsewhere `check_places` looks.

    Raises:
        UsageError: what it would lie in is no folder, or is not ours to write to.
    """
    if not files.is_local(place):
        return
    standing = os.path.abspath(place)
    while not os.path.exists(standing):
        standing = os.path.dirname(standing)
    if not os.path.isdir(standing) or not os.access(standing, os.W_OK):
        raise UsageError(
            f"{option} {place}: {standing} is no folder that can be written to; choose another {option}"
        )


def check_file_out(place: str, option: str = "--out") -> None:
    """See that a file may be written at a path of this machine, whether or not there is one.

    Raises:
        UsageError: it is a folder, or its folder is not ours to write to, or its store cannot be reached.
    """
    if not files.is_local(place):
        files.check_place(place)
        return
    if os.path.isdir(place):
        raise UsageError(f"{option} {place} must be a file, and is a folder; choose another {option}")
    check_out(os.path.dirname(place) or ".", option)


def check_places(config: RunConfig) -> None:
    """See in seconds that the stores and buckets of a run are there and may be used.

    Raises:
        UsageError: one is not; the message is one line.
    """
    places = [uri for uri in (config.manifest, config.noise, config.rooms) if uri is not None]
    filters = (config.filter, config.read_filter)
    places += [name for name in filters if name is not None and not files.is_local(name)]
    if config.beam_options or not all(map(files.is_local, (*places, config.out))):
        from prep_corpus.jobs.start.beam_options import pipeline_options

        files.use_options(pipeline_options(config))
    for uri in places:
        files.check_place(uri)
    if not files.is_local(config.out):
        files.check_writable(config.out)
