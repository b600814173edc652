"""Synthesised speech for training: known sentences, in the voices of Debian's synthesisers.

    flite       slt, rms, awb, kal16    apt install flite
    espeak-ng   accents and variants    apt install espeak-ng
    festival    kal, ked, slt           apt install festival festvox-kallpc16k festvox-kdlpc16k festvox-us-slt-hts
    pico        American, British       apt install libttspico-utils (section non-free)

A voice whose program is missing is left out, and said so by the caller.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prep_corpus.align.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Voice:
    """One voice of one synthesiser.

    Attributes:
        name: unique, such as "flite-slt".
        command: program and arguments; `{text}` and `{wav}` stand for the sentence and the output file.
        speeds: what `{speed}` is drawn from; the unit is the program's own.
    """

    name: str
    command: tuple[str, ...]
    speeds: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if not any("{wav}" in argument for argument in self.command):
            raise UsageError(
                f"voice {self.name}: the command must hold {{wav}}, and is {' '.join(self.command)}"
            )

    @property
    def installed(self) -> bool:
        """Whether its program is on this machine."""
        return shutil.which(self.command[0]) is not None


def _flite(voice: str) -> Voice:
    command = ("flite", "-voice", voice, "--setf", "duration_stretch={speed}", "-t", "{text}", "-o", "{wav}")
    return Voice(name=f"flite-{voice}", command=command, speeds=(0.9, 1.0, 1.1, 1.25))


def _espeak(variant: str) -> Voice:
    command = ("espeak-ng", "-v", variant, "-s", "{speed:.0f}", "-w", "{wav}", "{text}")
    return Voice(name=f"espeak-{variant}", command=command, speeds=(130, 150, 165))


def _festival(voice: str) -> Voice:
    save = '(utt.save.wave (utt.synth (Utterance Text "{text}")) "{wav}")'
    program = f"(begin (voice_{voice}) {save})"
    return Voice(name=f"festival-{voice}", command=("festival", "-b", program))


def _pico(language: str) -> Voice:
    text = "<speed level='{speed:.0f}'>{text}</speed>"
    return Voice(
        name=f"pico-{language}",
        command=("pico2wave", "-l", language, "-w", "{wav}", text),
        speeds=(85, 100, 115, 130),
    )


VOICES = (
    _flite("slt"),
    _espeak("en-us"),
    _flite("rms"),
    _espeak("en-us+f3"),
    _flite("awb"),
    _espeak("en-gb"),
    _flite("kal16"),
    _espeak("en-us+m3"),
    _festival("kal_diphone"),
    _espeak("en-us"),
    _festival("ked_diphone"),
    _espeak("en-gb-scotland"),
    _pico("en-US"),
    _pico("en-GB"),
    _festival("cmu_us_slt_arctic_hts"),
)
"""In the order in which they take turns; a voice may come twice."""


def speak(voice: Voice, text: str, speed: float, wav: Path) -> None:
    """Write one sentence to a WAV file.

    Raises:
        UsageError: the program failed; the message holds what it said.
    """
    arguments = [argument.format(text=text, wav=wav, speed=speed) for argument in voice.command]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode or not wav.is_file():
        raise UsageError(f"voice {voice.name} failed on {text!r}: {done.stderr.strip()[:200]}")


def synthesise(
    sentences: Iterable[str], folder: Path, *, hours: float, seed: int = 0, voices: tuple[Voice, ...] = VOICES
) -> Iterator[float]:
    """Write about `hours` of speech, voices in turn, with a manifest; go on where an earlier call stopped.

    Args:
        sentences: plain words, lower case; `\"` and `\\` must not occur.
        folder: gets NNNNN.flac and manifest.jsonl.
        hours: when to stop, unless the sentences end before.
        seed: seed of order and speeds.
        voices: voices to use; those not installed are skipped.

    Yields:
        Seconds written so far, after each sentence.
    """
    import soundfile
    import soxr

    folder.mkdir(parents=True, exist_ok=True)
    usable = [voice for voice in voices if voice.installed]
    if not usable:
        raise UsageError("no speech synthesiser is installed: apt install flite espeak-ng")
    random = np.random.default_rng(seed)
    shuffled = list(sentences)
    random.shuffle(shuffled)
    manifest = folder / "manifest.jsonl"
    known = [json.loads(line) for line in manifest.read_text().splitlines()] if manifest.is_file() else []
    written = sum(entry["duration"] for entry in known)
    with manifest.open("a", encoding="utf-8") as rows:
        for index, text in enumerate(shuffled):
            voice = usable[index % len(usable)]
            speed = float(random.choice(voice.speeds))
            if index < len(known):
                continue
            if written >= hours * 3600:
                return
            wav = folder / "part.wav"
            speak(voice, text, speed, wav)
            samples_N, rate_hz = soundfile.read(wav, dtype="float32")
            wav.unlink()
            if rate_hz != 16_000:
                samples_N = soxr.resample(samples_N, rate_hz, 16_000)
            name = f"{index:05d}.flac"
            soundfile.write(folder / name, samples_N, 16_000)
            duration = len(samples_N) / 16_000
            row = {
                "audio_filepath": name,
                "text": text,
                "speaker": voice.name,
                "duration": round(duration, 3),
            }
            rows.write(json.dumps(row) + "\n")
            rows.flush()
            written += duration
            yield written
