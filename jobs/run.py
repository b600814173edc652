"""`prep-corpus run`: read the manifest, probe, bundle, run the graph on this machine, show the ledgers."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from rich.console import Console

from prep_corpus.align.emissions import WindowOptions
from prep_corpus.align.errors import DeadLetter, UsageError
from prep_corpus.align.models import ModelInfo, load_model
from prep_corpus.align.text import TextOptions
from prep_corpus.augment.plan import NoiseOptions
from prep_corpus.filters.curve import Point
from prep_corpus.filters.linear import BUNDLED, Filter, bundled_filter, load_filter
from prep_corpus.jobs import display
from prep_corpus.jobs.report_command import write_after_run
from prep_corpus.pipeline import files
from prep_corpus.pipeline.bundles import ProbedRecording, cut_bundles, write_bundle
from prep_corpus.pipeline.close import OUTCOME_NAME, CloseOptions, Outcome, read_outcome
from prep_corpus.pipeline.config import DEFAULT_MAX_WER, RunConfig
from prep_corpus.pipeline.emit import EmitOptions
from prep_corpus.pipeline.graph import GraphOptions, build
from prep_corpus.pipeline.manifests import read_manifest
from prep_corpus.pipeline.noise import open_bank, pick_voices
from prep_corpus.pipeline.plan import PlanOptions
from prep_corpus.pipeline.probe import FingerprintCache, probe_all
from prep_corpus.pipeline.progress import BOARD
from prep_corpus.pipeline.segment import SegmentOptions
from prep_corpus.pipeline.stores import Store, digest_of
from prep_corpus.pipeline.transcript_checks import CHECKS_NAME, read_checks
from prep_corpus.pipeline.write import WriteOptions, manifest_digest

MARKER = "prep-corpus-run.json"
SUBMITTED_NAME = "submitted.json"
"""What is left of a submission, for `status`; a run that follows it on this machine takes its place."""
EXIT_INTERNAL_ERRORS = 3
EXIT_OVER_LIMIT = 4

# What moves no byte of the output.
_NOT_SETTINGS = ("out", "workers", "max_failed", "beam_options", "retune", "manifest")


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A manifest, read, probed and bundled.

    Attributes:
        bundles: digests, in order.
        bundle_seconds: expected audio in each.
        recordings: recordings in the bundles.
        dead_letters: what the manifest and the probe rejected.
        voices: recordings to make babble of, where that is asked for.
    """

    bundles: tuple[str, ...]
    bundle_seconds: tuple[float, ...]
    recordings: int
    dead_letters: tuple[DeadLetter, ...]
    voices: tuple[ProbedRecording, ...] = ()

    @property
    def entries(self) -> int:
        """Manifest entries, good and bad."""
        return self.recordings + len(self.dead_letters)

    @property
    def audio_seconds(self) -> float:
        """Expected audio."""
        return sum(self.bundle_seconds)


def settings_of(config: RunConfig) -> dict[str, Any]:
    """The settings that decide the output, as JSON takes them."""
    return {key: value for key, value in asdict(config).items() if key not in _NOT_SETTINGS}


def text_options(config: RunConfig) -> TextOptions:
    """How transcripts are normalised."""
    return TextOptions(
        strip_markup=config.strip_markup,
        strip_speakers=config.strip_speakers,
        strip_directions=config.strip_brackets,
    )


def check_places(config: RunConfig) -> None:
    """See in seconds that the stores and buckets of a run are there and may be used.

    Raises:
        UsageError: one is not; the message is one line.
    """
    files.use_options(pipeline_options(config))
    for uri in (config.manifest, config.noise, config.rooms):
        if uri is not None:
            files.check_place(uri)
    if not files.is_local(config.out):
        files.check_writable(config.out)


