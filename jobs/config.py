"""The configuration of a run: what the command line builds and the graph hands out, field by field."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from prep_corpus.align.errors import UsageError

FORMATS = ("parquet", "tfrecord", "webdataset", "shar")
DEFAULT_MAX_WER = 0.01


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """All settings of a run.

    Attributes:
        manifest: local path or URI of the manifest, folder or Kaldi directory.
        out: local path or URI of the run folder.
        model: name of the acoustic model, see `prep_corpus.align.model.models`.
        filter: path of a filter file, the name of a bundled one, or None for the one made for the model.
        cut: "words" or "paper".
        max_wer: highest share of wrong words asked for, or None for the filter's default.
        target_duration_seconds: mean length that utterances are cut for.
        min_duration_seconds: shorter utterances are dropped.
        max_duration_seconds: longer utterances are cut again, or dropped.
        padding_seconds: most that an utterance reaches out past its first and last token.
        min_pause_frames: k; None to choose it for the target.
        retune: choose k anew although the run has one.
        noise: folder or manifest of noise clips, or None for generated noise.
        babble: add babble made of the corpus's own recordings to the noise.
        noise_fraction: share of utterances that get noise, 0 to 1.
        snr_db: lowest and highest signal-to-noise ratio.
        level_db: lowest and highest gain of noisy utterances, or None to leave levels alone.
        rooms: folder or manifest of room impulse responses, or None.
        room_fraction: share of the noisy utterances that are put into a room.
        formats: shard formats.
        audio_format: "flac", "wav" or "opus", of the audio inside the shards.
        tfrecord_gzip: compress TFRecord files.
        shard_mb: target size of a shard, in 10^6 bytes.
        splits: share of each split by name; they add up to 1.
        split_by: "auto" (speaker where known, else recording), "speaker" or "recording".
        order: "shuffle" or "length".
        seed: of every random choice.
        language: of recordings whose manifest entry names none.
        strip_markup: leave HTML and Markdown marks out of transcripts.
        strip_speakers: leave "NAME:" at line starts out of transcripts; None: of scripts and subtitles alone.
        strip_brackets: leave bracketed stage directions out of transcripts; None likewise.
        device: where the model runs.
        workers: threads; no part of any result.
        max_failed: share of recordings that may fail before nothing is published.
        beam_options: options for Beam, as after `--`.
    """

    manifest: str
    out: str
    model: str = "english"
    filter: str | None = None
    cut: str = "words"
    max_wer: float | None = None
    target_duration_seconds: float = 7.0
    min_duration_seconds: float = 0.5
    max_duration_seconds: float = 20.0
    padding_seconds: float = 0.2
    min_pause_frames: int | None = None
    retune: bool = False
    noise: str | None = None
    babble: bool = False
    noise_fraction: float = 0.4
    snr_db: tuple[float, float] = (0.0, 30.0)
    level_db: tuple[float, float] | None = None
    rooms: str | None = None
    room_fraction: float = 0.5
    formats: tuple[str, ...] = ("parquet",)
    audio_format: str = "flac"
    tfrecord_gzip: bool = False
    shard_mb: float = 256.0
    splits: tuple[tuple[str, float], ...] = (("train", 1.0),)
    split_by: str = "auto"
    order: str = "shuffle"
    seed: int = 0
    language: str = "en"
    strip_markup: bool = False
    strip_speakers: bool | None = None
    strip_brackets: bool | None = None
    device: str = "cpu"
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    max_failed: float = 0.1
    beam_options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.cut not in ("words", "paper"):
            raise UsageError(f"--cut must be words or paper, not {self.cut!r}")
        for name, share in (
            ("--noise-fraction", self.noise_fraction),
            ("--room-fraction", self.room_fraction),
            ("--max-failed", self.max_failed),
        ):
            if not 0 <= share <= 1:
                raise UsageError(f"{name} must lie between 0 and 1, not {share}")
        if self.max_wer is not None and not 0 < self.max_wer < 1:
            raise UsageError(
                f"--max-wer is a share, such as 0.01 for 1 %, between 0 and 1; not {self.max_wer}"
            )
        lengths = (self.min_duration_seconds, self.target_duration_seconds, self.max_duration_seconds)
        if not 0 < lengths[0] <= lengths[1] <= lengths[2]:
            raise UsageError(
                "--min-duration <= --target-duration <= --max-duration must hold and be positive, "
                f"not {lengths[0]}, {lengths[1]}, {lengths[2]}"
            )
        if self.snr_db[0] > self.snr_db[1]:
            raise UsageError(f"--snr-db takes MIN MAX, and {self.snr_db[0]} is over {self.snr_db[1]}")
        if self.shard_mb <= 0:
            raise UsageError(f"--shard-mb must be positive, not {self.shard_mb}")
        unknown = set(self.formats) - set(FORMATS)
        if unknown or not self.formats:
            raise UsageError(
                f"--format must be of {', '.join(FORMATS)}, not {', '.join(sorted(unknown)) or 'none'}"
            )
        if abs(sum(share for _, share in self.splits) - 1) > 1e-6:
            raise UsageError(
                f"--split shares must add up to 1, not {sum(share for _, share in self.splits):g}"
            )
        if self.workers < 1:
            raise UsageError(f"--workers must be at least 1, not {self.workers}")

    @property
    def work(self) -> str:
        """Folder of the stage files."""
        return self.out.rstrip("/") + "/work"
