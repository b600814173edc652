"""Align: normalise each transcript, find its exact CTC alignment, and gather the evidence for each word."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.pvalue import PCollection

from prep_corpus.align.errors import DeadLetter
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.recordings import Recording
from prep_corpus.align.sections.order import ReadingOrder
from prep_corpus.align.sections.reordered import reordered_version, section_starts
from prep_corpus.align.speakers.word_speakers import SpokenBy, spoken_by
from prep_corpus.align.text import normalize as text
from prep_corpus.align.text.normalize import NormalizedText, TextOptions
from prep_corpus.align.viterbi import viterbi
from prep_corpus.align.viterbi.viterbi import Alignment
from prep_corpus.align.words import choosing, unread
from prep_corpus.align.words.aligned_text import align_best, no_text_aligned, normalize_for_model
from prep_corpus.align.words.evidence import EVIDENCE_NAMES
from prep_corpus.align.words.placing import placed_again
from prep_corpus.align.words.words import Words
from prep_corpus.pipeline.abreast import AbreastDoFn
from prep_corpus.pipeline.apart.attempts import attempt
from prep_corpus.pipeline.inputs.bundles import ProbedRecording, read_bundle, read_bundle_seconds
from prep_corpus.pipeline.recognition.refused import refused_of
from prep_corpus.pipeline.stage_frame import BundleTally, bundle_stage
from prep_corpus.pipeline.stages.dead_letters import dead_letter
from prep_corpus.pipeline.stages.emit import EmittedRecording, read_emissions
from prep_corpus.pipeline.storage.digests import digest_of
from prep_corpus.pipeline.storage.stage_store import StageRef, Store

VERSION = 16

_SPANS = pa.list_(pa.int32())
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("n_samples", pa.int64()),
        ("n_frames", pa.int64()),
        ("score_nats", pa.float64()),
        ("text_normalized", pa.string()),
        ("token_starts", _SPANS),
        ("token_ends", _SPANS),
        ("token_skipped", pa.list_(pa.bool_())),
        ("untranscribed_starts", _SPANS),
        ("untranscribed_ends", _SPANS),
        ("evidence", pa.binary()),
        # Which of several transcripts this is, and what is heard of each; null where one cannot be aligned.
        ("version", pa.int32()),
        ("version_heard", pa.list_(pa.float64())),
        # Which of the marks that the text offers as unread nobody reads.
        ("unread", _SPANS),
        # The characters of the transcript that were aligned, where it is far longer than its recording; else null.
        ("part", _SPANS),
        # The order in which the sections of the transcript are read, where it is not its own; else null.
        ("order", _SPANS),
    ]
)


_LONG = ["token_starts", "token_ends", "token_skipped"]
"""Columns with a value for each token."""


@dataclass(frozen=True, kw_only=True)
class AlignedRecording:
    """The alignment of one recording with all that later stages need.

    Attributes:
        probed: the recording.
        n_samples: samples decoded.
        n_frames: frames of its emissions.
        normalized: its transcript in the model's alphabet, without the marks that nobody reads.
        tokens_L: int32, indices of the vocabulary.
        alignment: frames of each token.
        words: frames and characters of each word.
        evidence_WF: float32 [words, features].
        version: which of the recording's transcripts it is, where it has several; `probed` has it as its text.
        version_heard: `heard_characters` of each of them; None where it cannot be aligned, empty where there is one.
        unread: which of the transcript's offers are left out of `normalized`.
        part: half-open span of the transcript's characters that was aligned, where it is far longer than its recording.
        order: in which order the transcript's sections are read, where that is not its own; `probed` has it in this
            order, and `part` is of that.
        speakers: names that `words.speakers` counts; none where nobody is named.
        refused: why its transcript was refused, where it is read without one for that.
    """

    probed: ProbedRecording
    n_samples: int
    n_frames: int
    normalized: NormalizedText
    tokens_L: Any
    alignment: Alignment
    words: Words
    evidence_WF: Any
    version: int = 0
    version_heard: tuple[float | None, ...] = ()
    unread: tuple[int, ...] = ()
    part: tuple[int, int] | None = None
    order: ReadingOrder | None = None
    speakers: tuple[str, ...] = ()
    refused: DeadLetter | None = None

    @property
    def has_text(self) -> bool:
        """Whether the recording has a transcript."""
        return bool(self.probed.recording.text)

    def speaker_of(self, word_start: int, word_end: int) -> str | None:
        """Who says a half-open range of words: as its first word says, else the recording's own speaker."""
        named = SpokenBy(words=self.words, names=self.speakers).speaker_of(word_start, word_end)
        return named or self.probed.recording.speaker


