"""Marks that nobody reads and words broken at line ends: the audio decides, by hand and with the bundled model."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from prep_corpus.align.errors import Infeasible
from prep_corpus.align.model.emissions import Emitter, WindowOptions
from prep_corpus.align.model.models import ModelInfo, load_model
from prep_corpus.align.text.normalize import NormalizedText, TextOptions, normalize
from prep_corpus.align.text.spelling import Spelled
from prep_corpus.align.words.unread import SaidText, align_what_is_said
from prep_corpus.align.words.words import word_table

DEMO = Path(__file__).resolve().parents[3] / "demo"
SECONDS = 26
SAID = (
    "Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do."
    " Once or twice she had peeped into the book her sister was reading, but it had no pictures or conversations"
    " in it. So she was considering in her own mind, as well as she could, for the hot day made her feel very"
    " sleepy and stupid, whether the pleasure of making a daisy chain would be worth the trouble of getting up and"
    " picking the daisies."
)
Spoken = tuple[ModelInfo, NDArray[np.float16]]


@pytest.fixture(scope="module")
def alice() -> Spoken:
    """The first sentences of the demo's first recording, as the bundled model hears them."""
    model = load_model("english")
    samples_N, rate_hz = soundfile.read(DEMO / "audio" / "alice.opus", dtype="float32")
    emitter: Emitter[str] = Emitter(model, WindowOptions())
    failed: list[Exception] = []
    ((_, log_probs_TC),) = emitter.emit(
        [("alice", [samples_N[: SECONDS * rate_hz]])], lambda key, error: failed.append(error)
    )
    assert not failed
    return model.info, log_probs_TC


def aligned(spoken: Spoken, original: str, *, is_script: bool = False) -> SaidText:
    info, log_probs_TC = spoken
    normalized = normalize(original, alphabet=info.alphabet, options=TextOptions().for_script(is_script))

    def spell(written: str) -> Spelled:
        places_L = np.arange(len(written), dtype=np.int32)
        text = NormalizedText(
            original=written, text=written, starts_L=places_L, ends_L=places_L + np.int32(1)
        )
        return info.spell(text)

    return align_what_is_said(
        normalized, log_probs_TC, spell, blank=info.blank, delimiter=info.delimiter_index
    )


def shown(found: SaidText) -> str:
    return found.normalized.text_of(0, len(found.normalized.words()))


def placed(found: SaidText) -> list[int]:
    return word_table(found.alignment, found.normalized).frame_starts.tolist()


def test_footnotes_and_numbers_of_verses_that_nobody_reads_change_nothing(alice: Spoken) -> None:
    without = aligned(alice, SAID)
    sentences = re.split(r"(?<=\.) ", SAID)
    marked = "\n".join(f"{n} {sentence}[{n}]" for n, sentence in enumerate(sentences, start=1))
    marked = (
        marked.replace("bank,", "bank,²³").replace("mind,", "mind (12),").replace("book her", "book[5] her")
    )
    found = aligned(alice, marked)
    assert len(found.unread) == 9
    assert found.normalized.text == without.normalized.text
    assert placed(found) == placed(without)
    assert shown(found) == SAID


def test_marks_that_someone_reads_stay(alice: Spoken) -> None:
    marked = SAID.replace("Once or", "[Once] or").replace("her sister on", "her [sister] on")
    marked = marked.replace("the hot day", "the [very] hot [day]").replace("picking", "picking [7]")
    found = aligned(alice, marked)
    assert found.normalized.text == aligned(alice, SAID).normalized.text
    assert shown(found) == marked.replace("[very] ", "").replace(" [7]", "")


def test_names_of_speakers_in_plain_text_are_left_out_where_nobody_says_them(alice: Spoken) -> None:
    named = SAID.replace("Once or", "\nMARY ANN: Once or").replace("So she", "\n[laughs] So she")
    found = aligned(alice, named)
    assert shown(found) == SAID
    once = named.replace("\nMARY ANN: ", "\n").replace("Alice was", "ALICE: was")
    assert shown(aligned(alice, once)) == SAID.replace("Alice was", "ALICE: was")


def test_of_captions_in_two_languages_the_lines_that_are_said_stay(alice: Spoken) -> None:
    first, second, third = re.split(r"(?<=\.) ", SAID)
    foreign = (
        "Alicia estaba muy cansada de la orilla.",
        "Una o dos veces había mirado el libro.",
        "Ella pensaba en las flores.",
    )
    text = "\n".join([first, foreign[0], second, foreign[1], third, foreign[2]])
    found = aligned(alice, text, is_script=True)
    assert len(found.unread) == 3
    assert shown(found) == SAID


def test_words_broken_at_line_ends_are_one_where_they_are_said_as_one(alice: Spoken) -> None:
    broken = SAID.replace("beginning", "begin-\nning").replace("conversations", "conver-\nsations")
    broken = broken.replace("considering", "consid- ering").replace("her own", "her-\nown")
    found = aligned(alice, broken)
    assert found.normalized.text == aligned(alice, SAID).normalized.text
    assert shown(found) == SAID.replace("her own", "her-own")


def test_a_text_of_marks_alone_keeps_them(alice: Spoken) -> None:
    found = aligned(alice, "[12] (3)")
    assert (found.normalized.text, found.unread) == ("twelve three", ())


def test_marks_at_both_ends_and_in_a_long_silence(alice: Spoken) -> None:
    info, log_probs_TC = alice
    silence_TC = np.full((4000, log_probs_TC.shape[1]), -12.0, np.float16)
    silence_TC[:, info.blank] = -0.001
    middle = int(placed(aligned(alice, SAID))[20]) - 1
    long_TC = np.concatenate(
        (silence_TC, log_probs_TC[:middle], silence_TC, log_probs_TC[middle:], silence_TC)
    )
    words = SAID.split()
    text = " ".join(["[1]", *words[:20], "(2)", *words[20:], "[3]", "[4]"])
    found = aligned((info, long_TC), text)
    assert found.unread == (0, 1, 2, 3)
    assert shown(found) == SAID


def test_a_text_too_long_for_its_audio_is_told_as_ever(alice: Spoken) -> None:
    info, log_probs_TC = alice
    with pytest.raises(Infeasible):
        aligned((info, log_probs_TC[:50]), SAID + " [1]")