def claim_folder(config: RunConfig, force: bool) -> None:
    """Make the run folder ours, or find it ours.

    Raises:
        UsageError: it holds something else, or a finished run of other settings, and `force` is off.
    """
    marker = files.join(config.out, MARKER)
    settings = json.loads(json.dumps(settings_of(config)))
    if files.exists(marker):
        before = json.loads(files.read_bytes(marker))["settings"]
        changed = sorted(key for key in settings if before.get(key) != settings[key])
        if changed and files.exists(files.join(config.out, "manifest.json")) and not force:
            shown = ", ".join(f"{key}: {before.get(key)} -> {settings[key]}" for key in changed)
            raise UsageError(
                f"{config.out} holds a finished run of other settings ({shown}); --force replaces its shards "
                "and does again only what the change touches, or choose another --out"
            )
    elif not force and files.holds_files(config.out) and not files.exists(marker):
        # Else a twin has made it ours meanwhile.
        raise UsageError(
            f"{config.out} is not empty and holds no run of prep-corpus; choose another --out, or --force"
        )
    text = json.dumps({"program": "prep-corpus", "settings": settings}, indent=1).encode()
    files.write_atomic(marker, lambda file: file.write(text), replace=True)


def read_corpus(config: RunConfig, store: Store | None, console: Console | None) -> Corpus:
    """Read and probe a manifest, and put its bundles into the store where one is given."""
    cache_uri = files.join(config.work, "fingerprints.json")
    cache = FingerprintCache(cache_uri)
    letters: list[DeadLetter] = []

    probing = display.Probing(files.join(config.out, display.STATUS_NAME)) if store else None
    if probing is not None:
        probing.note(0)

    def note(probed: int) -> None:
        _say(console, f"probed {probed} recordings")
        if probing is not None:
            probing.note(probed)

    def good() -> Iterator[ProbedRecording]:
        entries = read_manifest(config.manifest, language=config.language)
        probed = probe_all(entries, cache, on_progress=note)
        for entry in probed:
            if isinstance(entry, DeadLetter):
                letters.append(entry)
            else:
                yield entry

    digests: list[str] = []
    seconds: list[float] = []
    recordings = 0
    voices: tuple[ProbedRecording, ...] = ()
    for bundle in cut_bundles(good()):
        if config.babble:
            voices = pick_voices([*voices, *bundle], config.seed)
        recordings += len(bundle)
        seconds.append(sum(probed.seconds for probed in bundle))
        digests.append(write_bundle(store, bundle).digest if store else "")
    if store:
        cache.save()
    return Corpus(
        bundles=tuple(digests),
        bundle_seconds=tuple(seconds),
        recordings=recordings,
        dead_letters=tuple(letters),
        voices=voices,
    )


def write_bundle_list(config: RunConfig, corpus: Corpus) -> str:
    """Put the digests of the bundles where the graph reads them; returns the URI."""
    listing = "\n".join(corpus.bundles).encode()
    uri = files.join(config.work, "bundles", f"list-{digest_of(corpus.bundles)}.txt")
    files.write_atomic(uri, lambda file: file.write(listing), replace=True)
    return uri


def open_filter(config: RunConfig, info: ModelInfo, console: Console | None) -> Filter:
    """The filter asked for, or the bundled one that was made for the model.

    Raises:
        UsageError: there is none for the model.
    """
    if config.filter is not None:
        fitted = (
            bundled_filter(config.filter) if config.filter in BUNDLED else load_filter(Path(config.filter))
        )
        if not fitted.fits(info.digest):
            _say(console, f"warning: the filter {config.filter} was fitted for another model: its word error "
                 "rates may not hold", style="yellow")  # fmt: skip
        return fitted
    bundled = [bundled_filter(name) for name in BUNDLED]
    exact = [fitted for fitted in bundled if fitted.fits(info.digest)]
    if exact:
        return exact[0]
    nearest = min(bundled, key=lambda fitted: abs(fitted.frame_seconds - info.frame_seconds))
    _say(console, f"warning: no bundled filter was fitted for the model {config.model}; one for another model with "
         f"frames of {1000 * nearest.frame_seconds:.0f} ms is used. Fit your own, and name it with --filter",
         style="yellow")  # fmt: skip
    return nearest


def operating_point(config: RunConfig, fitted: Filter, console: Console | None) -> Point:
    """The thresholds for the word error rate asked for; without one, the nearest to 1 % that can be reached."""
    if config.max_wer is not None:
        return fitted.point(config.max_wer, cut=config.cut)
    try:
        return fitted.point(DEFAULT_MAX_WER, cut=config.cut)
    except UsageError:
        best = min(point.wer_upper for point in fitted.level(config.cut).curve)
        _say(
            console,
            f"the filter cannot promise {DEFAULT_MAX_WER:.0%} wrong words; {best:.2%} is its best",
            style="yellow",
        )
        return fitted.point(best, cut=config.cut)


