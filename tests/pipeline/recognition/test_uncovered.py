"""What the model hears beside a transcript: rows, ledgers and columns."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import count, groupby, pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from support import toy
from support.planted_cases import INFO, planted_case
from support.toy_stages import K_FRAMES, ToyStages

from prep_corpus.align.cutting.segments import Cuts, Segment
from prep_corpus.align.recognition.sources import KEPT_RECOGNISED, RECOGNISED, TRANSCRIPT
from prep_corpus.align.words.evidence import track
from prep_corpus.filters.fitting.texted.fit_rereading import NOTHING_LEARNED
from prep_corpus.filters.linear import Linear
from prep_corpus.filters.recognition import RecognitionLevel, columns_of
from prep_corpus.filters.text_evidence import words_of_text
from prep_corpus.pipeline.inputs.bundles import read_bundle, write_bundle
from prep_corpus.pipeline.ledgers import Ledgers
from prep_corpus.pipeline.recognition.refused import with_refused
from prep_corpus.pipeline.recognition.uncovered import RecognitionOptions, hear, with_recognised, without
from prep_corpus.pipeline.shards.clips import read_record
from prep_corpus.pipeline.shards.rows import TEXT_SOURCE, WORD_TIMES
from prep_corpus.pipeline.stage_frame import finding_only
from prep_corpus.pipeline.stages.align import align_bundle
from prep_corpus.pipeline.stages.cut_recording import SegmentOptions
from prep_corpus.pipeline.stages.measure import measure_bundle, read_totals
from prep_corpus.pipeline.stages.segment import segment_bundle
from prep_corpus.pipeline.stages.transcript_checks import TranscriptCheck, check_bundle
from prep_corpus.pipeline.storage.stage_store import Store


def segmented(stages: ToyStages, folder: Path, options: SegmentOptions) -> list[dict[str, Any]]:
    """Notes and rows of each bundle, segmented in a copy of the store."""
    store = Store(stages.without(folder, ["segment"]).work)
    found = []
    for aligned in stages.aligned:
        ref = segment_bundle(store, aligned, options, K_FRAMES, 1)
        stage = store.read(ref)
        rows = stage.table.to_pylist()
        with open(store.uri("segment", ref.digest, ".clips"), "rb") as clips:
            for row in rows:
                if row["kept"]:
                    place = {"offset": row.pop("clip_offset"), "n_bytes": row.pop("clip_bytes")}
                    row["fields"] = read_record(clips, **place, digest=ref.digest)[0]
        found.append({"notes": stage.notes, "rows": rows})
    return found


def test_where_no_text_is_trusted_the_model_reads_what_was_said(
    toy_stages: ToyStages, tmp_path: Path, trust_all: RecognitionOptions
) -> None:
    options = replace(
        toy_stages.options.segment,
        recognised=trust_all,
        utterance_threshold=1e9,
        min_seconds=0.2,
        word_times=True,
    )
    found = [one for one in segmented(toy_stages, tmp_path, options) if one["rows"]]
    assert len(found) == 3
    for number, one in enumerate(found):
        said = "".join(word for words in toy.recording(number, 4)[1] for word in words)
        kept = [row for row in one["rows"] if row["kept"]]
        # The toy model hears no delimiter in a pause, and one letter where there are two.
        assert single_letters("".join(row["text"] for row in kept).replace(" ", "")) == single_letters(said)
        ledgers = Ledgers.from_json(one["notes"]["ledgers"])
        ledgers.check("toy")
        assert ledgers.samples["kept"] == 0
        assert ledgers.samples[KEPT_RECOGNISED] == sum(
            row["end_sample"] - row["start_sample"] for row in kept
        )
        assert ledgers.counts["utterances"] == ledgers.counts["utterances recognised"] == len(kept)
        for row in kept:
            fields = row["fields"]
            assert fields[TEXT_SOURCE] == RECOGNISED
            times = fields[WORD_TIMES]
            assert [word["text"] for word in times] == row["text"].split()
            edges = [edge for word in times for edge in (word["start"], word["end"])]
            assert 0 <= edges[0] < edges[-1] <= row["duration"]
            assert edges == sorted(edges)
            assert all(0.5 < word["score"] <= 1 for word in times)


def trusting_known_words(options: RecognitionOptions) -> RecognitionOptions:
    """Trusts the words that the recording's text has."""
    known = Linear(names=("text_has",), means=(0.0,), scales=(1.0,), coefficients=(9.0,), intercept=-3.0)
    with_text = RecognitionLevel(
        word=known, curve=options.filter.alone.curve, columns=columns_of(judged=False, has_text=True)
    )
    fitted = replace(options.filter, with_text=with_text, rereading=NOTHING_LEARNED)
    return replace(options, filter=fitted, with_text=options.alone)


