"""One recording with its text: the times are those that are known, and those of the pipeline's stages."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from support import toy

from prep_corpus.align import AlignedFile, Aligner, RecordingError, UsageError, align_file
from prep_corpus.align.errors import (
    AudioMissing,
    AudioTooShort,
    Infeasible,
    TranscriptEmpty,
    TranscriptMissing,
)
from prep_corpus.align.model.emissions import Emitter

FRAME_SECONDS = toy.STRIDE_SAMPLES / toy.SAMPLE_RATE_HZ
SYMBOL_SECONDS = (toy.TONE_SAMPLES + toy.REST_SAMPLES) / toy.SAMPLE_RATE_HZ
SAID = "river stone morning"
PAUSE_SECONDS = 0.5


@pytest.fixture(scope="module")
def aligner() -> Iterator[Aligner]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(toy.__file__).parent))
        yield Aligner("toy:acoustic_model", device="cpu", threads=1)


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pause_N = np.random.default_rng(0).normal(0, 1e-3, int(PAUSE_SECONDS * toy.SAMPLE_RATE_HZ))
    samples_N = np.concatenate((pause_N, toy.say(SAID), pause_N)).astype(np.float32)
    path = tmp_path_factory.mktemp("audio") / "talk.flac"
    soundfile.write(path, samples_N, toy.SAMPLE_RATE_HZ)
    return path


def times(aligned: AlignedFile) -> list[tuple[str, float, float]]:
    return [(word.spoken, word.start_seconds, word.end_seconds) for word in aligned.words]


def test_words_have_the_times_at_which_they_are_said(aligner: Aligner, audio: Path) -> None:
    found = aligner.align(audio, "River, STONE morning!")
    at = 0
    for word, spoken in zip(found.words, SAID.split(), strict=True):
        start = PAUSE_SECONDS + at * SYMBOL_SECONDS
        assert word.spoken == spoken
        assert word.start_seconds == pytest.approx(start, abs=1.5 * FRAME_SECONDS)
        assert word.end_seconds == pytest.approx(
            start + len(spoken) * SYMBOL_SECONDS, abs=2.5 * FRAME_SECONDS
        )
        assert word.is_said
        assert 0.9 < word.score <= 1
        at += len(spoken) + 1
    assert [word.text for word in found.words] == ["River,", "STONE", "morning!"]
    assert [(word.char_start, word.char_end) for word in found.words] == [(0, 5), (7, 12), (13, 20)]
    assert found.untranscribed == ()
    assert found.duration_seconds == pytest.approx(1 + len(SAID) * SYMBOL_SECONDS)


def test_a_word_that_is_not_said_has_no_score(aligner: Aligner, audio: Path) -> None:
    found = aligner.align(audio, "river yellow distant mountain stone morning")
    assert [word.is_said for word in found.words] == [True, False, False, False, True, True]
    assert [word.score == 0 for word in found.words] == [False, True, True, True, False, False]
    assert all(word.start_seconds == word.end_seconds for word in found.words[1:4])


def test_a_file_and_an_open_file_give_the_same(aligner: Aligner, audio: Path) -> None:
    wanted = aligner.align(str(audio), SAID)
    opened = aligner.align(io.BytesIO(audio.read_bytes()), SAID)
    assert opened.words == wanted.words
    assert (wanted.name, opened.name) == ("talk", "audio")


def test_of_several_transcripts_the_one_that_the_audio_says_is_taken(
    aligner: Aligner, audio: Path, tmp_path: Path
) -> None:
    right = tmp_path / "right.srt"
    right.write_text("1\n00:00:00,500 --> 00:00:02,000\nANNE: River stone [door slams] morning.\n")
    found = aligner.align(audio, ["people answer travel", right])
    assert found.version == 1
    assert [word.spoken for word in found.words] == SAID.split()


def test_what_other_tools_read(aligner: Aligner, audio: Path) -> None:
    found = aligner.align(audio, SAID)
    lines = found.to_ctm().splitlines()
    assert [line.split()[0] for line in lines] == ["talk"] * 3
    assert [(float(line.split()[2]), line.split()[4]) for line in lines] == [
        (pytest.approx(start, abs=1e-3), spoken) for spoken, start, _ in times(found)
    ]
    assert found.to_textgrid().count("intervals [") >= 3


def test_captions_come_back_at_the_times_of_their_words(
    aligner: Aligner, audio: Path, tmp_path: Path
) -> None:
    late = tmp_path / "late.vtt"
    late.write_text(
        "WEBVTT\n\n00:07.500 --> 00:08.000\n<v Anne>River\nstone</v>\n\n00:08.000 --> 00:09.000\n<v Ben>morning.</v>\n"
    )
    found = aligner.align(audio, late)
    assert [word.speaker for word in found.words] == ["Anne", "Anne", "Ben"]
    first, second = found.captions()
    starts = [word.start_seconds for word in found.words]
    assert (first.start_seconds, second.start_seconds) == (starts[0], starts[2])
    assert (first.text, first.speaker, second.text) == ("River stone", "Anne", "morning.")
    assert "River\nstone" in found.to_srt(original_lines=True)
    assert "<v Ben>morning." in found.to_vtt()
    assert [one.text for one in aligner.align(audio, "River stone. Morning.").captions()] == [
        "River stone.",
        "Morning.",
    ]


def test_the_threads_of_the_caller_stay_as_they_are(aligner: Aligner, audio: Path) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        aligner.align(audio, SAID)
        assert torch.get_num_threads() == 2
        with pytest.raises(RecordingError):
            aligner.align(audio, "!?")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_callers_on_threads_have_one_thread_for_each_model_call(
    aligner: Aligner, audio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = times(aligner.align(audio, SAID))
    inside, most, seen, emit = [0], [0], [], Emitter.emit

    def slowly(self: Emitter[int], *given: Any) -> Any:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.02)
        seen.append(torch.get_num_threads())
        yield from emit(self, *given)
        inside[0] -= 1

    monkeypatch.setattr(Emitter, "emit", slowly)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: times(aligner.align(audio, SAID)), range(3)))
    assert found == [alone] * 3
    # The setting is the process's, and so they take turns.
    assert (most, seen) == ([1], [1, 1, 1])


def test_what_cannot_be_aligned_is_an_error_of_its_own(aligner: Aligner, audio: Path, tmp_path: Path) -> None:
    with pytest.raises(AudioMissing, match=r"absent\.flac"):
        aligner.align(tmp_path / "absent.flac", SAID)
    with pytest.raises(TranscriptMissing, match=r"absent\.txt"):
        aligner.align(audio, tmp_path / "absent.txt")
    with pytest.raises(TranscriptEmpty):
        aligner.align(audio, "...")
    with pytest.raises(Infeasible):
        aligner.align(audio, SAID * 20)
    short = tmp_path / "short.wav"
    soundfile.write(short, np.ones(10, np.float32) / 2, toy.SAMPLE_RATE_HZ)
    with pytest.raises(AudioTooShort):
        aligner.align(short, SAID)
    with pytest.raises(UsageError, match="at least one"):
        aligner.align(audio, [])


def test_the_name_of_a_file_is_not_taken_for_a_transcript(
    aligner: Aligner, audio: Path, tmp_path: Path
) -> None:
    text = tmp_path / "talk.txt"
    text.write_text(SAID)
    with pytest.raises(UsageError, match=r"pathlib\.Path"):
        aligner.align(audio, str(text))
    assert times(aligner.align(audio, text)) == times(aligner.align(audio, SAID))


def test_a_model_by_name_is_loaded_for_one_file(aligner: Aligner, audio: Path) -> None:
    once = align_file(audio, SAID, model="toy:acoustic_model", device="cpu")
    assert once.words == aligner.align(audio, SAID).words
