"""Findings about transcripts: cue times against the audio, broken lines, which of several versions was used.

A stage of its own beside the others, for bundles that have anything of the kind. Nothing depends on it: cue times
enter no digest but its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.pvalue import AsIter, PCollection
from rapidfuzz.distance import Levenshtein

from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.recordings import Recording
from prep_corpus.align.text.normalize import TextOptions
from prep_corpus.align.transcripts import cue_times
from prep_corpus.align.transcripts.cue_times import CueComparison, compare_cues
from prep_corpus.align.transcripts.versions import Version
from prep_corpus.pipeline.inputs.bundles import ProbedRecording, read_bundle
from prep_corpus.pipeline.inputs.lines import decode_line, read_lines
from prep_corpus.pipeline.recognition.refused import refused_ids
from prep_corpus.pipeline.run_files import CHECKS_NAME
from prep_corpus.pipeline.stage_frame import emissions_of, read_model
from prep_corpus.pipeline.stages.align import (
    AlignedRecording,
    normalize_transcript,
    read_alignments,
    read_reordered,
)
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.digests import digest_of
from prep_corpus.pipeline.storage.documents import told_as_damage
from prep_corpus.pipeline.storage.stage_store import StageRef, Store

VERSION = 3
_SHOWN_SECTIONS = 12
SCHEMA = pa.schema([("recording_id", pa.string()), ("check", pa.string())])


@dataclass(frozen=True, kw_only=True)
class VersionCheck:
    """One of several transcripts of a recording.

    Attributes:
        name: its file; "text" and a number from 1 where the manifest holds it.
        used: whether it is the one that was kept.
        heard_characters: how well the model hears this transcript (see `align.words.choosing`); more is better; None
            where it cannot be aligned.
        words: its number of words as the model reads them; None where it cannot be aligned.
        words_apart: words to change, add or take out to make it the one that was used; None likewise.
    """

    name: str
    used: bool
    heard_characters: float | None
    words: int | None
    words_apart: int | None


@dataclass(frozen=True, kw_only=True)
class TranscriptCheck:
    """What there is to know of one recording's transcript; one line of transcripts.jsonl.

    Attributes:
        recording_id: the recording.
        transcript: the file that was used; "" where the manifest holds the text.
        format: "srt", "vtt", "stm", "textgrid", "html", "markdown", "text", or "segments" of a manifest.
        disagrees: whether it should be looked at by a person.
        verdict: in which order its sections are read, where that is not its own, and its cues against the audio, in a
            few words, such as "cues are 3.0 s late against the audio".
        cues: the comparison; None where there are no cues that can be compared.
        versions: all transcripts of the recording, where there are several.
        problems: lines that broke a rule of the format (the first hundred), and transcripts that could not be read.
        sections: its sections in the order in which they are read, counted from 1 as it has them; none where that is
            its own order.
    """

    recording_id: str
    transcript: str
    format: str
    disagrees: bool
    verdict: str
    cues: CueComparison | None
    versions: tuple[VersionCheck, ...]
    problems: tuple[str, ...]
    sections: tuple[int, ...] = ()

    @property
    def problem_count(self) -> int:
        """How many problems are told."""
        return len(self.problems)

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @staticmethod
    def from_json(line: str) -> TranscriptCheck:
        """The reverse of `to_json`."""
        fields = json.loads(line)
        cues = fields["cues"]
        return TranscriptCheck(
            **{
                **fields,
                "cues": None if cues is None else CueComparison(**cues),
                "versions": tuple(VersionCheck(**version) for version in fields["versions"]),
                "problems": tuple(fields["problems"]),
                "sections": tuple(fields.get("sections", ())),
            }
        )


def wants_check(recording: Recording) -> bool:
    """Whether there is anything to say of a recording's transcript."""
    source = recording.source
    return bool(recording.others or recording.lost or (source and (source.cues or source.problems)))


def check_transcript(
    aligned: AlignedRecording, given: Recording, info: ModelInfo, options: TextOptions
) -> TranscriptCheck:
    """What there is to know of an aligned recording's transcript.

    Args:
        aligned: the recording with the transcript that was used.
        given: the recording with its transcripts in the order of the manifest.
        info: the model.
        options: how transcripts were normalised.
    """
    source = given.source if aligned.refused is not None else aligned.probed.recording.source
    compared = None
    if aligned.refused is not None:
        letter = aligned.refused
        told = letter.message.removeprefix(f"{given.id}: ")
        return TranscriptCheck(
            recording_id=given.id,
            transcript="" if source is None else source.name,
            format="text" if source is None else source.format,
            disagrees=True,
            verdict=f"refused ({letter.reason}), and what the model hears surely enough is kept: {told}",
            cues=None,
            versions=(),
            problems=tuple(given.lost),
        )
    if source is not None and source.cues:
        compared = compare_cues(
            source.cues,
            char_starts_W=aligned.words.char_starts,
            start_seconds_W=np.asarray(aligned.words.frame_starts * info.frame_seconds, np.float64),
            skipped_W=aligned.words.skipped,
        )
    problems = [*given.lost, *(source.problems if source is not None else ())]
    verdict = "no cue could be compared" if source is not None and source.cues else ""
    if compared is not None:
        verdict = compared.message()
    sections = aligned.order.numbers if aligned.order is not None else ()
    if sections:
        verdict = "; ".join(filter(None, (_order_message(sections), verdict)))
    return TranscriptCheck(
        recording_id=given.id,
        transcript="" if source is None else source.name,
        format="text" if source is None else source.format,
        disagrees=bool(sections) or (compared is not None and compared.disagrees),
        verdict=verdict,
        cues=None if compared is None else _rounded(compared),
        versions=_versions(aligned, given, info, options) if given.others else (),
        problems=tuple(problems),
        sections=sections,
    )


