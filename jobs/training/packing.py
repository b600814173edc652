"""Training rows: examples packed end to end into rows of equal length, and disturbed.

Every row is full, so that there is no padding; what does not fit is cropped where a teacher says which
characters lie inside the crop. A batch is a pure function of (seed, step), so that training resumes anywhere.

Legend: B rows, M mel frames of 10 ms, F mel bands, T model frames, S teacher frames, C symbols, L characters.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.training.material import ExampleSet, Prepared, Trust, greedy_text

FloatArray = NDArray[np.float32]
_NATS_PER_DB = np.log(10) / 10
_FLOOR = -24 * np.log(2)


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """How rows are disturbed; all shares and widths are of uniform draws.

    The defaults are for a model that two hours of training do not fit yet; with days, mask and disturb more.

    Attributes:
        noise_share: share of rows with noise added.
        snr_db: lowest and highest ratio of speech to noise.
        gain_db: lowest and highest change of level.
        stretch: largest relative change of speed.
        warp: largest relative shift of the frequency axis, like another vocal tract.
        time_masks: masks over time in a row.
        time_mask_frames: their largest width, in mel frames.
        band_masks: masks over frequency in a row.
        band_mask_bands: their largest width.
    """

    noise_share: float = 0.2
    snr_db: tuple[float, float] = (5.0, 30.0)
    gain_db: tuple[float, float] = (-8.0, 6.0)
    stretch: float = 0.08
    warp: float = 0.1
    time_masks: int = 0
    time_mask_frames: int = 15
    band_masks: int = 2
    band_mask_bands: int = 5

    def __post_init__(self) -> None:
        for name in ("snr_db", "gain_db"):
            low, high = getattr(self, name)
            if low > high:
                raise UsageError(f"disturbance: {name} must rise, and is {low} to {high}")
        if not (0 <= self.noise_share <= 1 and 0 <= self.stretch < 0.5 and 0 <= self.warp < 0.5):
            raise UsageError(
                f"disturbance: noise_share ({self.noise_share}) lies in 0..1, "
                f"stretch ({self.stretch}) and warp ({self.warp}) in 0..0.5"
            )


@dataclass(frozen=True, kw_only=True)
class TrainingBatch:
    """Rows for one step.

    Attributes:
        energies_BMF: disturbed log-mel energies, float32.
        targets_BTC: the teacher's probabilities, pooled to the model's frames.
        weights_BT: weight of each frame in the distillation; 0 where the teacher is not believed.
        tokens: the characters of each row.
    """

    energies_BMF: FloatArray
    targets_BTC: FloatArray
    weights_BT: FloatArray
    tokens: list[NDArray[np.int64]]


def pool(log_probs_SC: NDArray[np.floating], starts_T: NDArray[np.int64], blank: int) -> FloatArray:
    """The teacher's frames pooled into the model's: the maximum of each symbol, the blank taking the rest.

    Args:
        log_probs_SC: the teacher's log-probs.
        starts_T: first teacher frame of each model frame, rising; the last one's end is S.
        blank: column of the blank.

    Returns:
        Probabilities, float32 [T, C], summing to one.
    """
    probs_SC = np.exp(log_probs_SC.astype(np.float32))
    pooled_TC = np.maximum.reduceat(probs_SC, starts_T, axis=0)
    pooled_TC[:, blank] = 0
    said_T = pooled_TC.sum(axis=1, keepdims=True)
    pooled_TC /= np.maximum(said_T, 1.0)
    pooled_TC[:, blank] = np.maximum(1 - said_T[:, 0], 0)
    result: FloatArray = pooled_TC
    return result


@dataclass(kw_only=True)
class Packer:
    """Draws examples, packs rows, disturbs them.

    Args:
        sources: prepared speech, with weights.
        noises: log-mels of noises, [M, F] each; coloured noise is made besides.
        vocabulary: vocabulary of the model and of the prepared log-probs.
        blank: column of the blank.
        mel_frames_per_frame: time stride of the model.
        teacher_frames_per_frame: the teacher's frames in one of the model's.
        said_weight: weight of a frame that holds a character, against 1 for a blank.
        trust: when the teacher is believed.
        disturbance: disturbance of rows.
        seed: seed of everything.
    """

    sources: tuple[ExampleSet, ...]
    noises: tuple[FloatArray, ...]
    vocabulary: tuple[str, ...]
    blank: int
    mel_frames_per_frame: int
    teacher_frames_per_frame: float
    said_weight: float
    trust: Trust
    disturbance: Disturbance
    seed: int
    examples: list[Prepared] = field(init=False)
    believed: list[bool] = field(init=False)

    def __post_init__(self) -> None:
        self.examples, self.believed, shares = [], [], []
        for source in self.sources:
            for example in source.examples:
                believed = self.trust.believes(example, self.vocabulary, self.blank)
                if (believed or example.text) and len(example.energies_MF) >= 4 * self.mel_frames_per_frame:
                    self.examples.append(example)
                    self.believed.append(believed)
                    shares.append(source.weight * len(example.energies_MF))
        if not self.examples:
            raise UsageError("training needs examples with a text, or with a teacher that is sure of itself")
        self._edges = np.cumsum(shares)

    @property
    def seconds(self) -> float:
        """Seconds of speech that can be drawn."""
        return sum(len(example.energies_MF) for example in self.examples) / 100

    def batch(self, step: int, *, rows: int, frames: int) -> TrainingBatch:
        """The rows of one step, each `frames` model frames long."""
        random = np.random.default_rng((self.seed, step))
        packed = [self._row(random, frames) for _ in range(rows)]
        return TrainingBatch(
            energies_BMF=np.stack([row[0] for row in packed]),
            targets_BTC=np.stack([row[1] for row in packed]),
            weights_BT=np.stack([row[2] for row in packed]),
            tokens=[row[3] for row in packed],
        )

    def _draw(self, random: np.random.Generator) -> int:
        at = np.searchsorted(self._edges, random.uniform(0, self._edges[-1]), side="right")
        return min(int(at), len(self.examples) - 1)

    def _row(
        self, random: np.random.Generator, frames: int
    ) -> tuple[FloatArray, FloatArray, FloatArray, NDArray[np.int64]]:
        stride, bands = self.mel_frames_per_frame, self.examples[0].energies_MF.shape[1]
        energies_MF = np.full((frames * stride, bands), np.nan, np.float32)
        targets_TC = np.zeros((frames, len(self.vocabulary)), np.float32)
        targets_TC[:, self.blank] = 1
        weights_T = np.ones(frames, np.float32)
        texts: list[str] = []
        at, misses = 0, 0
        while frames - at >= 8 and misses < 4:
            if at and random.random() < 0.2:
                at += int(random.integers(2, 25))
                continue
            index = self._draw(random)
            speed = 1 + random.uniform(-1, 1) * self.disturbance.stretch
            length = int(len(self.examples[index].energies_MF) / speed) // stride
            room = frames - at
            if length > room and not self.believed[index]:
                misses += 1
                continue
            skip = int(random.integers(0, length - room + 1)) if length > room else 0
            taken = min(length, room)
            piece = slice(at, at + taken)
            mel_M = ((skip * stride + np.arange(taken * stride)) * speed).astype(np.int64)
            mels_MF = self.examples[index].energies_MF[mel_M].astype(np.float32)
            energies_MF[at * stride : (at + taken) * stride] = self._warp(random, mels_MF)
            text, targets = self._teach(index, speed, skip, taken, whole=length <= room)
            texts.append(text)
            if targets is None:
                weights_T[piece] = 0
            else:
                targets_TC[piece] = targets
                weights_T[piece] += (self.said_weight - 1) * (1 - targets[:, self.blank])
            at += taken
        self._fill(random, energies_MF)
        said = " ".join(text.strip() for text in texts if text.strip())
        tokens_L = np.array([self.vocabulary.index(c) for c in said], np.int64)
        return self._disturb(random, energies_MF), targets_TC, weights_T, tokens_L

    def _teach(
        self, index: int, speed: float, skip: int, taken: int, *, whole: bool
    ) -> tuple[str, FloatArray | None]:
        """Text and pooled probabilities (None where the teacher is not believed) of a piece."""
        example = self.examples[index]
        if not self.believed[index] or example.teacher_SC is None:
            return example.text or "", None
        teacher_SC, ratio = example.teacher_SC, self.teacher_frames_per_frame * speed
        edges = ((skip + np.arange(taken + 1)) * ratio).astype(np.int64).clip(max=len(teacher_SC) - 1)
        part_SC = teacher_SC[edges[0] : max(edges[-1], edges[0] + 1)]
        starts_T = np.minimum(edges[:-1] - edges[0], len(part_SC) - 1)
        known = example.text if whole else None
        text = known or greedy_text(part_SC, self.vocabulary, self.blank)
        return text, pool(part_SC, starts_T, self.blank)

    def _warp(self, random: np.random.Generator, mels_MF: FloatArray) -> FloatArray:
        """Shift the bands by a factor, as a shorter or longer vocal tract does."""
        bands = mels_MF.shape[1]
        factor = 1 + random.uniform(-1, 1) * self.disturbance.warp
        position_F = np.minimum(np.arange(bands) * factor, bands - 1)
        below_F = np.minimum(position_F.astype(np.int64), bands - 2)
        share_F = (position_F - below_F).astype(np.float32)
        warped_MF: FloatArray = mels_MF[:, below_F] * (1 - share_F) + mels_MF[:, below_F + 1] * share_F
        return warped_MF

    def _fill(self, random: np.random.Generator, energies_MF: FloatArray) -> None:
        """Fill the gaps between pieces with something as quiet as the row's quietest frames."""
        empty_M = np.isnan(energies_MF[:, 0])
        if not empty_M.any():
            return
        full_MF = energies_MF[~empty_M]
        # Of every seventh frame, which is enough and far cheaper.
        quiet_F = (
            np.percentile(full_MF[::7], 5, axis=0) if len(full_MF) else np.full(energies_MF.shape[1], _FLOOR)
        )
        shape = (int(empty_M.sum()), energies_MF.shape[1])
        energies_MF[empty_M] = quiet_F + 0.7 * random.standard_normal(shape, dtype=np.float32)

    def _disturb(self, random: np.random.Generator, energies_MF: FloatArray) -> FloatArray:
        """Noise, level and masks."""
        how = self.disturbance
        if random.random() < how.noise_share:
            noise_MF = self._noise(random, *energies_MF.shape)
            snr_db = random.uniform(*how.snr_db)
            loud = np.log(np.exp(energies_MF).mean()) - np.log(np.exp(noise_MF).mean())
            energies_MF = np.logaddexp(energies_MF, noise_MF + np.float32(loud - snr_db * _NATS_PER_DB))
        energies_MF = energies_MF + np.float32(random.uniform(*how.gain_db) * _NATS_PER_DB)
        energies_MF = np.maximum(energies_MF, np.float32(_FLOOR))
        mean = energies_MF.mean()
        for _ in range(how.time_masks):
            width = int(random.integers(0, how.time_mask_frames + 1))
            start = int(random.integers(0, max(1, len(energies_MF) - width)))
            energies_MF[start : start + width] = mean
        for _ in range(how.band_masks):
            width = int(random.integers(0, how.band_mask_bands + 1))
            start = int(random.integers(0, max(1, energies_MF.shape[1] - width)))
            energies_MF[:, start : start + width] = mean
        return energies_MF

    def _noise(self, random: np.random.Generator, frames: int, bands: int) -> FloatArray:
        """A stretch of real noise, or noise of a random colour."""
        if self.noises and random.random() < 0.6:
            clip_MF = self.noises[int(random.integers(len(self.noises)))]
            start = int(random.integers(len(clip_MF)))
            return clip_MF[(start + np.arange(frames)) % len(clip_MF)].astype(np.float32)
        knots_F = np.interp(np.arange(bands), np.linspace(0, bands, 5), random.uniform(-4, 4, 5))
        noise_MF: FloatArray = (knots_F + 0.8 * random.standard_normal((frames, bands))).astype(np.float32)
        return noise_MF
