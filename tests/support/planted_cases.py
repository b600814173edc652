"""Small labelled cases with planted emissions: quick to make, hard enough to need a filter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.audio.levels import Levels
from prep_corpus.align.cutting.cutting import CutOptions
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.text import normalize as text
from prep_corpus.align.viterbi import viterbi
from prep_corpus.align.words.evidence import evidence, track
from prep_corpus.align.words.words import Words, word_table
from prep_corpus.filters.fitting.cases import Case
from prep_corpus.filters.fitting.self_labels import Aligned, Unlabelled

LETTERS = "abcdefgh"
INFO = ModelInfo(
    sample_rate_hz=16_000,
    stride_samples=320,
    vocabulary=("<blank>", " ", *LETTERS),
    blank=0,
    word_delimiter=" ",
    case="lower",
    digest="planted",
)
OPTIONS = CutOptions(stride_samples=320, sample_rate_hz=16_000, min_seconds=0.3, max_seconds=8.0)


def drawn_word(random: np.random.Generator) -> str:
    return "".join(random.choice(list(LETTERS), size=int(random.integers(2, 7))))


def emissions(
    words: list[str], random: np.random.Generator, noise: float
) -> tuple[NDArray[np.float16], NDArray[np.float64], list[tuple[int, int]]]:
    """Log-probs of the words with pauses, the loudness of each frame, and each word's frames."""
    symbols: list[int] = [0] * 10
    loud: list[float] = [1e-8] * 10
    spans = []
    for word in words:
        start = len(symbols)
        for letter in word:
            symbols += [INFO.vocabulary.index(letter), 0]
        spans.append((start, len(symbols) - 1))
        loud += [1.0] * (len(symbols) - len(loud))
        pause = int(random.choice((1, 4, 15, 40), p=(0.4, 0.3, 0.2, 0.1)))
        symbols += [1] + [0] * pause
        loud += [1.0] + [1e-8] * pause
    logits_TC = random.normal(0, noise, (len(symbols), len(INFO.vocabulary)))
    logits_TC[np.arange(len(symbols)), symbols] += 6.0
    log_probs_TC = logits_TC - np.log(np.exp(logits_TC).sum(1, keepdims=True))
    return log_probs_TC.astype(np.float16), np.array(loud), spans


def align_words(log_probs_TC: NDArray[np.float16], words: tuple[str, ...]) -> Aligned:
    tokens_L, table, alignment = align_real(log_probs_TC, words, INFO)
    return Aligned(
        tokens_L=tokens_L,
        words=table,
        texts=words,
        evidence_WF=evidence(log_probs_TC, tokens_L, alignment, table, INFO),
    )


def align_real(
    log_probs_TC: NDArray[np.float16], words: tuple[str, ...], info: ModelInfo
) -> tuple[NDArray[np.int32], Words, viterbi.Alignment]:
    normalized = text.normalize(" ".join(words), alphabet=info.alphabet)
    tokens_L = text.encode(normalized, info.vocabulary, info.word_delimiter)
    alignment = viterbi.align(log_probs_TC, tokens_L, blank=info.blank, delimiter=info.delimiter_index)
    return tokens_L, word_table(alignment, normalized), alignment


def planted_case(group: str, seed: int, *, count: int = 120, noise: float = 1.0) -> Case:
    """A recording of `count` words whose transcript has a sixth of them replaced, left out or followed by another."""
    random = np.random.default_rng(seed)
    said = [drawn_word(random) for _ in range(count)]
    log_probs_TC, power_T, spans = emissions(said, random, noise)
    written: list[tuple[str, int]] = []
    for v, word in enumerate(said):
        fate = random.random()
        if fate < 0.1:
            written.append((drawn_word(random), -1))
        elif fate < 0.13:
            continue
        else:
            written.append((word, v))
            if fate > 0.97:
                written.append((drawn_word(random), -1))
    found = align_words(log_probs_TC, tuple(word for word, _ in written))
    truths_W = np.array([v for _, v in written])
    right_V = np.zeros(count, bool)
    right_V[truths_W[truths_W >= 0]] = True
    return Case(
        group=group,
        log_probs_TC=log_probs_TC,
        tokens_L=found.tokens_L,
        words=found.words,
        texts=found.texts,
        evidence_WF=found.evidence_WF,
        seen=track(log_probs_TC, INFO),
        levels=Levels.of_powers(np.repeat(power_T, 4), block_samples=80, floor_db=-80.0),
        right_W=truths_W >= 0,
        known_W=np.ones(len(written), bool),
        true_texts=tuple(said),
        true_middles_V=np.array([(a + b) / 2 * 0.02 for a, b in spans]),
        true_right_V=right_V,
    )


def without_truth(case: Case, name: str) -> Unlabelled:
    return Unlabelled(
        name=name,
        group=case.group,
        log_probs_TC=case.log_probs_TC,
        seen=case.seen,
        levels=case.levels,
        aligned=Aligned(
            tokens_L=case.tokens_L, words=case.words, texts=case.texts, evidence_WF=case.evidence_WF
        ),
        sentence_ends=(),
    )
