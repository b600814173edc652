"""The generator that all measurements share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.corpora import DEV_CLEAN, LongRecording, SpokenUtterance, build_recording, corrupt, read_corpus


def recording(count: int = 400) -> LongRecording:
    words = [f"w{n}" for n in range(50)]
    random = np.random.default_rng(0)
    utterances = tuple(
        SpokenUtterance(
            id=str(u), start_sample=u, end_sample=u + 1, words=tuple(random.choice(words, size=20).tolist())
        )
        for u in range(count)
    )
    return LongRecording(
        id="made-up",
        speaker="nobody",
        audio_N=np.zeros(1, np.float32),
        sample_rate_hz=16_000,
        utterances=utterances,
    )


def test_every_word_is_labelled_and_labels_are_true() -> None:
    spoken = recording()
    transcript = corrupt(spoken, seed=3)
    assert len(transcript.words) == len(transcript.truths) == len(transcript.kinds)
    for word, truth, kind in zip(transcript.words, transcript.truths, transcript.kinds):
        assert (truth >= 0) == (kind == "right")
        assert truth < 0 or spoken.words[truth] == word
    truths = [truth for truth in transcript.truths if truth >= 0]
    assert truths == sorted(set(truths))


def test_the_text_is_the_words_as_people_write_them() -> None:
    transcript = corrupt(recording(), seed=3)
    bare = transcript.text.lower().replace(",", "").replace(".", "").split()
    assert tuple(bare) == transcript.words
    assert transcript.text[0].isupper()
    assert "," in transcript.text
    assert transcript.text.endswith(".")


def test_the_recipe_gives_its_shares() -> None:
    spoken = recording(4000)
    transcript = corrupt(spoken, seed=1)
    share = {kind: transcript.utterance_kinds.count(kind) / 4000 for kind in set(transcript.utterance_kinds)}
    expected = {"clean": 0.62, "light": 0.16, "heavy": 0.09, "missing": 0.05, "replaced": 0.05, "extra": 0.03}
    assert share == pytest.approx(expected, abs=0.02)
    right = sum(truth >= 0 for truth in transcript.truths) / len(spoken.words)
    assert right == pytest.approx(0.85, abs=0.02)


def test_a_transcript_depends_on_its_seed_alone() -> None:
    spoken = recording(40)
    assert corrupt(spoken, seed=1) == corrupt(spoken, seed=1)
    assert corrupt(spoken, seed=1).text != corrupt(spoken, seed=2).text


def test_real_utterances_stand_where_the_recording_says(shared_dir: Path) -> None:
    folder = shared_dir / "data" / DEV_CLEAN
    joined = build_recording(folder, recording_id="short", speakers=["84"], minutes=0.3)
    [first, *_] = joined.utterances
    source = read_corpus(folder, speakers=["84"])[0]
    assert first.words == source.words
    assert (first.end_sample - first.start_sample) / 16_000 == pytest.approx(
        source.duration_seconds, abs=0.001
    )
    level = [
        float(np.square(joined.audio_N[u.start_sample : u.end_sample]).mean()) for u in joined.utterances
    ]
    assert 0 < np.square(joined.audio_N[: first.start_sample]).mean() < min(level) / 100
    again = build_recording(folder, recording_id="short", speakers=["84"], minutes=0.3)
    assert np.array_equal(again.audio_N, joined.audio_N)
