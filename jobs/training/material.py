"""Prepared training speech: log-mels, a teacher's log-probs and texts, in parts that load at once.

A part is two files, `part-00000.npz` (arrays, no pickle) and `part-00000.json` (names, texts, settings, written
last, so that a part without it does not count).

Legend: M mel frames of 10 ms, F mel bands, S the teacher's frames, C symbols, E examples.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from prep_corpus.align.errors import UsageError

HalfArray = NDArray[np.float16]
IndexArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """One example as training needs it.

    Attributes:
        name: name for messages.
        text: what is said, in the model's characters, or None where nobody knows.
        energies_MF: log-mel energies.
        teacher_SC: the teacher's log-probs in the order of the model's symbols, or None.
    """

    name: str
    text: str | None
    energies_MF: HalfArray
    teacher_SC: HalfArray | None


@dataclass(frozen=True, kw_only=True)
class ExampleSet:
    """Examples that are drawn with one weight.

    Attributes:
        name: name of the set, for tables.
        weight: how often a second of it is drawn, against a second of the others.
        examples: all of them, in memory.
    """

    name: str
    weight: float
    examples: tuple[Prepared, ...]

    @property
    def seconds(self) -> float:
        """Seconds of audio."""
        return sum(len(example.energies_MF) for example in self.examples) / 100


def write_part(
    folder: Path, index: int, examples: list[Prepared], about: dict[str, str], *, taken: int = 0
) -> None:
    """Write one part.

    Args:
        folder: folder of the set.
        index: index of the part.
        examples: at least one.
        about: what must agree for the part to be used again.
        taken: examples that were looked at for it; more than it holds where some were left out.
    """
    stem = folder / f"part-{index:05d}"
    with_teacher = [e.teacher_SC for e in examples if e.teacher_SC is not None]
    arrays = {"energies_MF": np.concatenate([e.energies_MF for e in examples])}
    if with_teacher:
        arrays["teacher_SC"] = np.concatenate(with_teacher)
    temporary = stem.with_name(stem.name + "-new.npz")
    np.savez(temporary, **arrays)  # type: ignore[arg-type]
    temporary.replace(stem.with_suffix(".npz"))
    rows = [
        [e.name, e.text, len(e.energies_MF), None if e.teacher_SC is None else len(e.teacher_SC)]
        for e in examples
    ]
    content = {"about": about, "taken": taken or len(examples), "examples": rows}
    temporary = stem.with_name(stem.name + "-new.json")
    temporary.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    temporary.replace(stem.with_suffix(".json"))


def read_part(path: Path) -> Iterator[Prepared]:
    """The examples of one part, given its JSON file."""
    rows = json.loads(path.read_text(encoding="utf-8"))["examples"]
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as arrays:
        energies_MF = arrays["energies_MF"]
        teacher_SC = arrays.get("teacher_SC")
    mel_at = teacher_at = 0
    for name, text, mel_frames, teacher_frames in rows:
        teacher = None
        if teacher_frames is not None and teacher_SC is not None:
            teacher = teacher_SC[teacher_at : teacher_at + teacher_frames]
            teacher_at += teacher_frames
        yield Prepared(
            name=name, text=text, energies_MF=energies_MF[mel_at : mel_at + mel_frames], teacher_SC=teacher
        )
        mel_at += mel_frames


def parts(folder: Path) -> list[Path]:
    """The JSON files of the complete parts of a prepared set, in order."""
    return sorted(p for p in folder.glob("part-*.json") if not p.stem.endswith("-new"))


def read_source(folder: Path, *, weight: float = 1.0) -> ExampleSet:
    """Load a prepared set.

    Raises:
        UsageError: the folder holds no complete part.
    """
    found = parts(folder)
    if not found:
        raise UsageError(f"{folder}: no prepared speech here (part-*.json); run the preparation first")
    examples = tuple(example for path in found for example in read_part(path))
    return ExampleSet(name=folder.name, weight=weight, examples=examples)


def greedy_text(log_probs_SC: NDArray[np.floating], vocabulary: tuple[str, ...], blank: int) -> str:
    """The best symbol of each frame, repeats and blanks taken out."""
    best_S = log_probs_SC.argmax(axis=1)
    changed_S = np.append(True, best_S[1:] != best_S[:-1]) & (best_S != blank)
    return "".join(vocabulary[i] for i in best_S[changed_S])


@dataclass(frozen=True, kw_only=True)
class Trust:
    """When a teacher is believed.

    Attributes:
        max_error: largest character error rate against a known text.
        min_confidence: smallest mean probability of its best symbol where that is no blank; asked where there is
            no text.
    """

    max_error: float = 0.2
    min_confidence: float = 0.8

    def __post_init__(self) -> None:
        if not (0 <= self.max_error <= 1 and 0 <= self.min_confidence <= 1):
            raise UsageError(
                f"trust: max_error ({self.max_error}) and min_confidence ({self.min_confidence}) lie in 0..1"
            )

    def believes(self, example: Prepared, vocabulary: tuple[str, ...], blank: int) -> bool:
        """Whether the teacher's frames of this example are good enough to learn from."""
        if example.teacher_SC is None:
            return False
        if example.text:
            heard = greedy_text(example.teacher_SC, vocabulary, blank)
            return Levenshtein.distance(heard, example.text) <= self.max_error * len(example.text)
        best_S = example.teacher_SC.argmax(axis=1)
        said_S = example.teacher_SC.max(axis=1)[best_S != blank]
        return len(said_S) > 2 and float(np.exp(said_S.astype(np.float32)).mean()) >= self.min_confidence
