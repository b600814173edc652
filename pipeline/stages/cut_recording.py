"""The whole cut function but for the utterance classifier: what measure tries and segment does."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from prep_corpus.align.cutting.cutting import CutOptions, Cuts, cut_paper, cut_words
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.text.normalize import TextOptions
from prep_corpus.align.words.evidence import Track
from prep_corpus.filters.linear import Filter
from prep_corpus.filters.scoring import score_words
from prep_corpus.pipeline.stages.align import AlignedRecording
from prep_corpus.pipeline.stages.emit import EmittedRecording


@dataclass(frozen=True, kw_only=True)
class SegmentOptions:
    """What measure and segment read of the configuration.

    Attributes:
        cut: "words" or "paper".
        filter: the fitted filter.
        word_threshold: lowest word score that counts as spoken.
        utterance_threshold: lowest utterance score that is kept.
        min_seconds, max_seconds, padding_seconds: see `CutOptions`.
        text: how transcripts are normalised.
        config_digest: goes into each row.
    """

    cut: str
    filter: Filter
    word_threshold: float
    utterance_threshold: float
    min_seconds: float
    max_seconds: float
    padding_seconds: float
    text: TextOptions
    config_digest: str

    def identity(self) -> list[object]:
        """All that decides the result, for a digest."""
        return [
            self.cut,
            self.filter.digest,
            self.word_threshold,
            self.utterance_threshold,
            self.min_seconds,
            self.max_seconds,
            self.padding_seconds,
            asdict(self.text),
            # The defaults that no option changes.
            asdict(self.cut_options(1, 1)),
        ]

    def cut_options(self, stride_samples: int, sample_rate_hz: int) -> CutOptions:
        """The same for a model's frames."""
        return CutOptions(
            stride_samples=stride_samples,
            sample_rate_hz=sample_rate_hz,
            min_seconds=self.min_seconds,
            max_seconds=self.max_seconds,
            padding_seconds=self.padding_seconds,
        )


def cut_recording(
    aligned: AlignedRecording,
    emitted: EmittedRecording,
    seen: Track,
    info: ModelInfo,
    options: SegmentOptions,
    k_frames: int,
) -> Cuts:
    """The whole cut function but for the utterance classifier: what measure tries and segment does."""
    shape = options.cut_options(info.stride_samples, info.sample_rate_hz)
    if options.cut == "paper":
        return cut_paper(seen, aligned.words, k_frames=k_frames, options=shape, levels=emitted.levels)
    spoken_W = score_words(aligned.evidence_WF, options.filter) >= options.word_threshold
    return cut_words(seen, aligned.words, spoken_W, k_frames=k_frames, options=shape, levels=emitted.levels)
