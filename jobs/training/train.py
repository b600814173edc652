"""Training of the project's own model: distillation frame by frame, then both costs, then CTC alone.

    prepared speech ── rows ── distillation against the teacher, CTC cost: weighed by the phase ── model

Progress is a share of the time given (`minutes`) or of the steps given (`steps`); phase and learning rate are
functions of it (train_config.py). A checkpoint is one safetensors file, replaced in one rename: weights, optimiser,
step, time used, curve. An interrupted run goes on from it by being called again.

Legend: B rows, T frames, C symbols.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.network import Network, load_network, save
from prep_corpus.jobs.training.error_rates import ErrorRate, error_rate
from prep_corpus.jobs.training.material import ExampleSet, read_source
from prep_corpus.jobs.training.packing import Packer, TrainingBatch
from prep_corpus.jobs.training.recurrence import run_gru
from prep_corpus.jobs.training.train_config import TrainConfig, learning_rate


@dataclass(frozen=True, kw_only=True)
class LearningPoint:
    """One point of the learning curve.

    Attributes:
        step: steps done.
        seconds: training time used.
        progress: share of the run done.
        distil: mean distillation cost since the last point, in nats per frame.
        ctc: mean CTC cost since the last point, nats a character; NaN before it counts.
        error_rates: character error rate of each held-out set.
    """

    step: int
    seconds: float
    progress: float
    distil: float
    ctc: float
    error_rates: dict[str, float]


@dataclass(kw_only=True)
class _State:
    """What a checkpoint holds besides tensors."""

    step: int = 0
    seconds: float = 0.0
    curve: list[dict[str, Any]] = field(default_factory=list)


def distillation_cost(logits_BTC: Tensor, targets_BTC: Tensor, weights_BT: Tensor) -> Tensor:
    """Cross-entropy against the teacher's probabilities, the weighted mean over frames, in nats."""
    crossed_BT = -(targets_BTC * logits_BTC.float().log_softmax(-1)).sum(-1)
    return (crossed_BT * weights_BT).sum() / weights_BT.sum().clamp_min(1.0)


def ctc_cost(logits_BTC: Tensor, batch: TrainingBatch, blank: int) -> Tensor:
    """CTC cost of the rows' characters, the mean over characters, in nats."""
    log_probs_TBC = logits_BTC.float().log_softmax(-1).transpose(0, 1)
    lengths_B = torch.tensor([len(tokens) for tokens in batch.tokens])
    tokens = torch.cat([torch.from_numpy(tokens) for tokens in batch.tokens])
    frames_B = torch.full((len(batch.tokens),), log_probs_TBC.shape[0])
    costs_B = functional.ctc_loss(
        log_probs_TBC, tokens.to(logits_BTC.device), frames_B, lengths_B, blank, "none", zero_infinity=True
    )
    return costs_B.sum() / lengths_B.sum().clamp_min(1)


def bfloat16_pays(device: str, size: int) -> bool:
    """Whether products of a recurrent layer's size are faster in bfloat16: on a GPU, and on some CPUs."""
    if device != "cpu":
        return True
    seconds = []
    for kind in (torch.float32, torch.bfloat16):
        left, right = torch.ones(16, size, dtype=kind), torch.ones(size, 3 * size, dtype=kind)
        fastest = math.inf
        for _ in range(50):
            began = time.perf_counter()
            left @ right
            fastest = min(fastest, time.perf_counter() - began)
        seconds.append(fastest)
    return seconds[1] < seconds[0]


