"""The settings of a run, each declared once; see docs/adding-a-setting.md."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from prep_corpus.align.errors import UsageError
from prep_corpus.align.language_tags import UNKNOWN_LANGUAGE, is_known
from prep_corpus.align.recognition.sources import READ_MODES, READ_NOTHING, READ_REPAIR, READ_SPLIT_ENDING
from prep_corpus.align.text.styles import CLEAN, TEXT_STYLES
from prep_corpus.jobs.cutting_settings import CuttingSettings
from prep_corpus.jobs.settings import (
    AT_LEAST_1,
    FAILURES,
    MACHINE,
    ROWS,
    SHARE,
    TEXT,
    Parameter,
    Setting,
    setting,
    settings_of_class,
)
from prep_corpus.jobs.shard_settings import FORMATS as FORMATS
from prep_corpus.jobs.shard_settings import ShardSettings

DEFAULT_MAX_WER = 0.01


@dataclass(frozen=True, kw_only=True)
class RunConfig(ShardSettings, CuttingSettings):
    """All settings of a run; each declaration says what it is.

    Attributes:
        manifest: local path or URI of the manifest, folder or Kaldi directory.
        out: local path or URI of the run folder.
        beam_options: options for Beam, as after `--`.
    """

    manifest: str
    out: str
    language: str = setting(
        "en",
        "--language",
        "Language of recordings whose entry names none.",
        group=TEXT,
        to="bundles",
        parameter=Parameter(regex="^[a-z]{2,3}(-[A-Za-z0-9]+)*$"),
    )
    only_languages: tuple[str, ...] = setting(
        (),
        "--only-language",
        "Take recordings of this language alone, by its tag as the manifest has it; may be repeated.",
        kind=str,
        repeated=True,
        default_about="all",
        group=TEXT,
        to="bundles",
        parameter=Parameter(
            label="Languages",
            regex="^[a-z]{2,3}(-[A-Za-z0-9]+)*(,[a-z]{2,3}(-[A-Za-z0-9]+)*)*$",
        ),
    )
    strip_markup: bool = setting(
        False,
        "--strip-markup",
        "Leave HTML and Markdown marks out of transcripts.",
        group=TEXT,
        to="text.strip_markup",
    )
    strip_speakers: bool | None = setting(
        None,
        "--strip-speakers",
        "Leave NAME: at line starts out of transcripts.",
        kind=bool,
        off_flag="--keep-speakers",
        default_about="of HTML, Markdown and subtitles",
        group=TEXT,
        to="text.strip_speakers",
    )
    strip_brackets: bool | None = setting(
        None,
        "--strip-brackets",
        "Leave [stage directions] out of transcripts.",
        kind=bool,
        off_flag="--keep-brackets",
        default_about="of HTML, Markdown and subtitles",
        group=TEXT,
        to="text.strip_directions",
    )
    text_style: str = setting(
        CLEAN,
        "--text-style",
        "What the column text holds: what is said, on one line (clean), the transcript's own characters (written), "
        "or what the model reads (normalized).",
        choices=TEXT_STYLES,
        group=ROWS,
        to="segment.text_style",
    )
    word_times: bool = setting(
        False,
        "--word-times",
        "Add a column word_times: for each word its text, start, end, score and speaker.",
        group=ROWS,
        to=("segment.word_times", "write.word_times"),
    )
    read: str = setting(
        READ_NOTHING,
        "--read",
        "Keep also what the model reads, under the same --max-wer: in place of wrong words between right ones "
        "(repair), where no utterance of the transcript stands (uncovered), or both and recordings without any "
        "transcript (all); a column text_source says whose a text is.",
        choices=READ_MODES,
        group=ROWS,
        to=("bundles", "segment", "write.read"),
    )
    read_filter: str | None = setting(
        None,
        "--read-filter",
        "Recognition filter that says how far to trust what the model reads with --read.",
        kind=str,
        metavar="FILE.json",
        default_about="the bundled one of the model",
        group=ROWS,
        to="segment",
        parameter=Parameter(
            about="A recognition filter inside the image or on gs://.", regex="^(/|gs://).+\\.json$"
        ),
    )
    judge: str | None = setting(
        None,
        "--judge",
        "A second model, named as for --model, whose agreement is evidence for what the model reads with --read.",
        kind=str,
        metavar="MODEL",
        default_about="none",
        group=ROWS,
        to="segment",
        parameter=Parameter(label="Judge", regex="^.+$"),
    )
    sample_rate: str = setting(
        "model",
        "--sample-rate",
        "Rate of the audio in the shards: the model's, or that of each file (source), cut at the same places.",
        choices=("model", "source"),
        group=ROWS,
        to="segment.sample_rate",
    )
    romanize: bool = setting(
        False,
        "--romanize",
        "Spell other scripts in Latin letters, for models that know no others.",
        group=TEXT,
        to="text.romanize",
    )
    device: str = setting(
        "cpu",
        "--device",
        "Device of the model: cpu or cuda.",
        default_about="cuda where there is one",
        group=MACHINE,
        to="emit.device",
        parameter=None,
    )
    workers: int = setting(
        lambda: os.cpu_count() or 1,
        "--workers",
        "Number of threads; no part of any result.",
        kind=int,
        allowed=AT_LEAST_1,
        default_about="all cores",
        group=MACHINE,
        to="emit.threads",
        moves_bytes=False,
        parameter=None,
    )
    max_failed: float = setting(
        0.1,
        "--max-failed",
        "Share of recordings that may fail before nothing is published.",
        allowed=SHARE,
        group=FAILURES,
        to="close",
        moves_bytes=False,
        parameter=Parameter(
            label="Failures allowed", about="Share of recordings that may fail before nothing is published."
        ),
    )
    beam_options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for one in SETTINGS:
            one.check(getattr(self, one.name))
        for flag, tag in (
            ("--language", self.language),
            *(("--only-language", t) for t in self.only_languages),
        ):
            if not is_known(tag) and tag != UNKNOWN_LANGUAGE:
                raise UsageError(
                    f"{flag} must be a language tag that begins with ISO 639, such as en, de-AT or swh; not {tag!r}"
                )
        if self.read == READ_REPAIR and self.cut == "paper":
            raise UsageError(
                "--read repair mends what --cut words would cut around: it needs --cut words, not paper"
            )
        if self.split_read and self.read == READ_NOTHING:
            raise UsageError(
                "--split-read parts what the model reads: it needs --read repair, uncovered or all"
            )
        for flag, given in (("--judge", self.judge), ("--read-filter", self.read_filter)):
            if given is not None and self.read == READ_NOTHING:
                raise UsageError(
                    f"{flag} is for what the model reads: it needs --read repair, uncovered or all"
                )
        if self.judge == self.model:
            raise UsageError(
                f"--judge must be another model than --model, or it agrees with everything; both are {self.model}"
            )
        if self.split_read and any(name.endswith(READ_SPLIT_ENDING) for name, _ in self.splits):
            raise UsageError(f"--split-read names splits with {READ_SPLIT_ENDING}: no --split may end so")
        if self.beam_options and not self.beam_options[0].startswith("-"):
            raise UsageError(
                f"{self.beam_options[0]!r} is one word too many: beside what is asked for there may be options "
                "alone, and those of Apache Beam behind --"
            )
        lengths = (self.min_duration_seconds, self.target_duration_seconds, self.max_duration_seconds)
        if not lengths[0] <= lengths[1] <= lengths[2]:
            raise UsageError(
                "--min-duration <= --target-duration <= --max-duration must hold, "
                f"not {lengths[0]:g}, {lengths[1]:g}, {lengths[2]:g}"
            )
        for name, span in (("--snr-db", self.snr_db), ("--level-db", self.level_db)):
            if span is not None and not span[0] <= span[1]:
                raise UsageError(f"{name} takes MIN MAX, and {span[0]} is not at most {span[1]}")
        if self.sample_rate == "source" and self.noise_fraction > 0:
            raise UsageError(
                "--sample-rate source keeps the rate of each file, and noise is mixed at the model's: it needs "
                f"--noise-fraction 0, not {self.noise_fraction:g}"
            )
        if self.sample_rate == "source" and self.audio_format == "opus":
            raise UsageError(
                "--sample-rate source keeps the rate of each file, and Opus knows few of them: it needs --audio-format "
                "flac or wav"
            )
        if not self.formats:
            raise UsageError(f"--format must be of {', '.join(FORMATS)}, not none")
        if not abs(sum(share for _, share in self.splits) - 1) <= 1e-6:
            raise UsageError(
                f"--split shares must add up to 1, not {sum(share for _, share in self.splits):g}"
            )

    @property
    def work(self) -> str:
        """Folder of the stage files."""
        return self.out.rstrip("/") + "/work"


SETTINGS: tuple[Setting, ...] = settings_of_class(RunConfig)
"""All settings, in the order in which marker, manifest and `--config` file list them."""


def settings_of(config: RunConfig) -> dict[str, Any]:
    """The settings that decide the output, as JSON takes them."""
    values = asdict(config)
    return {one.name: values[one.name] for one in SETTINGS if one.moves_bytes}


def config_of(settings: Mapping[str, Any], *, manifest: str = "", out: str = "") -> RunConfig:
    """The config of a run from the settings that it left; what it did not know yet has its default.

    Args:
        settings: settings by the names of the fields, as JSON gives them; others are passed over.
        manifest, out: of the run.

    Raises:
        UsageError: a value is not allowed.
    """
    known = {one.name: one.to_config(settings[one.name]) for one in SETTINGS if one.name in settings}
    return RunConfig(manifest=manifest, out=out, **known)


def default_settings() -> dict[str, Any]:
    """The default of every setting that decides the output, as JSON takes them."""
    found: dict[str, Any] = json.loads(json.dumps(settings_of(RunConfig(manifest="", out=""))))
    return found
