"""A sample of a finished run for people to listen to: its segments drawn, their clips cut, and a folder to share.

    SAMPLE/
      index.html        the page on which one listens and types
      clips/0001.flac   in the order in which they are heard; the names say nothing of the pipeline's verdict
      sample.jsonl      one row a clip
      sample.json       where it comes from; what each stratum holds

Kept segments have a clip in the run's store; dropped ones are cut from the source audio, decoded once in order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.audio import decode as audio
from prep_corpus.align.errors import RecordingError, UsageError
from prep_corpus.align.recognition.sources import READ_NOTHING
from prep_corpus.filters.labels.sampling import Draw, SampleOptions, draw, luck, share_out
from prep_corpus.pipeline.finished.sample_files import SAMPLE_FORMAT
from prep_corpus.pipeline.finished.stored_run import FinishedRun, stored_bundles
from prep_corpus.pipeline.inputs.bundles import ProbedRecording
from prep_corpus.pipeline.inputs.decoding import decoded, slices
from prep_corpus.pipeline.inputs.probe import FingerprintCache
from prep_corpus.pipeline.shards.clips import ClipDamaged, read_record
from prep_corpus.pipeline.shards.rows import TEXT_SOURCE
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.digests import digest_of
from prep_corpus.pipeline.storage.stage_store import StageRef

VERSION = 1

_DRAWN_COLUMNS = [
    "id",
    "recording_id",
    "speaker",
    "kept",
    "reason",
    "start_sample",
    "end_sample",
    "start",
    "end",
    "text",
    "text_normalized",
    "score",
    "clip_offset",
    "clip_bytes",
]


@dataclass(frozen=True, kw_only=True)
class SampleClip:
    """One drawn segment.

    Attributes:
        name: name of its file in the sample's folder, such as "clips/0001.flac".
        parts: the listeners who hear it, counted from 1.
        stratum: name of its stratum.
        weight: how many segments of the run it stands for.
        language: language of its recording.
        row: its row of the segment table.
        segments: the stage's result that the row stands in.
    """

    name: str
    parts: tuple[int, ...]
    stratum: str
    weight: float
    language: str
    row: dict[str, Any]
    segments: StageRef

    @property
    def seconds(self) -> float:
        """Its length."""
        return float(self.row["end"] - self.row["start"])

    def to_json(self) -> dict[str, Any]:
        """Its row of sample.jsonl."""
        names = ("id", "recording_id", "speaker", "start", "end", "kept", "reason", "text", "text_normalized")
        score = self.row["score"]
        return {
            **{name: self.row[name] for name in names},
            "score": None if np.isnan(score) else score,
            "weight": self.weight,
            "stratum": self.stratum,
            "language": self.language,
            "clip": self.name,
            "parts": list(self.parts),
        }


@dataclass(frozen=True, kw_only=True)
class Sample:
    """All that a sample's folder says, but for the audio.

    Attributes:
        clips: clips in the order in which they are heard.
        facts: the content of sample.json.
    """

    clips: tuple[SampleClip, ...]
    facts: dict[str, Any]

    @property
    def digest(self) -> str:
        """Stands for its segments, their texts and its parts."""
        return str(self.facts["digest"])


@dataclass(frozen=True, kw_only=True)
class _Table:
    """What the draw needs of all segments of a run; S segments that are long enough.

    Arrays, since runs are long: with the draw, 5 million segments take 300 MB and 6 s on one core.
    """

    scores_S: NDArray[np.float64]
    reasons_S: NDArray[np.object_]
    luck_S: NDArray[np.uint64]
    files_S: NDArray[np.int32]
    rows_S: NDArray[np.int32]
    too_short: int
    sources_S: NDArray[np.object_] | None = None


def draw_sample(run: FinishedRun, options: SampleOptions) -> Sample:
    """Draw segments of a finished run and share them out.

    Raises:
        UsageError: the run has no segments to draw from.
    """
    table = _read_all(run, options)
    drawn = draw(table.scores_S, table.reasons_S, table.luck_S, options, table.sources_S)
    parts = share_out(drawn.stratum_D.tolist(), options)
    rows = _read_drawn(
        run, list(zip(table.files_S[drawn.indices_D].tolist(), table.rows_S[drawn.indices_D].tolist()))
    )
    languages = {
        name: probed.recording.language
        for name, probed in _recordings(run, {row["recording_id"] for row, _ in rows}).items()
    }
    digits = max(4, len(str(len(rows))))
    clips = tuple(
        SampleClip(
            name=f"clips/{number + 1:0{digits}d}.flac",
            parts=parts[number],
            stratum=drawn.strata[drawn.stratum_D[number]].name,
            weight=float(drawn.weights_D[number]),
            language=languages[row["recording_id"]],
            row=row,
            segments=segments,
        )
        for number, (row, segments) in enumerate(rows)
    )
    facts = {
        "format": SAMPLE_FORMAT,
        "digest": digest_of("sample", VERSION, [clip.to_json() for clip in clips]),
        "model_digest": run.published.model_digest,
        "config_digest": run.published.config_digest,
        "options": asdict(options),
        "segments": len(table.scores_S),
        "shorter_than_the_minimum": table.too_short,
        "strata": _strata(drawn, table),
    }
    return Sample(clips=clips, facts=facts)


def _read_all(run: FinishedRun, options: SampleOptions) -> _Table:
    """The score, fate and luck of every segment that is long enough; nothing else of it is held."""
    scores: list[NDArray[np.float64]] = [np.zeros(0)]
    reasons: list[NDArray[np.object_]] = [np.zeros(0, object)]
    lucks: list[NDArray[np.uint64]] = [np.zeros(0, np.uint64)]
    places: list[NDArray[np.int32]] = [np.zeros((0, 2), np.int32)]
    too_short = 0
    known: dict[str, str] = {}
    is_read = run.settings.get("read", READ_NOTHING) != READ_NOTHING
    sources: list[NDArray[np.object_]] = [np.zeros(0, object)]
    for file, segments in enumerate(run.segments):
        columns = ["id", "reason", "score", "duration", *([TEXT_SOURCE] if is_read else [])]
        table = run.store.read(segments, columns).table
        rows = np.flatnonzero(table["duration"].to_numpy() >= options.min_seconds)
        too_short += len(table) - len(rows)
        table = table.take(rows)
        scores.append(table["score"].to_numpy())
        # One string for all segments of a reason.
        reasons.append(np.array([known.setdefault(r, r) for r in table["reason"].to_pylist()], object))
        if is_read:
            sources.append(np.array([known.setdefault(s, s) for s in table[TEXT_SOURCE].to_pylist()], object))
        lucks.append(luck(options.seed, "sample", table["id"].to_pylist()))
        places.append(np.stack((np.full(len(rows), file), rows), axis=1).astype(np.int32))
    files_S, rows_S = np.concatenate(places).T
    return _Table(
        scores_S=np.concatenate(scores),
        reasons_S=np.concatenate(reasons),
        luck_S=np.concatenate(lucks),
        files_S=files_S,
        rows_S=rows_S,
        too_short=too_short,
        sources_S=np.concatenate(sources) if is_read else None,
    )


def _read_drawn(run: FinishedRun, places: list[tuple[int, int]]) -> list[tuple[dict[str, Any], StageRef]]:
    """The rows at (stage file, row), in that order."""
    by_file: dict[int, list[int]] = {}
    for file, at in places:
        by_file.setdefault(file, []).append(at)
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for file, rows in by_file.items():
        table = run.store.read(run.segments[file], _DRAWN_COLUMNS).table.take(rows)
        found.update(zip(((file, at) for at in rows), table.to_pylist()))
    return [(found[place], run.segments[place[0]]) for place in places]


def _strata(drawn: Draw, table: _Table) -> list[dict[str, Any]]:
    """What each stratum holds, for the reader of sample.json."""
    shown = []
    for stratum, count in zip(drawn.strata, drawn.counts):
        scores = table.scores_S[stratum.members]
        has_scores = not np.isnan(scores).any()
        shown.append(
            {
                "name": stratum.name,
                "segments": len(stratum.members),
                "drawn": count,
                "weight": len(stratum.members) / count if count else None,
                "lowest_score": float(scores.min()) if has_scores else None,
                "highest_score": float(scores.max()) if has_scores else None,
            }
        )
    return shown


def cut_clips(
    run: FinishedRun, sample: Sample, *, threads: int = 1, on_clip: Callable[[], None] = lambda: None
) -> Iterator[tuple[SampleClip, bytes]]:
    """The FLAC file of each clip, in no particular order.

    Args:
        run: run that the sample was drawn from.
        sample: sample from `draw_sample`.
        threads: recordings that are decoded at once.
        on_clip: called after each clip.

    Raises:
        UsageError: the audio of a dropped segment is gone, or has changed since the run.
    """
    by_file: dict[StageRef, list[SampleClip]] = {}
    by_recording: dict[str, list[SampleClip]] = {}
    for clip in sample.clips:
        if clip.row["kept"]:
            by_file.setdefault(clip.segments, []).append(clip)
        else:
            by_recording.setdefault(clip.row["recording_id"], []).append(clip)
    for segments, clips in by_file.items():
        with files.open_binary(run.store.uri("segment", segments.digest, ".clips")) as file:
            for clip in sorted(clips, key=lambda clip: int(clip.row["clip_offset"])):
                try:
                    _, flac = read_record(
                        file,
                        offset=clip.row["clip_offset"],
                        n_bytes=clip.row["clip_bytes"],
                        digest=segments.digest,
                    )
                except ClipDamaged as error:
                    raise run.store.damaged_clips(segments.digest, error) from error
                yield clip, flac
                on_clip()
    probed = _recordings(run, set(by_recording))
    _check_unchanged(run, probed.values())
    rate_hz = run.published.sample_rate_hz
    assert rate_hz is not None, "every run that has stage files says it"

    def cut(recording_id: str) -> list[tuple[SampleClip, bytes]]:
        clips = sorted(by_recording[recording_id], key=lambda clip: int(clip.row["start_sample"]))
        return list(zip(clips, _cut_source(probed[recording_id], clips, rate_hz)))

    with ThreadPoolExecutor(threads) as pool:
        for cut_of_recording in pool.map(cut, by_recording):
            for clip, flac in cut_of_recording:
                yield clip, flac
                on_clip()


def _cut_source(probed: ProbedRecording, clips: list[SampleClip], rate_hz: int) -> list[bytes]:
    """Clips of one recording, decoded once in order."""
    spans = [(clip.row["start_sample"], clip.row["end_sample"]) for clip in clips]
    try:
        with closing(decoded(probed, rate_hz)) as blocks:
            return [audio.encode_flac(samples_N, rate_hz) for samples_N in slices(blocks, spans)]
    except (RecordingError, EOFError) as error:
        raise UsageError(
            f"the dropped segments of a sample are cut from the source audio: {error}"
        ) from error


def _recordings(run: FinishedRun, wanted: set[str]) -> dict[str, ProbedRecording]:
    """Recordings of the run by id."""
    if not wanted:
        return {}
    return {
        probed.recording.id: probed
        for bundle in stored_bundles(run)
        for probed in bundle.recordings
        if probed.recording.id in wanted
    }


def _check_unchanged(run: FinishedRun, recordings: Iterable[ProbedRecording]) -> None:
    """Refuse audio that is not what the run read: its clips would hold other words."""
    cache = FingerprintCache(files.join(run.folder, "work", "fingerprints.json"))
    for probed in recordings:
        uri = probed.recording.audio_uri
        try:
            same = cache.fingerprint(uri) == probed.fingerprint
        except OSError as error:
            if not files.is_absent(error):
                raise
            raise UsageError(
                f"{probed.recording.id}: the dropped segments of a sample are cut from the source audio, and there "
                f"is none at {uri}; put it back, or draw kept segments alone with --kept 1"
            ) from error
        if not same:
            raise UsageError(
                f"{probed.recording.id}: the source audio must be what the run read, and {uri} has changed since; "
                "run again, or draw kept segments alone with --kept 1"
            )


def sample_lines(sample: Sample) -> str:
    """The content of sample.jsonl."""
    return "".join(json.dumps(clip.to_json(), ensure_ascii=False) + "\n" for clip in sample.clips)
