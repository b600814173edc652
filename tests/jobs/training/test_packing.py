"""Packing and pooling of training rows."""

from __future__ import annotations

import numpy as np
import pytest

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.training.material import ExampleSet, Prepared, Trust
from prep_corpus.jobs.training.packing import Disturbance, Packer, pool

VOCABULARY = (" ", "a", "b", "<blank>")
STILL = Disturbance(
    noise_share=0, gain_db=(0, 0), stretch=0, warp=0, time_masks=0, band_masks=0, snr_db=(0, 0)
)


def speech(frames: int, text: str | None, said: str | None) -> Prepared:
    """An example whose teacher says one character of `said` every 8 of its frames (20 ms)."""
    teacher_SC = np.full((2 * frames, 4), -9.0)
    teacher_SC[:, 3] = -0.001
    for index, character in enumerate(said or ""):
        teacher_SC[8 * index + 4] = -9.0
        teacher_SC[8 * index + 4, VOCABULARY.index(character)] = -0.001
    return Prepared(
        name=str(text),
        text=text,
        energies_MF=np.full((4 * frames, 6), frames / 50, np.float16),
        teacher_SC=None if said is None else teacher_SC.astype(np.float16),
    )


def packer(examples: list[Prepared], disturbance: Disturbance = STILL) -> Packer:
    return Packer(
        sources=(ExampleSet(name="test", weight=1.0, examples=tuple(examples)),),
        noises=(),
        vocabulary=VOCABULARY,
        blank=3,
        mel_frames_per_frame=4,
        teacher_frames_per_frame=2.0,
        said_weight=4.0,
        trust=Trust(),
        disturbance=disturbance,
        seed=1,
    )


def spelled(tokens_L: np.ndarray) -> str:
    return "".join(VOCABULARY[i] for i in tokens_L)


def test_pooling_takes_the_maximum_of_each_symbol_and_the_blank_takes_the_rest() -> None:
    probs_SC = np.array(
        [[0.1, 0.2, 0.1, 0.6], [0.0, 0.5, 0.2, 0.3], [0.0, 0.9, 0.05, 0.05], [0.9, 0, 0, 0.1]]
    )
    pooled_TC = pool(np.log(probs_SC + 1e-12), np.array([0, 2]), blank=3)
    np.testing.assert_allclose(pooled_TC[0], [0.1, 0.5, 0.2, 0.2], atol=1e-6)
    # 0.9 + 0.9 + 0.05 is over one: scaled, and nothing is left for the blank.
    np.testing.assert_allclose(pooled_TC[1], np.array([0.9, 0.9, 0.05, 0]) / 1.85, atol=1e-6)


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    examples = [speech(40, "ab", "ab"), speech(25, "ba", None), speech(90, None, "abab abab ab")]
    one, same = packer(examples, Disturbance()), packer(examples, Disturbance())
    first, again = one.batch(5, rows=2, frames=50), same.batch(5, rows=2, frames=50)
    next_step = one.batch(6, rows=2, frames=50)
    np.testing.assert_array_equal(first.energies_BMF, again.energies_BMF)
    np.testing.assert_array_equal(first.targets_BTC, again.targets_BTC)
    assert not np.array_equal(first.energies_BMF, next_step.energies_BMF)
    assert np.isfinite(first.energies_BMF).all()


def test_a_crop_is_taught_what_the_teacher_hears_inside_it() -> None:
    said = "abba abba abba abba abba"
    row = packer([speech(100, said, said)]).batch(0, rows=4, frames=30)
    for tokens_L, targets_TC in zip(row.tokens, row.targets_BTC):
        best_T = targets_TC.argmax(1)
        assert spelled(tokens_L) == spelled(best_T[best_T != 3]).strip()
        assert 0 < len(tokens_L) < 10
    np.testing.assert_allclose(row.targets_BTC.sum(-1), 1, atol=1e-5)


def test_an_example_without_teacher_is_never_cropped_and_not_distilled() -> None:
    batch = packer([speech(20, "ab", None)]).batch(3, rows=3, frames=50)
    for tokens_L, weights_T in zip(batch.tokens, batch.weights_BT):
        assert set(spelled(tokens_L).split()) == {"ab"}
        assert (weights_T == 0).sum() == 20 * len(spelled(tokens_L).split())


def test_frames_with_characters_weigh_more() -> None:
    batch = packer([speech(50, "ab", "ab")]).batch(0, rows=1, frames=50)
    said_T = 1 - batch.targets_BTC[0, :, 3]
    np.testing.assert_allclose(batch.weights_BT[0], 1 + 3 * said_T, atol=1e-5)
    assert batch.weights_BT.max() > 3.9


def test_a_teacher_who_contradicts_the_text_is_not_believed() -> None:
    contradicted = speech(30, "aaaa", "bbbb")
    assert not Trust().believes(contradicted, VOCABULARY, 3)
    assert Trust().believes(speech(30, "abab", "abab"), VOCABULARY, 3)
    with pytest.raises(UsageError, match="needs examples"):
        packer([speech(30, None, None)])


def test_noise_is_added_at_the_level_asked_for() -> None:
    quiet = Disturbance(
        noise_share=1, snr_db=(10, 10), gain_db=(0, 0), stretch=0, warp=0, time_masks=0, band_masks=0
    )
    examples = [speech(60, None, "ab ab ab")]
    clean, noisy = (packer(examples, how).batch(0, rows=1, frames=60) for how in (STILL, quiet))
    added = np.exp(noisy.energies_BMF).mean() / np.exp(clean.energies_BMF).mean()
    assert added == pytest.approx(1.1, abs=0.01)
