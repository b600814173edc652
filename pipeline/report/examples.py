"""Examples of a report: audio, its wave, and the words with their evidence.

Kept utterances come from the stored clips; what was dropped is decoded once more, of a few recordings.

Legend: N samples, W words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.audio import decode as audio
from prep_corpus.align.errors import RecordingError
from prep_corpus.align.model.emissions import FloatArray
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.recognition.sources import TRANSCRIPT
from prep_corpus.align.words.evidence import EVIDENCE_NAMES
from prep_corpus.filters.scoring import score_words
from prep_corpus.pipeline.inputs.bundles import ProbedRecording, read_bundle
from prep_corpus.pipeline.inputs.decoding import decoded_spans, joined_spans
from prep_corpus.pipeline.report.bundles import alignments_of, levels_of, segments_ref
from prep_corpus.pipeline.report.gather import UNTRANSCRIBED, Drops, Gathered
from prep_corpus.pipeline.report.model import Example, ReportOptions, SegmentRow, Word
from prep_corpus.pipeline.report.rows import chance, words_of_clip
from prep_corpus.pipeline.report.sound import encode_opus
from prep_corpus.pipeline.shards.clips import ClipDamaged, read_record
from prep_corpus.pipeline.stage_frame import emissions_of, read_model
from prep_corpus.pipeline.stages.align import AlignedRecording, read_alignments
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.stage_store import StageRef, Store

UNSPOKEN = "unspoken"
CONTEXT_SECONDS = 0.75
"""What is heard before and after something that was dropped."""

LEAD_SECONDS, TAIL_SECONDS = 0.06, 0.12
"""How far a word may be heard outside its letters: their frames are where they are recognised."""

_PEAK_COLUMNS = 500
_FEWEST_UNSPOKEN = 3
_NOTHING = np.zeros(0, np.float32)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An example to make: `row` where it shows a segment, else seconds alone."""

    group: str
    start: float
    end: float
    row: SegmentRow | None = None


@dataclass(frozen=True, kw_only=True)
class JudgedWords:
    """What the filter says of the W words of a recording.

    Attributes:
        scores_W: log-odds; None without a filter.
        said_W: which words count as said.
    """

    scores_W: NDArray[np.float64] | None
    said_W: NDArray[np.bool_]


def judge_words(aligned: AlignedRecording, options: ReportOptions) -> JudgedWords:
    """Score the words of a recording."""
    said_W = ~aligned.words.skipped
    if options.fitted is None:
        return JudgedWords(scores_W=None, said_W=said_W)
    scores_W = score_words(aligned.evidence_WF, options.fitted)
    if options.word_threshold is not None:
        said_W &= scores_W >= options.word_threshold
    return JudgedWords(scores_W=scores_W, said_W=said_W)


@dataclass(frozen=True, kw_only=True)
class ExampleSource:
    """What is known of the recordings of one bundle.

    Attributes:
        info: the model.
        emissions: what was aligned.
        bundle: its recordings by id.
        aligned: aligned recordings that were asked for, by id.
        judged: their words' scores and verdicts, by id.
    """

    info: ModelInfo
    emissions: StageRef
    bundle: Mapping[str, ProbedRecording]
    aligned: Mapping[str, AlignedRecording]
    judged: Mapping[str, JudgedWords]


def read_source(
    store: Store, digest: str, only: frozenset[str], options: ReportOptions
) -> ExampleSource | None:
    """The alignments of some recordings of a segment stage; None where the stage files are gone."""
    try:
        alignments = alignments_of(store.read(segments_ref(store, digest), columns=[]).notes)
        if alignments is None:
            return None
        emissions = emissions_of(store, alignments)
        info = read_model(store, emissions)
        bundle = read_bundle(store, alignments.bundle)
        found = list(read_alignments(store, alignments, bundle, info, options.text, only))
    except (FileNotFoundError, KeyError):
        # Removed, or written by an earlier version with other columns.
        return None
    return ExampleSource(
        info=info,
        emissions=emissions,
        bundle={probed.recording.id: probed for probed in bundle},
        aligned={aligned.probed.recording.id: aligned for aligned in found},
        judged={aligned.probed.recording.id: judge_words(aligned, options) for aligned in found},
    )


