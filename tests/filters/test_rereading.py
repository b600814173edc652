"""What is heard, read once more with the words of the recording's own text."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from support.planted_cases import INFO

from prep_corpus.align.recognition.recognised import recognise
from prep_corpus.align.words.evidence import track
from prep_corpus.filters.fitting.texted.fit_rereading import (
    NOTHING_LEARNED,
    KnownReadings,
    fit_rereading,
    said_in_place,
)
from prep_corpus.filters.recognition_evidence import MOST_MARGIN_NATS, RECOGNITION_NAMES, recognition_evidence
from prep_corpus.filters.rereading import MOST_LEAD, Reread, Rereading, find_readings, reread
from prep_corpus.filters.text_evidence import PLACE_SECONDS, WIDE_SECONDS, TextWords

WEIGHTS = Rereading(cost=-1.0, unknown=-2.0, unknown_letters=-0.5, log_share=0.3, pairs=0.5)
ELSEWHERE = PLACE_SECONDS + 1


def emissions(*frames: dict[str, float]) -> NDArray[np.float16]:
    """Log-probs of frames; a dot is the blank, and what is left is shared by all symbols."""
    columns = {".": 0} | {symbol: c for c, symbol in enumerate(INFO.vocabulary) if c}
    probs_TC = np.zeros((len(frames), len(INFO.vocabulary)))
    for row_C, frame in zip(probs_TC, frames):
        for symbol, probability in frame.items():
            row_C[columns[symbol]] = probability
        row_C += (1 - row_C.sum()) / len(row_C)
    return np.log(probs_TC).astype(np.float16)


def surely(symbols: str) -> list[dict[str, float]]:
    return [{symbol: 0.999} for symbol in symbols]


# "feed" is heard, "fed", which may as well be "fad", and "bad".
HEARD = emissions(*surely(".f.e.e.d. .f."), {"e": 0.6, "a": 0.38}, *surely(".d. .bad."))


def text_of(*places: tuple[str, float], refused: bool = False) -> TextWords:
    starts_W = np.array([seconds for _, seconds in places], np.float64)
    return TextWords(
        texts=tuple(word for word, _ in places),
        starts_W=starts_W,
        ends_W=starts_W,
        tokens=tuple(
            np.array([INFO.vocabulary.index(letter) for letter in word], np.int32) for word, _ in places
        ),
        refused_W=np.full(len(places), refused),
    )


def read_with(text: TextWords, log_probs_TC: NDArray[np.float16] = HEARD) -> Reread:
    seen = track(log_probs_TC, INFO)
    return reread(log_probs_TC, seen, INFO, recognise(seen, INFO), text, WEIGHTS)


@pytest.mark.parametrize(
    ("text", "second"),
    [
        (text_of(("fad", ELSEWHERE)), "fad"),
        # It stands at the place alone, or too far off; or what is heard is known too, and is likelier.
        (text_of(("fad", 0.0)), "fed"),
        (text_of(("fad", WIDE_SECONDS + 1)), "fed"),
        (text_of(("fad", ELSEWHERE), ("fed", ELSEWHERE)), "fed"),
        # Refused at the place it is a rival there, and nowhere else.
        (text_of(("fad", 0.0), refused=True), "fad"),
        (text_of(("fad", 1.5), refused=True), "fed"),
        # Known, but not like what is heard.
        (text_of(("fab", ELSEWHERE), ("facade", ELSEWHERE)), "fed"),
        (text_of(), "fed"),
    ],
)
def test_a_word_that_the_text_knows_is_read_where_it_is_nearly_as_likely(
    text: TextWords, second: str
) -> None:
    words = read_with(text)
    assert words.found.texts == ("feed", second, "bad")
    assert words.put_W.tolist() == [False, second == "fad", False]
    assert words.lead_W[0] == words.lead_W[2] == MOST_LEAD


def test_what_is_put_stands_in_the_frames_of_what_was_heard() -> None:
    seen = track(HEARD, INFO)
    heard, words = recognise(seen, INFO), read_with(text_of(("fad", ELSEWHERE)))
    found = words.found
    spelled = [INFO.vocabulary[token] for token in found.tokens_L[found.bounds[1] : found.bounds[2]]]
    assert "".join(spelled) == "fad"
    assert found.frame_starts.tolist() == heard.frame_starts.tolist()
    assert found.frame_ends.tolist() == heard.frame_ends.tolist()
    # The log-odds: the text knows it (2 + 3 / 2), and the other vowel costs less.
    assert words.lead_W[1] == pytest.approx(3.5 - np.log(0.6 / 0.38), abs=0.05)
    margins_W = recognition_evidence(HEARD, found, seen)[:, RECOGNITION_NAMES.index("token_margin_min")]
    assert margins_W[1] == pytest.approx(np.log(0.38 / 0.6), abs=0.05)
    assert abs(margins_W[0]) <= MOST_MARGIN_NATS


def test_shorter_and_longer_words_take_the_place_too() -> None:
    unsure = emissions(*surely(".b.e."), {"e": 0.55, ".": 0.4}, *surely(".d. .bad."))
    words = read_with(text_of(("bed", ELSEWHERE)), unsure)
    assert words.found.texts == ("bed", "bad")
    assert words.found.bounds.tolist() == [0, 3, 6]


def test_neighbours_that_are_both_put_do_not_overlap() -> None:
    # No blank parts the words: what lies between them is the delimiter alone.
    unsure = emissions(
        *surely(".b"), {"e": 0.55, "a": 0.43}, *surely("d f"), {"e": 0.55, "a": 0.43}, *surely("d.")
    )
    found = read_with(text_of(("bad", ELSEWHERE), ("fad", ELSEWHERE)), unsure).found
    assert found.texts == ("bad", "fad")
    spans = list(zip(found.token_starts_L.tolist(), found.token_ends_L.tolist()))
    assert all(start < end for start, end in spans)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_the_weights_are_learned_from_what_was_said() -> None:
    seen = track(HEARD, INFO)
    found = recognise(seen, INFO)
    readings = find_readings(HEARD, seen, INFO, found, text_of(("fad", ELSEWHERE)))
    assert readings.texts == ("fed", "fad")

    def learned(said: str) -> Rereading:
        true_texts = ("feed", said, "bad")
        return fit_rereading(
            [KnownReadings(readings=readings, said=said_in_place(found.texts, true_texts))] * 40
        )

    assert learned("fad").unknown < NOTHING_LEARNED.unknown < learned("fed").unknown
    assert learned("cab") == NOTHING_LEARNED


def test_what_is_lost_beside_a_word_is_in_no_place() -> None:
    assert said_in_place(("a", "b", "c"), ("a", "d", "c")) == ["a", "d", "c"]
    assert said_in_place(("a", "b", "c"), ("a", "c")) == ["a", None, "c"]
