"""The labelled cases of the quality measurements: joined recordings, their emissions, corrupted transcripts.

Emissions take minutes and are kept in a cache folder, named by the model's digest.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from support import corpora

from prep_corpus.align.audio.levels import LevelMeter, Levels, block_samples
from prep_corpus.align.model import emissions
from prep_corpus.align.model.models import ModelInfo, load_model
from prep_corpus.align.text import normalize as text
from prep_corpus.align.viterbi import viterbi
from prep_corpus.align.words.evidence import Track, evidence, track
from prep_corpus.align.words.placing import place_text
from prep_corpus.align.words.words import Words
from prep_corpus.filters.fitting.cases import Case
from prep_corpus.filters.fitting.self_labels import Aligned, Unlabelled
from prep_corpus.jobs.training import english
from prep_corpus.pipeline.finished.fit_material import align_words

LogProbs = NDArray[np.float16]


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """A joined recording with its emissions and the times of its true words.

    Attributes:
        recording: without its audio.
        log_probs_TC, seen, levels: of the recording.
        starts_V, ends_V: of the true words, in frames, from each utterance aligned alone.
    """

    recording: corpora.LongRecording
    log_probs_TC: LogProbs
    seen: Track
    levels: Levels
    starts_V: NDArray[np.int32]
    ends_V: NDArray[np.int32]


def dev_clean(shared: Path) -> dict[str, list[corpora.SourceUtterance]]:
    """One recording per speaker of LibriSpeech dev-clean."""
    folder = shared / "data" / corpora.DEV_CLEAN
    return {
        f"dev-clean-{speaker}": corpora.read_corpus(folder, speakers=[speaker])
        for speaker in corpora.DEV_CLEAN_SPEAKERS
    }


def held_out(shared: Path) -> dict[str, list[corpora.SourceUtterance]]:
    """All transcribed speech that the bundled English model was not trained on, in recordings of some minutes."""
    found = {}
    for speech_set in english.ENGLISH_SETS:
        rows = [
            row
            for row in english.manifest_rows(str(shared / "data" / speech_set.name / "manifest.jsonl"))
            if row.text and speech_set.holds_out(row)
        ]
        utterances = [
            corpora.SourceUtterance(
                id=f"{speech_set.name}/{Path(row.audio_uri).stem}",
                speaker=row.speaker,
                chapter="",
                path=Path(row.audio_uri),
                words=tuple(text.normalize(row.text or "", alphabet=ALPHABET).text.split()),
                duration_seconds=0.0,
            )
            for row in sorted(rows, key=lambda row: (row.speaker, row.audio_uri))
        ]
        utterances = [utterance for utterance in utterances if utterance.words]
        parts = max(1, round(sum(len(utterance.words) for utterance in utterances) / PART_WORDS))
        for part in range(parts):
            bounds = [len(utterances) * edge // parts for edge in (part, part + 1)]
            if bounds[0] < bounds[1]:
                found[f"{speech_set.name}-{part}"] = utterances[bounds[0] : bounds[1]]
    return found


CORPORA = {"dev-clean": dev_clean, "held-out": held_out}
ALPHABET = frozenset("abcdefghijklmnopqrstuvwxyz'")
PART_WORDS = 600


def spoken_recordings(
    shared: Path, cache: Path, model_name: str, corpus: str
) -> tuple[ModelInfo, list[Spoken]]:
    """The recordings of a corpus, with emissions from the cache or computed now."""
    model = load_model(model_name)
    info = model.info
    cache.mkdir(parents=True, exist_ok=True)
    found = []
    for name, utterances in CORPORA[corpus](shared).items():
        recording = corpora.join(utterances, recording_id=name)
        path = cache / f"{info.digest[:16]}-{recording.id}.npy"
        if not path.exists():
            print(f"emissions of {recording.id} ...", file=sys.stderr, flush=True)
            emitter = emissions.Emitter[str](model, emissions.WindowOptions())
            [(_, log_probs_TC)] = emitter.emit([(recording.id, [recording.audio_N])], _fail)
            np.save(path, log_probs_TC)
        found.append(spoken(recording, np.load(path), info))
    return info, found


def _fail(key: str, error: Exception) -> None:
    raise RuntimeError(f"no emissions of {key}") from error


Times = dict[str, tuple[NDArray[np.int32], NDArray[np.int32]]]
"""By utterance: first and last + 1 frame of each of its words, from the utterance's start."""


