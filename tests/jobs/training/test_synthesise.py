"""Synthesised speech, by whichever synthesiser is installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.training.synthesise import VOICES, Voice, speak, synthesise

SENTENCES = ["the ship should be in within a week", "he made sure of it", "and then she said nothing at all"]
INSTALLED = tuple(voice for voice in VOICES if voice.installed)


@pytest.mark.skipif(not INSTALLED, reason="no synthesiser: apt install flite espeak-ng")
def test_voices_take_turns_and_a_second_call_goes_on(tmp_path: Path) -> None:
    voices = INSTALLED[:2]
    (first,) = synthesise(SENTENCES, tmp_path, hours=0.0001, voices=voices)
    assert first > 0.5
    rest = list(synthesise(SENTENCES, tmp_path, hours=1, voices=voices))
    assert len(rest) == 2
    assert rest[-1] > rest[0] > first
    rows = [json.loads(line) for line in (tmp_path / "manifest.jsonl").read_text().splitlines()]
    assert sorted(row["text"] for row in rows) == sorted(SENTENCES)
    assert [row["speaker"] for row in rows] == [voices[i % len(voices)].name for i in range(3)]
    for row in rows:
        header = soundfile.info(tmp_path / row["audio_filepath"])
        assert header.samplerate == 16_000
        assert header.duration == pytest.approx(row["duration"], abs=0.001)


def test_a_failing_voice_says_what_it_was_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="failed on 'hello'"):
        speak(Voice(name="none", command=("false", "{wav}")), "hello", 1.0, tmp_path / "x.wav")
    with pytest.raises(UsageError, match="must hold"):
        Voice(name="none", command=("flite",))
    absent = (Voice(name="absent", command=("no-such-synthesiser", "{wav}")),)
    with pytest.raises(UsageError, match="no speech synthesiser"):
        next(synthesise(SENTENCES, tmp_path, hours=1, voices=absent))