def normalize_transcript(
    probed: ProbedRecording, info: ModelInfo, options: TextOptions, part: tuple[int, int] | None = None
) -> NormalizedText:
    """A recording's transcript in the model's alphabet, with all that it offers as unread; or a part of it.

    Raises:
        TranscriptEmpty: nothing in it could be said.
        TranscriptUnsayable: over half of its letters and digits are outside the alphabet.
    """
    recording = probed.recording
    is_script = recording.source is not None and recording.source.is_script
    return normalize_for_model(
        recording.text,
        info,
        language=recording.language,
        options=options.for_script(is_script),
        recording_id=recording.id,
        part=part,
    )


def align_recording(
    probed: ProbedRecording, emitted: EmittedRecording, info: ModelInfo, options: TextOptions
) -> AlignedRecording:
    """Align one recording, with the best of several transcripts; without any there are no words.

    Raises:
        RecordingError: its transcript breaks a rule, or is too long for its audio; the first, where all do.
    """
    recording = probed.recording
    if not recording.text:
        return untranscribed_recording(probed, info, emitted.n_samples, len(emitted.log_probs_TC))
    best = align_best(
        emitted.log_probs_TC,
        [(version.text, options.for_script(version.is_script)) for version in recording.versions],
        info,
        language=recording.language,
        recording_id=recording.id,
    )
    found = best.aligned
    aligned = AlignedRecording(
        probed=_as_it_is_read(probed, best.number, found.order),
        n_samples=emitted.n_samples,
        n_frames=len(emitted.log_probs_TC),
        normalized=found.normalized,
        tokens_L=found.tokens_L,
        alignment=found.alignment,
        words=found.words,
        evidence_WF=found.evidence_WF,
        version=best.number,
        version_heard=best.heard if recording.others else (),
        unread=found.unread,
        part=found.part,
        order=found.order,
    )
    return _with_speakers(aligned, info)


def untranscribed_recording(
    probed: ProbedRecording, info: ModelInfo, n_samples: int, n_frames: int
) -> AlignedRecording:
    """A recording without a transcript: no tokens, no words."""
    return AlignedRecording(
        probed=probed, n_samples=n_samples, n_frames=n_frames, **vars(no_text_aligned(info))
    )


def align_bundle(store: Store, emissions: StageRef, options: TextOptions, threads: int) -> StageRef:
    """Make, or find, the alignments of a bundle."""
    bundle = read_bundle(store, emissions.bundle)
    digest = digest_of(
        "align",
        VERSION,
        choosing.VERSION,
        unread.VERSION,
        viterbi.VERSION,
        text.VERSION,
        emissions.content,
        [_text_identity(probed.recording) for probed in bundle],
        options.identity,
    )
    return bundle_stage(
        store,
        "align",
        (emissions.bundle, bundle),
        digest,
        lambda tally: _align(store, emissions, digest, bundle, options, threads, tally),
    )


def _text_identity(recording: Recording) -> list[object]:
    """All that decides the text which is aligned; cue times and places in files are no part of it."""
    versions = [[version.text, version.is_script] for version in recording.versions]
    return [recording.id, recording.language, versions]


def _align(
    store: Store,
    emissions: StageRef,
    digest: str,
    bundle: list[ProbedRecording],
    options: TextOptions,
    threads: int,
    tally: BundleTally,
) -> StageRef:
    info, emitted = read_emissions(store, emissions)

    def one(probed: ProbedRecording) -> dict[str, Any] | DeadLetter:
        recording = emitted[probed.recording.id]
        try:
            with attempt(probed.recording.id, watched=False):
                return _row(align_recording(probed, recording, info, options))
        except Exception as error:
            return dead_letter("align", probed, error, recording.n_samples)
        finally:
            tally.done(probed.seconds)

    with ThreadPoolExecutor(threads) as pool:
        rows = list(pool.map(one, (probed for probed in bundle if probed.recording.id in emitted)))
    letters = [row for row in rows if isinstance(row, DeadLetter)]
    table = pa.Table.from_pylist([row for row in rows if not isinstance(row, DeadLetter)], schema=SCHEMA)
    # Of a long recording these are much, and writing needs memory of its own.
    rows.clear()
    emitted.clear()
    return store.write(
        "align",
        emissions.bundle,
        digest,
        table,
        notes={"evidence_names": list(EVIDENCE_NAMES), "emissions": list(emissions)},
        dead_letters=letters,
    )


def _row(aligned: AlignedRecording) -> dict[str, Any]:
    alignment = aligned.alignment
    return {
        "id": aligned.probed.recording.id,
        "n_samples": aligned.n_samples,
        "n_frames": aligned.n_frames,
        "score_nats": alignment.score_nats,
        "text_normalized": aligned.normalized.text,
        "token_starts": alignment.starts_L,
        "token_ends": alignment.ends_L,
        "token_skipped": alignment.skipped_L,
        "untranscribed_starts": np.array([start for start, _ in alignment.untranscribed], np.int32),
        "untranscribed_ends": np.array([end for _, end in alignment.untranscribed], np.int32),
        "evidence": np.ascontiguousarray(aligned.evidence_WF, np.float32).tobytes(),
        "version": aligned.version,
        "version_heard": list(aligned.version_heard),
        "unread": list(aligned.unread),
        "part": None if aligned.part is None else list(aligned.part),
        "order": None if aligned.order is None else aligned.order.flat(),
    }


