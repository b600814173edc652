"""Adding a planned noise to speech: exact arithmetic, no clipping, no silent pass-through.

Shapes: N samples, F frames of 20 ms.

Powers are sums of integers and gains are rounded to float32, so that the same plan gives the same 16 bits on
every machine (a room's convolution is the exception: its last bit may differ between processors).
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from prep_corpus.align.errors import UsageError
from prep_corpus.augment.bank import FULL_SCALE, Int16Array, NoiseBank, NoiseSilent, SpeechSilent, mean_power
from prep_corpus.augment.plan import MixPlan, window

SPEECH_FRAME_SECONDS = 0.02
# ITU-T P.56 counts as speech what is at most this far under the active level.
ACTIVE_MARGIN_DB = 15.9
# One unit of 16 bits, root mean square: under it there is rounding noise alone.
SILENT_POWER = 1.0
# Root mean square of a combined noise before its gain; integers of this size are exact to -84 dB.
_NOISE_RMS = 4096.0


@dataclass(frozen=True, kw_only=True)
class MixReport:
    """What mixing did beyond the plan.

    Attributes:
        noise_gain: what the combined noise, of root mean square 4096, was multiplied with.
        scale: what the whole was multiplied with to keep its peak in range; 1 where nothing would clip.
        speech_power_db: power of the speech frames, relative to full scale, before `scale`.
    """

    noise_gain: float
    scale: float
    speech_power_db: float


def mix(
    speech_N: Int16Array | npt.NDArray[np.float32], plan: MixPlan, bank: NoiseBank, *, utterance_id: str
) -> tuple[Int16Array, MixReport]:
    """Add a planned noise to an utterance.

    Args:
        speech_N: int16, or float32 in [-1, 1], at the bank's rate.
        plan: mix plan of this utterance.
        bank: the one that the plan was made with.
        utterance_id: id for messages.

    Returns:
        int16 [N] and a report. Noise is (result / (scale * level) - speech), up to rounding.

    Raises:
        SpeechSilent: the utterance has no power.
        NoiseSilent: the combined noise has no power.
        UsageError: the bank is another one.
    """
    if plan.bank != bank.digest:
        raise UsageError(
            f"a plan must be used with the noise bank that it was made for: plan of {plan.bank}, "
            f"bank {bank.digest}, for {utterance_id!r}"
        )
    dry_N = to_int16(speech_N)
    if plan.impulse_response is not None:
        dry_N = _in_room(dry_N, plan.impulse_response, bank)
    speech_power = active_power(dry_N, bank.sample_rate_hz, utterance_id=utterance_id)
    noise_N = _combined(plan, bank, dry_N.size, utterance_id)
    noise_power = mean_power(noise_N)
    if noise_power < SILENT_POWER:
        raise NoiseSilent(
            f"a noise's power must be at least {SILENT_POWER}: {noise_power:.2g} for {utterance_id!r}"
        )
    noise_gain = _steady(math.sqrt(speech_power / (noise_power * 10.0 ** (plan.snr_db / 10.0))))
    # In place, with the roundings of (speech + gain * noise) * level.
    mixed_N = noise_gain * noise_N
    mixed_N += dry_N
    mixed_N *= _steady(10.0 ** (plan.level_db / 20.0))
    peak = max(float(mixed_N.max()), -float(mixed_N.min()))
    scale = 1.0 if peak <= FULL_SCALE else _steady(FULL_SCALE / peak * (1.0 - 2.0**-20))
    report = MixReport(
        noise_gain=noise_gain,
        scale=scale,
        speech_power_db=round(10.0 * math.log10(speech_power / 32768.0**2), 3),
    )
    mixed_N *= scale
    return np.rint(mixed_N, out=mixed_N).astype(np.int16), report


def noise_json(plan: MixPlan, report: MixReport) -> str:
    """The `noise` column: the plan, and what mixing did beyond it."""
    return json.dumps({**plan.to_fields(), **asdict(report)}, sort_keys=True, ensure_ascii=False)


def to_int16(samples_N: Int16Array | npt.NDArray[np.float32]) -> Int16Array:
    """16-bit samples: float32 times 32768, rounded half to even and clipped; int16 as it is."""
    if samples_N.dtype == np.int16:
        return samples_N  # type: ignore[return-value]
    scaled_N = np.rint(samples_N.astype(np.float64) * 32768.0)
    return np.clip(scaled_N, -32768, 32767).astype(np.int16)


def active_power(samples_N: Int16Array, sample_rate_hz: int, *, utterance_id: str) -> float:
    """Mean power of the frames that hold speech, in squared units of 16 bits.

    A frame of 20 ms holds speech if it is at most 15.9 dB under the mean of all frames that do; pauses drop
    out within a few rounds. A rest of less than a frame at the end is left out.

    Args:
        samples_N: int16, mono.
        sample_rate_hz: rate of the samples.
        utterance_id: id for messages.

    Raises:
        SpeechSilent: the power is under one unit.

    Source: the margin is that of ITU-T P.56; its envelope is replaced by frames.
    """
    frame_samples = min(max(1, round(SPEECH_FRAME_SECONDS * sample_rate_hz)), max(1, samples_N.size))
    frames = samples_N.size // frame_samples
    if frames == 0:
        raise SpeechSilent(f"an utterance must have samples: 0 in {utterance_id!r}")
    squares_N = np.square(samples_N[: frames * frame_samples], dtype=np.int64)
    energies_F = squares_N.reshape(frames, frame_samples).sum(axis=1)
    margin = 10.0 ** (-ACTIVE_MARGIN_DB / 10.0)
    threshold = -1.0
    while True:
        active_F = energies_F[energies_F >= threshold]
        mean_energy = int(active_F.sum()) / active_F.size
        if mean_energy * margin <= threshold:
            break
        threshold = mean_energy * margin
    power: float = mean_energy / frame_samples
    if power < SILENT_POWER:
        raise SpeechSilent(
            f"speech must have a power of at least {SILENT_POWER}: {power:.2g} in {utterance_id!r}"
        )
    return power


def is_silent(samples_N: Int16Array, sample_rate_hz: int) -> bool:
    """Whether no power is found that a noise could be measured against: `active_power` raises.

    Args:
        samples_N: int16, mono.
        sample_rate_hz: rate of the samples.
    """
    frame_samples = max(1, round(SPEECH_FRAME_SECONDS * sample_rate_hz))
    whole_N = samples_N[: samples_N.size // frame_samples * frame_samples].astype(np.float32)
    # The frames that hold speech have at least the mean power of all.
    if whole_N.size and float(np.dot(whole_N, whole_N)) > 2 * SILENT_POWER * whole_N.size:
        return False
    try:
        active_power(samples_N, sample_rate_hz, utterance_id="")
    except SpeechSilent:
        return True
    return False


def _combined(plan: MixPlan, bank: NoiseBank, samples: int, utterance_id: str) -> npt.NDArray[np.int32]:
    """The plan's clips, brought to equal power, weighted and added up."""
    total_N = np.zeros(samples, np.float64)
    for part in plan.parts:
        clip = bank.by_digest[part.digest]
        power = clip.window_power(part.offset_samples, samples)
        if power < SILENT_POWER:
            raise NoiseSilent(
                f"a window of noise must have a power of at least {SILENT_POWER}: {power:.2g} in {part.name!r} "
                f"at {part.offset_samples} for {utterance_id!r}"
            )
        total_N += _steady(_NOISE_RMS * 10.0 ** (part.gain_db / 20.0) / math.sqrt(power)) * window(
            clip.samples_N, part.offset_samples, samples
        )
    return np.rint(total_N, out=total_N).astype(np.int32)


def _in_room(dry_N: Int16Array, digest: str, bank: NoiseBank) -> Int16Array:
    """The utterance in a room, the direct path where it was, at the power it had."""
    room_N = next(room.samples_N for room in bank.impulse_responses if room.digest == digest)
    direct = int(np.argmax(np.abs(room_N)))
    size = dry_N.size + room_N.size - 1
    padded = 1 << (size - 1).bit_length()
    spectrum = np.fft.rfft(dry_N.astype(np.float64), padded) * np.fft.rfft(room_N.astype(np.float64), padded)
    wet_N = np.fft.irfft(spectrum, padded)[direct : direct + dry_N.size]
    wet_power = float(np.mean(np.square(wet_N)))
    if wet_power <= 0.0:
        return dry_N
    wet_N *= math.sqrt(mean_power(dry_N) / wet_power)
    peak = float(np.max(np.abs(wet_N)))
    return np.rint(wet_N * min(1.0, FULL_SCALE / peak)).astype(np.int16)


def _steady(value: float) -> float:
    """Rounded to float32: the last bits of powers and roots differ between machines."""
    return float(np.float32(value))
