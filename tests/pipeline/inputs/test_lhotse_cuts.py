"""Lhotse cuts as manifests: what Lhotse writes is read as Lhotse reads it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from prep_corpus.align.audio.decode import decode
from prep_corpus.align.errors import DeadLetter, UsageError
from prep_corpus.align.recordings import Recording
from prep_corpus.pipeline.inputs import manifests
from prep_corpus.pipeline.inputs.manifests import read_manifest

RATE_HZ = 16_000
BOTH = "First one.\nSecond sentence."


def cut(**changes: Any) -> dict[str, Any]:
    """As Lhotse 1.33 writes it."""
    supervision = {"id": "s1", "recording_id": "r", "start": 2.5, "duration": 1.0, "channel": 1}
    return {
        "id": "cut-1",
        "start": 1.0,
        "duration": 5.0,
        "channel": 1,
        "supervisions": [
            {**supervision, "text": "Second sentence.", "language": "English", "speaker": "ann"},
            {
                **supervision,
                "id": "s0",
                "start": 0.5,
                "text": "First one.",
                "language": "English",
                "speaker": "ann",
            },
            {**supervision, "id": "s2", "start": 4.0},
        ],
        "recording": {
            "id": "r",
            "sources": [{"type": "file", "channels": [0, 1], "source": "a.wav"}],
            "sampling_rate": RATE_HZ,
            "num_samples": 160_000,
            "duration": 10.0,
            "channel_ids": [0, 1],
        },
        "type": "MonoCut",
        **changes,
    }


def read(folder: Path, *cuts: dict[str, Any], name: str = "cuts.jsonl.gz") -> list[Recording | DeadLetter]:
    data = "".join(json.dumps(each) + "\n" for each in cuts).encode()
    (folder / name).write_bytes(gzip.compress(data) if name.lower().endswith(".gz") else data)
    return list(read_manifest(str(folder / name)))


@pytest.mark.parametrize("name", ["cuts.jsonl", "cuts.jsonl.gz", "CUTS.JSONL.GZ"])
def test_a_cut_is_a_part_of_a_channel_of_a_file(tmp_path: Path, name: str) -> None:
    (recording,) = read(tmp_path, cut(), name=name)
    assert isinstance(recording, Recording)
    assert (recording.id, recording.audio_uri) == ("cut-1", str(tmp_path / "a.wav"))
    assert (recording.offset_seconds, recording.duration_seconds, recording.sliced) == (1.0, 5.0, True)
    assert (recording.channel, recording.speaker, recording.language) == (1, "ann", "en")
    assert recording.text == BOTH
    assert recording.source is not None
    assert [(cue.start_seconds, cue.end_seconds) for cue in recording.source.cues] == [(0.5, 1.5), (2.5, 3.5)]
    for cue, text in zip(recording.source.cues, recording.text.split("\n")):
        assert recording.text[cue.char_start : cue.char_end] == text


def test_a_cut_of_a_whole_file_states_its_length(tmp_path: Path) -> None:
    (recording,) = read(tmp_path, cut(start=0, duration=10.0))
    assert isinstance(recording, Recording)
    assert (recording.offset_seconds, recording.duration_seconds, recording.sliced) == (0.0, 10.0, False)


def test_channels_of_files_of_their_own_and_all_channels_of_one(tmp_path: Path) -> None:
    sources = [{"type": "file", "channels": [channel], "source": f"{channel}.wav"} for channel in (0, 1)]
    own = cut(recording={**cut()["recording"], "sources": sources})
    array = [{**one, "channel": [0, 1]} for one in cut()["supervisions"]]
    mixed = cut(id="cut-2", type="MultiCut", channel=[0, 1], supervisions=array)
    one_side = cut(id="cut-3", type="MultiCut", channel=[0, 1])
    both = read(tmp_path, own, mixed, one_side)
    assert [(Path(one.audio_uri).name, one.channel) for one in both if isinstance(one, Recording)] == [
        ("1.wav", 0),
        ("a.wav", None),
        ("a.wav", 1),
    ]


@pytest.mark.parametrize(
    ("changes", "message", "text"),
    [
        ({"recording": {**cut()["recording"], "sources": [{"type": "command", "channels": [1], "source": "rm -r ."}]}},
         "of type file, this one is a command; commands are not run", ""),
        ({"recording": {**cut()["recording"], "sources": [{"type": "memory", "channels": [1], "source": "x"}]}},
         "of type file, this one is a memory", ""),
        ({"recording": {**cut()["recording"], "transforms": [{"name": "Speed", "kwargs": {"factor": 1.1}}]}},
         "changed by Speed", ""),
        ({"type": "MixedCut"}, "made by mixing", ""),
        ({"type": "PaddingCut"}, "made by mixing", ""),
        ({"type": "MultiCut", "channel": [0, 1, 2], "supervisions": [
            {"id": "s", "start": 0.0, "duration": 1.0, "channel": [0, 1, 2], "text": "a"}]},
         "all those of one file", "a"),
        ({"channel": 7}, "must be among those of its recording's sources", ""),
        ({"recording": None}, "as Lhotse writes it", ""),
        ({"duration": "long"}, "as Lhotse writes it", ""),
        ({"supervisions": [{"text": "a"}]}, "as Lhotse writes it", "a"),
        ({"supervisions": 5}, "as Lhotse writes it", ""),
        ({"start": -1.0}, "offset must be at least 0", ""),
    ],
)  # fmt: skip
def test_what_is_not_the_audio_of_a_file_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str, text: str
) -> None:
    letter, good = read(tmp_path, cut(**changes), cut(id="good"))
    assert isinstance(letter, DeadLetter)
    assert letter.reason == "entry-invalid"
    assert message in letter.message
    # Its text was read all the same.
    assert letter.read_characters == len(BOTH if "supervisions" not in changes else text)
    assert isinstance(good, Recording)


def test_a_resampled_cut_is_the_same_audio(tmp_path: Path) -> None:
    resampled = [
        {"name": "Resample", "kwargs": {"source_sampling_rate": 16_000, "target_sampling_rate": 8_000}}
    ]
    (recording,) = read(tmp_path, cut(recording={**cut()["recording"], "transforms": resampled}))
    assert isinstance(recording, Recording)


def test_a_cut_without_text_is_an_empty_transcript(tmp_path: Path) -> None:
    (letter,) = read(tmp_path, cut(supervisions=[]))
    assert isinstance(letter, DeadLetter)
    assert letter.reason == "transcript-empty"


def test_gzip_that_breaks_off(tmp_path: Path) -> None:
    data = gzip.compress(b"".join(json.dumps(cut(id=str(n))).encode() + b"\n" for n in range(999)))
    (tmp_path / "cuts.jsonl.gz").write_bytes(data[: len(data) // 2])
    with pytest.raises(UsageError, match="must be whole gzip"):
        list(read_manifest(str(tmp_path / "cuts.jsonl.gz")))


def test_what_lhotse_writes_has_the_samples_that_lhotse_reads(tmp_path: Path) -> None:
    lhotse = pytest.importorskip("lhotse", reason="needs the extra `readers`")
    samples = np.random.default_rng(0).integers(-9000, 9000, (10 * RATE_HZ, 2), dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", samples, RATE_HZ, subtype="PCM_16")
    whole = lhotse.Recording.from_file(tmp_path / "a.wav", recording_id="r")
    said = [
        lhotse.SupervisionSegment(
            id=f"s{at}", recording_id="r", start=at, duration=2.0, channel=1, text=f"at {at}"
        )
        for at in (0.5, 3.0, 6.25)
    ]
    mono = lhotse.MonoCut(id="mono", start=0.0, duration=10.0, channel=1, recording=whole, supervisions=said)
    cuts = [mono, *mono.cut_into_windows(4.0), mono.resample(8000).with_id("slow").resample(RATE_HZ)]
    cuts = [each for each in cuts if each.supervisions]
    lhotse.CutSet.from_cuts(cuts).to_file(tmp_path / "cuts.jsonl.gz")
    read_by_lhotse = list(lhotse.CutSet.from_file(tmp_path / "cuts.jsonl.gz"))
    read_here = list(read_manifest(str(tmp_path / "cuts.jsonl.gz")))
    assert len(read_here) == len(read_by_lhotse) >= 4
    for theirs, ours in zip(read_by_lhotse, read_here):
        assert isinstance(ours, Recording)
        assert ours.id == theirs.id
        assert ours.text == "\n".join(one.text for one in theirs.supervisions)
        assert [cue.start_seconds for cue in ours.source.cues] == [one.start for one in theirs.supervisions]
        if theirs.recording.transforms:
            continue
        with open(ours.audio_uri, "rb") as file:
            blocks = list(
                decode(
                    file,
                    name=ours.id,
                    sample_rate_hz=RATE_HZ,
                    channel=ours.channel,
                    offset_seconds=ours.offset_seconds,
                    duration_seconds=ours.duration_seconds,
                    sliced=ours.sliced,
                )
            )
        assert np.array_equal(np.concatenate(blocks), theirs.load_audio()[0])


def test_each_channel_of_a_call_gets_its_own_text(tmp_path: Path) -> None:
    sides = [
        {
            "id": f"s{channel}",
            "start": 0.5,
            "duration": 1.0,
            "channel": channel,
            "text": text,
            "speaker": speaker,
        }
        for channel, text, speaker in ((0, "Good morning.", "ann"), (1, "Hello there.", "bob"))
    ]
    found = read(tmp_path, cut(type="MultiCut", channel=[0, 1], supervisions=sides))
    assert all(isinstance(one, Recording) for one in found)
    assert [(one.id, one.channel, one.text, one.speaker) for one in found if isinstance(one, Recording)] == [
        ("cut-1-0", 0, "Good morning.", "ann"),
        ("cut-1-1", 1, "Hello there.", "bob"),
    ]
    both = [{**one, "channel": [0, 1]} for one in sides]
    (mixed,) = read(tmp_path, cut(type="MultiCut", channel=[0, 1], supervisions=both))
    assert isinstance(mixed, Recording)
    assert mixed.channel is None
    assert mixed.text == "Good morning.\nHello there."


def test_the_text_may_stand_among_the_custom_fields(tmp_path: Path) -> None:
    said = {
        "id": "s",
        "start": 0.0,
        "duration": 5.0,
        "channel": 1,
        "custom": {"texts": ["As written.", "AS WRITTEN"]},
    }
    (found,) = read(tmp_path, cut(supervisions=[said]))
    assert isinstance(found, Recording)
    assert found.text == "As written."


@pytest.mark.parametrize("kind", [["MonoCut"], {"a": 1}, 7, None])
def test_a_type_that_is_no_name_costs_its_line_alone(tmp_path: Path, kind: Any) -> None:
    bad, good = read(tmp_path, cut(type=kind), cut(id="cut-2"))
    assert isinstance(bad, DeadLetter if kind is not None else DeadLetter | Recording)
    assert isinstance(good, Recording)


@pytest.mark.parametrize("huge", [10**400, -(10**400), 1e308, float("inf"), float("nan"), [[]], {}, "1e999"])
@pytest.mark.parametrize("field", ["start", "duration", "channel", "recording", "supervisions", "id"])
def test_no_value_of_a_cut_stops_a_manifest(tmp_path: Path, field: str, huge: Any) -> None:
    broken = cut(**{field: huge})
    inside = cut()
    inside["recording"]["duration"] = huge
    for one in (broken, inside, {**cut(), "recording": {**cut()["recording"], "sampling_rate": huge}}):
        *found, good = read(tmp_path, one, cut(id="cut-2"))
        assert isinstance(good, Recording)
        for letter in found:
            assert not isinstance(letter, DeadLetter) or letter.reason != "internal-error", letter.message


def test_a_defect_in_a_cut_costs_its_line_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = manifests.cut_entries

    def broken(fields: Any, name: str) -> Any:
        return real(fields, name) if fields["id"] == "cut-2" else 1 // 0

    monkeypatch.setattr(manifests, "cut_entries", broken)
    bad, good = read(tmp_path, cut(), cut(id="cut-2"))
    assert isinstance(bad, DeadLetter)
    assert bad.reason == "internal-error"
    assert "ZeroDivisionError" in bad.message
    assert isinstance(good, Recording)
