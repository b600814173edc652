"""Kaldi directories as manifests."""

from pathlib import Path

from support.entries import kaldi, reasons

from prep_corpus.align.errors import DeadLetter
from prep_corpus.align.recordings import Recording
from prep_corpus.pipeline.inputs.manifests import read_manifest


def test_a_kaldi_directory_of_whole_files(tmp_path: Path) -> None:
    uri = kaldi(
        tmp_path / "data",
        wav_scp="u1 audio/u 1.wav\nu2 /abs/u2.flac\nu3 sph2pipe -f wav x.sph |\nu4 u4.wav\nu5\n\n",
        text="u1 Hello there.\nu2 Again\nu3 Piped\nu5 five\n",
        utt2spk="u1 s1\nu2 s2\n",
        utt2dur="u1 3.25\n",
    )
    found = list(read_manifest(uri))
    first, second, piped, textless, fileless = found
    assert first == Recording(
        id="u1",
        audio_uri=str(tmp_path / "data/audio/u 1.wav"),
        text="Hello there.",
        duration_seconds=3.25,
        speaker="s1",
    )
    assert isinstance(second, Recording)
    assert (second.audio_uri, second.speaker) == ("/abs/u2.flac", "s2")
    assert isinstance(piped, DeadLetter)
    assert "is a command, and commands are not run" in piped.message
    assert isinstance(textless, DeadLetter)
    assert "'u4' must have a line in text" in textless.message
    assert isinstance(fileless, DeadLetter)
    assert fileless.recording_id == "wav.scp:5"


def test_a_kaldi_directory_with_segments(tmp_path: Path) -> None:
    uri = kaldi(
        tmp_path,
        wav_scp="r1 r1.wav\n",
        text="a one\nb two\nc three\nd four\ne five\nf six\n",
        segments=("a r1 0 1.5\nb r1 1.5 2.6 1\nc r9 0 1\nd r1 3 2\ne r1 4.1 -1\nf r1 x y\ng r1\nh r1 5 6\n"),
    )
    found = list(read_manifest(uri))
    spans = [
        (one.id, one.offset_seconds, one.duration_seconds, one.sliced, one.channel)
        for one in found
        if isinstance(one, Recording)
    ]
    assert spans == [("a", 0.0, 1.5, True, None), ("b", 1.5, 1.1, True, 1), ("e", 4.1, None, True, None)]
    assert [one.recording_id for one in found if isinstance(one, DeadLetter)] == [
        "segments:3",
        "segments:4",
        "segments:6",
        "segments:7",
        "segments:8",
    ]


def test_a_kaldi_text_that_is_empty(tmp_path: Path) -> None:
    uri = kaldi(tmp_path, wav_scp="a a.wav\n", text="a\n")
    assert reasons(uri) == ["transcript-empty"]