def read_alignments(
    store: Store,
    ref: StageRef,
    bundle: list[ProbedRecording],
    info: ModelInfo,
    options: TextOptions,
    only: frozenset[str] | None = None,
) -> Iterator[AlignedRecording]:
    """The alignments of a bundle, in its order, those with a refused transcript behind; texts are normalised again.

    Args:
        store, ref: the stage's result.
        bundle: the recordings.
        info: the model.
        options: the options of normalisation.
        only: ids of the recordings that are wanted; all where None.
    """
    stage = store.read(ref)
    by_id = {probed.recording.id: probed for probed in bundle}
    features = len(stage.notes["evidence_names"])
    table = stage.table
    if only is not None:
        table = table.filter(pc.is_in(table["id"], pa.array(sorted(only), pa.string())))
    short = table.drop_columns(_LONG)
    for number, row in enumerate(short.to_pylist()):
        # As numbers of Python the tokens of a long recording would take ten times as much.
        long = {name: table.column(name)[number].values.to_numpy(zero_copy_only=False) for name in _LONG}
        order = None if row["order"] is None else ReadingOrder.of_flat(row["order"])
        probed = _as_it_is_read(by_id[row["id"]], row["version"], order)
        if not probed.recording.text:
            yield untranscribed_recording(probed, info, row["n_samples"], row["n_frames"])
            continue
        part = None if row["part"] is None else (row["part"][0], row["part"][1])
        normalized = normalize_transcript(probed, info, options, part).without(row["unread"])
        alignment = Alignment(
            starts_L=long["token_starts"].astype(np.int32),
            ends_L=long["token_ends"].astype(np.int32),
            score_nats=row["score_nats"],
            skipped_L=long["token_skipped"].astype(np.bool_),
            untranscribed=tuple(zip(row["untranscribed_starts"], row["untranscribed_ends"])),
        )
        placed = placed_again(alignment, normalized, info)
        aligned = AlignedRecording(
            probed=probed,
            n_samples=row["n_samples"],
            n_frames=row["n_frames"],
            normalized=normalized,
            tokens_L=placed.tokens_L,
            alignment=alignment,
            words=placed.words,
            evidence_WF=np.frombuffer(row["evidence"], np.float32).reshape(-1, features),
            version=row["version"],
            version_heard=tuple(row["version_heard"]),
            unread=tuple(row["unread"]),
            part=part,
            order=order,
        )
        yield _with_speakers(aligned, info)
    for one in refused_of(stage.notes, bundle, only):
        bare = untranscribed_recording(one.probed, info, one.letter.decoded_samples, one.n_frames)
        yield replace(bare, refused=one.letter)


def read_reordered(store: Store, ref: StageRef) -> frozenset[str]:
    """Ids of the recordings of a bundle whose transcripts are read in another order than they have."""
    table = store.read(ref, ["id", "order"]).table
    return frozenset(table.filter(pc.is_valid(table["order"]))["id"].to_pylist())


def _as_it_is_read(probed: ProbedRecording, number: int, order: ReadingOrder | None) -> ProbedRecording:
    """A recording with the one of its transcripts that is used, its sections in the order in which they are read."""
    recording = probed.recording.version(number)
    if order is not None:
        version = reordered_version(recording.versions[0], order)
        recording = replace(recording, text=version.text, source=version.source)
    return replace(probed, recording=recording)


def _with_speakers(aligned: AlignedRecording, info: ModelInfo) -> AlignedRecording:
    """The recording with who says each word, where the transcript or an RTTM file names anybody."""
    recording = aligned.probed.recording
    said = spoken_by(
        aligned.words,
        aligned.normalized,
        recording.source,
        recording.speaker_spans,
        frame_seconds=info.frame_seconds,
        sections=() if aligned.order is None else section_starts(aligned.order),
    )
    return replace(aligned, words=said.words, speakers=said.names)


class _AlignBundle(AbreastDoFn):
    def __init__(self, root: str, options: TextOptions, threads: int) -> None:
        super().__init__("align", threads)
        self._store, self._options = Store(root), options

    def process(self, emissions: StageRef) -> Iterator[StageRef]:
        def make(threads: int) -> StageRef:
            return align_bundle(self._store, emissions, self._options, threads)

        yield from self.made(read_bundle_seconds(self._store, emissions.bundle), make)


class Align(beam.PTransform):
    """References to emissions -> references to alignments."""

    def __init__(self, root: str, options: TextOptions, threads: int) -> None:
        super().__init__()
        self._root, self._options, self._threads = root, options, threads

    def expand(self, emissions: PCollection[StageRef]) -> PCollection[StageRef]:
        """One reference per bundle."""
        return emissions | "AlignBundles" >> beam.ParDo(
            _AlignBundle(self._root, self._options, self._threads)
        )
