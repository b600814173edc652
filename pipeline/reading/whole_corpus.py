"""Checks over a whole corpus: duplicates, overlaps, leaks between splits. About 60 bytes per utterance."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from prep_corpus.align.recognition.sources import READ_SPLIT_ENDING, TRANSCRIPT
from prep_corpus.pipeline.shards.rows import Utterance
from prep_corpus.pipeline.shards.shard_plan import numbers_a_voice

_NAMED = 4
"""Utterances with one id, or one audio, that are named."""


class WholeCorpus:
    """Collects every utterance's id, audio, place and groups as numbers; names are kept once each."""

    def __init__(self) -> None:
        self._ids = array("Q")
        self._audio = array("Q")
        self._recordings = array("q")
        self._starts = array("q")
        self._ends = array("q")
        self._names: dict[str, int] = {}
        self._listed: list[str] = []
        self._recording_splits: dict[str, set[str]] = {}
        self._speaker_splits: dict[str, set[str]] = {}
        self._speakers_of: dict[str, set[str]] = {}
        self._recordings_of: dict[str, set[str]] = {}

    def add(self, row: Utterance, split: str) -> None:
        """Take in one utterance."""
        self._ids.append(_hash64(row.id.encode()))
        self._audio.append(_hash64(row.audio))
        self._recordings.append(self._names.setdefault(row.recording_id, len(self._names)))
        self._starts.append(row.start_sample)
        self._ends.append(row.end_sample)
        if row.text_source not in (None, TRANSCRIPT):
            # What is read stands beside the others of its speaker.
            split = split.removesuffix(READ_SPLIT_ENDING)
        self._recording_splits.setdefault(row.recording_id, set()).add(split)
        if row.speaker is not None:
            self._speaker_splits.setdefault(row.speaker, set()).add(split)
            self._speakers_of.setdefault(row.recording_id, set()).add(row.speaker)
            if numbers_a_voice(row.speaker):
                self._recordings_of.setdefault(row.speaker, set()).add(row.recording_id)

    def problems(self, *, by_speaker: bool) -> Iterator[tuple[str, str, str]]:
        """Slug, place and message of each problem.

        Args:
            by_speaker: whether a speaker in two splits is one.
        """
        for slug, what, keys in (
            ("duplicate-id", "an id", self._ids),
            ("duplicate-audio", "audio", self._audio),
        ):
            for same in _repeats(keys):
                first, *others = (self._place(index) for index in same[:_NAMED])
                more = f" and {len(same) - _NAMED} more" if len(same) > _NAMED else ""
                yield (
                    slug,
                    first,
                    f"{what} must be unique: this one is also that of {', '.join(others)}{more}",
                )
        yield from self._overlaps()
        yield from _leaks("leak-recording", "recording", self._recording_splits)
        if by_speaker:
            everywhere = {
                name: found for name, found in self._speaker_splits.items() if not self._is_local(name)
            }
            yield from _leaks("leak-speaker", "speaker", everywhere)

    def _is_local(self, speaker: str) -> bool:
        """Whether a name only numbers the voices of recordings with several: elsewhere it is another person."""
        recordings = self._recordings_of.get(speaker, ())
        return any(len(self._speakers_of[recording]) > 1 for recording in recordings)

    def _overlaps(self) -> Iterator[tuple[str, str, str]]:
        recordings = np.frombuffer(self._recordings, np.int64)
        starts, ends = np.frombuffer(self._starts, np.int64), np.frombuffer(self._ends, np.int64)
        order = np.lexsort((ends, starts, recordings))
        same = recordings[order][1:] == recordings[order][:-1]
        for place in np.flatnonzero(same & (starts[order][1:] < ends[order][:-1])):
            one, other = int(order[place]), int(order[place + 1])
            if self._ids[one] != self._ids[other]:
                yield (
                    "overlap",
                    self._place(one),
                    f"utterances must share no sample: this one ends at {ends[one]}, another begins at "
                    f"{starts[other]}",
                )

    def _place(self, index: int) -> str:
        if len(self._listed) < len(self._names):
            self._listed = list(self._names)
        return f"{self._listed[self._recordings[index]]} [{self._starts[index]}, {self._ends[index]})"


def _repeats(keys: array[int]) -> Iterator[list[int]]:
    """The indices of every key that occurs more than once, rising."""
    values: npt.NDArray[np.uint64] = np.frombuffer(keys, np.uint64)
    order = np.argsort(values, kind="stable")
    bounds = np.concatenate(([0], np.flatnonzero(np.diff(values[order])) + 1, [len(values)]))
    for place in np.flatnonzero(np.diff(bounds) > 1):
        yield order[bounds[place] : bounds[place + 1]].tolist()


def _leaks(slug: str, noun: str, splits: dict[str, set[str]]) -> Iterator[tuple[str, str, str]]:
    for name, of_name in splits.items():
        if len(of_name) > 1:
            yield slug, name, f"a {noun} must be in one split: this one is in {', '.join(sorted(of_name))}"


def _hash64(content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big")
