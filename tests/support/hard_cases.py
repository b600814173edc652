"""Labelled cases on hard ground: every condition, recordings where nobody says the text, such stretches in speech.

What goes into the recordings of one fold (real noise clips, voices, languages, rooms, seeds) goes into no other, so
that a filter that was fitted without a fold has seen nothing of it.

Shapes: T frames, C classes, N samples, V words truly said.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np
from support import conditions, corpora, quality_cases, sounds
from support.conditions import KINDS, Material
from support.sounds import RATE_HZ, FloatArray

from prep_corpus.align.model import emissions
from prep_corpus.align.model.models import LoadedModel, ModelInfo
from prep_corpus.filters.fitting.cases import HARD, Case

FOLDS = 5
VOICES = "librispeech-train-248-speakers"
CONDITION_SECONDS = 75.0
NOBODY_SECONDS = (8.0, 16.0)
SPLICED_SECONDS = 30.0
SPOKEN, NOBODY, SPLICED = "spoken", "nobody", "spliced"
NO_LANGUAGES = (
    "espeak-ng speaks the other languages, without which a filter is neither fitted nor judged: install it"
)


@dataclass(frozen=True, kw_only=True)
class HardRecording:
    """A recording on hard ground with its transcript.

    Attributes:
        recording: audio and truth; of nobody's recordings no words.
        group: of the speaker, or of the fold where nobody speaks.
        fold: of `FOLDS`; what it is made of is in no other.
        what: `SPOKEN`, `NOBODY` or `SPLICED`.
        condition: a name of `conditions.CONDITIONS` or of `conditions.KINDS`.
        transcript: corrupted, or of another recording.
    """

    recording: corpora.LongRecording
    group: str
    fold: int
    what: str
    condition: str
    transcript: corpora.CorruptedTranscript


@cache
def material(shared: Path, fold: int, purpose: str) -> Material:
    """Voices, noise clips and languages of one fold.

    Args:
        shared: the folder of real material.
        fold: of `FOLDS`.
        purpose: "fit" or "bench": the bench of fitted filters takes other voices than any fit.
    """
    voices = sorted((shared / "data" / VOICES).glob("**/*.opus"))
    part = voices[(2 * fold + (purpose == "bench")) :: 2 * FOLDS][:12]
    noises = sorted((shared / "data" / "noise").glob("*.opus"))
    languages = sorted(sounds.LANGUAGES)
    return Material(
        speech=tuple(corpora.decode_utterance(path) for path in part),
        noises=(corpora.decode_utterance(noises[fold % len(noises)]),),
        languages=tuple(languages[2 * fold : 2 * fold + 2]),
    )


def spoken_hard(
    shared: Path, utterances: dict[str, list[corpora.SourceUtterance]], *, seeds: int = 1, every: int = 1
) -> Iterator[HardRecording]:
    """Each condition on a part of every second recording, with as many corrupted transcripts as there are seeds.

    Of these recordings one in `every` is made.
    """
    texts = [u.words for one in utterances.values() for u in one]
    number = -1
    for c, (name, condition) in enumerate(conditions.CONDITIONS.items()):
        if name == "clean":
            continue
        for b, base in enumerate(utterances):
            if (b + c + b // 2) % 2:
                continue
            number += 1
            if number % every:
                continue
            fold = b // 2 % FOLDS
            part = _part(utterances[base], corpora.generator("part", name, base))
            joined = corpora.join(part, recording_id=f"{base}-{name}")
            hard = condition(
                joined.audio_N, material(shared, fold, "fit"), corpora.generator("hard", joined.id)
            )
            recording = replace(joined, audio_N=hard)
            for seed in range(seeds):
                yield HardRecording(
                    recording=recording,
                    group=base,
                    fold=fold,
                    what=SPOKEN,
                    condition=name,
                    transcript=corpora.corrupt(recording, seed=seed, texts=texts),
                )


def _part(
    utterances: Sequence[corpora.SourceUtterance], random: np.random.Generator
) -> list[corpora.SourceUtterance]:
    """Consecutive utterances of about `CONDITION_SECONDS`; their words tell their length: 2.6 a second."""
    seconds = np.cumsum([len(u.words) / 2.6 for u in utterances])
    first = float(random.uniform(0, max(seconds[-1] - CONDITION_SECONDS, 0.1)))
    start = int(np.searchsorted(seconds, first))
    return list(utterances[start : int(np.searchsorted(seconds, first + CONDITION_SECONDS)) + 1])


def nobody_hard(
    shared: Path, texts: Sequence[Sequence[str]], *, each: int, purpose: str
) -> Iterator[HardRecording]:
    """`each` recordings of every kind in which nobody says the text."""
    for kind in KINDS:
        for number in range(each):
            fold = number % FOLDS
            random = corpora.generator("nobody", purpose, kind, number)
            samples = int(random.uniform(*NOBODY_SECONDS) * RATE_HZ)
            audio_N = conditions.nobody(kind, samples, material(shared, fold, purpose), random)
            if audio_N is None:
                raise SystemExit(NO_LANGUAGES)
            words = _consecutive(texts, int(random.integers(8, int(samples / RATE_HZ * 2.6))), random)
            yield HardRecording(
                recording=_silent(f"nobody-{purpose}-{kind}-{number}", audio_N),
                group=f"nobody-{fold}",
                fold=fold,
                what=NOBODY,
                condition=kind,
                transcript=_false(words),
            )


def spliced_hard(
    shared: Path,
    utterances: dict[str, list[corpora.SourceUtterance]],
    texts: Sequence[Sequence[str]],
    *,
    each: int,
    purpose: str,
) -> Iterator[HardRecording]:
    """Speech with 30 s in the middle in which nobody says the text that stands there."""
    own = [u.words for one in utterances.values() for u in one]
    for k, kind in enumerate(KINDS):
        for number in range(each):
            random = corpora.generator("spliced", purpose, kind, number)
            b = (k + number * 3) % len(utterances)
            base, fold = list(utterances)[b], b // 2 % FOLDS
            samples = int(SPLICED_SECONDS * RATE_HZ)
            sound_N = conditions.nobody(kind, samples, material(shared, fold, purpose), random)
            if sound_N is None:
                raise SystemExit(NO_LANGUAGES)
            part = _part(utterances[base], random)
            part = part[: max(2, len(part) * 2 // 3)]
            joined = corpora.join(part, recording_id=f"spliced-{purpose}-{kind}-{number}")
            transcript = corpora.corrupt(joined, seed=0, texts=own)
            words = _consecutive(texts, int(random.integers(12, 70)), random)
            yield HardRecording(
                recording=_with_sound(joined, sound_N, len(part) // 2),
                group=base,
                fold=fold,
                what=SPLICED,
                condition=kind,
                transcript=_inserted(joined, transcript, words, len(part) // 2),
            )


def _with_sound(joined: corpora.LongRecording, sound_N: FloatArray, before: int) -> corpora.LongRecording:
    """A recording with a sound before one of its utterances."""
    at = joined.utterances[before].start_sample
    later = [
        replace(u, start_sample=u.start_sample + len(sound_N), end_sample=u.end_sample + len(sound_N))
        for u in joined.utterances[before:]
    ]
    return replace(
        joined,
        audio_N=np.concatenate((joined.audio_N[:at], sound_N, joined.audio_N[at:])),
        utterances=(*joined.utterances[:before], *later),
    )


def _inserted(
    joined: corpora.LongRecording,
    transcript: corpora.CorruptedTranscript,
    words: Sequence[str],
    before: int,
) -> corpora.CorruptedTranscript:
    """A transcript with false words before what one of the utterances says."""
    first = sum(len(u.words) for u in joined.utterances[:before])
    at = next((w for w, truth in enumerate(transcript.truths) if truth >= first), len(transcript.words))
    together = (*transcript.words[:at], *words, *transcript.words[at:])
    return corpora.CorruptedTranscript(
        text=" ".join(together),
        words=together,
        truths=(*transcript.truths[:at], *(-1 for _ in words), *transcript.truths[at:]),
        kinds=(*transcript.kinds[:at], *("spliced" for _ in words), *transcript.kinds[at:]),
        utterance_kinds=transcript.utterance_kinds,
    )


def _consecutive(texts: Sequence[Sequence[str]], count: int, random: np.random.Generator) -> tuple[str, ...]:
    """So many words of consecutive sentences from a random place."""
    start = int(random.integers(len(texts)))
    words = [word for text in (*texts[start:], *texts[:start]) for word in text]
    return tuple(words[:count])


def _false(words: Sequence[str]) -> corpora.CorruptedTranscript:
    return corpora.CorruptedTranscript(
        text=" ".join(words),
        words=tuple(words),
        truths=(-1,) * len(words),
        kinds=("extra",) * len(words),
        utterance_kinds=(),
    )


def _silent(name: str, audio_N: FloatArray) -> corpora.LongRecording:
    return corpora.LongRecording(
        id=name, speaker="nobody", audio_N=audio_N, sample_rate_hz=RATE_HZ, utterances=()
    )


@dataclass(frozen=True, kw_only=True)
class HardCase:
    """A labelled case of a hard recording.

    Attributes:
        case: aligned and labelled.
        fold, what, condition: as of the recording.
    """

    case: Case
    fold: int
    what: str
    condition: str


def fit_cases(
    shared: Path,
    cache_folder: Path,
    model: LoadedModel,
    corpus: str,
    times: quality_cases.Times,
    *,
    seeds: int = 1,
) -> list[HardCase]:
    """All hard cases that filters are fitted and cross-validated on.

    Args:
        shared: the folder of real material.
        cache_folder: keeps the emissions.
        model: makes them.
        corpus: of `quality_cases.CORPORA`.
        times: of the words of its utterances.
        seeds: corrupted transcripts of each recording in which its text is said.
    """
    utterances = quality_cases.CORPORA[corpus](shared)
    texts = [u.words for one in utterances.values() for u in one]
    recordings = chain(
        nobody_hard(shared, texts, each=FOLDS, purpose="fit"),
        spoken_hard(shared, utterances, seeds=seeds),
        spliced_hard(shared, utterances, texts, each=1, purpose="fit"),
    )
    return [hard_case(one, model, cache_folder, times) for one in recordings]


def hard_case(
    one: HardRecording, model: LoadedModel, cache_folder: Path, times: quality_cases.Times
) -> HardCase:
    """The aligned and labelled case, its emissions from the cache or computed now.

    Args:
        one: the recording.
        model: makes the emissions.
        cache_folder: keeps them.
        times: of the words of its utterances, from clean recordings: in noise no alignment could tell.
    """
    info: ModelInfo = model.info
    log_probs_TC = emissions_of(one.recording, model, cache_folder)
    spoken = quality_cases.spoken(one.recording, log_probs_TC, info, times)
    case = replace(
        quality_cases.labelled(spoken, one.transcript, info),
        group=one.group,
        origin=HARD,
        condition=one.condition if one.what == SPOKEN else one.what,
    )
    return HardCase(case=case, fold=one.fold, what=one.what, condition=one.condition)


def emissions_of(
    recording: corpora.LongRecording, model: LoadedModel, cache_folder: Path
) -> quality_cases.LogProbs:
    """A recording's emissions, from the cache or computed now."""
    folder = cache_folder / model.info.digest[:16]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (recording.id.replace(" ", "-").replace("/", "-") + ".npy")
    if not path.exists():
        emitter = emissions.Emitter[str](model, emissions.WindowOptions())
        [(_, log_probs_TC)] = emitter.emit([(recording.id, [recording.audio_N])], _fail)
        np.save(path, log_probs_TC)
        print(f"emissions of {recording.id}", file=sys.stderr, flush=True)
    found: quality_cases.LogProbs = np.load(path)
    return found


def _fail(key: str, error: Exception) -> None:
    raise RuntimeError(f"no emissions of {key}") from error
