"""How a recording is cut and judged, from the filter and its thresholds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from support.toy_stages import K_FRAMES, ToyStages

from prep_corpus.align.cutting.ranges import CODES, LOW_SCORE, NOT_HEARD
from prep_corpus.align.words.evidence import track
from prep_corpus.filters.scoring import heard_verdicts, least_worth, score_words
from prep_corpus.pipeline.inputs.bundles import read_bundle
from prep_corpus.pipeline.stages.align import read_alignments
from prep_corpus.pipeline.stages.cut_recording import cut_recording, plan_cuts, segment_recording
from prep_corpus.pipeline.stages.emit import read_emissions
from prep_corpus.pipeline.storage.stage_store import Store


def test_the_papers_utterances_are_dropped_for_a_word_in_doubt_where_the_filter_says_so(
    toy_stages: ToyStages,
) -> None:
    segment = replace(toy_stages.options.segment, cut="paper", min_seconds=0.5, utterance_threshold=-1e9)
    by_words = replace(segment.filter, paper=replace(segment.filter.paper, by_words=True))
    store = Store(toy_stages.options.work)
    dropped = kept = 0
    for emissions, alignments in zip(toy_stages.emitted, toy_stages.aligned):
        bundle = read_bundle(store, alignments.bundle)
        info, emitted = read_emissions(store, emissions)
        for aligned in read_alignments(store, alignments, bundle, info, segment.text):
            recording = emitted[aligned.probed.recording.id]
            scores_W = score_words(aligned.evidence_WF, by_words)
            threshold = float(np.quantile(scores_W, 0.1))
            whole = segment_recording(aligned, recording, info, segment, K_FRAMES)
            strict = replace(segment, filter=by_words, word_threshold=threshold)
            judged = segment_recording(aligned, recording, info, strict, K_FRAMES)
            assert LOW_SCORE not in {one.reason for one in whole.cuts.segments}
            doubted_S = least_worth(scores_W, whole.cuts.segments) < threshold
            wanted = [
                LOW_SCORE if doubted and not one.reason else one.reason
                for one, doubted in zip(whole.cuts.segments, doubted_S)
            ]
            assert [one.reason for one in judged.cuts.segments] == wanted
            assert np.array_equal(whole.scores_S, judged.scores_S, equal_nan=True)
            dropped += wanted.count(LOW_SCORE)
            kept += wanted.count("")
    assert dropped
    assert kept


def test_by_the_papers_rule_a_text_that_nobody_says_is_cut_off_from_the_speech(toy_stages: ToyStages) -> None:
    segment = replace(toy_stages.options.segment, cut="paper", min_seconds=0.1)
    store = Store(toy_stages.options.work)
    bundle = read_bundle(store, toy_stages.aligned[0].bundle)
    info, emitted = read_emissions(store, toy_stages.emitted[0])
    aligned = next(read_alignments(store, toy_stages.aligned[0], bundle, info, segment.text))
    recording = emitted[aligned.probed.recording.id]
    seen, words = track(recording.log_probs_TC, info), len(aligned.words)
    heard_W = np.ones(words, bool)
    heard_W[words // 2 - 4 : words // 2 + 4] = False
    trusted = heard_verdicts(heard_W, np.where(heard_W, 2.0, -2.0))
    plan = plan_cuts(aligned, recording, seen, info, segment, trusted)
    found = cut_recording(plan, segment, trusted, (10**6,))
    kept_R = found.codes_R == CODES[""]
    assert kept_R.any()
    assert (found.codes_R[~kept_R] == CODES[NOT_HEARD]).all()
    for first, end, kept in zip(found.firsts_R, found.ends_R, kept_R):
        assert kept == heard_W[first:end].all()
    # Nothing else parts them: without a cut at that text all would be lost.
    everywhere = heard_verdicts(np.ones(words, bool), np.full(words, 2.0))
    whole = plan_cuts(aligned, recording, seen, info, segment, everywhere)
    assert cut_recording(whole, segment, trusted, (10**6,)).codes_R.tolist() == [CODES[NOT_HEARD]]
