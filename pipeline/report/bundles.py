"""What a report reads of one bundle: its segments, what became of its recordings, and how good both look.

Legend: S segments, W words, P blocks of loudness.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from prep_corpus.align.audio.levels import Levels, block_samples
from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.filters.linear import Filter
from prep_corpus.filters.scoring import score_words
from prep_corpus.pipeline.shards.rows import TEXT_SOURCE
from prep_corpus.pipeline.stage_frame import emissions_of, read_model
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.documents import read_used
from prep_corpus.pipeline.storage.stage_store import StageRef, Store

DoubleArray = NDArray[np.float64]

_COLUMNS = (
    *("id", "recording_id", "speaker", "kept", "reason", "start_sample", "end_sample", "start", "end"),
    *("duration", "text", "text_normalized", "char_start", "char_end", "words", "score"),
    *("clip_offset", "clip_bytes"),
)
# Above this, the estimate says more about digital silence than about the speech.
MOST_SNR_DB = 60.0


@dataclass(frozen=True, kw_only=True)
class BundleFacts:
    """One bundle's segments.

    Attributes:
        digest: the digest of the segment stage.
        sample_rate_hz: the rate by which its samples are counted.
        table: S rows of the segment table, those columns that the report needs.
        outcomes: ledgers and spans without text by recording id.
        snr_S: estimated, in dB; NaN where it was not measured.
        weakest_S: log-odds of the weakest word that the text holds; NaN likewise.
    """

    digest: str
    sample_rate_hz: int
    table: pa.Table
    outcomes: Mapping[str, Any]
    snr_S: DoubleArray
    weakest_S: DoubleArray


def used_segments(folder: str) -> list[str]:
    """Digests of the segment files that the last run in a folder used; none where it got no further than reading."""
    names = [name.partition("/") for name in read_used(folder) or ()]
    return [digest for stage, _, digest in names if stage == "segment"]


def segments_ref(store: Store, digest: str) -> StageRef:
    """The segment file of a digest.

    Raises:
        UsageError: it is gone.
    """
    for final, suffix in ((True, ".parquet"), (False, ".retry.parquet")):
        if files.exists(store.uri("segment", digest, suffix)):
            return StageRef("segment", "", digest, "", final, 0)
    raise UsageError(
        f"a report needs the stage files of its run: {store.uri('segment', digest)} is gone. Give the same run "
        "command again; of what export wrote, report the run that it came from"
    )


def alignments_of(notes: Mapping[str, Any]) -> StageRef | None:
    """Where the alignments of a segment stage stand, from its notes."""
    return StageRef(*notes["alignments"]) if "alignments" in notes else None


def read_facts(
    store: Store,
    ref: StageRef,
    fitted: Filter | None,
    word_threshold: float | None,
    *,
    measured: bool,
    reads: bool = False,
) -> BundleFacts:
    """Read what a report needs of one bundle.

    Args:
        store: the run's store.
        ref: its segments.
        fitted: the filter, for the scores of words.
        word_threshold: words under it are not in the text; None where all are.
        measured: read loudness and word evidence too.
        reads: segments have a source of their text.
    """
    stage = store.read(ref, columns=[*_COLUMNS, *([TEXT_SOURCE] if reads else [])])
    table = stage.table
    snr_S = np.full(len(table), np.nan)
    weakest_S = np.full(len(table), np.nan)
    alignments = alignments_of(stage.notes)
    if measured and alignments is not None and files.exists(store.uri_of(alignments)):
        emissions = emissions_of(store, alignments)
        info = read_model(store, emissions)
        places = _places(table)
        starts_S, ends_S = _numbers(table, "start_sample"), _numbers(table, "end_sample")
        for recording_id, levels in levels_of(store, emissions, info):
            at = places.get(recording_id, slice(0, 0))
            snr_S[at] = [estimated_snr_db(levels, int(a), int(b)) for a, b in zip(starts_S[at], ends_S[at])]
        if fitted is not None:
            for recording_id, middles_W, scores_W in _scored_words(store, alignments, info, fitted):
                at = places.get(recording_id, slice(0, 0))
                said_W = scores_W >= (-np.inf if word_threshold is None else word_threshold)
                weakest_S[at] = weakest(
                    middles_W[said_W] * info.stride_samples, scores_W[said_W], starts_S[at], ends_S[at]
                )
    return BundleFacts(
        digest=ref.digest,
        sample_rate_hz=stage.notes["sample_rate_hz"],
        table=table,
        outcomes=stage.notes.get("recordings", {}),
        snr_S=snr_S,
        weakest_S=weakest_S,
    )


def _numbers(table: pa.Table, name: str) -> DoubleArray:
    column: DoubleArray = table[name].to_numpy().astype(np.float64)
    return column


def _places(table: pa.Table) -> dict[str, slice]:
    """The rows of each recording: they stand together."""
    ids = table["recording_id"].to_pylist()
    places: dict[str, slice] = {}
    first = 0
    for row in range(1, len(ids) + 1):
        if row == len(ids) or ids[row] != ids[first]:
            places[ids[first]] = slice(first, row)
            first = row
    return places


def levels_of(store: Store, emissions: StageRef, info: ModelInfo) -> Iterator[tuple[str, Levels]]:
    """The loudness of each recording of a bundle, by its id."""
    table = store.read(emissions, columns=["id", "levels"]).table
    block = block_samples(info.sample_rate_hz)
    for recording_id, loudness in zip(table["id"], table["levels"]):
        if loudness.is_valid:
            levels_P = np.frombuffer(loudness.as_buffer(), np.uint8)
            yield recording_id.as_py(), Levels.of(levels_P, block)


def estimated_snr_db(levels: Levels, start_sample: int, end_sample: int) -> float:
    """Speech over noise: mean power of a span against that of the recording's quietest tenth.

    Args:
        levels: the recording's loudness track.
        start_sample, end_sample: the half-open span.
    """
    noise = 10 ** (levels.floor_db / 10)
    speech = 10 ** (levels.mean_db(start_sample, end_sample) / 10) - noise
    return float(np.clip(10 * np.log10(max(speech, noise / 10) / noise), -10.0, MOST_SNR_DB))


def _scored_words(
    store: Store, alignments: StageRef, info: ModelInfo, fitted: Filter
) -> Iterator[tuple[str, DoubleArray, DoubleArray]]:
    """Middle frame and log-odds of the words of each recording that the path did not pass by."""
    stage = store.read(
        alignments, ["id", "text_normalized", "token_starts", "token_ends", "token_skipped", "evidence"]
    )
    features = len(stage.notes["evidence_names"])
    for batch in stage.table.to_batches():
        for row in range(len(batch)):
            text = batch["text_normalized"][row].as_py()
            evidence_WF = np.frombuffer(batch["evidence"][row].as_buffer(), np.float32).reshape(-1, features)
            firsts_W, lasts_W = _word_tokens(text, info)
            starts_L, ends_L, skipped_L = (
                batch[name][row].values.to_numpy(zero_copy_only=False)
                for name in ("token_starts", "token_ends", "token_skipped")
            )
            taken_W = ~skipped_L[firsts_W].astype(bool)
            middles_W = (starts_L[firsts_W] + ends_L[lasts_W - 1]) / 2
            scores_W = score_words(evidence_WF, fitted)
            yield batch["id"][row].as_py(), middles_W[taken_W], scores_W[taken_W]


def _word_tokens(text: str, info: ModelInfo) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last + 1 token of each word of a normalised text; none of an empty one."""
    if not text:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    if info.tokenizer:
        edges = np.cumsum([0, *(len(info.pieces.pieces_of(word)) for word in text.split(" "))])
        return edges[:-1], edges[1:]
    if not info.has_spaces:
        return np.arange(len(text)), np.arange(len(text)) + 1
    spaces = np.flatnonzero(np.frombuffer(text.encode("utf-32-le"), np.uint32) == 32)
    return np.concatenate(([0], spaces + 1)), np.concatenate((spaces, [len(text)]))


def weakest(
    middles_W: DoubleArray, scores_W: DoubleArray, starts_S: DoubleArray, ends_S: DoubleArray
) -> DoubleArray:
    """The lowest score among the words in each half-open span; NaN where it holds none.

    Args:
        middles_W: where each word is, rising.
        scores_W: one a word.
        starts_S, ends_S: the spans, in the same unit.
    """
    if not len(starts_S) or not len(middles_W):
        return np.full(len(starts_S), np.nan)
    edges = np.stack((np.searchsorted(middles_W, starts_S), np.searchsorted(middles_W, ends_S)), axis=1)
    found = np.minimum.reduceat(np.append(scores_W, np.inf), edges.ravel())[::2]
    return np.where(edges[:, 1] > edges[:, 0], found, np.nan)
