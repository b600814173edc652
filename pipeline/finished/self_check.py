"""A corpus checked on itself: a sample is aligned as it is, and once more with its transcripts damaged at known places.

The stages are those of a run, emissions are made once for both, and no shard is written. Memory holds one bundle.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import numpy as np

from prep_corpus.align.cutting.pause_length import pick_k
from prep_corpus.align.errors import DeadLetter, UsageError
from prep_corpus.align.model.models import LoadedModel, ModelInfo, one_thread_a_call
from prep_corpus.align.recordings import Recording
from prep_corpus.filters.curve import OperatingPoint
from prep_corpus.filters.fitting.cases import Case, Damage, Damaged, damage
from prep_corpus.filters.fitting.measures import Tally, tally
from prep_corpus.filters.fitting.self_check import Check, Checked, check_recording
from prep_corpus.filters.fitting.sweep import Bench, kept_utterance
from prep_corpus.filters.scoring import (
    heard_verdicts,
    heard_words,
    judged_scores,
    lacking_words,
    own_scores,
    worth,
)
from prep_corpus.pipeline.finished.fit_material import Say, sentence_ends, unlabelled
from prep_corpus.pipeline.finished.stored_run import StoredRecording
from prep_corpus.pipeline.inputs.bundles import ProbedRecording, cut_bundles, read_bundle, write_bundle
from prep_corpus.pipeline.stages.align import AlignedRecording, align_bundle, read_alignments
from prep_corpus.pipeline.stages.cut_recording import SegmentOptions, segment_recording
from prep_corpus.pipeline.stages.emit import (
    EmitOptions,
    EmittedRecording,
    emit_bundle,
    read_emissions,
)
from prep_corpus.pipeline.stages.measure import Totals, add_totals, measure_bundle, read_totals
from prep_corpus.pipeline.storage.stage_store import StageRef, Store

MOST_CANDIDATES = 20_000
"""So many recordings of a corpus are looked at, those of the lowest hashes."""
_TOLD_SECONDS = 3600.0
"""Audio between two lines that say how far it is."""


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """How a corpus is checked.

    Attributes:
        hours: about so much is drawn.
        seed: the seed of the draw and of the damage.
        recipe: the recipe by which text is damaged.
        asked: word error rates that are tried besides.
    """

    hours: float
    seed: int
    recipe: Damage
    asked: tuple[float, ...]


@dataclass
class Promise:
    """What a filter promises for an error rate, and what it kept here.

    Attributes:
        promised: the upper bound of the point.
        counts: kept and wrong words here.
    """

    promised: float
    counts: Tally = field(default_factory=Tally)


@dataclass
class Checking:
    """All that a check found.

    Attributes:
        check: counts at the run's own point.
        promises: what is promised, by the error rate asked for; None where it cannot be reached.
        recordings: the number of recordings checked.
        seconds: audio in them.
        failed: messages of recordings that could not be aligned.
        k_frames: shortest pause that was cut at.
    """

    check: Check = field(default_factory=Check)
    promises: dict[float, Promise | None] = field(default_factory=dict)
    recordings: int = 0
    seconds: float = 0.0
    failed: list[str] = field(default_factory=list)
    k_frames: int = 0


def draw_recordings(
    recordings: Iterable[Recording | DeadLetter],
    probed: Callable[[Recording], ProbedRecording | DeadLetter],
    *,
    hours: float,
    seed: int,
) -> list[ProbedRecording]:
    """Recordings drawn by their hashes until they hold the hours, in the order of the manifest; at least one.

    So the bundles of a whole corpus are those of a run, and so are the emissions.

    Args:
        recordings: the manifest's recordings.
        probed: reads a header.
        hours: about so much.
        seed: the seed of the draw and of the damage.

    Raises:
        UsageError: none can be read.
    """

    def luck(recording: Recording) -> bytes:
        return blake2b(f"{seed} check {recording.id}".encode(), digest_size=8).digest()

    good = ((place, one) for place, one in enumerate(recordings) if isinstance(one, Recording))
    found: list[tuple[int, ProbedRecording]] = []
    seconds = 0.0
    message = "the manifest is empty"
    for place, recording in heapq.nsmallest(MOST_CANDIDATES, good, key=lambda one: luck(one[1])):
        one = probed(recording)
        if isinstance(one, DeadLetter):
            message = one.message
            continue
        if found and seconds + one.seconds > hours * 3600:
            break
        found.append((place, one))
        seconds += one.seconds
    if not found:
        raise UsageError(f"a check needs recordings, and none can be read: {message}")
    return [one for _, one in sorted(found, key=lambda placed: placed[0])]


@dataclass(frozen=True, kw_only=True)
class _Bundle:
    """One bundle after both alignments."""

    emissions: StageRef
    before: StageRef
    after: StageRef
    recordings: list[ProbedRecording]
    damages: dict[str, Damaged]


def check_corpus(
    store: Store,
    drawn: list[ProbedRecording],
    model: LoadedModel,
    emit: EmitOptions,
    segment: SegmentOptions,
    options: CheckOptions,
    *,
    target_samples: float,
    k_frames: int | None,
    say: Say,
) -> Checking:
    """Align a sample as it is and damaged, cut and filter both, and count.

    Args:
        store: the store of the stage files.
        drawn: the sample.
        model, emit, segment: as for a run.
        options: the options of the check.
        target_samples: mean length that k is picked for.
        k_frames: k, where it is given.
        say: told how far it is.

    Raises:
        UsageError: nothing could be aligned.
    """
    if not model.runtime:
        one_thread_a_call()
    found = Checking()
    done_bundles = []
    totals: Totals = {}
    seconds = 0.0
    for bundle in cut_bundles(drawn):
        done = _aligned_twice(store, bundle, model, emit, segment, options, found)
        totals = add_totals(totals, read_totals(store, measure_bundle(store, done.after, segment)))
        done_bundles.append(done)
        before, seconds = seconds, seconds + sum(probed.seconds for probed in bundle)
        # Bundles may be small.
        if before // _TOLD_SECONDS < seconds // _TOLD_SECONDS or bundle[-1] is drawn[-1]:
            say(f"aligned as it is and damaged: {seconds / 3600:.2f} hours")
    if not any(count for count, _ in totals.values()):
        raise UsageError(
            "a check needs speech that fits its text, and nothing of the sample could be cut"
            + "".join(f"\n  {message}" for message in found.failed[:3])
        )
    found.k_frames = k_frames or pick_k(totals, target_samples)
    for done in done_bundles:
        _count_bundle(store, done, segment, options, found)
    say(f"checked {found.seconds / 3600:.2f} hours")
    return found


def _aligned_twice(
    store: Store,
    bundle: list[ProbedRecording],
    model: LoadedModel,
    emit: EmitOptions,
    segment: SegmentOptions,
    options: CheckOptions,
    found: Checking,
) -> _Bundle:
    emissions = emit_bundle(store, write_bundle(store, bundle).digest, model, emit)
    before = align_bundle(store, emissions, segment.text, emit.threads)
    for ref in (emissions, before):
        found.failed += [letter.message for letter in store.read(ref, columns=[]).dead_letters]
    info, _ = read_emissions(store, emissions)
    damages: dict[str, Damaged] = {}
    damaged_bundle: list[ProbedRecording] = []
    for aligned in read_alignments(store, before, bundle, info, segment.text):
        recording = aligned.probed.recording
        ends = sentence_ends(aligned.words.char_ends.tolist(), aligned.normalized.original)
        done = damage(_texts(aligned), ends, seed=options.seed, name=recording.id, recipe=options.recipe)
        between = " " if info.has_spaces else ""
        changed = replace(recording, text=between.join(done.words), source=None, others=(), lost=())
        damages[recording.id] = done
        damaged_bundle.append(replace(aligned.probed, recording=changed))
    digest = write_bundle(store, damaged_bundle).digest
    # The same emissions under the damaged bundle: a text changes nothing in the audio.
    after = align_bundle(store, emissions._replace(bundle=digest), segment.text, emit.threads)
    found.failed += [letter.message for letter in store.read(after, columns=[]).dead_letters]
    return _Bundle(emissions=emissions, before=before, after=after, recordings=bundle, damages=damages)


def _texts(aligned: AlignedRecording) -> tuple[str, ...]:
    return tuple(aligned.normalized.text[start:end] for start, end in aligned.normalized.words())


def _count_bundle(
    store: Store, bundle: _Bundle, segment: SegmentOptions, options: CheckOptions, found: Checking
) -> None:
    info, emitted = read_emissions(store, bundle.emissions)
    before = {
        aligned.probed.recording.id: aligned
        for aligned in read_alignments(store, bundle.before, bundle.recordings, info, segment.text)
    }
    damaged_bundle = read_bundle(store, bundle.after.bundle)
    for after in read_alignments(store, bundle.after, damaged_bundle, info, segment.text):
        id_ = after.probed.recording.id
        if len(after.words) != len(bundle.damages[id_].words):
            found.failed.append(
                f"{id_}: normalised words must stay the same when they are normalised again; "
                f"{len(bundle.damages[id_].words)} became {len(after.words)}"
            )
            continue
        one = _Both(before=before[id_], after=after, emitted=emitted[id_], damaged=bundle.damages[id_])
        _count_recording(one, info, segment, options, found)


@dataclass(frozen=True, kw_only=True)
class _Both:
    """One recording with both transcripts."""

    before: AlignedRecording
    after: AlignedRecording
    emitted: EmittedRecording
    damaged: Damaged


def _count_recording(
    one: _Both, info: ModelInfo, segment: SegmentOptions, options: CheckOptions, found: Checking
) -> None:
    checked = Checked(
        damaged=one.damaged,
        texts=_texts(one.before),
        before=one.before.words,
        after=one.after.words,
        stride_samples=info.stride_samples,
        sample_rate_hz=info.sample_rate_hz,
    )
    kept, clean = (
        [
            piece
            for piece in segment_recording(aligned, one.emitted, info, segment, found.k_frames).cuts.segments
            if not piece.reason
        ]
        for aligned in (one.after, one.before)
    )
    check_recording(found.check, checked, kept, clean)
    found.recordings += 1
    found.seconds += one.emitted.n_samples / info.sample_rate_hz
    case = _case(one, checked, info)
    bench = Bench(cases=[case], options=segment.cut_options(info.stride_samples, info.sample_rate_hz))
    for asked in options.asked:
        try:
            point = segment.filter.point(asked, cut=segment.cut)
        except UsageError:
            found.promises.setdefault(asked, None)
            continue
        promise = found.promises.setdefault(asked, Promise(promised=point.wer_upper))
        assert promise is not None
        promise.counts += _kept_at(bench, segment, point, found.k_frames)


def _case(one: _Both, checked: Checked, info: ModelInfo) -> Case:
    """The damaged transcript with its truth."""
    bare = unlabelled(StoredRecording(info=info, aligned=one.after, emitted=one.emitted))
    origins_W = np.array(one.damaged.origins)
    said = np.flatnonzero(checked.said_V)
    remaining_V = np.zeros(len(checked.texts), bool)
    remaining_V[origins_W[origins_W >= 0]] = True
    return Case(
        group=bare.group,
        log_probs_TC=bare.log_probs_TC,
        tokens_L=bare.aligned.tokens_L,
        words=bare.aligned.words,
        texts=bare.aligned.texts,
        evidence_WF=bare.aligned.evidence_WF,
        seen=bare.seen,
        levels=bare.levels,
        right_W=origins_W >= 0,
        known_W=np.ones(len(origins_W), bool),
        true_texts=tuple(checked.texts[v] for v in said),
        true_middles_V=checked.middles_V[said] / info.sample_rate_hz,
        true_right_V=remaining_V[said],
    )


def _kept_at(bench: Bench, segment: SegmentOptions, point: OperatingPoint, k_frames: int) -> Tally:
    """What a point of the filter's curve keeps of a case."""
    case, fitted = bench.cases[0], segment.filter
    own_W = own_scores(case.evidence_WF, fitted)
    worth_W = worth(own_W, case.evidence_WF, fitted)
    scores_W = worth_W if segment.cut == "words" else None
    heard_W = heard_words(case.evidence_WF, fitted)
    cuts = bench.cut(
        0,
        scores_W,
        point.word_threshold,
        k_frames,
        heard=heard_verdicts(heard_W, worth_W),
        own_W=own_W,
        lacking_W=lacking_words(case.evidence_WF, fitted.lacking),
    )
    outcome = bench.outcome(0, cuts)
    candidates = [piece for piece in cuts.segments if not piece.reason]
    scores_S = judged_scores(
        fitted.level(segment.cut).utterance.score(outcome.features_SF),
        candidates,
        worth_W,
        fitted.level(segment.cut),
        point.word_threshold,
    )
    return tally(
        [
            kept_utterance(piece, case.texts, bench.options.sample_rate_hz)
            for piece, score in zip(candidates, scores_S)
            if score >= point.utterance_threshold
        ],
        case.true_texts,
        case.true_middles_V,
        right_W=case.true_right_V,
    )