def plan_options(config: RunConfig) -> PlanOptions:
    """What shapes order, splits and shards."""
    return PlanOptions(
        seed=config.seed,
        order=config.order,  # type: ignore[arg-type]
        splits=config.splits,
        split_by=config.split_by,
        shard_bytes=round(config.shard_mb * 1e6),
    )


def write_options(
    config: RunConfig, sample_rate_hz: int, voices: tuple[ProbedRecording, ...] = ()
) -> WriteOptions:
    """What shapes noise and shards; opens the noise bank, so that bad clips are told before the start."""
    bank = open_bank(config.noise, sample_rate_hz, rooms_uri=config.rooms, voices=voices)
    return WriteOptions(
        formats=config.formats,  # type: ignore[arg-type]
        noise=NoiseOptions(
            fraction=config.noise_fraction,
            snr_db=config.snr_db,
            level_db=config.level_db,
            reverberant_fraction=config.room_fraction if config.rooms else 0.0,
        ),
        noise_uri=config.noise,
        rooms_uri=config.rooms,
        voices=voices,
        bank_digest=bank.digest,
        seed=config.seed,
        sample_rate_hz=sample_rate_hz,
        audio_format=config.audio_format,  # type: ignore[arg-type]
        gzip=config.tfrecord_gzip,
        published=manifest_digest(config.out),
    )


def segment_options(config: RunConfig, fitted: Filter, point: Point) -> SegmentOptions:
    """What shapes segments, with the identity that rows and manifest carry of it."""
    segment = SegmentOptions(
        cut=config.cut,
        filter=fitted,
        word_threshold=point.word_threshold,
        utterance_threshold=point.utterance_threshold,
        min_seconds=config.min_duration_seconds,
        max_seconds=config.max_duration_seconds,
        padding_seconds=config.padding_seconds,
        text=text_options(config),
        config_digest="",
    )
    # Not of order, shard size or noise, which are on record elsewhere.
    return replace(
        segment, config_digest=digest_of("config", segment.identity(), config.target_duration_seconds)
    )


def emit_options(config: RunConfig) -> EmitOptions:
    """How the model is run."""
    return EmitOptions(
        model=config.model,
        device=config.device,
        windows=WindowOptions(batch_rows=32 if config.device.startswith("cuda") else 4),
        text=text_options(config),
        threads=config.workers,
    )


def graph_options(
    config: RunConfig, corpus: Corpus, info: ModelInfo, fitted: Filter, point: Point, bundles_uri: str
) -> GraphOptions:
    """Hand every stage its part of the configuration."""
    segment = segment_options(config, fitted, point)
    k_identity = digest_of("k", info.digest, segment.identity(), config.target_duration_seconds)
    return GraphOptions(
        work=config.work,
        bundles_uri=bundles_uri,
        k_frames=config.min_pause_frames,
        k_uri=files.join(config.work, "k", f"{k_identity}.json"),
        target_samples=config.target_duration_seconds * info.sample_rate_hz,
        retune=config.retune,
        max_failed=config.max_failed,
        threads=config.workers,
        emit=emit_options(config),
        segment=segment,
        plan=plan_options(config),
        write=write_options(config, info.sample_rate_hz, corpus.voices),
        close=CloseOptions(
            out=config.out,
            entries=corpus.entries,
            early_letters=corpus.dead_letters,
            sample_rate_hz=info.sample_rate_hz,
            settings=settings_of(config),
            model_digest=info.digest,
            config_digest=segment.config_digest,
            seed=config.seed,
        ),
    )


def pipeline_options(config: RunConfig) -> PipelineOptions:
    """Beam's options; the local runner is always named, since the default one may try to download a binary."""
    given = list(config.beam_options)
    if not any(option.startswith("--runner") for option in given):
        given += ["--runner=FnApiRunner"]
    try:
        return PipelineOptions(given)
    except SystemExit as error:
        raise UsageError(f"Beam does not take these options: {' '.join(given)}") from error


