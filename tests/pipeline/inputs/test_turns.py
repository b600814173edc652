"""Who speaks when, from RTTM files and transcripts."""

from __future__ import annotations

from pathlib import Path

from support.entries import bad, good, read

from prep_corpus.pipeline.inputs.bundles import ProbedRecording, read_bundle, write_bundle
from prep_corpus.pipeline.inputs.manifests import read_manifest
from prep_corpus.pipeline.storage.stage_store import Store


def rttm(*turns: tuple[float, float, str], recording: str = "talk") -> str:
    return "".join(
        f"SPEAKER {recording} 1 {at} {length} <NA> <NA> {who} <NA> <NA>\n" for at, length, who in turns
    )


def test_an_rttm_file_beside_a_recording_says_who_speaks(tmp_path: Path) -> None:
    (tmp_path / "talk.wav").touch()
    (tmp_path / "talk.rttm").write_text(rttm((0, 2, "ann"), (2, 3, "bob")))
    (tmp_path / "other.rttm").write_text(
        rttm((0, 9, "eve"), recording="x") + rttm((1, 1, "cid"), recording="far")
    )
    entry = {"audio_filepath": "talk.wav", "text": "hello"}
    beside, named, part, none = good(
        read(
            tmp_path,
            entry,
            {**entry, "id": "far", "rttm_filepath": "other.rttm"},
            {**entry, "offset": 1.0},
            {**entry, "audio_filepath": "lone.wav"},
        )
    )
    assert [(one.start_seconds, one.end_seconds, one.speaker) for one in beside.speaker_spans] == [
        (0, 2, "ann"),
        (2, 5, "bob"),
    ]
    assert [one.speaker for one in named.speaker_spans] == ["cid"]
    assert [(one.start_seconds, one.end_seconds) for one in part.speaker_spans] == [(0, 1), (1, 4)]
    assert none.speaker_spans == ()
    store = Store(str(tmp_path / "work"))
    bundle = [
        ProbedRecording(recording=one, fingerprint="", seconds=1.0) for one in (beside, named, part, none)
    ]
    assert read_bundle(store, write_bundle(store, bundle).digest) == bundle
    # A folder of pairs finds it too.
    (tmp_path / "pairs").mkdir()
    for ending, content in ((".wav", ""), (".txt", "hello"), (".rttm", rttm((0, 1, "ann")))):
        (tmp_path / "pairs" / f"talk{ending}").write_text(content)
    (paired,) = good(list(read_manifest(str(tmp_path / "pairs"))))
    assert [one.speaker for one in paired.speaker_spans] == ["ann"]


def test_an_rttm_file_that_is_none_costs_its_recording(tmp_path: Path) -> None:
    (tmp_path / "bad.rttm").write_text("SPEAKER a 1 x y <NA> <NA> ann")
    entry = {"audio_filepath": "talk.wav", "text": "hello"}
    malformed, missing = bad(
        read(
            tmp_path,
            {**entry, "id": "a", "rttm_filepath": "bad.rttm"},
            {**entry, "id": "b", "rttm_filepath": "no.rttm"},
        )
    )
    assert (malformed.reason, missing.reason) == ("transcript-malformed", "transcript-missing")
    assert "recording 'a'" in malformed.message
    assert "line 1: a line must be SPEAKER" in malformed.message
    assert "there must be an RTTM file at" in missing.message


def test_turns_of_a_transcript_are_kept_with_the_bundle(tmp_path: Path) -> None:
    (tmp_path / "talk.stm").write_text(
        "talk 1 ann 0.0 1.0 hello you\ntalk 1 ann 1.0 2.0 again\ntalk 1 bob 2.0 3.0 hi\n"
    )
    segments = [{"start": 0, "end": 1, "text": "so", "speaker": "eve"}, {"start": 1, "end": 2, "text": "no"}]
    found = good(
        read(
            tmp_path,
            {"audio_filepath": "talk.wav", "text_filepath": "talk.stm"},
            {"audio_filepath": "more.wav", "segments": segments},
        )
    )
    turns = [
        [(one.char_start, one.char_end, one.speaker) for one in recording.source.turns]  # type: ignore[union-attr]
        for recording in found
    ]
    assert turns == [[(0, 15, "ann"), (16, 18, "bob")], [(0, 2, "eve")]]
    store = Store(str(tmp_path / "work"))
    bundle = [ProbedRecording(recording=one, fingerprint="", seconds=1.0) for one in found]
    assert read_bundle(store, write_bundle(store, bundle).digest) == bundle
