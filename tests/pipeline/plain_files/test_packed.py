"""Samples of up to 30 s: what is put together, where the time stamps stand, and what was said before."""

from __future__ import annotations

import json
from dataclasses import replace

from support.sample_rows import RATE_HZ, make_row, samples_of

from prep_corpus.pipeline.plain_files.packed import packed
from prep_corpus.pipeline.shards.rows import Utterance, WordTime, utterance_id


def row(number: int, start_seconds: float, seconds: float, recording: str = "talk") -> Utterance:
    start, length = round(start_seconds * RATE_HZ), round(seconds * RATE_HZ)
    made = make_row(number, samples=length, recording=recording, text=f"said\n{number}")
    return replace(
        made,
        id=utterance_id(recording, start, start + length),
        start_sample=start,
        end_sample=start + length,
        start=start / RATE_HZ,
        end=(start + length) / RATE_HZ,
    )


def test_utterances_come_together_up_to_thirty_seconds_and_not_across_recordings() -> None:
    rows = [
        row(0, 1.0, 10.0), row(1, 11.0, 8.0), row(2, 19.5, 11.6), row(3, 31.1, 0.5),
        row(4, 0.0, 35.0, "other"), row(5, 36.0, 4.0, "other"),
    ]  # fmt: skip
    found = list(packed(rows))
    assert [[text for _, _, text in one.segments] for one in found] == [
        ["said 0", "said 1"], ["said 2", "said 3"], ["said 4"], ["said 5"],
    ]  # fmt: skip
    assert [one.previous for one in found] == ["", "said 0 said 1", "", "said 4"]
    assert found[0].id == "talk-000016000-000304000"
    assert [round(one.seconds, 3) for one in found] == [18.0, 12.1, 35.0, 4.0]


def test_pauses_keep_their_length_up_to_a_second_and_are_silent() -> None:
    rows = [row(0, 0.0, 2.0), row(1, 2.5, 1.0), row(2, 63.5, 1.0)]
    (one,) = packed(rows)
    assert one.segments == ((0.0, 2.0, "said 0"), (2.5, 3.5, "said 1"), (4.5, 5.5, "said 2"))
    assert one.text == "<|0.00|>said 0<|2.00|><|2.50|>said 1<|3.50|><|4.50|>said 2<|5.50|>"
    for (start, end, _), number, seconds in zip(one.segments, range(3), (2.0, 1.0, 1.0)):
        piece_N = one.samples_N[round(start * RATE_HZ) : round(end * RATE_HZ)]
        assert (piece_N == samples_of(number, round(seconds * RATE_HZ))).all()
    assert not one.samples_N[2 * RATE_HZ : round(2.5 * RATE_HZ)].any()


def test_stamps_are_where_words_are_where_that_is_known_and_whole_steps() -> None:
    words = (
        WordTime(text="a", start=0.113, end=0.3, score=1.0),
        WordTime(text="b", start=0.4, end=0.777, score=1.0),
    )
    (one,) = packed([row(0, 0.0, 1.0), replace(row(1, 1.0, 1.0), word_times=words)])
    assert one.segments[1][:2] == (1.12, 1.78)
    line = json.loads(one.to_line("audio/x.flac"))
    assert (line["audio_filepath"], line["duration"], line["prev_text"]) == ("audio/x.flac", 2.0, "")
    assert line["segments"][0] == {"start": 0.0, "end": 1.0, "text": "said 0"}


def test_nothing_gives_nothing() -> None:
    assert list(packed([])) == []
