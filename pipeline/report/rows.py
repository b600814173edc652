"""Rows of a report's lists, and keeping the few that matter of many.

Legend: S segments, B bins of a strip.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.recognition.sources import TRANSCRIPT
from prep_corpus.pipeline.report.bundles import BundleFacts
from prep_corpus.pipeline.report.model import STRIP_CLASSES, Limits, RecordingRow, SegmentRow, Word
from prep_corpus.pipeline.shards.rows import TEXT_SOURCE, WORD_TIMES

T = TypeVar("T")

STRIP_BINS = 360
_STRIP_BIN_SECONDS = 0.1
_STRIP_STEPS = 63


class Lowest(Generic[T]):
    """The few elements of the lowest keys, of any number that come by."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._order = itertools.count()
        self._heap: list[tuple[float, int, T]] = []

    def wants(self, key: float) -> bool:
        """Whether an element of this key would be kept now."""
        return len(self._heap) < self._count or (self._count > 0 and -key > self._heap[0][0])

    def add(self, key: float, element: T) -> None:
        """Offer an element; of equal keys the first ones stay."""
        if self.wants(key):
            push = heapq.heappush if len(self._heap) < self._count else heapq.heappushpop
            push(self._heap, (-key, -next(self._order), element))

    def sorted(self) -> list[T]:
        """The elements by rising key."""
        return [element for _, _, element in sorted(self._heap, key=lambda one: one[:2], reverse=True)]


_MOST_SPEAKERS = 8


def chance(*names: str) -> float:
    """A number in [0, 1) that depends on the names alone."""
    hashed = blake2b("\0".join(names).encode(), digest_size=8).digest()
    return int.from_bytes(hashed, "big") / 2**64


def segment_rows(facts: BundleFacts, limits: Limits) -> list[SegmentRow]:
    """The segments of a bundle as rows of the list."""
    rows = []
    for index, row in enumerate(facts.table.to_pylist()):
        text = row["text"] or ""
        if len(text) > limits.text_characters:
            text = text[: limits.text_characters] + "…"
        rows.append(
            SegmentRow(
                id=row["id"],
                recording_id=row["recording_id"],
                speaker=row["speaker"],
                start=row["start"],
                end=row["end"],
                kept=row["kept"],
                reason=row["reason"],
                text=text,
                score=_known(row["score"]),
                rate=len(row["text_normalized"] or "") / max(row["duration"], 1e-3),
                snr_db=_known(float(facts.snr_S[index])),
                weakest=_known(float(facts.weakest_S[index])),
                words=None if _known(row["words"]) is None else int(row["words"]),
                char_start=row["char_start"],
                char_end=row["char_end"],
                digest=facts.digest,
                clip_offset=row["clip_offset"],
                clip_bytes=row["clip_bytes"],
                text_source=row.get(TEXT_SOURCE, TRANSCRIPT),
            )
        )
    return rows


def words_of_clip(fields: Mapping[str, Any]) -> tuple[Word, ...]:
    """The words of an utterance as its row has them: each with its times where the run wrote them, else all as one."""
    times = fields.get(WORD_TIMES) or [
        {"text": fields["text"], "start": 0.0, "end": fields["duration"], "score": None}
    ]
    return tuple(
        Word(
            text=word["text"],
            start=word["start"],
            end=word["end"],
            score=None,
            inside=True,
            said=True,
            mean_ratio=0.0,
            edits=0,
        )
        for word in times
    )


def _known(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else value


def recording_rows(facts: BundleFacts, rows: Mapping[str, list[SegmentRow]]) -> list[RecordingRow]:
    """The recordings of a bundle as rows of the list."""
    named: dict[str, dict[str, None]] = {}
    for recording_id, speaker in zip(
        *(facts.table[name].to_pylist() for name in ("recording_id", "speaker"))
    ):
        if speaker:
            named.setdefault(recording_id, {})[speaker] = None
    rate = facts.sample_rate_hz
    listed = []
    for recording_id, outcome in facts.outcomes.items():
        samples: dict[str, int] = outcome["samples"]
        segments = rows.get(recording_id, [])
        decoded = samples.get("decoded", 0)
        listed.append(
            RecordingRow(
                id=recording_id,
                speaker=together(named.get(recording_id, {})),
                seconds=decoded / rate,
                parts={key: value / rate for key, value in samples.items() if key != "decoded"},
                characters=outcome["characters"],
                utterances=sum(row.kept for row in segments),
                segments=len(segments),
                strip=strip_of(
                    [(round(row.start * rate), round(row.end * rate)) for row in segments if row.kept],
                    [(round(row.start * rate), round(row.end * rate)) for row in segments if not row.kept],
                    outcome.get("untranscribed_spans", []),
                    samples=decoded,
                    sample_rate_hz=rate,
                ),
            )
        )
    return listed


def together(speakers: Iterable[str]) -> str | None:
    """The speakers of a recording in the order in which they speak, the first ones where there are many."""
    names = list(speakers)
    more = f" and {len(names) - _MOST_SPEAKERS} more" if len(names) > _MOST_SPEAKERS else ""
    return ", ".join(names[:_MOST_SPEAKERS]) + more if names else None


def strip_of(
    kept: list[tuple[int, int]],
    dropped: list[tuple[int, int]],
    untranscribed: list[Any],
    *,
    samples: int,
    sample_rate_hz: int,
) -> NDArray[np.uint8]:
    """How much of each part of a recording went where: uint8 [classes, B], 63 where all of it did.

    Args:
        kept, dropped, untranscribed: half-open spans of samples, each in order and without overlap.
        samples: length of the recording.
        sample_rate_hz: rate of the samples.
    """
    seconds = samples / sample_rate_hz
    bins = max(1, min(STRIP_BINS, int(np.ceil(seconds / _STRIP_BIN_SECONDS))))
    edges_B = np.linspace(0, max(samples, 1), bins + 1)
    strip = np.zeros((len(STRIP_CLASSES), bins), np.uint8)
    for row, spans in enumerate((kept, dropped, untranscribed)):
        if not spans:
            continue
        bounds = np.array(sorted(map(tuple, spans)), np.float64)
        lengths = bounds[:, 1] - bounds[:, 0]
        # Length covered up to each border of a span; straight lines between them.
        covered = np.stack((np.cumsum(lengths) - lengths, np.cumsum(lengths)), axis=1).ravel()
        reached_B = np.interp(edges_B, bounds.ravel(), covered, left=0.0, right=covered[-1])
        share_B = np.diff(reached_B) / np.diff(edges_B)
        strip[row] = np.clip(np.rint(share_B * _STRIP_STEPS), 0, _STRIP_STEPS).astype(np.uint8)
    return strip
