"""Long recordings with known truth: real utterances joined, and transcripts corrupted at known places.

One generator serves every test and measurement of this project, so that figures can be compared. The audio of
a recording depends on its utterances and on the audio seed alone; a transcript depends on the words and on
its own seed, so that many transcripts share one set of emissions.

Shapes: N samples.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

SAMPLE_RATE_HZ = 16_000
DEV_CLEAN = "librispeech-dev-clean"
DEV_CLEAN_SPEAKERS = ("1462", "174", "1988", "2035", "2086", "2412", "251", "2902", "652", "84")

# How utterances fare, in the order of the running sum below: (kind, share of the utterances).
UTTERANCE_KINDS = (
    ("clean", 0.62),
    ("light", 0.16),
    ("heavy", 0.09),
    ("missing", 0.05),
    ("replaced", 0.05),
    ("extra", 0.03),
)
EDITED_SHARE = {"light": 0.12, "heavy": 0.55}


@dataclass(frozen=True, kw_only=True)
class SourceUtterance:
    """One file of the corpus: an utterance with its verbatim words.

    Attributes:
        id: the stem of its file name.
        speaker: the corpus's number of the speaker.
        chapter: utterances of one chapter follow each other in time.
        path: the audio file.
        words: what is said, lower case.
        duration_seconds: as the manifest states it.
    """

    id: str
    speaker: str
    chapter: str
    path: Path
    words: tuple[str, ...]
    duration_seconds: float


@dataclass(frozen=True, kw_only=True)
class SpokenUtterance:
    """An utterance's place in a long recording: samples [start_sample, end_sample), words said in it."""

    id: str
    start_sample: int
    end_sample: int
    words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LongRecording:
    """Joined utterances, with what is truly said.

    Attributes:
        id: names it in seeds and reports.
        speaker: the speaker, or "mixed".
        audio_N: mono, in [-1, 1].
        sample_rate_hz: of `audio_N`.
        utterances: in order of time.
    """

    id: str
    speaker: str
    audio_N: FloatArray
    sample_rate_hz: int
    utterances: tuple[SpokenUtterance, ...]

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Every word said, in order; `CorruptedTranscript.truths` indexes it."""
        return tuple(word for utterance in self.utterances for word in utterance.words)


@dataclass(frozen=True, kw_only=True)
class CorruptedTranscript:
    """A transcript as people write it, and what became of every word.

    Attributes:
        text: with capitals, commas and full stops.
        words: the words of `text`, lower case, without punctuation.
        truths: for each of `words` the index of the same word in `LongRecording.words`, or -1 where the
            audio does not say it here.
        kinds: for each of `words`: "right", "substituted", "inserted", "replaced" or "extra".
        utterance_kinds: for each spoken utterance what befell it, a name of `UTTERANCE_KINDS`.
    """

    text: str
    words: tuple[str, ...]
    truths: tuple[int, ...]
    kinds: tuple[str, ...]
    utterance_kinds: tuple[str, ...]


def generator(*parts: object) -> np.random.Generator:
    """A random generator that depends on the given parts and on nothing else."""
    digest = blake2b(json.dumps([str(part) for part in parts]).encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))


def read_corpus(folder: Path, *, speakers: Iterable[str] | None = None) -> list[SourceUtterance]:
    """The utterances of one LibriSpeech folder, in order of chapter and time.

    Args:
        folder: holds manifest.jsonl and the audio.
        speakers: only these; all where None.

    Returns:
        Sorted by speaker, chapter and number.
    """
    wanted = None if speakers is None else frozenset(speakers)
    found = []
    for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if wanted is not None and entry["speaker"] not in wanted:
            continue
        path = folder / entry["audio_filepath"]
        found.append(
            SourceUtterance(
                id=path.stem,
                speaker=entry["speaker"],
                chapter=path.stem.rsplit("-", 1)[0],
                path=path,
                words=tuple(entry["text"].split()),
                duration_seconds=entry["duration"],
            )
        )
    return sorted(found, key=lambda utterance: utterance.id)


def decode_utterance(path: Path) -> FloatArray:
    """A whole file as mono float32 at 16 kHz [N], decoded to its true end."""
    blocks = []
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
        for frame in container.decode(audio=0):
            blocks += [part.to_ndarray()[0] for part in resampler.resample(frame)]
        blocks += [part.to_ndarray()[0] for part in resampler.resample(None)]
    return np.concatenate(blocks).astype(np.float32)


def join(
    utterances: Sequence[SourceUtterance],
    *,
    recording_id: str,
    seed: int = 0,
    pause_seconds: tuple[float, float] = (0.15, 1.2),
    noise_db: tuple[float, float] = (-75.0, -55.0),
) -> LongRecording:
    """Utterances one after the other with pauses of faint noise between them.

    Args:
        utterances: in the order in which they are to be heard.
        recording_id: of the result.
        seed: of the pauses and the noise.
        pause_seconds: range of the pauses' lengths; one also stands before the first and after the last.
        noise_db: range of the noise's level against full scale; one level for the recording.

    Returns:
        The recording with the place of each utterance.
    """
    random = generator("join", seed, recording_id)
    level = 10 ** (random.uniform(*noise_db) / 20)
    blocks: list[FloatArray] = []
    placed = []
    at = 0

    def pause() -> None:
        nonlocal at
        count = int(random.uniform(*pause_seconds) * SAMPLE_RATE_HZ)
        blocks.append((random.standard_normal(count) * level).astype(np.float32))
        at += count

    for utterance in utterances:
        pause()
        audio_N = decode_utterance(utterance.path)
        placed.append(
            SpokenUtterance(
                id=utterance.id, start_sample=at, end_sample=at + len(audio_N), words=utterance.words
            )
        )
        blocks.append(audio_N)
        at += len(audio_N)
    pause()
    speakers = {utterance.speaker for utterance in utterances}
    return LongRecording(
        id=recording_id,
        speaker=speakers.pop() if len(speakers) == 1 else "mixed",
        audio_N=np.concatenate(blocks),
        sample_rate_hz=SAMPLE_RATE_HZ,
        utterances=tuple(placed),
    )


def build_recording(
    folder: Path,
    *,
    recording_id: str,
    speakers: Iterable[str] | None = None,
    minutes: float | None = None,
    seed: int = 0,
) -> LongRecording:
    """A long recording of whole utterances in order, from the chapters of some speakers.

    Args:
        folder: a LibriSpeech folder.
        recording_id: of the result.
        speakers: in the order in which they are heard; all where None.
        minutes: stop after the utterance that reaches this much speech; everything where None.
        seed: of the pauses and the noise.

    Returns:
        The recording.
    """
    order = None if speakers is None else list(speakers)
    utterances = read_corpus(folder, speakers=order)
    if order is not None:
        utterances.sort(key=lambda utterance: order.index(utterance.speaker))
    if minutes is not None:
        spoken_minutes = np.cumsum([utterance.duration_seconds for utterance in utterances]) / 60
        utterances = utterances[: int(np.searchsorted(spoken_minutes, minutes)) + 1]
    return join(utterances, recording_id=recording_id, seed=seed)


def corrupt(
    recording: LongRecording,
    *,
    seed: int,
    texts: Sequence[Sequence[str]] | None = None,
) -> CorruptedTranscript:
    """A noisy transcript of the recording, by the recipe that all measurements share.

    Utterance by utterance: 62 % clean; 16 % light (12 % of the words edited: half substituted, a quarter
    deleted, a quarter followed by an inserted word); 9 % heavy (55 % edited); 5 % missing; 5 % replaced by
    another utterance's text; 3 % followed by an utterance that nobody says.

    Args:
        recording: gives the words.
        seed: one transcript per seed.
        texts: where false words and false utterances are drawn from; the recording's own where None.

    Returns:
        The transcript with each word's truth.
    """
    random = generator("corrupt", seed, recording.id)
    pool = [list(text) for text in texts or [u.words for u in recording.utterances]]
    false_words = [word for text in pool for word in text]
    names = [name for name, _ in UTTERANCE_KINDS]
    shares = np.array([share for _, share in UTTERANCE_KINDS])
    words: list[tuple[str, int, str]] = []
    ends: list[int] = []
    utterance_kinds = []
    at = 0
    for utterance in recording.utterances:
        kind = names[int(random.choice(len(names), p=shares / shares.sum()))]
        utterance_kinds.append(kind)
        truths = range(at, at + len(utterance.words))
        at += len(utterance.words)
        if kind == "replaced":
            words += [(w, -1, "replaced") for w in _other(pool, utterance.words, random)]
        elif kind != "missing":
            edited = EDITED_SHARE.get(kind, 0.0)
            for word, truth in zip(utterance.words, truths):
                words += _edited(word, truth, edited, false_words, random)
        ends.append(len(words))
        if kind == "extra":
            words += [(w, -1, "extra") for w in _other(pool, utterance.words, random)]
            ends.append(len(words))
    return CorruptedTranscript(
        text=_written([word for word, _, _ in words], ends, random),
        words=tuple(word for word, _, _ in words),
        truths=tuple(truth for _, truth, _ in words),
        kinds=tuple(kind for _, _, kind in words),
        utterance_kinds=tuple(utterance_kinds),
    )


def _edited(
    word: str, truth: int, share: float, false_words: Sequence[str], random: np.random.Generator
) -> list[tuple[str, int, str]]:
    if random.random() >= share:
        return [(word, truth, "right")]
    what = random.random()
    if what < 0.5:
        return [(_unlike(word, false_words, random), -1, "substituted")]
    if what < 0.75:
        return []
    return [(word, truth, "right"), (_unlike(word, false_words, random), -1, "inserted")]


def _unlike(word: str, words: Sequence[str], random: np.random.Generator) -> str:
    for _ in range(100):
        drawn = words[int(random.integers(len(words)))]
        if drawn != word:
            return drawn
    raise ValueError(f"the corpus must hold a word other than {word!r}")


def _other(pool: Sequence[Sequence[str]], words: Sequence[str], random: np.random.Generator) -> Sequence[str]:
    for _ in range(100):
        drawn = pool[int(random.integers(len(pool)))]
        if list(drawn) != list(words):
            return drawn
    raise ValueError(f"the corpus must hold an utterance other than {' '.join(words)!r}")


def _written(words: Sequence[str], ends: Iterable[int], random: np.random.Generator) -> str:
    """Sentences with capitals, commas and full stops; each of `ends` closes one."""
    closing = frozenset(ends)
    written = []
    capital = True
    for position, word in enumerate(words):
        shown = word[0].upper() + word[1:] if capital or word == "i" else word
        capital = position + 1 in closing
        if capital:
            shown += "."
        elif random.random() < 0.06:
            shown += ","
        written.append(shown)
    return " ".join(written)
