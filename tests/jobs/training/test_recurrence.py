"""The training GRU against torch's."""

from __future__ import annotations

import pytest
import torch

from prep_corpus.jobs.training.recurrence import run_gru


def _torch_gru(gru: torch.nn.GRU, x_BTH: torch.Tensor) -> torch.Tensor:
    forward, backward = gru(x_BTH)[0].chunk(2, dim=2)
    return forward + backward


@pytest.mark.parametrize(("rows", "frames"), [(1, 1), (3, 7)])
def test_same_values_and_gradients_as_torch(rows: int, frames: int) -> None:
    torch.manual_seed(rows)
    gru = torch.nn.GRU(6, 6, bidirectional=True, batch_first=True)
    weights = torch.randn(rows, frames, 6)
    results = []
    for run in (_torch_gru, run_gru):
        x = torch.linspace(-2, 2, rows * frames * 6).view(rows, frames, 6).requires_grad_()
        gru.zero_grad()
        y = run(gru, x)
        (y * weights).sum().backward()
        results.append([y.detach(), x.grad, *(p.grad.clone() for p in gru.parameters())])
    for expected, got in zip(*results, strict=True):
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-4)


def test_mixed_precision_stays_close() -> None:
    torch.manual_seed(0)
    gru = torch.nn.GRU(16, 16, bidirectional=True, batch_first=True)
    x = torch.randn(4, 20, 16)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = run_gru(gru, x)
    assert (mixed.float() - _torch_gru(gru, x)).abs().max() < 0.05
