"""Every stage's part of the configuration of a run: plain values, nothing is opened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.emissions import WindowOptions
from prep_corpus.align.model.models import ModelInfo, load_judge
from prep_corpus.align.recognition.recognised import check_tells_words
from prep_corpus.align.recognition.sources import READ_NOTHING
from prep_corpus.align.text.normalize import TextOptions
from prep_corpus.augment.plan import NoiseOptions
from prep_corpus.filters.curve import OperatingPoint
from prep_corpus.filters.judge_evidence import letters_in_common
from prep_corpus.filters.linear import Filter
from prep_corpus.jobs.config import SETTINGS, RunConfig, settings_of
from prep_corpus.jobs.start.corpus import Corpus
from prep_corpus.jobs.start.operating_point import recognition_filter, recognition_points
from prep_corpus.pipeline.graph import GraphOptions
from prep_corpus.pipeline.inputs.bundles import ProbedRecording
from prep_corpus.pipeline.recognition.judge import JudgeOptions
from prep_corpus.pipeline.recognition.uncovered import RecognitionOptions
from prep_corpus.pipeline.stages.close import CloseOptions
from prep_corpus.pipeline.stages.cut_recording import SegmentOptions
from prep_corpus.pipeline.stages.emit import JUDGE, EmitOptions, kind_of_place
from prep_corpus.pipeline.stages.plan import PlanOptions
from prep_corpus.pipeline.stages.write import WriteOptions
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.digests import digest_of


@dataclass(frozen=True, kw_only=True)
class ShardPlace:
    """What shards depend on beside the settings.

    Attributes:
        sample_rate_hz: rate of the clips.
        voices: recordings of the corpus that babble is made of, or none.
        bank_digest: digest of all noise clips and rooms.
        published: digest of the manifest that stands in the run folder, or "".
    """

    sample_rate_hz: int
    voices: tuple[ProbedRecording, ...] = ()
    bank_digest: str
    published: str


def handed_to(config: RunConfig, stage: str) -> dict[str, Any]:
    """The settings that a stage's options take as they are, by the names that they have there."""
    return {
        field: getattr(config, one.name)
        for one in SETTINGS
        for part, _, field in (place.partition(".") for place in one.to)
        if part == stage and field
    }


def text_options(config: RunConfig) -> TextOptions:
    """How transcripts are normalised."""
    return TextOptions(**handed_to(config, "text"))


def emit_options(config: RunConfig, info: ModelInfo) -> EmitOptions:
    """How the model is run; a worker refuses another one of the same name."""
    return EmitOptions(
        windows=WindowOptions.for_device(config.device),
        text=text_options(config),
        model_digest=info.digest,
        **handed_to(config, "emit"),
    )


def judge_emit_options(config: RunConfig, judge: JudgeOptions) -> EmitOptions:
    """How the judge is run beside the model."""
    own = {**handed_to(config, "emit"), "model": config.judge}
    return EmitOptions(
        windows=WindowOptions.for_device(config.device),
        text=text_options(config),
        model_digest=judge.info.digest,
        stage=JUDGE,
        **own,
    )


def judge_options(config: RunConfig, info: ModelInfo, device: str) -> JudgeOptions | None:
    """What the judge's emissions are found by; None where the run has none. It is loaded for that.

    Args:
        config: settings of the run.
        info: of the model that is judged.
        device: to load it on here.

    Raises:
        UsageError: it cannot be loaded, is the model itself, or its words cannot be compared with the model's.
    """
    if config.judge is None:
        return None
    judge = load_judge(config.judge, device)
    if judge.info.digest == info.digest:
        raise UsageError(f"--judge {config.judge} is the model itself, which agrees with everything")
    check_tells_words(judge.info)
    letters_in_common(info, judge.info)
    windows = WindowOptions.for_device(config.device).fitting(judge.context_seconds)
    return JudgeOptions(info=judge.info, windows=windows, runs_on=kind_of_place(judge, config.device))


def segment_options(
    config: RunConfig, info: ModelInfo, fitted: Filter, point: OperatingPoint, judge: JudgeOptions | None
) -> SegmentOptions:
    """What shapes segments, with the identity that rows and manifest carry of it."""
    segment = SegmentOptions(
        recognised=recognition_options(config, info.digest, judge),
        filter=fitted,
        word_threshold=point.word_threshold,
        utterance_threshold=point.utterance_threshold,
        text=text_options(config),
        config_digest="",
        **handed_to(config, "segment"),
    )
    # Not of order, shard size or noise, which are on record elsewhere.
    return replace(
        segment,
        config_digest=digest_of(
            "config", segment.identity(), config.target_duration_seconds, *segment.row_identity()
        ),
    )


def recognition_options(
    config: RunConfig, model_digest: str, judge: JudgeOptions | None
) -> RecognitionOptions | None:
    """How far what the model hears is trusted; None where none of it is kept.

    Raises:
        UsageError: nothing can be promised of what this model hears, or not so low a word error rate.
    """
    if config.read == READ_NOTHING:
        return None
    fitted = recognition_filter(config, model_digest)
    alone, with_text = recognition_points(config, fitted)
    return RecognitionOptions(
        filter=fitted,
        alone=alone,
        with_text=with_text,
        mode=config.read,
        judge=judge,
    )


def k_uri_of(config: RunConfig, info: ModelInfo, segment: SegmentOptions) -> str:
    """Where a run keeps the shortest pause that it has picked."""
    read = [] if segment.recognised is None else segment.recognised.identity()
    identity = digest_of("k", info.digest, segment.identity(), config.target_duration_seconds, *read)
    return files.join(config.work, "k", f"{identity}.json")


def plan_options(config: RunConfig) -> PlanOptions:
    """What shapes order, splits and shards."""
    return PlanOptions(shard_bytes=round(config.shard_mb * 1e6), **handed_to(config, "plan"))


def write_options(config: RunConfig, place: ShardPlace) -> WriteOptions:
    """What shapes noise and shards."""
    return WriteOptions(
        noise=NoiseOptions(
            reverberant_fraction=config.room_fraction if config.rooms else 0.0, **handed_to(config, "noise")
        ),
        voices=place.voices,
        bank_digest=place.bank_digest,
        sample_rate_hz=place.sample_rate_hz,
        published=place.published,
        **handed_to(config, "write"),
    )


def graph_options(
    config: RunConfig,
    corpus: Corpus,
    info: ModelInfo,
    segment: SegmentOptions,
    place: ShardPlace,
    bundles_uri: str,
) -> GraphOptions:
    """Hand every stage its part of the configuration."""
    judge = None if segment.recognised is None else segment.recognised.judge
    return GraphOptions(
        work=config.work,
        bundles_uri=bundles_uri,
        k_frames=config.min_pause_frames,
        k_uri=k_uri_of(config, info, segment),
        target_samples=config.target_duration_seconds * info.sample_rate_hz,
        retune=config.retune,
        max_failed=config.max_failed,
        threads=config.workers,
        emit=emit_options(config, info),
        judge=None if judge is None else judge_emit_options(config, judge),
        segment=segment,
        plan=plan_options(config),
        write=write_options(config, place),
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
