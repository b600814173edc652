"""An estimate of what a run will need, before it is submitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prep_corpus.align.model.models import LoadedModel
from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.runs.dry_run import model_seconds_per_hour
from prep_corpus.jobs.start.corpus import Corpus
from prep_corpus.pipeline.inputs.bundles import read_bundle
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.stage_store import Store

GPU_CORES = 40.0
"""CPU cores that one GPU is taken to be worth to the model: an assumption, on the low side, and said to be one."""

_SAMPLED = 20
# As in dry_run.py: FLAC's share of 16 bits per sample, and CPU seconds per hour of everything but the model.
_FLAC_SHARE = 0.55
_OTHER_CPU_SECONDS_PER_HOUR = 25.0


@dataclass(frozen=True, kw_only=True)
class RunEstimate:
    """What a run will need, as far as its manifest tells.

    Attributes:
        recordings: recordings in the bundles.
        bundles: units of work; more workers than bundles would wait.
        audio_hours: expected audio.
        cpu_hours: hours of all stages but the model.
        model_hours: hours of the model and of a judge, in hours of one CPU core like this machine's.
        read_bytes: source audio, which is read twice.
        written_bytes: stage files and shards, at most.
    """

    recordings: int
    bundles: int
    audio_hours: float
    cpu_hours: float
    model_hours: float
    read_bytes: int
    written_bytes: int

    @property
    def gpu_hours(self) -> float:
        """Hours of one GPU that the model takes, where `GPU_CORES` holds."""
        return self.model_hours / GPU_CORES

    def lines(self, has_gpu: bool) -> list[str]:
        """For a person."""
        model = (
            f"about {self.gpu_hours:.2g} GPU hours (if a GPU does the work of {GPU_CORES:.0f} cores)"
            if has_gpu
            else f"about {self.model_hours:.2g} CPU hours"
        )
        return [
            f"estimate: {model} in the model and {self.cpu_hours:.2g} CPU hours besides; "
            f"{self.read_bytes / 1e9:.3g} GB to read, {self.written_bytes / 1e9:.3g} GB to write",
        ]


def estimate_run(
    config: RunConfig, corpus: Corpus, store: Store, models: Sequence[LoadedModel]
) -> RunEstimate:
    """Estimate from the bundles of a corpus, some of its files, and a few seconds of its models on this machine.

    Args:
        config: settings of the run.
        corpus: its recordings.
        store: holds the bundles.
        models: the model, and the judge where there is one.
    """
    audio_seconds = corpus.audio_seconds
    hours = audio_seconds / 3600
    emissions = sum(audio_seconds / one.info.frame_seconds * len(one.info.vocabulary) * 2 for one in models)
    encoded = audio_seconds * models[0].info.sample_rate_hz * 2 * _FLAC_SHARE
    return RunEstimate(
        recordings=corpus.recordings,
        bundles=len(corpus.bundles),
        audio_hours=hours,
        cpu_hours=hours * _OTHER_CPU_SECONDS_PER_HOUR / 3600,
        model_hours=hours * sum(map(model_seconds_per_hour, models)) / 3600,
        read_bytes=round(2 * audio_seconds * _bytes_per_second(corpus.bundles, store)),
        written_bytes=round(emissions + encoded * (1 + len(config.formats))),
    )


def _bytes_per_second(bundles: Sequence[str], store: Store) -> float:
    """Of the source audio, from the first whole files."""
    if not bundles:
        return 0.0
    whole = [one for one in read_bundle(store, bundles[0]) if not one.recording.sliced and one.seconds > 0]
    sample = whole[:_SAMPLED]
    seconds = sum(one.seconds for one in sample)
    return sum(files.size(one.recording.audio_uri) for one in sample) / seconds if seconds else 0.0
