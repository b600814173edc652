"""Settings of a training run: sources, phases, the course of the learning rate."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.network import NetworkConfig
from prep_corpus.jobs.training.material import Trust
from prep_corpus.jobs.training.packing import Disturbance


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A part of a run.

    Attributes:
        begins: share of the run at which it begins.
        rows: rows in a batch.
        row_seconds: their length.
        distil: weight of the distillation, per frame.
        ctc: weight of the CTC cost, per character.
    """

    begins: float
    rows: int
    row_seconds: float
    distil: float
    ctc: float

    def __post_init__(self) -> None:
        if not 0 <= self.begins < 1:
            raise UsageError(
                f"training: a phase begins at a share of the run, from 0 to under 1, not at {self.begins}"
            )
        if self.distil < 0 or self.ctc < 0 or self.distil + self.ctc == 0:
            raise UsageError(
                f"training: a phase needs a cost, and its weights are {self.distil} (distillation) and {self.ctc} (CTC)"
            )


TAUGHT = (
    Phase(begins=0.0, rows=28, row_seconds=2.5, distil=1.0, ctc=0.0),
    Phase(begins=0.13, rows=20, row_seconds=4.5, distil=0.6, ctc=0.8),
    Phase(begins=0.42, rows=20, row_seconds=5.5, distil=0.0, ctc=1.0),
)
"""With a teacher: its frames first, which teach fastest; last the characters alone, since two of them may share
one of the model's frames, which the teacher's pooled frames cannot say."""
UNTAUGHT = (Phase(begins=0.0, rows=20, row_seconds=5.5, distil=0.0, ctc=1.0),)
"""Texts alone."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that a training run depends on.

    Attributes:
        sources: folders of prepared speech, each with its weight.
        held_out: folders of prepared speech to validate on.
        noises: folders of prepared noise.
        out: folder for the checkpoint, curve.jsonl, config.json and model.safetensors.
        network: shape of the model.
        start: a model of the same shape whose weights to begin with, a bundled name or a folder; None for random ones.
        teacher_stride_samples: samples per frame of the teacher's.
        minutes: time to train; 0 where `steps` decides.
        steps: steps to train; 0 where `minutes` decides.
        phases: parts of the run, the first from 0 on.
        peak_rate: highest learning rate.
        warm_up: share of the run over which the rate rises.
        weight_decay: weight decay of AdamW.
        clip: largest norm of the gradient.
        said_weight: weight of a frame with a character, against 1 for a blank.
        checkpoint_seconds: time between two checkpoints.
        validate_seconds: training time between two validations.
        validate_examples: examples of each held-out set in a validation on the way.
        seed: seed of weights and rows.
        device: "cpu" or "cuda".
        mixed_precision: products in bfloat16; None where this machine does them faster so.
        trust: when the teacher is believed.
        disturbance: disturbance of rows.
    """

    sources: tuple[tuple[Path, float], ...]
    held_out: tuple[Path, ...]
    noises: tuple[Path, ...] = ()
    out: Path
    network: NetworkConfig = field(default_factory=NetworkConfig)
    start: str | None = None
    teacher_stride_samples: int = 320
    minutes: float = 60.0
    steps: int = 0
    phases: tuple[Phase, ...] = TAUGHT
    peak_rate: float = 1.5e-3
    warm_up: float = 0.05
    weight_decay: float = 0.01
    clip: float = 1.0
    said_weight: float = 4.0
    checkpoint_seconds: float = 60.0
    validate_seconds: float = 300.0
    validate_examples: int = 30
    seed: int = 0
    device: str = "cpu"
    mixed_precision: bool | None = None
    trust: Trust = field(default_factory=Trust)
    disturbance: Disturbance = field(default_factory=Disturbance)

    def __post_init__(self) -> None:
        if (self.minutes > 0) == (self.steps > 0):
            raise UsageError(
                f"training: one of minutes ({self.minutes}) and steps ({self.steps}) must be positive, the other 0"
            )
        if not self.sources:
            raise UsageError("training: at least one folder of prepared speech is needed")
        if not 0 <= self.warm_up < 1:
            raise UsageError(
                f"training: warm_up is a share of the run, from 0 to under 1, not {self.warm_up}"
            )
        begins = [phase.begins for phase in self.phases]
        if not begins or begins[0] != 0 or sorted(set(begins)) != begins:
            raise UsageError(f"training: phases must begin at 0 and then ever later, not at {begins}")

    def phase(self, progress: float) -> Phase:
        """The phase at a share of the run."""
        return [phase for phase in self.phases if phase.begins <= progress][-1]


def learning_rate(progress: float, config: TrainConfig) -> float:
    """The learning rate at a share of the run: a line up, half a cosine down."""
    if progress < config.warm_up:
        return config.peak_rate * (0.05 + 0.95 * progress / config.warm_up)
    falling = (progress - config.warm_up) / (1 - config.warm_up)
    return config.peak_rate * (0.002 + 0.998 * (0.5 + 0.5 * math.cos(math.pi * min(falling, 1.0))))