class Trainer:
    """One run: network, optimiser, rows, checkpoint."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        torch.manual_seed(config.seed)
        sources = tuple(read_source(folder, weight=weight) for folder, weight in config.sources)
        noises = tuple(e.energies_MF for folder in config.noises for e in read_source(folder).examples)
        shape = config.network
        self.packer = Packer(
            sources=sources,
            noises=tuple(noise.astype("float32") for noise in noises),
            vocabulary=shape.vocabulary,
            blank=shape.blank,
            mel_frames_per_frame=shape.mel_frames_per_frame,
            teacher_frames_per_frame=shape.stride_samples / config.teacher_stride_samples,
            said_weight=config.said_weight,
            trust=config.trust,
            disturbance=config.disturbance,
            seed=config.seed,
        )
        self.held_out = tuple(read_source(folder) for folder in config.held_out)
        self.network = Network(shape)
        self._fix_statistics(sources)
        if config.start is not None:
            self._begin_with(config.start)
        self.network.to(config.device)
        if config.device == "cpu":
            for layer in self.network.recurrent:
                layer.run_gru = run_gru
        # One thin wrapper for the many small tensors: foreach is the default on a GPU and faster on a CPU too.
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=config.peak_rate, weight_decay=config.weight_decay, foreach=True
        )
        self._mixed_precision = (
            bfloat16_pays(config.device, shape.hidden)
            if config.mixed_precision is None
            else config.mixed_precision
        )
        self.state = _State()
        self._sums = {"distil": 0.0, "ctc": 0.0, "steps": 0.0, "ctc_steps": 0.0}

    def _fix_statistics(self, sources: tuple[ExampleSet, ...]) -> None:
        """Mean and deviation of each band over a sample of the speech; they stay as they are from here on."""
        every = [example for source in sources for example in source.examples]
        sample = every[:: max(1, len(every) // 500)]
        frames_MF = torch.cat([torch.from_numpy(example.energies_MF).float() for example in sample])
        self.network.mels.mean.copy_(frames_MF.mean(0))
        self.network.mels.scale.copy_(1 / frames_MF.std(0).clamp_min(0.1))

    def _begin_with(self, start: str) -> None:
        """Take the weights of another model.

        Raises:
            UsageError: there is no such model, or it has another shape.
        """
        try:
            self.network.load_state_dict(load_network(start).state_dict())
        except RuntimeError as error:
            raise UsageError(
                f"training: {start} must have the shape of the network to be trained: {error}"
            ) from error

    @property
    def progress(self) -> float:
        """Share of the run that is done."""
        if self.config.steps:
            return self.state.step / self.config.steps
        return self.state.seconds / (60 * self.config.minutes)

    def step(self) -> None:
        """One step of gradient descent."""
        config, began = self.config, time.perf_counter()
        progress = self.progress
        phase = config.phase(progress)
        frames = max(
            8, round(phase.row_seconds * config.network.sample_rate_hz / config.network.stride_samples)
        )
        batch = self.packer.batch(self.state.step, rows=phase.rows, frames=frames)
        device = config.device
        # So that what dropout draws depends on the step alone, like the rows.
        torch.manual_seed(config.seed + self.state.step)
        self.network.train()
        with torch.autocast(device, torch.bfloat16, enabled=self._mixed_precision):
            logits_BTC = self.network.from_energies(torch.from_numpy(batch.energies_BMF).to(device))
        frames_cost = distillation_cost(
            logits_BTC,
            torch.from_numpy(batch.targets_BTC).to(device),
            torch.from_numpy(batch.weights_BT).to(device),
        )
        self._sums["distil"] += float(frames_cost.detach())
        self._sums["steps"] += 1
        cost = phase.distil * frames_cost
        if phase.ctc:
            characters = ctc_cost(logits_BTC, batch, config.network.blank)
            self._sums["ctc"] += float(characters.detach())
            self._sums["ctc_steps"] += 1
            cost = cost + phase.ctc * characters
        self.optimiser.zero_grad(set_to_none=True)
        cost.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.clip, foreach=True)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(progress, config)
        self.optimiser.step()
        self.state.step += 1
        self.state.seconds += time.perf_counter() - began

    def validate(self, examples: int | None = None) -> LearningPoint:
        """Error rates of the held-out sets, with the costs since the last validation; adds to the curve."""
        rates = {
            source.name: error_rate(self.network, source, examples, device=self.config.device).characters
            for source in self.held_out
        }
        sums = self._sums
        point = LearningPoint(
            step=self.state.step,
            seconds=round(self.state.seconds, 1),
            progress=round(self.progress, 4),
            distil=sums["distil"] / max(sums["steps"], 1),
            ctc=sums["ctc"] / sums["ctc_steps"] if sums["ctc_steps"] else float("nan"),
            error_rates=rates,
        )
        self._sums = dict.fromkeys(sums, 0.0)
        self.state.curve.append(asdict(point))
        return point

    @property
    def _checkpoint(self) -> Path:
        return self.config.out / "checkpoint.safetensors"

    def write_checkpoint(self) -> None:
        """Write weights, optimiser and state in one file, in one rename."""
        from safetensors.torch import save_file

        tensors = {f"network.{name}": value.contiguous() for name, value in self.network.state_dict().items()}
        for index, values in self.optimiser.state_dict()["state"].items():
            tensors.update({f"optimiser.{index}.{name}": value for name, value in values.items()})
        temporary = self._checkpoint.with_suffix(".new")
        save_file(tensors, temporary, {"state": json.dumps(asdict(self.state))})
        temporary.replace(self._checkpoint)

    def resume(self) -> bool:
        """Go on from the checkpoint in the run's folder; whether there was one."""
        from safetensors import safe_open

        if not self._checkpoint.is_file():
            return False
        with safe_open(self._checkpoint, "pt", device=self.config.device) as file:
            self.state = _State(**json.loads(file.metadata()["state"]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        weights = {n.removeprefix("network."): t for n, t in tensors.items() if n.startswith("network.")}
        self.network.load_state_dict(weights)
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimiser."):
                _, index, key = name.split(".")
                moments.setdefault(int(index), {})[key] = tensor
        whole = self.optimiser.state_dict()
        self.optimiser.load_state_dict({"state": moments, "param_groups": whole["param_groups"]})
        return True

    def export(self) -> None:
        """Write the model (config.json, model.safetensors) and the curve."""
        save(self.network, self.config.out / "config.json", self.config.out / "model.safetensors")
        lines = [json.dumps(point) for point in self.state.curve]
        (self.config.out / "curve.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def train(config: TrainConfig, report: Callable[[LearningPoint], None] | None = None) -> list[ErrorRate]:
    """Train, or go on training, until the time or the steps are used up.

    Args:
        config: all that the run depends on; to resume, give the same again.
        report: called with every new point of the curve.

    Returns:
        Error rates of the final model on the whole of each held-out set.
    """
    config.out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(config)
    trainer.resume()
    saved = validated = trainer.state.seconds
    while trainer.progress < 1:
        trainer.step()
        if trainer.state.seconds - validated >= config.validate_seconds:
            validated = trainer.state.seconds
            point = trainer.validate(config.validate_examples)
            if report:
                report(point)
            trainer.export()
        if trainer.state.seconds - saved >= config.checkpoint_seconds:
            saved = trainer.state.seconds
            trainer.write_checkpoint()
    curve = trainer.state.curve
    if not curve or curve[-1]["step"] < trainer.state.step:
        point = trainer.validate(config.validate_examples)
        if report:
            report(point)
    trainer.write_checkpoint()
    trainer.export()
    return [error_rate(trainer.network, source, device=config.device) for source in trainer.held_out]