def execute(
    config: RunConfig, *, dry_run: bool, force: bool, quiet: bool, with_report: bool = True
) -> int:
    """Run, and say how it went; returns the exit code."""
    console = Console(stderr=True, quiet=quiet)
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    check_places(config)
    model = load_model(config.model, config.device)
    fitted = open_filter(config, model.info, console)
    point = operating_point(config, fitted, console)
    if dry_run:
        from prep_corpus.jobs.dry_run import describe

        describe(config, model, fitted, point, console=Console())
        return 0
    # A manifest that cannot be read is told before anything is written.
    read_manifest(config.manifest, language=config.language)
    claim_folder(config, force)
    store = Store(config.work)
    corpus = read_corpus(config, store, console)
    if corpus.entries == 0:
        raise UsageError(f"{config.manifest}: the manifest is empty")
    _say(console, f"{corpus.entries} recordings, {corpus.audio_seconds / 3600:.2f} hours in {len(corpus.bundles)} "
         f"bundles; {len(corpus.dead_letters)} rejected before the start")  # fmt: skip
    if config.noise is None and config.noise_fraction > 0:
        _say(console, "no --noise given: generated white, pink and brown noise is used")
    bundles_uri = write_bundle_list(config, corpus)
    options = graph_options(config, corpus, model.info, fitted, point, bundles_uri)
    for stale in (OUTCOME_NAME, CHECKS_NAME, SUBMITTED_NAME):
        files.remove(files.join(config.out, stale))
    BOARD.clear()
    work = display.Work(
        bundles=len(corpus.bundles),
        audio_seconds=corpus.audio_seconds,
        recordings=corpus.recordings,
        rejected=dict(Counter(letter.reason for letter in corpus.dead_letters)),
        workers=config.workers,
    )
    status_uri = files.join(config.out, display.STATUS_NAME)
    if len(corpus.dead_letters) <= config.max_failed * corpus.entries:
        with display.shown_progress(work, status_uri, quiet=quiet, console=console):
            pipeline = beam.Pipeline(options=pipeline_options(config))
            build(pipeline, options)
            pipeline.run().wait_until_finish()
        outcome = read_outcome(config.out)
    else:
        outcome = _nothing_run(config, options)
        display.note_nothing_run(work, status_uri)
    code = report(config, outcome, quiet=quiet)
    if with_report:
        write_after_run(config.out, console)
    return code


def _nothing_run(config: RunConfig, options: GraphOptions) -> Outcome:
    from prep_corpus.pipeline.close import close_run

    return close_run(
        options.close,
        publish=False,
        k_frames=0,
        ledgers=[],
        letters=[],
        shards=[],
        stages=[],
    )


def report(config: RunConfig, outcome: Outcome, *, quiet: bool) -> int:
    """Print the ledgers and what to do next; returns the exit code."""
    console = Console(stderr=not outcome.published, quiet=quiet)
    from prep_corpus.pipeline.ledgers import Ledgers

    for table in display.ledger_tables(Ledgers.from_json(outcome.ledgers), outcome.sample_rate_hz):
        console.print(table)
        console.print()
    for reason, count in outcome.reasons.items():
        console.print(f"{count} recordings rejected: {reason}", highlight=False, soft_wrap=True)
    if outcome.failed:
        console.print(
            f"each with its message in {files.join(config.out, 'dead-letters.jsonl')}",
            highlight=False,
            soft_wrap=True,
        )
    for line in display.transcript_lines(read_checks(config.out)):
        console.print(line, highlight=False, soft_wrap=True)
    if not outcome.published:
        Console(stderr=True).print(
            f"{outcome.failed} of {outcome.entries} recordings failed, and --max-failed allows "
            f"{config.max_failed:.0%}: nothing was published",
            style="red",
            soft_wrap=True,
        )
        return EXIT_OVER_LIMIT
    written = ", ".join(f"{count} {name} files" for name, count in outcome.shards.items()) or "no shards"
    console.print(
        f"{outcome.utterances} utterances, {outcome.noisy} with noise, in {written} in {config.out}",
        highlight=False,
        soft_wrap=True,
    )
    return EXIT_INTERNAL_ERRORS if outcome.internal_errors else 0


def _say(console: Console | None, text: str, style: str | None = None) -> None:
    if console is not None:
        console.print(text, style=style, highlight=False, soft_wrap=True)
