"""A GRU for training on a CPU: the same function as torch's, with cheaper gradients.

torch's own adds up the weight gradients step by step; here they are one product over all steps, both directions
run side by side, and what does not depend on the recurrence is computed for all steps at once.

Legend: D = 2 directions, B rows, T frames, H hidden size.

    r = sigmoid(gx_r + gh_r)    z = sigmoid(gx_z + gh_z)    n = tanh(gx_n + r * gh_n)    h' = n + z * (h - n)
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gates_DTBG: Tensor, weight_DGH: Tensor, bias_DG: Tensor) -> Tensor:
        directions, steps, rows, _ = gates_DTBG.shape
        size = weight_DGH.shape[2]
        kind = gates_DTBG.dtype
        weight_DHG = weight_DGH.transpose(1, 2).to(kind).contiguous()
        bias_D1G = bias_DG.unsqueeze(1).to(kind)
        states = torch.zeros(steps + 1, directions, rows, size)
        resets_updates = torch.empty(steps, directions, rows, 2 * size)
        candidates = torch.empty(steps, directions, rows, size)
        recurrent = torch.empty(steps, directions, rows, size)
        gates = gates_DTBG.transpose(0, 1).float()
        for t in range(steps):
            state_DBH = states[t]
            hidden = torch.baddbmm(bias_D1G, state_DBH.to(kind), weight_DHG).float()
            both = torch.add(
                gates[t, ..., : 2 * size], hidden[..., : 2 * size], out=resets_updates[t]
            ).sigmoid_()
            reset, update = both[..., :size], both[..., size:]
            recurrent[t] = hidden[..., 2 * size :]
            candidate = torch.addcmul(
                gates[t, ..., 2 * size :], reset, recurrent[t], out=candidates[t]
            ).tanh_()
            torch.lerp(candidate, state_DBH, update, out=states[t + 1])
        ctx.save_for_backward(weight_DGH, states, resets_updates, candidates, recurrent)
        ctx.kind = kind
        return states[1:].transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        weight_DGH, states, resets_updates, candidates, recurrent = ctx.saved_tensors
        kind, size = ctx.kind, weight_DGH.shape[2]
        outer = gradients[0].transpose(0, 1).float()
        steps = len(candidates)
        resets, updates = resets_updates[..., :size], resets_updates[..., size:]
        by_candidate = (1 - updates) * (1 - candidates.square())
        by_update = (states[:-1] - candidates) * updates * (1 - updates)
        by_reset = recurrent * resets * (1 - resets)
        weight = weight_DGH.to(kind)
        # What goes to the recurrent product: gradients of reset, update and of the candidate's recurrent part.
        inner = torch.empty(steps, *candidates.shape[1:3], 3 * size)
        to_candidate = torch.empty_like(candidates)
        carried = torch.zeros_like(states[0])
        for t in range(steps - 1, -1, -1):
            total = carried.add_(outer[t])
            candidate = torch.mul(total, by_candidate[t], out=to_candidate[t])
            torch.mul(candidate, by_reset[t], out=inner[t, ..., :size])
            torch.mul(total, by_update[t], out=inner[t, ..., size : 2 * size])
            torch.mul(candidate, resets[t], out=inner[t, ..., 2 * size :])
            through = torch.bmm(inner[t].to(kind), weight)
            carried = torch.addcmul(through.float(), total, updates[t])
        inner_DRG = inner.transpose(0, 1).to(kind).flatten(1, 2)
        before_DRH = states[:-1].transpose(0, 1).to(kind).flatten(1, 2)
        weight_gradient = torch.bmm(inner_DRG.transpose(1, 2), before_DRH).float()
        bias_gradient = inner.sum(0).sum(1)
        inner[..., 2 * size :] = to_candidate
        return inner.transpose(0, 1).to(kind), weight_gradient, bias_gradient


def run_gru(gru: nn.GRU, x_BTH: Tensor) -> Tensor:
    """Both directions of a one-layer GRU, added: [B, T, H] -> [B, T, H], like `network._run_gru`."""
    x_TBH = x_BTH.transpose(0, 1)
    steps, rows, _ = x_TBH.shape
    both = torch.stack((x_TBH, x_TBH.flip(0))).flatten(1, 2)
    weights = torch.stack((gru.weight_ih_l0, gru.weight_ih_l0_reverse))
    biases = torch.stack((gru.bias_ih_l0, gru.bias_ih_l0_reverse))
    if torch.is_autocast_enabled(x_BTH.device.type):
        kind = torch.get_autocast_dtype(x_BTH.device.type)
        both, weights, biases = both.to(kind), weights.to(kind), biases.to(kind)
    gates = torch.baddbmm(biases.unsqueeze(1), both, weights.transpose(1, 2)).unflatten(1, (steps, rows))
    recurrent = torch.stack((gru.weight_hh_l0, gru.weight_hh_l0_reverse))
    recurrent_biases = torch.stack((gru.bias_hh_l0, gru.bias_hh_l0_reverse))
    states_DTBH = _Recurrence.apply(gates, recurrent, recurrent_biases)
    summed_TBH: Tensor = states_DTBH[0] + states_DTBH[1].flip(0)
    return summed_TBH.transpose(0, 1)