def _order_message(sections: tuple[int, ...]) -> str:
    """The order of sections in a few words."""
    shown = [str(number) for number in sections[:_SHOWN_SECTIONS]]
    more = ["..."] if len(sections) > _SHOWN_SECTIONS else []
    return f"{len(sections)} sections of it are read in the order {', '.join([*shown, *more])}"


def _rounded(compared: CueComparison) -> CueComparison:
    numbers = {key: round(value, 3) for key, value in asdict(compared).items() if isinstance(value, float)}
    return CueComparison(**{**asdict(compared), **numbers})


def _versions(
    aligned: AlignedRecording, given: Recording, info: ModelInfo, options: TextOptions
) -> tuple[VersionCheck, ...]:
    used_words = aligned.normalized.text.split()
    checks = []
    for number, (version, heard) in enumerate(zip(given.versions, aligned.version_heard)):
        words: list[str] | None = None
        if heard is not None:
            words = used_words
        if heard is not None and number != aligned.version:
            probed = ProbedRecording(recording=given.version(number), fingerprint="", seconds=0.0)
            normalized = normalize_transcript(probed, info, options)
            words = normalized.without(range(len(normalized.offers))).text.split()
        checks.append(
            VersionCheck(
                name=_shown(version, number),
                used=number == aligned.version,
                heard_characters=None if heard is None else round(heard, 1),
                words=None if words is None else len(words),
                words_apart=None if words is None else Levenshtein.distance(words, used_words),
            )
        )
    return tuple(checks)


def _shown(version: Version, number: int) -> str:
    return version.name or f"text {number + 1}"


def check_bundle(store: Store, alignments: StageRef, options: TextOptions) -> StageRef | None:
    """Make, or find, the checks of a bundle; None where it has nothing to check."""
    bundle = read_bundle(store, alignments.bundle)
    reordered = read_reordered(store, alignments)
    refused = refused_ids(store.read(alignments, columns=[]).notes)
    wanted = {
        probed.recording.id: probed
        for probed in bundle
        if probed.recording.id in reordered | refused or wants_check(probed.recording)
    }
    if not wanted:
        return None
    # The bundle's own digest stands for the cues: they are in it.
    digest = digest_of("checks", VERSION, cue_times.VERSION, alignments.content, alignments.bundle)
    found = store.find("checks", alignments.bundle, digest)
    if found is not None:
        return found
    info = read_model(store, emissions_of(store, alignments))
    rows: list[dict[str, Any]] = []
    for aligned in read_alignments(store, alignments, bundle, info, options, only=frozenset(wanted)):
        given = wanted[aligned.probed.recording.id].recording
        check = check_transcript(aligned, given, info, options)
        rows.append({"recording_id": check.recording_id, "check": check.to_json()})
    return store.write("checks", alignments.bundle, digest, pa.Table.from_pylist(rows, schema=SCHEMA))


def write_checks(uri: str, lines: Iterable[str]) -> None:
    """Write the checks of a run in the order of their recordings, or no file where there are none."""
    ordered = sorted(lines, key=lambda line: json.loads(line)["recording_id"])
    data = "".join(line + "\n" for line in ordered).encode()
    if data:
        files.write_atomic(uri, lambda file: file.write(data), replace=True)
    else:
        files.remove(uri)


def read_checks(folder: str) -> Iterator[TranscriptCheck]:
    """The checks of the run in a folder; none where no transcript needed one."""
    uri = files.join(folder, CHECKS_NAME)
    if files.exists(uri):
        for line in read_lines(uri):
            with told_as_damage(uri):
                check = TranscriptCheck.from_json(decode_line(line))
            yield check


class _CheckBundle(beam.DoFn):
    def __init__(self, root: str, options: TextOptions) -> None:
        self._store, self._options = Store(root), options

    def process(self, alignments: StageRef) -> Iterator[StageRef]:
        checked = check_bundle(self._store, alignments, self._options)
        if checked is not None:
            yield checked


class CheckTranscripts(beam.PTransform):
    """References to alignments -> references to checks; writes transcripts.jsonl into the run folder."""

    def __init__(self, root: str, out: str, options: TextOptions) -> None:
        super().__init__()
        self._root, self._uri, self._options = root, files.join(out, CHECKS_NAME), options

    def expand(self, alignments: PCollection[StageRef]) -> PCollection[StageRef]:
        """One reference for each bundle that has anything to check."""
        store, uri = Store(self._root), self._uri
        checked = alignments | "CheckBundles" >> beam.ParDo(_CheckBundle(self._root, self._options))
        lines = checked | "ReadChecks" >> beam.FlatMap(
            lambda ref: store.read(ref).table.column("check").to_pylist()
        )
        _ = (
            alignments.pipeline
            | "Once" >> beam.Impulse()
            | "WriteChecks" >> beam.Map(lambda _, lines: write_checks(uri, lines), AsIter(lines))
        )
        return checked
