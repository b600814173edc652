"""Every stage's part of the configuration of a run."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.emissions import WindowOptions
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.text.normalize import TextOptions
from prep_corpus.augment.plan import NoiseOptions
from prep_corpus.filters.curve import OperatingPoint
from prep_corpus.filters.linear import Filter
from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.runs.corpus import Corpus
from prep_corpus.pipeline.graph import GraphOptions
from prep_corpus.pipeline.inputs.bundles import ProbedRecording
from prep_corpus.pipeline.inputs.noise import open_bank
from prep_corpus.pipeline.stages.close import CloseOptions
from prep_corpus.pipeline.stages.cut_recording import SegmentOptions
from prep_corpus.pipeline.stages.emit import EmitOptions
from prep_corpus.pipeline.stages.plan import PlanOptions
from prep_corpus.pipeline.stages.write import WriteOptions, manifest_digest
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.stage_store import digest_of

# What moves no byte of the output.
_NOT_SETTINGS = ("out", "workers", "max_failed", "beam_options", "retune", "manifest")


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


def segment_options(config: RunConfig, fitted: Filter, point: OperatingPoint) -> SegmentOptions:
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
    config: RunConfig,
    corpus: Corpus,
    info: ModelInfo,
    fitted: Filter,
    point: OperatingPoint,
    bundles_uri: str,
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
        emit=replace(emit_options(config), model_digest=info.digest),
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
