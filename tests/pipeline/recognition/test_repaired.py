"""Transcripts that are repaired: rows, columns and ledgers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import toy
from support.cutting_words import options, track_of, words_at
from support.toy_stages import K_FRAMES, ToyStages

from prep_corpus.align.recognition.sources import KEPT_REPAIRED, READ_REPAIR, RECOGNISED, REPAIRED, TRANSCRIPT
from prep_corpus.align.recognition.uncovered import RecognisedText
from prep_corpus.filters.scoring import Verdicts
from prep_corpus.filters.text_evidence import TextWords
from prep_corpus.pipeline.inputs.bundles import read_bundle, write_bundle
from prep_corpus.pipeline.ledgers import Ledgers
from prep_corpus.pipeline.recognition.repaired import RepairableText
from prep_corpus.pipeline.recognition.uncovered import RecognitionOptions, ScoredWords, hear
from prep_corpus.pipeline.shards.clips import read_record
from prep_corpus.pipeline.shards.rows import TEXT_ORIGINAL, TEXT_SOURCE, WORD_TIMES
from prep_corpus.pipeline.stages import cut_recording
from prep_corpus.pipeline.stages.align import align_bundle
from prep_corpus.pipeline.stages.measure import measure_bundle, read_totals
from prep_corpus.pipeline.stages.plan import utterance_refs
from prep_corpus.pipeline.stages.segment import segment_bundle
from prep_corpus.pipeline.storage.stage_store import Store


def damaged(said: list[list[str]]) -> str:
    """A transcript in which one word of the first sentence is another, and one of the second is not there."""
    first, second, *rest = [list(words) for words in said]
    first[1] = next(word for word in toy.WORDS if word not in first)
    del second[1]
    return " ".join(" ".join(words).capitalize() + "." for words in (first, second, *rest))


@pytest.mark.parametrize("last_is_sure", [True, False])
@pytest.mark.parametrize("second_is_said", [True, False])
def test_an_utterance_is_repaired_where_its_own_words_are_sure(
    last_is_sure: bool, second_is_said: bool
) -> None:
    # A word that the threshold lets pass, but that is more likely not said, gives way as one that is not said does.
    words = words_at((10, 20), (22, 30), (32, 40), (42, 50))
    everywhere_W = np.ones(4, bool)
    likely_W = np.array([True, False, True, True])
    said_W = likely_W | [False, second_is_said, False, False]
    text = RepairableText(
        seen=track_of(words, 60),
        levels=None,
        words=words,
        tokens_L=np.full(16, 5, np.int32),
        texts=("one", "two", "six", "ten"),
        trusted=Verdicts(
            said_W=said_W,
            likely_W=likely_W,
            sure_W=said_W & [True, True, True, last_is_sure],
            unsaid_W=~said_W,
        ),
        heard=ScoredWords(
            texts=("one", "tow", "six", "ten"),
            text=RecognisedText(words=words, tokens_L=np.full(16, 5, np.int32)),
            scores_W=np.full(4, 5.0),
            trusted_W=everywhere_W,
            sure_W=everywhere_W,
            least_mean=0.0,
        ),
        cut=options(),
    )
    found = text.cuts(20)
    assert [(one.word_start, one.word_end) for one in found.text.repairs] == [(1, 2)] * last_is_sure


def test_a_wrong_and_a_missing_word_are_read_in_their_places(
    toy_stages: ToyStages, tmp_path: Path, trust_all: RecognitionOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []

    def heard(*arguments: Any) -> ScoredWords:
        text: TextWords = arguments[-1]
        refused.extend(word for word, is_refused in zip(text.texts, text.refused_W) if is_refused)
        return hear(*arguments)

    monkeypatch.setattr(cut_recording, "hear", heard)
    graph = toy_stages.without(tmp_path, ["align", "segment"])
    store, emitted = Store(graph.work), toy_stages.emitted[0]
    _, said = toy.recording(0, 4)
    [probed] = read_bundle(store, emitted.bundle)
    wrong = replace(probed.recording, text=damaged(said), source=None, others=())
    bare = emitted._replace(bundle=write_bundle(store, [replace(probed, recording=wrong)]).digest)
    given = replace(graph.segment, min_seconds=0.2, word_times=True)
    aligned = align_bundle(store, bare, given.text, 1)
    found = {}
    for mode in (None, READ_REPAIR):
        recognised = None if mode is None else replace(trust_all, mode=mode)
        ref = segment_bundle(store, aligned, replace(given, recognised=recognised), K_FRAMES, 1)
        stage = store.read(ref)
        with open(store.uri("segment", ref.digest, ".clips"), "rb") as clips:
            rows = [
                read_record(clips, offset=row["clip_offset"], n_bytes=row["clip_bytes"], digest=ref.digest)[0]
                for row in stage.table.to_pylist()
                if row["kept"]
            ]
        found[mode] = rows, Ledgers.from_json(stage.notes["ledgers"])
    # Rivals of what is heard in their places.
    assert refused == [damaged(said).split()[1]]
    plain, repaired = found[None][0], found[READ_REPAIR][0]
    apart = utterance_refs(store, ref, replace(graph.plan, split_read=True))
    assert {one.id: one.split for one in apart} == {
        row["id"]: "train_read" if row[TEXT_SOURCE] == REPAIRED else "train" for row in repaired
    }
    everything = " ".join(word for words in said for word in words)
    assert " ".join(row["text_normalized"] for row in plain) != everything
    assert " ".join(row["text_normalized"] for row in repaired) == everything
    assert not any(TEXT_SOURCE in row or TEXT_ORIGINAL in row for row in plain)
    mended = [row for row in repaired if row[TEXT_SOURCE] == REPAIRED]
    assert Counter(row[TEXT_SOURCE] for row in repaired).keys() <= {REPAIRED, TRANSCRIPT}
    originals = " ".join(row[TEXT_ORIGINAL] for row in mended)
    assert damaged(said).startswith(originals)
    read = [word for row in repaired for word in row[WORD_TIMES] if word["source"] == RECOGNISED]
    assert [word["text"] for word in read] == [said[0][1], said[1][1]]
    for row in repaired:
        edges = [edge for word in row[WORD_TIMES] for edge in (word["start"], word["end"])]
        assert edges == sorted(edges)
        assert edges[-1] <= row["duration"]
    ledgers = found[READ_REPAIR][1]
    ledgers.check("toy")
    lengths = Counter[str]()
    for row in repaired:
        lengths[row[TEXT_SOURCE]] += row["end_sample"] - row["start_sample"]
    assert ledgers.samples[KEPT_REPAIRED] == lengths[REPAIRED]
    assert ledgers.samples["kept"] == lengths[TRANSCRIPT]
    # The shortest pause is chosen by what comes out with the repairs.
    measured = {}
    for recognised in (None, replace(trust_all, mode=READ_REPAIR)):
        ref = measure_bundle(store, aligned, replace(given, recognised=recognised))
        measured[recognised is not None] = read_totals(store, ref)[K_FRAMES]
    assert measured[True] == (len(repaired), sum(lengths.values()))
    assert measured[False] != measured[True]
    assert ledgers.counts["utterances repaired"] == len(mended) > 0
