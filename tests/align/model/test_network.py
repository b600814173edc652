"""The bundled model's network: frames, files, independence of rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.network import (
    LogMels,
    Network,
    NetworkConfig,
    SequenceNorm,
    load,
    mel_filters,
    save,
)

SMALL = NetworkConfig(hidden=16, mel_bands=16, convolution_blocks=1, recurrent_layers=1)


def small_network(seed: int = 0) -> Network:
    torch.manual_seed(seed)
    network = Network(SMALL).eval()
    for module in network.modules():
        if isinstance(module, SequenceNorm):
            module.mean.normal_(std=0.1)
            module.variance.uniform_(0.5, 2)
    return network


@pytest.mark.parametrize("at", [80, 800, 8_079, 15_900])
def test_mel_frame_m_is_centred_on_its_hop(at: int) -> None:
    waveform_BN = torch.zeros(1, 16_000)
    waveform_BN[0, at] = 1.0
    loudness_M = LogMels(SMALL).energies(waveform_BN)[0].sum(1)
    assert int(loudness_M.argmax()) == at // SMALL.hop_samples


def test_frame_t_sees_its_own_samples_in_the_middle() -> None:
    network = small_network()
    stacked = network._stack(torch.arange(40.0).view(1, 40, 1))
    assert stacked.shape == (1, 10, 12)
    assert stacked[0, 3].tolist() == [float(m) for m in range(8, 20)]
    assert stacked[0, 0].tolist() == [0.0] * 4 + [float(m) for m in range(8)]


def test_as_many_frames_as_whole_strides() -> None:
    network = small_network()
    for n_samples in (640, 1_279, 1_280, 6_400 + 639):
        out_BTC = network(torch.randn(2, n_samples) * 0.1)
        assert out_BTC.shape == (2, n_samples // 640, 29)
        assert network.frames(n_samples) == n_samples // 640
        torch.testing.assert_close(out_BTC.logsumexp(-1), torch.zeros(2, n_samples // 640), atol=1e-5, rtol=0)


def test_a_row_does_not_depend_on_the_other_rows() -> None:
    network = small_network()
    rows_BN = torch.randn(3, 9_600) * torch.tensor([[0.01], [0.1], [0.5]])
    torch.testing.assert_close(network(rows_BN)[1:2], network(rows_BN[1:2]), atol=1e-5, rtol=1e-5)


def test_normalisation_has_batch_statistics_in_training_and_fixed_ones_after() -> None:
    norm = SequenceNorm(2, momentum=1.0)
    x_BTH = torch.tensor([[[0.0, 10.0], [2.0, 10.0]], [[4.0, 30.0], [6.0, 30.0]]])
    trained = norm(x_BTH)
    torch.testing.assert_close(trained.mean((0, 1)), torch.zeros(2), atol=1e-6, rtol=0)
    norm.eval()
    expected = (x_BTH[:1] - torch.tensor([3.0, 20.0])) / (norm.variance + 1e-5).sqrt()
    torch.testing.assert_close(norm(x_BTH[:1]), expected)


def test_mel_filters_weigh_evenly_and_rise_in_frequency() -> None:
    filters = mel_filters(20, 512, 16_000)
    torch.testing.assert_close(filters.sum(1), torch.ones(20))
    assert (filters.argmax(1).diff() > 0).all()


def test_saved_model_loads_with_the_same_results_and_a_digest_of_both_files(tmp_path: Path) -> None:
    network = small_network()
    save(network, tmp_path / "config.json", tmp_path / "model.safetensors")
    loaded = load(tmp_path)
    waveform_BN = torch.randn(1, 12_800) * 0.1
    torch.testing.assert_close(loaded(waveform_BN), network(waveform_BN), atol=0.02, rtol=0.02)
    assert loaded.config == SMALL
    assert load(tmp_path).digest == loaded.digest
    save(small_network(seed=1), tmp_path / "config.json", tmp_path / "model.safetensors")
    other_weights = load(tmp_path).digest
    config = tmp_path / "config.json"
    config.write_text(config.read_text() + " ")
    assert len({loaded.digest, other_weights, load(tmp_path).digest}) == 3


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    save(small_network(), tmp_path / "config.json", tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(replace(SMALL, hidden=24).to_json())
    with pytest.raises(UsageError, match="do not fit"):
        load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(UsageError, match="do not fit"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('{"hidden": "many"}', "hidden must be a number"),
        ('{"depth": 3}', "no such key 'depth'"),
        ('{"kernel_frames": 4}', "must be odd"),
        ('{"first_kernel_frames": 7}', "by an even number"),
        ('{"blank": 29}', "blank is 29"),
    ],
)
def test_a_wrong_config_says_which_rule(change: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        NetworkConfig.from_json(change, "config.json")
