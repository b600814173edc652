"""Real speech and a real model: a text with a sentence nobody says, and a sentence nobody wrote down."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.corpora import DEV_CLEAN, join, read_corpus

from prep_corpus.align.model.emissions import Emitter, WindowOptions
from prep_corpus.align.model.models import load_model
from prep_corpus.align.text.normalize import encode, normalize
from prep_corpus.align.viterbi.viterbi import align
from prep_corpus.align.words.words import Words, word_table

UTTERANCES = 5


@pytest.mark.slow
def test_words_beside_gaps_stand_where_they_stand_in_the_full_text(
    shared_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(shared_dir / "models" / "quartznet15x5"))
    folder = shared_dir / "data" / DEV_CLEAN
    if not folder.is_dir() or not (shared_dir / "models" / "quartznet15x5").is_dir():
        pytest.skip(f"no {DEV_CLEAN} or no QuartzNet in {shared_dir}")
    import torch

    torch.set_num_threads(1)
    spoken = read_corpus(folder, speakers=["84"])
    heard, unheard = spoken[:UTTERANCES], spoken[UTTERANCES]
    recording = join(heard, recording_id="detours")
    model = load_model("quartznet:acoustic_model")
    emitter: Emitter[str] = Emitter(model, WindowOptions())
    failures: list[Exception] = []
    [(_, log_probs_TC)] = emitter.emit(
        [("detours", [recording.audio_N])], lambda _, error: failures.append(error)
    )
    assert not failures

    def words_of(texts: list[tuple[str, ...]]) -> tuple[Words, tuple[tuple[int, int], ...]]:
        info = model.info
        normalized = normalize(" ".join(word for text in texts for word in text), alphabet=info.alphabet)
        tokens_L = encode(normalized, info.vocabulary, info.word_delimiter)
        found = align(log_probs_TC, tokens_L, blank=info.blank, delimiter=info.delimiter_index)
        return word_table(found, normalized), found.untranscribed

    texts = [utterance.words for utterance in heard]
    full, nothing = words_of(texts)
    assert not full.skipped.any()
    assert nothing == ()

    # Utterance 1 is missing from the text; after utterance 3 the text has one that nobody says.
    gapped, untranscribed = words_of([texts[0], texts[2], texts[3], unheard.words, texts[4]])
    counts = np.cumsum([0, *map(len, texts)])
    unspoken = slice(counts[4] - len(texts[1]), counts[4] - len(texts[1]) + len(unheard.words))
    assert gapped.skipped[unspoken].mean() > 0.9
    others = np.delete(np.arange(len(gapped)), np.s_[unspoken])
    # A word at the edge may be taken for the same word of the sentence that nobody says.
    kept = ~gapped.skipped[others]
    assert np.count_nonzero(~kept) <= 2
    same = np.delete(np.arange(len(full)), np.s_[counts[1] : counts[2]])
    off = np.abs(gapped.frame_starts[others] - full.frame_starts[same])[kept]
    assert np.median(off) == 0
    assert np.count_nonzero(off > 5) <= 2
    missing = (int(full.frame_starts[counts[1]]), int(full.frame_ends[counts[2] - 1]))
    covered = sum(max(0, min(end, missing[1]) - max(start, missing[0])) for start, end in untranscribed)
    assert covered > 0.8 * (missing[1] - missing[0])
    assert sum(end - start for start, end in untranscribed) < 1.2 * (missing[1] - missing[0])