def test_where_a_recording_has_a_text_the_words_that_it_knows_are_trusted(
    toy_stages: ToyStages, tmp_path: Path, trust_all: RecognitionOptions
) -> None:
    options = replace(
        toy_stages.options.segment,
        recognised=trusting_known_words(trust_all),
        utterance_threshold=1e9,
        min_seconds=0.2,
    )
    store = Store(toy_stages.options.work)
    texts = {
        probed.recording.id: Counter(probed.recording.text.lower().replace(".", "").split())
        for aligned in toy_stages.aligned
        for probed in read_bundle(store, aligned.bundle)
    }
    read: dict[str, set[str]] = {}
    for one in segmented(toy_stages, tmp_path, options):
        for row in one["rows"]:
            if row["kept"]:
                read.setdefault(row["recording_id"], set()).update(row["text"].split())
    assert len(read) == 3
    for name, words in read.items():
        assert words <= texts[name].keys()
    # Most of what is written once stands at its own place alone.
    once = {(name, word) for name in read for word, times in texts[name].items() if times == 1}
    assert sum(word in read[name] for name, word in once) < len(once) / 4


@pytest.mark.parametrize(("share_said", "counts"), [(0.0, False), (0.2, False), (0.5, True), (1.0, True)])
def test_a_text_that_is_hardly_said_is_as_none(
    share_said: float, counts: bool, trust_all: RecognitionOptions
) -> None:
    options = trusting_known_words(trust_all)
    case = planted_case("it", 1, count=30)
    assert case.log_probs_TC is not None
    seen = track(case.log_probs_TC, INFO)
    refused_W = np.arange(len(case.texts)) >= share_said * len(case.texts)
    text = words_of_text(case.words, case.texts, case.tokens_L, INFO, refused_W)
    alone = hear(case.log_probs_TC, seen, INFO, options)
    beside = hear(case.log_probs_TC, seen, INFO, options, None, text)
    assert np.array_equal(alone.scores_W, beside.scores_W) != counts


@pytest.mark.parametrize("cut", ["words", "paper"])
def test_a_recording_without_a_transcript_is_read_whole(
    cut: Literal["words", "paper"], toy_stages: ToyStages, tmp_path: Path, trust_all: RecognitionOptions
) -> None:
    graph = toy_stages.without(tmp_path, ["align", "measure", "segment"])
    options = replace(graph.segment, recognised=trust_all, min_seconds=0.2, cut=cut)
    store, numbers = Store(graph.work), count()
    for emitted in toy_stages.emitted:
        bundle = [
            replace(probed, recording=replace(probed.recording, text="", source=None, others=()))
            for probed in read_bundle(store, emitted.bundle)
        ]
        # The same emissions under another bundle: a text changes nothing in them.
        bare = emitted._replace(bundle=write_bundle(store, bundle).digest)
        aligned = align_bundle(store, bare, options.text, 1)
        if not store.read(aligned).table.num_rows:
            continue
        assert any(count for count, _ in read_totals(store, measure_bundle(store, aligned, options)).values())
        stage = store.read(segment_bundle(store, aligned, options, K_FRAMES, 1))
        said = "".join(word for words in toy.recording(next(numbers), 4)[1] for word in words)
        read = "".join(row["text"] for row in stage.table.to_pylist() if row["kept"])
        assert single_letters(read.replace(" ", "")) == single_letters(said)
        ledgers = Ledgers.from_json(stage.notes["ledgers"])
        ledgers.check("toy")
        assert ledgers.samples["kept"] == ledgers.characters["read"] == 0
        assert ledgers.samples[KEPT_RECOGNISED] > 0
    assert next(numbers) == 3


def single_letters(text: str) -> str:
    return "".join(letter for letter, _ in groupby(text))


