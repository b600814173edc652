"""Who says each word: overlaps, RTTM, turns of transcripts, labels in texts, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from support import turns
from support.turns import NAMED, Said

from prep_corpus.align.errors import TranscriptMalformed
from prep_corpus.align.speakers.overlaps import overlap_characters, overlap_seconds
from prep_corpus.align.speakers.rttm import SpeakerSpan, parse_rttm, shifted
from prep_corpus.align.speakers.word_speakers import SpokenBy, speaker_identity, spoken_by
from prep_corpus.align.text.normalize import NormalizedText, TextOptions, normalize
from prep_corpus.align.transcripts.formats import format_of, parse
from prep_corpus.align.transcripts.pieces import Cue
from prep_corpus.align.transcripts.versions import Version, version_of
from prep_corpus.align.words.words import NOBODY, SEVERAL, Words

LOWER = frozenset("abcdefghijklmnopqrstuvwxyz'")
TALK = (
    Said(start_seconds=0, end_seconds=2, speaker="ann", text="It is late."),
    Said(start_seconds=2, end_seconds=4, speaker="bob", text="Is it now?"),
    Said(start_seconds=4, end_seconds=6, speaker="ann", text="Yes it is."),
)


def words_of(normalized: NormalizedText, seconds: float = 0.02) -> Words:
    """As if every word took 0.6 s, with 0.0667 s between them: three words in two seconds."""
    spans = np.array(normalized.words(), np.int32)
    starts = np.round(np.arange(len(spans)) * (2 / 3) / seconds).astype(np.int32)
    return Words(
        token_starts=spans[:, 0],
        token_ends=spans[:, 1],
        frame_starts=starts,
        frame_ends=starts + np.int32(30),
        char_starts=normalized.starts_L[spans[:, 0]],
        char_ends=normalized.ends_L[spans[:, 1] - 1],
        skipped=np.zeros(len(spans), bool),
    )


def named(version: Version, spans: tuple[SpeakerSpan, ...] = (), *, unread: bool = True) -> list[str | None]:
    """The speaker of each word, "*" where several speak."""
    options = TextOptions().for_script(version.is_script)
    normalized = normalize(version.text, alphabet=LOWER, options=options)
    normalized = normalized.without(range(len(normalized.offers)) if unread else ())
    said = spoken_by(words_of(normalized), normalized, version.source, spans, frame_seconds=0.02)
    return shown(said)


def shown(said: SpokenBy) -> list[str | None]:
    if said.words.speakers is None:
        return [None] * len(said.words)
    return [
        "*" if one == SEVERAL else None if one == NOBODY else said.names[one] for one in said.words.speakers
    ]


def read(ending: str, content: str) -> Version:
    name = f"talk{ending}"
    return version_of(parse(content, name=name), name=name, kind=format_of(name, content))


@pytest.mark.parametrize("ending", NAMED)
def test_every_format_says_who_speaks(ending: str) -> None:
    found = named(read(ending, NAMED[ending](TALK)))
    assert [one.lower() if one else one for one in found] == ["ann"] * 3 + ["bob"] * 3 + ["ann"] * 3


def test_an_rttm_file_says_who_speaks_where_the_text_does_not() -> None:
    spans = parse_rttm(turns.rttm(TALK).encode(), name="talk.rttm")
    assert named(Version(text=turns.plain(TALK)), spans) == ["ann"] * 3 + ["bob"] * 3 + ["ann"] * 3
    others = tuple(SpeakerSpan(start_seconds=0, end_seconds=9, speaker="else") for _ in range(1))
    assert named(read(".stm", turns.stm(TALK)), others) == ["ann"] * 3 + ["bob"] * 3 + ["ann"] * 3
    near = (SpeakerSpan(start_seconds=0, end_seconds=1.0, speaker="ann"),)
    assert named(Version(text=turns.plain(TALK)), near) == ["ann"] * 3 + [None] * 6


def test_two_voices_of_one_cue_are_two_turns() -> None:
    text = "WEBVTT\n\n00:00.000 --> 00:04.000\n<v Ann>It is late.\n<v Bob>Is it</v> <v Ann>now?\nyes\n"
    assert named(read(".vtt", text)) == ["Ann"] * 3 + ["Bob"] * 2 + ["Ann"] * 2


def test_marks_of_turns_part_speakers_whom_nobody_names() -> None:
    cue = "00:0{}.000 --> 00:0{}.000\n{}\n\n"
    lines = [
        "so",
        "&gt;&gt; It is late.",
        "yes &gt;&gt; Is it",
        "now? >> ANN: Yes.",
        "it is >> no",
        "- Ah.\n- Oh.",
    ]
    text = "WEBVTT\n\n" + "".join(cue.format(at, at + 1, line) for at, line in enumerate(lines))
    version = read(".vtt", text)
    assert version.text.split() == "so It is late. yes Is it now? ANN: Yes. it is no Ah. Oh.".split()
    normalized = normalize(version.text, alphabet=LOWER, options=TextOptions().for_script(True))
    said = spoken_by(words_of(normalized), normalized, version.source, (), frame_seconds=0.02)
    assert said.words.speakers is not None
    turns_of_words = said.words.speakers.tolist()
    # so | it is late yes | is it now | yes it is | no | ah | oh
    parts = [1, 4, 3, 3, 1, 1, 1]
    borders = np.cumsum(parts)[:-1]
    changes = np.flatnonzero(np.diff(turns_of_words)) + 1
    assert changes.tolist() == borders.tolist()
    assert {said.speaker_of(w, w + 1) for w in range(8, 11)} == {"ANN"}
    assert {said.speaker_of(w, w + 1) for w in (0, 1, 5, 11, 12, 13)} == {None}
    # An RTTM file says who it was.
    spans = (SpeakerSpan(start_seconds=0, end_seconds=99, speaker="eve"),)
    assert set(named(version, spans)) == {"eve", "ANN"}
    assert "*" not in named(version)


def test_who_speaks_on_both_sides_of_a_section_border_counts_as_two_of_one_name() -> None:
    version = read(".vtt", "WEBVTT\n\n00:00.000 --> 00:09.000\n<v Ann>it is late\n<v Ann>and so it is\n")
    normalized = normalize(version.text, alphabet=LOWER, options=TextOptions())
    place = version.text.index("and")
    said = spoken_by(
        words_of(normalized), normalized, version.source, (), frame_seconds=0.02, sections=[0, place]
    )
    assert shown(said) == ["Ann"] * 7
    assert said.words.speakers is not None
    assert said.words.speakers.tolist() == [0] * 3 + [1] * 4


def test_captions_that_roll_have_their_turns_once() -> None:
    lines = [
        ["&gt;&gt; it is"],
        ["&gt;&gt; it is", "late now"],
        ["late now", "&gt;&gt; no"],
        ["&gt;&gt; no", "it is"],
        ["it is", "so"],
    ]
    cues = "".join(
        f"00:0{at}.000 --> 00:0{at + 1}.000\n{chr(10).join(lines_)}\n\n" for at, lines_ in enumerate(lines)
    )
    version = read(".vtt", f"WEBVTT\n\n{cues}")
    assert version.text.split() == "it is late now no it is so".split()
    turns_ = version.source.turns  # type: ignore[union-attr]
    assert [version.text[turn.char_start : turn.char_end].split() for turn in turns_] == [
        ["it", "is", "late", "now"],
        ["no", "it", "is", "so"],
    ]


def test_the_only_tier_names_nobody() -> None:
    lone = TALK[:1]
    assert read(".eaf", turns.eaf(lone)).source.turns == ()  # type: ignore[union-attr]
    assert read(".TextGrid", turns.textgrid(lone)).source.turns == ()  # type: ignore[union-attr]


def test_labels_name_speakers_where_nobody_reads_them() -> None:
    text = "So.\nANN (cont'd): It is late.\nyes\n[SPEAKER_01]: Is it?\nANN: Now\nCHAPTER 1: it is"
    found = named(Version(text=text))
    assert found == [None, *["ANN"] * 4, *["SPEAKER_01"] * 2, "ANN", None, None]
    read_aloud = named(Version(text=text), unread=False)
    assert set(read_aloud) == {None}


def test_words_said_while_another_speaks_are_nobodys() -> None:
    talk = (TALK[0], Said(start_seconds=1.0, end_seconds=4, speaker="bob", text="Is it now?"), TALK[2])
    for ending in (".stm", ".eaf", ".trs"):
        found = named(read(ending, NAMED[ending](talk)))
        assert found == ["ann", "ann", "*", "*", "bob", "bob", "ann", "ann", "ann"], ending
    # Captions say when they are shown.
    assert "*" not in named(read(".vtt", turns.vtt(talk)))
    spans = parse_rttm(turns.rttm(talk).encode(), name="talk.rttm")
    found = named(Version(text=turns.plain(talk)), spans)
    assert found == ["ann", "ann", "*", "bob", "bob", "bob", "ann", "ann", "ann"]
    assert named(read(".vtt", turns.vtt(talk)), spans) == found


def test_overlaps_in_time_and_in_characters() -> None:
    speech = [(0, 5, "a"), (4, 8, "b"), (4.5, 6, "a"), (7.95, 9, "c"), (10, 11, "a"), (10, 11, "a")]
    assert overlap_seconds(speech).tolist() == [[4, 6]]
    cues = [
        Cue(start_seconds=0, end_seconds=10, char_start=0, char_end=20, speaker="a"),
        Cue(start_seconds=8, end_seconds=10, char_start=21, char_end=25, speaker="b"),
        Cue(start_seconds=8, end_seconds=10, char_start=26, char_end=30),
    ]
    assert overlap_characters(cues) == ((16, 20), (21, 25))
    assert overlap_characters(cues[::2]) == ()
    later = [
        Cue(**{**vars(cue), "start_seconds": cue.start_seconds + 99, "end_seconds": cue.end_seconds + 99})
        for cue in cues
    ]
    assert overlap_characters(later) == overlap_characters(cues)


def test_rttm_is_read_by_recording_and_refused_where_it_is_none() -> None:
    lines = "SPKR-INFO a 1 <NA> <NA> <NA> unknown x <NA>\n\nSPEAKER a 1 1 2 <NA> <NA> x <NA> <NA>\n"
    lines += "SPEAKER b 1 0.5 1 <NA> <NA> y <NA> <NA>\n"
    expected = (SpeakerSpan(start_seconds=1.0, end_seconds=3.0, speaker="x"),)
    assert parse_rttm(lines.encode(), name="r", recordings=("a",)) == expected
    with pytest.raises(
        TranscriptMalformed, match=r"must hold speakers of 'c', and holds those of \['a', 'b'\]"
    ):
        parse_rttm(lines.encode(), name="r", recordings=("c",))
    for bad in (
        "SPEAKER a 1 x 2 <NA> <NA> x",
        "SPEAKER a 1 -1 2 <NA> <NA> x",
        "SPEAKER a 1 nan 2 <NA> <NA> x",
        "SPEAKER",
    ):
        with pytest.raises(TranscriptMalformed, match="line 1"):
            parse_rttm(bad.encode(), name="r")
    with pytest.raises(TranscriptMalformed, match="UTF-8"):
        parse_rttm(b"\xff\xfe\xff", name="r")
    assert shifted(expected, 2.0) == (SpeakerSpan(start_seconds=0.0, end_seconds=1.0, speaker="x"),)
    assert shifted(expected, 3.0) == ()


def test_identity_knows_turns_overlaps_and_voices_and_no_other_times() -> None:
    version = read(".stm", turns.stm(TALK))
    later = [Said(**{**vars(one), "start_seconds": one.start_seconds + 0.01}) for one in TALK]
    assert speaker_identity(read(".stm", turns.stm(later)).source, ()) == speaker_identity(version.source, ())
    other = [Said(**{**vars(one), "speaker": "ann"}) for one in TALK]
    assert speaker_identity(read(".stm", turns.stm(other)).source, ()) != speaker_identity(version.source, ())
    span = SpeakerSpan(start_seconds=0, end_seconds=1, speaker="x")
    assert speaker_identity(None, (span,)) != speaker_identity(None, ())
