"""How every command that works as a run does gets ready: one way from a config to a graph's options.

    prepare_run   check places ─ load the model ─ filter and operating point          run, submit, align, evaluate
    read_bundles  read the manifest ─ probe ─ cut into bundles                        run, submit, align
    start_run     claim the folder ─ read_bundles ─ every stage's options             run, submit

`prepare_run` writes nothing, so that a dry run may stop after it.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from rich.console import Console

from prep_corpus.align.language_tags import primary_of
from prep_corpus.align.model.models import LoadedModel, load_model
from prep_corpus.align.model.naming import BUNDLED_MODELS
from prep_corpus.filters.curve import OperatingPoint
from prep_corpus.filters.linear import Filter
from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.public_models import PUBLIC_MODELS
from prep_corpus.jobs.runs.stage_options import (
    ShardPlace,
    emit_options,
    graph_options,
    judge_options,
    recognition_options,
    segment_options,
)
from prep_corpus.jobs.screen.plain_text import counted
from prep_corpus.jobs.screen.printing import print_line, print_warning
from prep_corpus.jobs.screen.stage_lines import Work
from prep_corpus.jobs.start.claim import claim_folder, refuse_losses
from prep_corpus.jobs.start.corpus import Corpus, read_corpus, write_bundle_list
from prep_corpus.jobs.start.early import check_early
from prep_corpus.jobs.start.entries import manifest_entries
from prep_corpus.jobs.start.operating_point import NoFilter, filter_at_hand, open_filter, operating_point
from prep_corpus.pipeline.graph import GraphOptions
from prep_corpus.pipeline.inputs.bundles import ProbedRecording
from prep_corpus.pipeline.inputs.noise import open_bank
from prep_corpus.pipeline.progress import BOARD, STAGES, STAGES_WITH_JUDGE
from prep_corpus.pipeline.recognition.judge import JudgeOptions
from prep_corpus.pipeline.run_files import CHECKS_NAME, OUTCOME_NAME, SUBMITTED_NAME
from prep_corpus.pipeline.stages.cut_recording import SegmentOptions
from prep_corpus.pipeline.stages.emit import EmitOptions
from prep_corpus.pipeline.stages.failures import most_failed
from prep_corpus.pipeline.stages.write import manifest_digest
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.stage_store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PreparedRun:
    """What a config says of a run before its corpus is read.

    Attributes:
        config: settings of the run.
        model: loaded.
        console: where warnings go, or None.
        own: the filter that the run has fitted on its own corpus.
        judge: a second model that reads the same, or None.
    """

    config: RunConfig
    model: LoadedModel
    console: Console | None
    own: Filter | None = None
    judge: JudgeOptions | None = None

    @property
    def store(self) -> Store:
        """The run's stage files."""
        return Store(self.config.work)

    @cached_property
    def fitted(self) -> Filter:
        """The filter; warns where it was not made for the model.

        Raises:
            NoFilter: none was fitted for the model.
        """
        return self.own or open_filter(self.config, self.model.info, self.console)

    @cached_property
    def must_fit(self) -> bool:
        """Whether no filter is at hand for the model, so that a run must fit one on its corpus."""
        return self.own is None and filter_at_hand(self.config, self.model.info, None) is None

    @cached_property
    def has_filter(self) -> bool:
        """Whether there is a filter: one at hand, or one that an earlier run in the folder has fitted."""
        try:
            _ = self.fitted
        except NoFilter:
            return False
        return True

    @cached_property
    def point(self) -> OperatingPoint:
        """The thresholds; warns where the filter cannot promise the default error rate."""
        return operating_point(self.config, self.fitted, self.console)

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages of the run, in their order."""
        return STAGES if self.judge is None else STAGES_WITH_JUDGE

    @property
    def emit(self) -> EmitOptions:
        """How the model is run."""
        return emit_options(self.config, self.model.info)

    @property
    def segment(self) -> SegmentOptions:
        """How recordings are cut and filtered."""
        return segment_options(self.config, self.model.info, self.fitted, self.point, self.judge)


@dataclass(frozen=True, kw_only=True)
class BundledCorpus:
    """The corpus of a run, in the store.

    Attributes:
        corpus: read, probed and bundled.
        bundles_uri: text file with the digest of one bundle a line.
        work: what there is to do, for the display.
    """

    corpus: Corpus
    bundles_uri: str
    work: Work


Fit = Callable[[PreparedRun, BundledCorpus], Filter]
"""Fits a filter on a run's corpus."""


@dataclass(frozen=True, kw_only=True)
class StartedRun:
    """A run whose folder is ours and whose graph can be built.

    Attributes:
        config: settings of the run.
        corpus: read, probed and bundled.
        options: options of the graph.
        work: what there is to do, for the display.
    """

    config: RunConfig
    corpus: Corpus
    options: GraphOptions
    work: Work

    @property
    def too_many_rejected(self) -> bool:
        """Whether the manifest and the probe rejected more than --max-failed allows."""
        return too_many_rejected(self.config, self.corpus)


