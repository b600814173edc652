"""The hostile corpus as far as reading and decoding take it; the whole command is tested in tests/jobs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.hostile import PROCESSED, HostileCorpus, Speech, write_hostile

from prep_corpus.align.audio import decode as audio
from prep_corpus.align.errors import AudioMissing, DeadLetter, RecordingError
from prep_corpus.pipeline.inputs.manifests import read_manifest
from prep_corpus.pipeline.storage import files

RATE_HZ = 16_000
# What only the alignment can find out.
LATER = frozenset({"transcript-too-long", "transcript-unsayable"})


def babble(seconds: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    level_N = np.repeat(rng.uniform(0.001, 0.3, int(seconds * 10)), RATE_HZ // 10)
    return (level_N * rng.standard_normal(len(level_N)) / 4).astype(np.float32)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> HostileCorpus:
    speech = [
        Speech(audio_N=babble(12, 0), sample_rate_hz=RATE_HZ, text="the first text of these two " * 3),
        Speech(audio_N=babble(10, 1), sample_rate_hz=RATE_HZ, text="another one which nobody says " * 3),
    ]
    return write_hostile(tmp_path_factory.mktemp("hostile") / "corpus", speech, short_recordings=30)


def outcome(manifest: Path) -> list[tuple[str, str, float, str]]:
    """(id, outcome, seconds, message) of each entry, in order."""
    found = []
    for recording in read_manifest(str(manifest)):
        if isinstance(recording, DeadLetter):
            found.append((recording.recording_id, recording.reason, 0.0, recording.message))
            continue
        try:
            try:
                file = files.open_binary(recording.audio_uri)
            except FileNotFoundError as error:
                raise AudioMissing(f"{recording.id}: no file at {recording.audio_uri}") from error
            with file:
                blocks = audio.decode(
                    file,
                    name=recording.id,
                    sample_rate_hz=RATE_HZ,
                    channel=recording.channel,
                    offset_seconds=recording.offset_seconds,
                    duration_seconds=recording.duration_seconds,
                    sliced=recording.sliced,
                )
                samples = sum(len(block) for block in blocks)
            found.append((recording.id, PROCESSED, samples / RATE_HZ, ""))
        except RecordingError as error:
            found.append((recording.id, error.reason, 0.0, str(error)))
    return found


def test_every_entry_ends_as_it_must(corpus: HostileCorpus) -> None:
    found = outcome(corpus.manifest)
    assert len(found) == len(corpus.entries)
    for entry, (recording_id, reason, seconds, message) in zip(corpus.entries, found):
        expected = PROCESSED if entry.outcome in LATER else entry.outcome
        assert (recording_id, reason) == (entry.recording_id, expected), (entry, message)
        if reason != PROCESSED:
            assert len(message) > 20, entry
            assert recording_id in message, (entry, message)
        elif entry.seconds:
            assert seconds == pytest.approx(entry.seconds, abs=0.25), entry


def test_every_case_of_the_list_is_there(corpus: HostileCorpus) -> None:
    assert len({entry.case for entry in corpus.entries}) >= 26
    assert len(corpus.processed & {"audio/good-0", "audio/good-1"}) == 2
    assert ("audio/good-0", "duplicate-id") in corpus.rejected
