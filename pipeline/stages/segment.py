"""Segment: cut each recording, score the pieces, and encode those that are kept from one more decode in order."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, replace
from tempfile import SpooledTemporaryFile
from typing import IO, Any, BinaryIO, cast

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import AsSingleton, PCollection

from prep_corpus.align.audio import decode as audio
from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.errors import DeadLetter
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.recognition.sources import RECOGNISED, REPAIRED
from prep_corpus.align.transcripts.versions import file_links
from prep_corpus.augment.bank import SpeechSilent
from prep_corpus.filters.features import FEATURE_NAMES
from prep_corpus.pipeline.abreast import AbreastDoFn
from prep_corpus.pipeline.inputs.bundles import ProbedRecording, read_bundle, read_bundle_seconds
from prep_corpus.pipeline.inputs.decoding import own_rate_hz
from prep_corpus.pipeline.ledgers import Ledgers, total
from prep_corpus.pipeline.progress import BOARD, StageProgress
from prep_corpus.pipeline.recognition.judged_bundles import JudgedBundles, by_bundle, judge_of
from prep_corpus.pipeline.recognition.uncovered import without
from prep_corpus.pipeline.reuse.earlier_clips import (
    NOTE,
    EarlierClips,
    EarlierLost,
    clips_identity,
    encoded_clips,
)
from prep_corpus.pipeline.shards.clips import pack_clip
from prep_corpus.pipeline.shards.rows import TEXT_SOURCE, utterance_id
from prep_corpus.pipeline.stage_frame import BundleTally, NotMade, bundle_stage, emissions_of
from prep_corpus.pipeline.stages.align import AlignedRecording, read_alignments
from prep_corpus.pipeline.stages.cut_recording import (
    MODEL_RATE,
    SegmentedRecording,
    SegmentOptions,
    account,
    segment_recording,
)
from prep_corpus.pipeline.stages.dead_letters import dead_letter
from prep_corpus.pipeline.stages.emit import judged_words, read_emissions
from prep_corpus.pipeline.stages.segment_rows import (
    SCHEMA,
    SCHEMA_WITH_SOURCE,
    ScoredPiece,
    clip_fields,
    pieces_of,
    positions,
    row_of,
    speakers_identity,
    word_times,
)
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.digests import digest_of
from prep_corpus.pipeline.storage.documents import read_used_segments
from prep_corpus.pipeline.storage.looking import is_looking
from prep_corpus.pipeline.storage.stage_store import StageRef, Store

VERSION = 21
HELD_CLIP_BYTES = 32 << 20
"""Clips of one recording that wait in memory for those before them; more wait in a file without a name."""
SPEECH_SILENT = SpeechSilent.reason


def segment_bundle(
    store: Store,
    alignments: StageRef,
    options: SegmentOptions,
    k_frames: int,
    threads: int,
    judge: StageRef | None = None,
    earlier: str | None = None,
) -> StageRef:
    """Make, or find, the segments and clips of a bundle.

    Args:
        store: of the run.
        alignments: of the bundle.
        options: how to cut and score.
        k_frames: shortest pause to cut at.
        threads: how many recordings are cut side by side.
        judge: what the judge sees in the bundle.
        earlier: digest of its segments in the run before, of which the same clips are taken over.
    """
    bundle = read_bundle(store, alignments.bundle)
    digest = digest_of(
        "segment",
        VERSION,
        audio.VERSION,
        alignments.content,
        [probed.audio_identity for probed in bundle],
        [(probed.recording.audio_uri, probed.recording.speaker) for probed in bundle],
        speakers_identity(bundle),
        [[file_links(version.source) for version in probed.recording.versions] for probed in bundle],
        options.identity(),
        options.config_digest,
        k_frames,
        *options.row_identity(),
        *([] if judge is None else [judge.content]),
    )
    _remove_without_clips(store, digest)
    segments = bundle_stage(
        store,
        "segment",
        (alignments.bundle, bundle),
        digest,
        lambda tally: _segment(
            store, (alignments, judge), digest, bundle, options, k_frames, threads, tally, earlier
        ),
    )
    counts = Ledgers.from_json(store.read(segments, columns=[]).notes["ledgers"]).counts
    kept = counts.get("utterances", 0)
    BOARD.add("segment", StageProgress(kept=kept, dropped=counts.get("segments", 0) - kept))
    return segments


def _remove_without_clips(store: Store, digest: str) -> None:
    """A table whose clips are gone serves nobody, and would be in the way of the new one."""
    table = store.uri("segment", digest)
    if files.exists(table) and not files.exists(store.uri("segment", digest, ".clips")):
        if is_looking():
            raise NotMade("segment")
        files.remove(table)


class _TwinWasFirst(Exception):
    """Another worker has made the same result meanwhile."""


def _segment(
    store: Store,
    made_of: tuple[StageRef, StageRef | None],
    digest: str,
    bundle: list[ProbedRecording],
    options: SegmentOptions,
    k_frames: int,
    threads: int,
    tally: BundleTally,
    earlier_digest: str | None,
) -> StageRef:
    alignments, judge = made_of
    info, emitted = read_emissions(store, emissions_of(store, alignments))
    made_of_audio = clips_identity(bundle, options.sample_rate, info.sample_rate_hz)
    earlier = EarlierClips.find(store, alignments.bundle, earlier_digest, made_of_audio)
    judged = judged_words(store, judge, info)
    rows: list[dict[str, Any]] = []
    letters: list[DeadLetter] = []
    ledgers: list[Ledgers] = []
    outcomes: dict[str, dict[str, Any]] = {}
    clips_uri = store.uri("segment", digest, ".clips")
    is_local = files.is_local(clips_uri)
    # On the disk of the clips, where they are on one.
    spool_folder = os.path.dirname(clips_uri) if is_local else None

    def one(aligned: AlignedRecording, clips: IO[bytes]) -> _Made | DeadLetter:
        start = clips.tell()
        try:
            id_ = aligned.probed.recording.id
            cut = segment_recording(aligned, emitted[id_], info, options, k_frames, judged.get(id_))
            made_of = aligned, cut, emitted[id_].levels, info, options, digest, clips
            with suppress(EarlierLost):
                return _made(*made_of, earlier)
            clips.seek(start)
            clips.truncate()
            return _made(*made_of, None)
        except Exception as error:
            clips.seek(start)
            clips.truncate()
            return dead_letter("segment", aligned.probed, error, aligned.n_samples)
        finally:
            tally.done(aligned.probed.seconds)

    def beside(aligned: AlignedRecording) -> tuple[_Made | DeadLetter, IO[bytes]]:
        clips = SpooledTemporaryFile(HELD_CLIP_BYTES, dir=spool_folder)  # noqa: SIM115
        return one(aligned, cast(IO[bytes], clips)), cast(IO[bytes], clips)

    def take(made: _Made | DeadLetter, at: int) -> None:
        if isinstance(made, DeadLetter):
            letters.append(made)
            return
        ledgers.append(made.ledgers)
        outcomes[made.recording_id] = {
            **made.ledgers.to_json(),
            "untranscribed_spans": [list(span) for span in made.untranscribed],
        }
        for row, n_bytes in made.rows:
            if n_bytes:
                row.update(clip_offset=at, clip_bytes=n_bytes)
                at += n_bytes
            rows.append(row)

    def save(file: BinaryIO) -> None:
        in_order = read_alignments(store, alignments, bundle, info, options.text)
        if is_local and (threads == 1 or len(bundle) == 1):
            # Each goes to its place at once: none waits for one before it.
            for aligned in in_order:
                at = file.tell()
                take(one(aligned, file), at)
        else:
            with ThreadPoolExecutor(threads) as pool:
                for made, clips in pool.map(beside, in_order):
                    with clips:
                        take(made, file.tell())
                        clips.seek(0)
                        shutil.copyfileobj(clips, file)
        if store.find("segment", alignments.bundle, digest) is not None:
            raise _TwinWasFirst(digest)

    try:
        with earlier or nullcontext():
            files.write_atomic(clips_uri, save, replace=True)
    except _TwinWasFirst:
        # The other's clips stay, since its table names their places.
        standing = store.find("segment", alignments.bundle, digest)
        assert standing is not None
        return standing
    return store.write(
        "segment",
        alignments.bundle,
        digest,
        pa.Table.from_pylist(rows, schema=SCHEMA if options.recognised is None else SCHEMA_WITH_SOURCE),
        notes={
            "ledgers": total(ledgers).to_json(),
            "sample_rate_hz": info.sample_rate_hz,
            "alignments": list(alignments),
            NOTE: made_of_audio,
            "recordings": outcomes,
        },
        dead_letters=letters,
    )


@dataclass(frozen=True, kw_only=True)
class _Made:
    """A recording's segment rows, each with the size of its clip (0 where it is dropped), and its spans of speech
    without text."""

    recording_id: str
    rows: list[tuple[dict[str, Any], int]]
    ledgers: Ledgers
    untranscribed: tuple[tuple[int, int], ...]


def _made(
    aligned: AlignedRecording,
    cut: SegmentedRecording,
    levels: Levels,
    info: ModelInfo,
    options: SegmentOptions,
    digest: str,
    clips: IO[bytes],
    earlier: EarlierClips | None,
) -> _Made:
    pieces = pieces_of(cut)
    kept = [piece.segment for piece in pieces if not piece.segment.reason]
    model_hz = info.sample_rate_hz
    rate_hz = model_hz if options.sample_rate == MODEL_RATE else own_rate_hz(aligned.probed)
    # The same places, and neighbours still touch: every edge is rounded down.
    spans = [
        (segment.sample_start * rate_hz // model_hz, segment.sample_end * rate_hz // model_hz)
        for segment in kept
    ]
    starts = iter(start for start, _ in spans)
    said = ((piece.segment, piece.parts) for piece in pieces if not piece.segment.reason)
    words = word_times(aligned, levels, said, info, cut.heard, with_source=options.repairs)
    rows: list[tuple[dict[str, Any], int]] = []
    final: list[ScoredPiece] = []
    at_model_rate = rate_hz == model_hz
    ids = [utterance_id(aligned.probed.recording.id, one.sample_start, one.sample_end) for one in kept]
    with closing(
        encoded_clips(
            aligned.probed,
            list(zip(ids, spans)),
            rate_hz,
            levels if at_model_rate else None,
            earlier,
            may_lack=0 if at_model_rate else 1 + rate_hz // model_hz,
        )
    ) as encoded:
        for piece in pieces:
            segment = piece.segment
            clip = None if segment.reason else next(encoded)
            times = None if segment.reason or not options.word_times else next(words)
            start = 0 if segment.reason else next(starts)
            if clip is None and not segment.reason:
                segment = replace(segment, reason=SPEECH_SILENT)
            piece = replace(piece, segment=segment)
            row, original = row_of(aligned, cut, piece, info, options.text_style)
            row.update(zip(FEATURE_NAMES, piece.features_F.tolist()), score=piece.score)
            if cut.heard is not None:
                row[TEXT_SOURCE] = piece.source
            n_bytes = 0
            if clip is not None:
                flac, n_samples = clip
                fields = clip_fields(aligned, row, info, options.config_digest, times, original)
                fields.update(positions(start, start + n_samples, rate_hz), sample_rate_hz=rate_hz)
                n_bytes = clips.write(pack_clip(fields, flac, digest=digest))
            rows.append((row, n_bytes))
            final.append(piece)
    cuts = replace(cut.cuts, segments=tuple(p.segment for p in final if p.source != RECOGNISED))
    recognised, repaired = (
        [p.segment for p in final if p.source == source and not p.segment.reason]
        for source in (RECOGNISED, REPAIRED)
    )
    return _Made(
        recording_id=aligned.probed.recording.id,
        rows=rows,
        ledgers=account(
            aligned,
            cuts,
            None if cut.recognised is None else recognised,
            None if cut.repairs is None else repaired,
        ),
        untranscribed=tuple(
            without(cuts.untranscribed, [(s.sample_start, s.sample_end) for s in recognised])
        ),
    )


class _SegmentBundle(AbreastDoFn):
    def __init__(self, root: str, options: SegmentOptions, threads: int) -> None:
        super().__init__("segment", threads)
        self._store, self._options = Store(root), options
        self._earlier: dict[str, str] | None = None

    def process(
        self, alignments: StageRef, k_frames: int, judged: JudgedBundles | None = None
    ) -> Iterator[StageRef]:
        judge = judge_of(judged, alignments.bundle)

        def make(threads: int) -> StageRef:
            if self._earlier is None:
                self._earlier = read_used_segments(self._store.root)
            earlier = self._earlier.get(alignments.bundle)
            return segment_bundle(self._store, alignments, self._options, k_frames, threads, judge, earlier)

        yield from self.made(read_bundle_seconds(self._store, alignments.bundle), make)


class SegmentBundles(beam.PTransform):
    """References to alignments -> references to segments, cut at pauses of k frames.

    `judged` are references to what a judge sees.
    """

    def __init__(
        self,
        root: str,
        options: SegmentOptions,
        k_frames: PCollection[int],
        threads: int,
        judged: PCollection[StageRef] | None = None,
    ) -> None:
        super().__init__()
        self._root, self._options, self._threads = root, options, threads
        self._k_frames, self._judged = k_frames, judged

    def expand(self, alignments: PCollection[StageRef]) -> PCollection[StageRef]:
        """One reference per bundle."""
        return alignments | "SegmentBundle" >> beam.ParDo(
            _SegmentBundle(self._root, self._options, self._threads),
            AsSingleton(self._k_frames),
            *by_bundle(self._judged),
        )