class ExampleMaker:
    """Makes examples until the page is full.

    Attributes:
        notes: what could not be had, for the reader.
    """

    def __init__(self, store: Store, options: ReportOptions) -> None:
        self._store, self._options = store, options
        self._bytes = 0
        self._examples: list[Example] = []
        self._shown: set[str] = set()
        self._lost: list[str] = []
        self._last: tuple[tuple[str, frozenset[str]], ExampleSource | None] | None = None
        self.notes: list[str] = []

    def make(self, gathered: Gathered) -> list[Example]:
        """Examples of what was gathered: the worst and the borderline, what was dropped, then others."""
        limits = self._options.limits
        if not limits.clips:
            return []
        kept = [("worst", row) for row in gathered.worst]
        shown = {row.id for row in gathered.worst}
        kept += [("borderline", row) for row in gathered.borderline if row.id not in shown]
        self._kept([*((row.text_source, row) for row in gathered.read), *kept])
        shown_in = Counter(kind for drops in gathered.drops for kind in drops.kinds)
        for drops in gathered.drops:
            # Each recording gives its part of the examples of a reason.
            parts = {kind: -(-limits.per_reason // count) for kind, count in shown_in.items()}
            parts[UNSPOKEN] = -(-limits.per_reason // len(gathered.drops))
            self._dropped(drops, parts)
        if self._lost:
            more = f" ({len(self._lost) - 1} more recordings likewise)" if len(self._lost) > 1 else ""
            self.notes.append(f"Some examples of what was dropped are left out: {self._lost[0]}{more}")
        # Others for browsing, from bundles that are read anyway.
        digests = {row.digest for _, row in kept}
        shown |= {row.id for _, row in kept}
        others = [
            row for row in gathered.sample if row.kept and row.id not in shown and row.digest in digests
        ]
        self._kept([("kept", row) for row in others[: limits.others]])
        return self._examples

    def _has_room(self) -> bool:
        limits = self._options.limits
        return len(self._examples) < limits.clips and self._bytes < limits.clip_bytes

    def _add(self, example: Example) -> None:
        if self._has_room() and (not example.segment_id or example.segment_id not in self._shown):
            self._bytes += len(example.sound)
            self._shown.add(example.segment_id)
            self._examples.append(example)

    def _source(self, digest: str, only: frozenset[str]) -> ExampleSource | None:
        """See `read_source`: of a run of one recording all examples are of the same."""
        if self._last is None or self._last[0] != (digest, only):
            self._last = (digest, only), read_source(self._store, digest, only, self._options)
        return self._last[1]

    def _kept(self, rows: list[tuple[str, SegmentRow]]) -> None:
        by_digest: dict[str, list[tuple[str, SegmentRow]]] = {}
        for group, row in rows:
            by_digest.setdefault(row.digest, []).append((group, row))
        for digest, listed in sorted(by_digest.items()):
            if not self._has_room():
                return
            source = self._source(digest, frozenset(row.recording_id for _, row in listed))
            uri = self._store.uri("segment", digest, ".clips")
            if source is None or not files.exists(uri):
                self.notes.append(
                    "Some examples are left out: stage files of this run have been removed, or are of an earlier "
                    "version of the program."
                )
                continue
            with files.open_binary(uri) as file:
                for group, row in listed:
                    assert row.clip_offset is not None
                    assert row.clip_bytes is not None
                    try:
                        fields, flac = read_record(
                            file, offset=row.clip_offset, n_bytes=row.clip_bytes, digest=digest
                        )
                    except ClipDamaged as error:
                        raise self._store.damaged_clips(digest, error) from error
                    samples_N, rate_hz = audio.decode_clip(flac)
                    wanted = Wanted(group=group, start=row.start, end=row.end, row=row)
                    said = () if row.text_source == TRANSCRIPT else words_of_clip(fields)
                    place = source, row.recording_id, row.start
                    self._add(self._example(wanted, samples_N, rate_hz, *place, said))

    def _dropped(self, drops: Drops, parts: Mapping[str, int]) -> None:
        source = self._source(drops.digest, frozenset({drops.recording_id}))
        if source is None or drops.recording_id not in source.aligned:
            return
        wanted = [
            Wanted(group=reason, start=row.start, end=row.end, row=row)
            for reason, rows in sorted(drops.rows.items())
            for row in rows
        ]
        wanted += [Wanted(group=UNTRANSCRIBED, start=a, end=b) for a, b in drops.speech]
        wanted += self._unspoken(source, drops.recording_id)
        chosen: list[Wanted] = []
        taken: Counter[str] = Counter()
        for one in wanted:
            if taken[one.group] < parts.get(one.group, 1):
                taken[one.group] += 1
                chosen.append(one)
        rate_hz = source.info.sample_rate_hz
        spans = [self._clip_span(one, drops.seconds) for one in chosen]
        try:
            places = [(round(a * rate_hz), round(b * rate_hz)) for a, b in spans]
            pieces = self._heard(source, drops.recording_id, places)
        except (OSError, EOFError, RecordingError) as error:
            self._lost.append(str(error))
            return
        for one, (start, _), samples_N in zip(chosen, spans, pieces):
            if len(samples_N):
                self._add(self._example(one, samples_N, rate_hz, source, drops.recording_id, start))

    def _heard(
        self, source: ExampleSource, recording_id: str, spans: list[tuple[int, int]]
    ) -> list[FloatArray]:
        """The samples of half-open spans of a recording, decoded without most of what stands between."""
        known = dict(levels_of(self._store, source.emissions, source.info))
        end = source.aligned[recording_id].n_samples
        whole = joined_spans([(start, min(stop, end)) for start, stop in spans if start < end])
        probed = source.bundle[recording_id]
        sought = decoded_spans(probed, source.info.sample_rate_hz, whole, known.get(recording_id))
        with closing(sought) as found:
            parts = list(zip(whole, found, strict=True))
        return [
            next(
                (audio.from_int16(part_N[a - c : b - c]) for (c, d), part_N in parts if c <= a < d), _NOTHING
            )
            for a, b in spans
        ]

    def _clip_span(self, one: Wanted, seconds: float) -> tuple[float, float]:
        start = max(one.start - CONTEXT_SECONDS, 0.0)
        return start, min(one.end + CONTEXT_SECONDS, seconds, start + self._options.limits.clip_seconds)

    def _unspoken(self, source: ExampleSource, recording_id: str) -> list[Wanted]:
        """Places where several words in a row of the text are not said."""
        limits = self._options.limits
        runs = unspoken_runs(source.aligned[recording_id], source.info, source.judged[recording_id].said_W)
        runs = [run for run in runs if run[1] <= limits.decoded_seconds]
        drawn = sorted(runs, key=lambda run: chance(recording_id, str(run)))
        return [Wanted(group=UNSPOKEN, start=a, end=b) for a, b in sorted(drawn[: limits.per_reason])]

    def _example(
        self,
        wanted: Wanted,
        samples_N: FloatArray,
        rate_hz: int,
        source: ExampleSource,
        recording_id: str,
        start: float,
        words: tuple[Word, ...] = (),
    ) -> Example:
        samples_N = samples_N[: round(self._options.limits.clip_seconds * rate_hz)]
        seconds = len(samples_N) / rate_hz
        aligned, judged = source.aligned[recording_id], source.judged[recording_id]
        core = (max(wanted.start - start, 0.0), min(wanted.end - start, seconds))
        return Example(
            segment_id=wanted.row.id if wanted.row is not None else "",
            recording_id=recording_id,
            group=wanted.group,
            start=start,
            end=start + seconds,
            core=core,
            words=words
            or tuple(
                words_between(
                    aligned, source.info, judged.scores_W, judged.said_W, wanted, start, start + seconds
                )
            ),
            peaks=peaks_of(samples_N),
            sound=encode_opus(samples_N, rate_hz),
        )


def unspoken_runs(
    aligned: AlignedRecording, info: ModelInfo, said_W: NDArray[np.bool_]
) -> list[tuple[float, float]]:
    """Seconds from the word said before to the one said after each run of several unspoken words."""
    words, frame = aligned.words, info.frame_seconds
    missing = np.flatnonzero(~said_W)
    runs = []
    for run in np.split(missing, np.flatnonzero(np.diff(missing) != 1) + 1):
        if len(run) >= _FEWEST_UNSPOKEN:
            before = int(words.frame_ends[run[0] - 1]) if run[0] else int(words.frame_starts[run[0]])
            last = int(run[-1])
            after = int(words.frame_starts[last + 1]) if last + 1 < len(words) else before
            runs.append((before * frame, max(after, before) * frame))
    return runs


def words_between(
    aligned: AlignedRecording,
    info: ModelInfo,
    scores_W: NDArray[np.float64] | None,
    said_W: NDArray[np.bool_],
    wanted: Wanted,
    start: float,
    end: float,
) -> Iterator[Word]:
    """The words of a clip, those of its segment marked.

    Args:
        aligned: the recording.
        info: the model.
        scores_W: log-odds, or None.
        said_W: which words count as said.
        wanted: what the clip shows.
        start, end: seconds in the recording of the clip.
    """
    words, frame = aligned.words, info.frame_seconds
    starts_W, ends_W = heard(words.frame_starts * frame, words.frame_ends * frame)
    middles_W = (words.frame_starts + words.frame_ends) / 2 * frame
    row = wanted.row
    if row is not None:
        inside_W = (words.char_starts >= row.char_start) & (words.char_starts < row.char_end)
    else:
        inside_W = (middles_W >= wanted.start - 1e-6) & (middles_W <= wanted.end + 1e-6)
    shown = (
        inside_W if row is not None and row.kept else inside_W | ((middles_W >= start) & (middles_W < end))
    )
    ratio, edits = EVIDENCE_NAMES.index("ratio_mean"), EVIDENCE_NAMES.index("edits")
    for w in np.flatnonzero(shown).tolist():
        normalized = aligned.normalized
        begins, ends = np.clip([starts_W[w] - start, ends_W[w] - start], 0.0, end - start).tolist()
        yield Word(
            text=normalized.text_of(w, w + 1) or normalized.spoken_of(w, w + 1),
            start=begins,
            end=begins if words.skipped[w] else ends,
            score=None if scores_W is None else float(scores_W[w]),
            inside=bool(inside_W[w]),
            said=bool(said_W[w]),
            mean_ratio=float(aligned.evidence_WF[w, ratio]),
            edits=int(aligned.evidence_WF[w, edits]),
        )


def heard(
    starts_W: NDArray[np.floating], ends_W: NDArray[np.floating]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """From when to when a word is to be played: a little outside its letters, never into its neighbours' half."""
    if not len(starts_W):
        return starts_W, ends_W
    before_W = np.concatenate(([0.0], (ends_W[:-1] + starts_W[1:]) / 2))
    after_W = np.concatenate(((ends_W[:-1] + starts_W[1:]) / 2, [np.inf]))
    return (
        np.minimum(np.maximum(starts_W - LEAD_SECONDS, before_W), starts_W),
        np.maximum(np.minimum(ends_W + TAIL_SECONDS, after_W), ends_W),
    )


def peaks_of(samples_N: FloatArray, columns: int = _PEAK_COLUMNS) -> NDArray[np.uint8]:
    """The wave as lowest and highest sample of each column, 0 to 255 with 128 for silence, scaled to fill."""
    columns = max(1, min(columns, len(samples_N)))
    bounds = np.linspace(0, len(samples_N), columns + 1).astype(np.int64)[:-1]
    scale = 127 / max(float(np.abs(samples_N).max()), 0.02)
    lowest, highest = np.minimum.reduceat(samples_N, bounds), np.maximum.reduceat(samples_N, bounds)
    pairs = np.stack((lowest, highest), axis=1).ravel() * scale
    return np.clip(np.rint(pairs + 128), 0, 255).astype(np.uint8)
