"""Compiling all loops ahead of their first use, by a recording of a minute that is made up.

    python -m prep_corpus.pipeline.compiled_loops

What is compiled is kept on disk (`align.viterbi.compiling`), so that an image or a machine pays once, at its setup.
A run whose model must run first compiles meanwhile, on a thread of its own.
"""

from __future__ import annotations

import string

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.audio.levels import LevelMeter, Levels, block_samples
from prep_corpus.align.cutting.cutting import plan_words
from prep_corpus.align.cutting.segments import CutOptions, Segment
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.sections.likeness import like_parts
from prep_corpus.align.text.normalize import TextOptions
from prep_corpus.align.viterbi.detours import SHARPNESS_FRAMES, sharpness
from prep_corpus.align.viterbi.trellis import FLOOR_NATS
from prep_corpus.align.words.aligned_text import align_best
from prep_corpus.align.words.evidence import track
from prep_corpus.filters.features import utterance_features

_RATE_HZ, _STRIDE = 16_000, 640
_LETTERS = 5000
"""So many that the search takes the way of long recordings."""
_SOME_LETTERS = 2500
"""So many that it keeps checkpoints, but follows all tokens."""


def compile_loops() -> None:
    """Call every compiled loop with arrays of the kinds that the stages give it."""
    info = ModelInfo(
        sample_rate_hz=_RATE_HZ,
        stride_samples=_STRIDE,
        vocabulary=(" ", *string.ascii_lowercase, "<blank>"),
        blank=27,
        word_delimiter=" ",
        case="lower",
        digest="",
    )
    like_parts(np.arange(9), np.arange(9))
    # Of a long recording each so many frames are looked at.
    sampled_TC = np.zeros((2 * SHARPNESS_FRAMES, 2), np.float16)
    sampled_TC.flags.writeable = False
    sharpness(sampled_TC, np.ones(1, np.int32), blank=0, floor_nats=FLOOR_NATS)
    text = " ".join(f"{word} [{n}]" if n % 400 == 1 else word for n, word in enumerate(_words()))
    for written in (text, text[:_SOME_LETTERS], text[:60]):
        log_probs_TC = _emissions(written, info)
        found = align_best(
            log_probs_TC, [(written, TextOptions())], info, language="en", recording_id="made up"
        ).aligned
        meter = LevelMeter(block_samples(_RATE_HZ))
        meter.add(np.zeros(len(log_probs_TC) * _STRIDE, np.float32))
        options = CutOptions(stride_samples=_STRIDE, sample_rate_hz=_RATE_HZ)
        plan = plan_words(
            track(log_probs_TC, info),
            found.words,
            np.ones(len(found.words), bool),
            options=options,
            # As the store gives them: loudness is a copy, emissions cannot be written to.
            levels=Levels.of(meter.finish().copy(), meter.block_samples),
        )
        plan.ranges((1, 10))
        piece = Segment(
            frame_start=0, frame_end=60, sample_start=0, sample_end=60 * _STRIDE, word_start=0, word_end=2
        )
        utterance_features(
            log_probs_TC,
            found.tokens_L,
            found.words,
            [piece],
            blank=info.blank,
            delimiter=info.delimiter_index,
        )


def _words() -> list[str]:
    random = np.random.default_rng(0)
    lengths = random.integers(2, 8, _LETTERS // 5)
    return ["".join(random.choice(list(string.ascii_lowercase), length)) for length in lengths]


def _emissions(text: str, info: ModelInfo) -> NDArray[np.float16]:
    """The text, a letter every other frame, after some speech that it lacks."""
    lead = 300
    frames = lead + 2 * len(text) + 20
    logits = 2 * np.random.default_rng(1).standard_normal((frames, len(info.vocabulary)), dtype=np.float32)
    logits[lead:, info.blank] += 6
    for place, letter in enumerate(text):
        if letter in info.vocabulary:
            logits[lead + 2 * place, info.vocabulary.index(letter)] += 14
    log_probs_TC = (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float16)
    log_probs_TC.flags.writeable = False
    return log_probs_TC


if __name__ == "__main__":
    compile_loops()
