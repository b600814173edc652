"""JSON and EAF of what was said when, read back by the project's own readers and by pympi."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.worded import FRAME_SECONDS, script, words_of

from prep_corpus.align.text.normalize import NormalizedText
from prep_corpus.align.transcripts.formats import parse
from prep_corpus.align.transcripts.pieces import Transcript
from prep_corpus.align.words.annotated import to_eaf, to_json
from prep_corpus.align.words.captions import Caption, captions
from prep_corpus.align.words.timed_words import TimedWord, timed_words, word_scores
from prep_corpus.align.words.words import Words

VTT = (
    'WEBVTT\n\n00:11.000 --> 00:12.000\n<v Ann &lt;1&gt;>"Quoted" back\\slash</v>\n\n'
    "00:12.000 --> 00:13.000\n<v Ann &lt;1&gt;>It is</v>\n<v Bo>25 & more</v>\n\n"
    "00:13.000 --> 00:14.000\n<v Bo>Größe, tab\tand 日本 end.</v>\n"
)


class Talk:
    """Captions of two speakers, all said but one word, and what gives their words."""

    def __init__(self) -> None:
        self.transcript = parse(VTT, name="talk.vtt")
        self.normalized: NormalizedText = script(self.transcript.text)
        spoken = self.normalized.text.split()
        assert spoken[:7] == ["quoted", "back", "slash", "it", "is", "twenty", "five"]
        changes = spoken.index("twenty")
        who = tuple(int(at >= changes) for at in range(len(spoken)))
        self.words: Words = words_of(self.normalized, unsaid=(spoken.index("tab"),), speakers=who)
        self.names = ("Ann <1>", "Bo")
        self.scores_W = np.linspace(0.5, 1, len(spoken))
        self.shown = captions(
            self.words,
            self.normalized,
            self.transcript.cues,
            frame_seconds=FRAME_SECONDS,
            speakers=self.names,
        )

    def words_in(self, caption: Caption) -> list[TimedWord]:
        return timed_words(
            self.words,
            self.normalized,
            caption.words,
            self.scores_W,
            frame_seconds=FRAME_SECONDS,
            speakers=self.names,
        )


@pytest.fixture(scope="module")
def talk() -> Talk:
    return Talk()


def turns(transcript: Transcript) -> list[tuple[str, str]]:
    return [(turn.speaker, transcript.text[turn.char_start : turn.char_end]) for turn in transcript.turns]


def test_words_are_as_people_write_them(talk: Talk) -> None:
    words = [word for caption in talk.shown for word in talk.words_in(caption)]
    assert [word.text for word in words] == [
        *('"Quoted"', "back\\", "slash", "It", "is", "25", "&", "more", "Größe,", "and", "end."),
    ]
    number = words[5]
    assert (number.start_seconds, number.end_seconds) == (pytest.approx(2.5), pytest.approx(3.4))
    assert number.score == pytest.approx(min(talk.scores_W[5:7]))
    assert [word.speaker for word in words] == ["Ann <1>"] * 5 + ["Bo"] * 6


def test_a_later_part_of_what_is_written_once_stands_for_itself_where_the_first_is_not_said() -> None:
    normalized = script("about 25 people")
    words = words_of(normalized, unsaid=(1,))
    found = timed_words(
        words, normalized, range(4), np.ones(4), frame_seconds=FRAME_SECONDS, own_speaker="me"
    )
    assert [(word.text, word.speaker) for word in found] == [
        ("about", "me"),
        ("five", "me"),
        ("people", "me"),
    ]


def test_scores_are_likelihood_ratios_of_the_frames() -> None:
    from prep_corpus.align.words.evidence import EVIDENCE_NAMES

    evidence_WF = np.zeros((2, len(EVIDENCE_NAMES)), np.float32)
    evidence_WF[:, EVIDENCE_NAMES.index("ratio_mean")] = (-np.log(2), 0.1)
    assert word_scores(evidence_WF).tolist() == pytest.approx([0.5, 1.0])


def test_json_comes_back_with_its_times_speakers_and_places(talk: Talk) -> None:
    written = to_json(
        talk.shown, talk.words_in, [(20.0, 21.5)], name="talk", language="en", duration_seconds=30.0
    )
    document = json.loads(written)
    assert document["untranscribed"] == [{"start": 20.0, "end": 21.5}]
    assert (document["id"], document["language"], document["duration"]) == ("talk", "en", 30.0)
    words = [word for segment in document["segments"] for word in segment["words"]]
    assert words[5] == {"word": "25", "start": 2.5, "end": 3.4, "score": words[5]["score"], "speaker": "Bo"}
    back = parse(written, name="talk.json")
    assert back.problems == ()
    assert turns(back) == [
        ("Ann <1>", '"Quoted" back\\slash\nIt is'),
        ("Bo", "25 & more\nGröße, and end."),
    ]
    # The cue of two speakers is read as two, at the times of their words.
    assert [(cue.start_seconds, cue.end_seconds) for cue in back.cues] == [
        (0.0, 1.4), (1.5, 2.4), (2.5, pytest.approx(4.4)), (4.5, pytest.approx(6.4)),
    ]  # fmt: skip
    for cue in back.cues:
        start, end = back.original_span(cue.char_start, cue.char_end)
        source = written[start:end]
        for word in back.text[cue.char_start : cue.char_end].split():
            assert json.dumps(word, ensure_ascii=False)[1:-1] in source


def test_eaf_comes_back_with_its_times_speakers_and_places(talk: Talk) -> None:
    written = to_eaf(
        talk.shown, talk.words_in, [(20.0, 21.5)], audio_uri="/audio/a & b.wav", offset_seconds=2.5
    )
    back = parse(written, name="talk.eaf")
    assert back.problems == ()
    assert turns(back) == [
        ("Ann <1>", '"Quoted" back\\slash\nIt is'),
        ("Bo", "25 & more\nGröße, and end."),
    ]
    assert [(cue.start_seconds, cue.end_seconds) for cue in back.cues] == [
        (0.0, 1.4), (1.5, 2.4), (2.5, 4.4), (4.5, 6.4),
    ]  # fmt: skip
    last = back.cues[-1]
    start, end = back.original_span(last.char_start, last.char_end)
    assert written[start:end] == "Größe, and end."
    # The only voice is nobody's name.
    alone = parse(to_eaf(talk.shown[-1:], lambda _: [word_at(1.0)], [], audio_uri="a.wav"), name="a.eaf")
    assert (alone.text, alone.turns, alone.problems) == ("Größe, and end.", (), ())


def word_at(seconds: float) -> TimedWord:
    return TimedWord(text="word", start_seconds=seconds, end_seconds=seconds + 0.5, score=1.0)


def test_pympi_reads_captions_and_words_with_their_times(talk: Talk, tmp_path: Path) -> None:
    elan = pytest.importorskip("pympi.Elan")
    path = tmp_path / "talk.eaf"
    path.write_text(
        to_eaf(talk.shown, talk.words_in, [(20.0, 21.5)], audio_uri="/audio/a & b.wav", offset_seconds=2.5),
        encoding="utf-8",
    )
    read = elan.Eaf(str(path))
    assert set(read.get_tier_names()) == {"Ann <1>", "Ann <1> - words", "Bo", "Bo - words", "untranscribed"}
    assert sorted(read.get_annotation_data_for_tier("Bo")) == [
        (2500, 4400, "25 & more"),
        (4500, 6400, "Größe, and end."),
    ]
    said = [word for caption in talk.shown for word in talk.words_in(caption) if word.speaker == "Bo"]
    assert sorted(read.get_annotation_data_for_tier("Bo - words"))[0][:3] == (2500, 3400, "25")
    assert len(read.get_annotation_data_for_tier("Bo - words")) == len(said)
    (media,) = read.get_linked_files()
    assert media["MEDIA_URL"] == "file:///audio/a%20%26%20b.wav"
    assert media["TIME_ORIGIN"] == "2500"


def test_what_xml_cannot_hold_is_left_out() -> None:
    caption = Caption(start_seconds=0.0, end_seconds=1.0, text="a\x00b\x1b]]>c", speaker=None)
    written = to_eaf([caption], lambda _: [word_at(0.0)], [], audio_uri="s3://bucket/a.opus")
    assert parse(written, name="a.eaf").text == "ab]]>c"
    assert 'MEDIA_URL="s3://bucket/a.opus"' in written