def test_the_transcripts_utterances_stay_as_they_are(
    toy_stages: ToyStages, tmp_path: Path, trust_all: RecognitionOptions
) -> None:
    plain = replace(toy_stages.options.segment, min_seconds=0.2)
    before = segmented(toy_stages, tmp_path / "before", plain)
    after = segmented(toy_stages, tmp_path / "after", replace(plain, recognised=trust_all))
    read = 0
    for one, other in zip(before, after, strict=True):
        kept = [row for row in one["rows"] if row["kept"]]
        now = [row for row in other["rows"] if row["kept"]]
        own = [row for row in now if row.pop(TEXT_SOURCE) == row["fields"].pop(TEXT_SOURCE) == TRANSCRIPT]
        assert own == kept
        assert all(a["end_sample"] <= b["start_sample"] for a, b in pairwise(now))
        Ledgers.from_json(other["notes"]["ledgers"]).check("toy")
        read += len(now) - len(own)
    # The toy's transcripts lack some sentences.
    assert read > 0


@pytest.mark.parametrize(
    ("spans", "taken", "left"),
    [
        ([(0, 10)], [], [(0, 10)]),
        ([(0, 10)], [(0, 10)], []),
        ([(0, 10), (20, 30)], [(5, 25)], [(0, 5), (25, 30)]),
        ([(0, 10)], [(2, 3), (5, 6)], [(0, 2), (3, 5), (6, 10)]),
        ([(5, 10)], [(0, 5), (10, 12)], [(5, 10)]),
    ],
)
def test_what_is_taken_is_left_out(
    spans: list[tuple[int, int]], taken: list[tuple[int, int]], left: list[tuple[int, int]]
) -> None:
    assert without(spans, taken) == left


def test_what_is_read_is_taken_from_what_held_it() -> None:
    cuts = Cuts(
        segments=(piece(0, 10), piece(10, 30, "inside-speech")),
        untranscribed=((30, 40),),
        segment_W=np.zeros(0, np.int32),
    )
    before = {"kept": 10, "dropped:inside-speech": 20, "untranscribed": 10, "pause": 60}
    assert with_recognised(before, cuts, [piece(20, 32), piece(38, 45)]) == {
        "kept": 10,
        "dropped:inside-speech": 10,
        "untranscribed": 6,
        "pause": 55,
        KEPT_RECOGNISED: 19,
    }


def piece(start: int, end: int, reason: str = "") -> Segment:
    return Segment(
        frame_start=start,
        frame_end=end,
        sample_start=start,
        sample_end=end,
        word_start=0,
        word_end=1,
        reason=reason,
    )


def test_a_recording_whose_transcript_is_refused_is_read_and_the_refusal_told(
    toy_stages: ToyStages, tmp_path: Path, trust_all: RecognitionOptions
) -> None:
    graph = toy_stages.without(tmp_path, ["align", "measure", "segment"])
    options = replace(graph.segment, recognised=trust_all, min_seconds=0.2)
    store, emitted = Store(graph.work), toy_stages.emitted[0]
    [probed] = read_bundle(store, emitted.bundle)
    foreign = replace(probed.recording, text="Река и камень.", source=None, others=())
    bundle = [replace(probed, recording=foreign)]
    bare = emitted._replace(bundle=write_bundle(store, bundle).digest)
    plain = align_bundle(store, bare, options.text, 1)
    assert plain.failed == 1
    aligned = with_refused(store, plain)
    assert aligned.failed == 0
    with finding_only():
        assert with_refused(store, plain) == aligned
    assert any(count for count, _ in read_totals(store, measure_bundle(store, aligned, options)).values())
    stage = store.read(segment_bundle(store, aligned, options, K_FRAMES, 1))
    said = "".join(word for words in toy.recording(0, 4)[1] for word in words)
    rows = stage.table.to_pylist()
    assert {row[TEXT_SOURCE] for row in rows} == {RECOGNISED}
    read = "".join(row["text"] for row in rows if row["kept"])
    assert single_letters(read.replace(" ", "")) == single_letters(said)
    ledgers = Ledgers.from_json(stage.notes["ledgers"])
    ledgers.check("toy")
    assert ledgers.samples[KEPT_RECOGNISED] > 0
    assert ledgers.characters["rejected:transcript-unsayable"] == len(foreign.text)
    checked = check_bundle(store, aligned, options.text)
    assert checked is not None
    [line] = store.read(checked).table.column("check").to_pylist()
    told = TranscriptCheck.from_json(line)
    assert told.disagrees
    assert "refused (transcript-unsayable), and what the model hears surely enough is kept" in told.verdict
    # Of a recording that is not read, the refusal stays a dead letter.
    assert not store.read(plain).table.num_rows
    assert with_refused(store, toy_stages.aligned[0]) == toy_stages.aligned[0]
