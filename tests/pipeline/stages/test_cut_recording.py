"""How a recording is cut and judged, from the filter and its thresholds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from support.toy_stages import K_FRAMES, ToyStages

from prep_corpus.align.cutting.ranges import LOW_SCORE
from prep_corpus.filters.scoring import least_worth, score_words
from prep_corpus.pipeline.inputs.bundles import read_bundle
from prep_corpus.pipeline.stages.align import read_alignments
from prep_corpus.pipeline.stages.cut_recording import segment_recording
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
