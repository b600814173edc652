"""What a toy model hears is trusted."""

from __future__ import annotations

import pytest
from support.toy_stages import K_FRAMES

from prep_corpus.filters.curve import OperatingPoint
from prep_corpus.filters.linear import Linear
from prep_corpus.filters.recognition import RecognitionFilter, RecognitionLevel, columns_of
from prep_corpus.pipeline.recognition.uncovered import RecognitionOptions


@pytest.fixture(scope="session")
def trust_all() -> RecognitionOptions:
    """Trusts each word of which all other readings together are unlikely."""
    point = OperatingPoint(
        word_threshold=0.0, utterance_threshold=0.0, kept_share=0.9, wer=0.0, wer_upper=0.01
    )
    return RecognitionOptions(
        filter=RecognitionFilter(
            alone=RecognitionLevel(
                word=Linear(
                    names=("cost",), means=(0.0,), scales=(1.0,), coefficients=(-1.0,), intercept=6.0
                ),
                curve=(point,),
                columns=columns_of(judged=False, has_text=False),
            ),
            k_frames=K_FRAMES,
            model_digest="toy",
            frame_seconds=0.02,
            fitted_on="nothing",
            data_digest="0",
        ),
        alone=point,
    )