def word_times(found: Sequence[Spoken], info: ModelInfo) -> Times:
    """When the words of every utterance are said, from clean recordings: for the same utterances in hard ones."""
    times: Times = {}
    for one in found:
        at = 0
        for utterance in one.recording.utterances:
            words = slice(at, at + len(utterance.words))
            first = np.int32(utterance.start_sample // info.stride_samples)
            times[utterance.id] = one.starts_V[words] - first, one.ends_V[words] - first
            at = words.stop
    return times


def spoken(
    recording: corpora.LongRecording, log_probs_TC: LogProbs, info: ModelInfo, times: Times | None = None
) -> Spoken:
    """A recording with the times of its words: those given, or from each utterance aligned alone."""
    size = block_samples(info.sample_rate_hz)
    meter = LevelMeter(block_samples=size)
    meter.add(recording.audio_N)
    starts, ends = [], []
    for utterance in recording.utterances:
        first = utterance.start_sample // info.stride_samples
        last = min(-(-utterance.end_sample // info.stride_samples), len(log_probs_TC))
        if times is not None:
            starts.append(times[utterance.id][0] + np.int32(first))
            ends.append(times[utterance.id][1] + np.int32(first))
            continue
        _, words, _ = aligned(log_probs_TC[first:last], " ".join(utterance.words), info, detours=None)
        starts.append(words.frame_starts + first)
        ends.append(words.frame_ends + first)
    bare = corpora.LongRecording(
        id=recording.id,
        speaker=recording.speaker,
        audio_N=recording.audio_N[:0],
        sample_rate_hz=recording.sample_rate_hz,
        utterances=recording.utterances,
    )
    return Spoken(
        recording=bare,
        log_probs_TC=log_probs_TC,
        seen=track(log_probs_TC, info),
        levels=Levels.of(meter.finish(), size),
        starts_V=np.concatenate(starts) if starts else np.zeros(0, np.int32),
        ends_V=np.concatenate(ends) if ends else np.zeros(0, np.int32),
    )


def aligned(
    log_probs_TC: LogProbs,
    transcript: str,
    info: ModelInfo,
    *,
    detours: viterbi.DetourCosts | None = viterbi.DEFAULT_DETOURS,
) -> tuple[NDArray[np.int32], Words, viterbi.Alignment]:
    """Tokens, words and alignment of a transcript, with silence allowed before and after it."""
    normalized = text.normalize(transcript, alphabet=info.alphabet)
    placed = place_text(log_probs_TC, normalized, info, detours=detours)
    return placed.tokens_L, placed.words, placed.alignment


def labelled(
    spoken: Spoken,
    transcript: corpora.CorruptedTranscript,
    info: ModelInfo,
    *,
    detours: viterbi.DetourCosts | None = viterbi.DEFAULT_DETOURS,
) -> Case:
    """A corrupted transcript aligned with its recording, with the label of every word."""
    tokens_L, words, alignment = aligned(spoken.log_probs_TC, transcript.text, info, detours=detours)
    if len(words) != len(transcript.words):
        raise ValueError(f"{spoken.recording.id}: {len(words)} words, not {len(transcript.words)}")
    right_W = in_place(transcript.truths, words, spoken, info)
    true_right_V = np.zeros(len(spoken.recording.words), bool)
    true_right_V[[truth for truth in transcript.truths if truth >= 0]] = True
    return Case(
        group=spoken.recording.id,
        log_probs_TC=spoken.log_probs_TC,
        tokens_L=tokens_L,
        words=words,
        texts=transcript.words,
        evidence_WF=evidence(
            spoken.log_probs_TC,
            tokens_L,
            alignment,
            words,
            info,
            frame_track=spoken.seen,
        ),
        seen=spoken.seen,
        levels=spoken.levels,
        right_W=right_W,
        known_W=np.ones(len(words), bool),
        true_texts=spoken.recording.words,
        true_middles_V=(spoken.starts_V + spoken.ends_V) / 2 * info.frame_seconds,
        true_right_V=true_right_V,
    )


PLACE_SECONDS = 0.1
"""A word may be aligned this far beside where it is said."""


def in_place(truths: Sequence[int], words: Words, spoken: Spoken, info: ModelInfo) -> NDArray[np.bool_]:
    """Whether each word is said where it was aligned: a right word on another one's audio is no right label."""
    truths_W = np.array(truths, np.int64)
    said_W = truths_W >= 0
    margin = round(PLACE_SECONDS / info.frame_seconds)
    true_W = truths_W[said_W]
    said_W[said_W] = (words.frame_starts[said_W] < spoken.ends_V[true_W] + margin) & (
        words.frame_ends[said_W] > spoken.starts_V[true_W] - margin
    )
    return said_W


def unlabelled(case: Case, seed: int) -> Unlabelled:
    """A case without its truth: what a user has."""
    return Unlabelled(
        name=f"{case.group}-{seed}",
        group=case.group,
        log_probs_TC=case.log_probs_TC,
        seen=case.seen,
        levels=case.levels,
        aligned=Aligned(
            tokens_L=case.tokens_L, words=case.words, texts=case.texts, evidence_WF=case.evidence_WF
        ),
        sentence_ends=(),
    )


def realigned(one: Unlabelled, words: tuple[str, ...], info: ModelInfo) -> Aligned:
    """Other words aligned with the emissions of the same recording, as `fit-filter --self-supervised` does it."""
    return align_words(one, words, info)


def data_digest(cases: Sequence[Case]) -> str:
    """Identity of what a filter was fitted on."""
    digest = blake2b(digest_size=16)
    for case in cases:
        digest.update(case.log_probs_TC.tobytes())
        digest.update(" ".join(case.texts).encode())
    return digest.hexdigest()
