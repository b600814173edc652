"""One chapter out of a book: the part that is said is found, aligned as its own text would be, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support import toy

from prep_corpus.align import AlignedFile, Aligner
from prep_corpus.align.errors import Infeasible
from prep_corpus.align.sections import part_of_text
from prep_corpus.align.sections.part_of_text import is_far_longer
from prep_corpus.align.text.normalize import normalize
from prep_corpus.align.text.normalized import UNREAD
from prep_corpus.align.words import aligned_text

CHAPTERS, SENTENCES = 20, 12


def chapter_text(number: int) -> str:
    """As people write it, every fifth sentence wrong or missing."""
    return toy.written(toy.recording(number, SENTENCES)[1], 100 + number)


@pytest.fixture(scope="module")
def aligner() -> Iterator[Aligner]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(toy.__file__).parent))
        yield Aligner("toy:acoustic_model", device="cpu", threads=1)


@pytest.fixture(scope="module")
def book() -> str:
    return "\n\n".join(f"{chapter_text(number)}" for number in range(CHAPTERS))


def audio(folder: Path, number: int) -> Path:
    path = folder / f"chapter{number}.flac"
    if not path.exists():
        soundfile.write(path, toy.recording(number, SENTENCES)[0], toy.SAMPLE_RATE_HZ)
    return path


def said(found: AlignedFile, start: int, end: int) -> list[tuple[str, float, int]]:
    """The words that are said, each with its time and its place after `start`."""
    return [
        (word.text, word.start_seconds, word.char_start - start)
        for word in found.words
        if word.is_said and start <= word.char_start < end
    ]


@pytest.mark.parametrize("number", [0, 7, CHAPTERS - 1])
def test_a_chapter_is_found_in_its_book_and_aligned_as_by_its_own_text(
    aligner: Aligner, book: str, tmp_path: Path, number: int
) -> None:
    own = aligner.align(audio(tmp_path, number), chapter_text(number))
    found = aligner.align(audio(tmp_path, number), book)
    start = book.index(chapter_text(number))
    end = start + len(chapter_text(number))
    assert found.aligned.part is not None
    assert found.aligned.part[0] <= start < end <= found.aligned.part[1]
    assert found.aligned.part[1] - found.aligned.part[0] < 4 * (end - start)
    assert own.aligned.part is None
    wanted = said(own, 0, end - start)
    assert len(wanted) > 30
    assert said(found, start, end) == wanted
    outside = [word for word in found.words if word.is_said and not start <= word.char_start < end]
    assert len(outside) <= 0.05 * len(wanted)
    for word in found.words:
        assert book[word.char_start : word.char_end].lower() == word.spoken


def test_a_text_with_more_letters_than_frames_that_could_be_said_is_looked_through_too(
    aligner: Aligner, book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As with coarse frames: 25 letters a second are possible, and are too many for frames of 40 ms.
    monkeypatch.setattr(aligned_text, "is_far_longer", lambda text, seconds: False)
    found = aligner.align(audio(tmp_path, 7), book)
    start = book.index(chapter_text(7))
    end = start + len(chapter_text(7))
    assert found.aligned.part is not None
    assert found.aligned.part[0] <= start < end <= found.aligned.part[1]
    assert len(said(found, start, end)) > 30
    other = "\n".join(chapter_text(number) for number in range(50, 50 + CHAPTERS))
    with pytest.raises(Infeasible, match="no part of it was found in what is heard"):
        aligner.align(audio(tmp_path, 7), other)


def test_a_short_chapter_has_no_frames_for_much_around_it(
    aligner: Aligner, book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_of_text, "MARGIN_LETTERS", 3000)
    with monkeypatch.context() as patch:
        patch.setattr(aligned_text, "_MARGIN_SHARES", (1.0,))
        with pytest.raises(Infeasible):
            aligner.align(audio(tmp_path, 7), book)
    found = aligner.align(audio(tmp_path, 7), book)
    start = book.index(chapter_text(7))
    assert len(said(found, start, start + len(chapter_text(7)))) > 30


def test_the_rest_of_the_book_is_in_the_ledger_as_unsaid(aligner: Aligner, book: str, tmp_path: Path) -> None:
    found = aligner.align(audio(tmp_path, 7), book).aligned
    owners_O = found.normalized.char_ownership()
    assert found.part is not None
    first, last = found.part
    assert len(owners_O) == len(book)
    assert (owners_O[:first] == UNREAD).all()
    assert (owners_O[last:] == UNREAD).all()
    assert (owners_O[first:last] >= 0).any()
    assert found.normalized.text_of(0, len(found.words)).split()[0] in book[first:last]


def test_another_book_is_refused(aligner: Aligner, tmp_path: Path) -> None:
    other = "\n".join(chapter_text(number) for number in range(50, 50 + CHAPTERS))
    with pytest.raises(Infeasible, match="no part of it was found in what is heard"):
        aligner.align(audio(tmp_path, 7), other)


def test_only_what_nobody_could_say_is_far_longer() -> None:
    assert not is_far_longer("x" * 300, 10.0)
    assert is_far_longer("x" * 301, 10.0)
    assert not is_far_longer(" \n" * 1000, 10.0)


def test_a_part_keeps_its_places_in_the_whole() -> None:
    whole = "Out. [12] He said &amp; 25 日本 of it. Out."
    start, end = 5, len(whole) - 5
    alphabet = frozenset("abcdefghijklmnopqrstuvwxyz'")
    part = normalize(whole[start:end], alphabet=alphabet).placed_in(whole, start)
    at = part.text.index("twenty")
    assert whole[part.starts_L[at] : part.ends_L[at]] == "25"
    assert [whole[a:b] for a, b in part.unsayable] == ["日本"]
    owners_O = part.char_ownership()
    assert (owners_O[:start] == UNREAD).all()
    assert (owners_O[end:] == UNREAD).all()
    everything = part.without(range(len(part.offers)))
    assert set(part.unread) <= set(everything.unread)
    assert np.isin(owners_O[start:end], np.arange(len(part.words()))).any()