def too_many_rejected(config: RunConfig, corpus: Corpus) -> bool:
    """Whether the manifest and the probe rejected more than --max-failed allows."""
    return len(corpus.dead_letters) > most_failed(config.max_failed, corpus.entries)


def prepare_run(
    config: RunConfig,
    console: Console | None,
    *,
    load_on: str | None = None,
    cuts: bool = True,
    may_fit: bool = False,
) -> PreparedRun:
    """Check a run's places, load its model, and choose its filter and thresholds.

    Args:
        config: settings of the run.
        console: where warnings go, or None.
        load_on: device to load the model on here, where the run's own is another machine's.
        cuts: whether recordings will be cut; else no filter is asked for.
        may_fit: whether a filter is fitted on the corpus where none is at hand for the model.

    Raises:
        UsageError: a place cannot be used, the manifest cannot be read, or the model, filter or error rate cannot be
            had.
    """
    check_early(config, device=load_on)
    model = load_model(config.model, load_on or config.device)
    if foreign := _foreign_language(config):
        print_warning(console, foreign)
    log.info("model %s on %s, digest %s", config.model, model.device, model.info.digest)
    judge = judge_options(config, model.info, model.device) if cuts else None
    prepared = PreparedRun(config=config, model=model, console=console, judge=judge)
    if cuts:
        _ = recognition_options(config, model.info.digest, judge)
    if cuts and not (may_fit and prepared.must_fit):
        # Warnings and refusals come now, before anything is written.
        _ = prepared.point
    return prepared


def _foreign_language(config: RunConfig) -> str:
    """A warning where the model was made for another language than the texts, as far as that is known of it."""
    tag = primary_of(config.language)
    public = next((one for one in PUBLIC_MODELS if one.name == config.model), None)
    languages = ("en",) if config.model in BUNDLED_MODELS else public.languages if public else (tag,)
    if tag in languages or languages == ("many",):
        return ""
    return (
        f"warning: the model {config.model} was made for the language {', '.join(languages)}, and --language is "
        f"{config.language}: what it hears there is worth little (`prep-corpus models` lists others)"
    )


def shard_place(
    config: RunConfig, sample_rate_hz: int, voices: tuple[ProbedRecording, ...] = ()
) -> ShardPlace:
    """What shards depend on beside the settings; reads the noise bank, so that bad clips are told before the start."""
    bank = open_bank(config.noise, sample_rate_hz, rooms_uri=config.rooms, voices=voices)
    return ShardPlace(
        sample_rate_hz=sample_rate_hz,
        voices=voices,
        bank_digest=bank.digest,
        published=manifest_digest(config.out),
    )


def read_bundles(prepared: PreparedRun, *, stages: Sequence[str] = STAGES) -> BundledCorpus:
    """Read and probe the manifest, and put its bundles into the store.

    Args:
        prepared: the run.
        stages: those that the display shows.

    Raises:
        UsageError: the manifest is empty or cannot be read.
    """
    config = prepared.config
    corpus = read_corpus(config, prepared.store, prepared.console)
    print_line(
        prepared.console,
        f"{counted(corpus.entries, 'recording')}, {corpus.audio_seconds / 3600:.2f} hours in "
        f"{counted(len(corpus.bundles), 'bundle')}; "
        f"{len(corpus.dead_letters)} rejected before the start",
    )
    BOARD.clear()
    return BundledCorpus(
        corpus=corpus,
        bundles_uri=write_bundle_list(config, corpus),
        work=Work(
            bundles=len(corpus.bundles),
            audio_seconds=corpus.audio_seconds,
            recordings=corpus.recordings,
            rejected=dict(Counter(letter.reason for letter in corpus.dead_letters)),
            workers=config.workers,
            stages=stages,
        ),
    )


def start_run(prepared: PreparedRun, *, force: bool, fit: Fit | None = None) -> StartedRun:
    """Claim the folder, read the corpus, and hand every stage its options.

    Args:
        prepared: the run.
        force: write into a folder that is no run, or replace a finished run of other settings.
        fit: fits a filter on the corpus, where none is at hand for the model.

    Raises:
        UsageError: the folder is not ours, or the manifest cannot be read.
    """
    config = prepared.config
    # A manifest that cannot be read is told before anything is written.
    manifest_entries(config)
    claim_folder(config, force)
    bundled = read_bundles(prepared, stages=prepared.stages)
    if not force:
        refuse_losses(config, bundled.corpus.keys)
    if config.noise is None and config.noise_fraction > 0:
        print_line(prepared.console, "no --noise given: generated white, pink and brown noise is used")
    if fit is not None and prepared.must_fit:
        prepared = replace(prepared, own=fit(prepared, bundled))
        _ = prepared.point
    info = prepared.model.info
    place = shard_place(config, info.sample_rate_hz, bundled.corpus.voices)
    options = graph_options(config, bundled.corpus, info, prepared.segment, place, bundled.bundles_uri)
    for stale in (OUTCOME_NAME, CHECKS_NAME, SUBMITTED_NAME):
        files.remove(files.join(config.out, stale))
    options = replace(options, close=replace(options.close, force=force, k_uri=options.k_uri))
    return StartedRun(config=config, corpus=bundled.corpus, options=options, work=bundled.work)
