"""How a model spells: a normalised text in its tokens, with the way from each token back to its characters.

A model in characters has one token for each character of the text, the delimiter among them. A model in pieces
has tokens of several characters, as its own tokenizer cuts them; a word begins where a piece does that begins one:

    sentence pieces   the cat sat   ->   |_the| |_ca|t| |_s|at|        "_" stands for U+2581
    byte pairs        the same with U+0120 instead of U+2581, and bytes as GPT-2 writes them
    word pieces       the| ca|##t| s|##at|                             what begins with "##" goes on
    letters alone     t|h|e| c|a|t| s|a|t|                             nothing tells it: the words are the text's

Words are spelled one by one, so that a word has the same tokens wherever it stands.

Legend: L tokens, W words, C columns.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import UsageError
from prep_corpus.align.text.folding import APOSTROPHES
from prep_corpus.align.text.normalize import NormalizedText, encode

if TYPE_CHECKING:
    from tokenizers import Tokenizer

IntArray = NDArray[np.int32]
WordPiece = tuple[int, int, int]
"""(column, first character, end of the characters) of a piece inside its word."""

SENTENCE_MARK = "\u2581"
BYTE_MARK = "\u0120"
GOES_ON_MARK = "##"
LETTERS = "letters"
"""In place of a tokenizer's document: every letter is a token, and nothing stands between words."""
UNKNOWN_LETTER = "\ufffd"
"""Stands for what a column says that no text can have: a special symbol, or all that was left out."""


@dataclass(frozen=True, kw_only=True)
class Spelled:
    """A normalised text in tokens; all spans are half-open.

    Attributes:
        tokens_L: int32, column of each token.
        char_starts_L, char_ends_L: int32, characters of the normalised text that each token stands for; equal
            for a token that says nothing but that a word begins.
        firsts_W, lasts_W: int32, tokens of each word, without a delimiter.
        letters_W: int32, characters of each word.
        edges_E: the first token of each word and the end of the last, where words have no delimiter between
            them that would tell; else None.
    """

    tokens_L: IntArray
    char_starts_L: IntArray
    char_ends_L: IntArray
    firsts_W: IntArray
    lasts_W: IntArray
    letters_W: IntArray
    edges_E: NDArray[np.int64] | None


@lru_cache(maxsize=16)
def piece_spelling(vocabulary: tuple[str, ...], blank: int, tokenizer: str) -> PieceSpelling:
    """The spelling of a model in pieces; made once for each model.

    Raises:
        UsageError: see `PieceSpelling`.
    """
    return PieceSpelling(vocabulary, blank, tokenizer)


def spell(
    normalized: NormalizedText,
    vocabulary: tuple[str, ...],
    *,
    blank: int,
    word_delimiter: str | None,
    tokenizer: str = "",
) -> Spelled:
    """The tokens of a normalised text.

    Args:
        normalized: made for this vocabulary's alphabet.
        vocabulary: the model's symbols.
        blank: column of the blank.
        word_delimiter: the symbol between words, or None.
        tokenizer: the JSON document of the `tokenizers` library of a model in pieces; LETTERS for one in letters
            without a symbol between words; empty for other characters.

    Raises:
        UsageError: a character of the text cannot be spelled.
    """
    if tokenizer:
        return piece_spelling(vocabulary, blank, tokenizer).spell(normalized)
    tokens_L = encode(normalized, vocabulary, word_delimiter)
    firsts_W, lasts_W = normalized.word_bounds
    places_L = np.arange(len(tokens_L) + 1, dtype=np.int32)
    return Spelled(
        tokens_L=tokens_L,
        char_starts_L=places_L[:-1],
        char_ends_L=places_L[1:],
        firsts_W=firsts_W,
        lasts_W=lasts_W,
        letters_W=lasts_W - firsts_W,
        edges_E=None,
    )


class PieceSpelling:
    """The spelling of a model whose tokens are pieces of words.

    Args:
        vocabulary: one symbol a column.
        blank: column of the blank.
        tokenizer: JSON document of the `tokenizers` library, the model's own; or LETTERS.

    Raises:
        UsageError: the document is none, or no piece tells where a word begins.
    """

    def __init__(self, vocabulary: tuple[str, ...], blank: int, tokenizer: str) -> None:
        self._vocabulary = vocabulary
        self._tokenizer = None if tokenizer == LETTERS else _open(tokenizer)
        self._index = {
            piece: at for at, piece in reversed(list(enumerate(vocabulary))) if at != blank and piece
        }
        self._mark = self._find_mark()
        self._lead = self._find_lead()
        self._spelled: dict[str, tuple[WordPiece, ...] | None] = {}

    def spell(self, normalized: NormalizedText) -> Spelled:
        """The tokens of a text.

        Raises:
            UsageError: a word cannot be spelled.
        """
        spans_W2 = np.array(normalized.words(), np.int32).reshape(-1, 2)
        text = normalized.text
        spelled = [self.pieces_of(text[start:end]) for start, end in spans_W2.tolist()]
        counts_W = np.fromiter(map(len, spelled), np.int64, len(spelled))
        edges_E = np.concatenate(([0], np.cumsum(counts_W)))
        flat = chain.from_iterable(chain.from_iterable(spelled))
        pieces_L3 = np.fromiter(flat, np.int32, 3 * int(edges_E[-1])).reshape(-1, 3)
        words_L = np.repeat(spans_W2[:, 0], counts_W)
        return Spelled(
            tokens_L=pieces_L3[:, 0].copy(),
            char_starts_L=words_L + pieces_L3[:, 1],
            char_ends_L=words_L + pieces_L3[:, 2],
            firsts_W=edges_E[:-1].astype(np.int32),
            lasts_W=edges_E[1:].astype(np.int32),
            letters_W=spans_W2[:, 1] - spans_W2[:, 0],
            edges_E=edges_E,
        )

    def pieces_of(self, word: str) -> tuple[WordPiece, ...]:
        """The pieces of one word.

        Raises:
            UsageError: it cannot be spelled.
        """
        if word not in self._spelled:
            self._spelled[word] = self._by_tokenizer(word) or self._by_letters(word)
        found = self._spelled[word]
        if found is None:
            raise UsageError(
                f"every word of the text must have a spelling in the model's {len(self._vocabulary)} pieces: {word!r} "
                "has none"
            )
        return found

    @cached_property
    def alphabet(self) -> frozenset[str]:
        """The letters, marks, digits and apostrophes that have a spelling wherever they stand in a word.

        Of a letter that the pieces have in both cases, the small one.
        """
        found = {letter for piece in self._index for letter in self.text_of(piece)}
        said = {
            letter
            for letter in found
            if (unicodedata.category(letter)[0] in "LMN" or letter in APOSTROPHES)
            and (self._by_tokenizer(letter * 2) or self._by_letters(letter * 2))
        }
        return frozenset(
            letter for letter in said if letter.lower() == letter or not said.issuperset(letter.lower())
        )

    def text_of(self, piece: str) -> str:
        """What a piece writes inside its word; special symbols write nothing."""
        if is_special(piece):
            return ""
        bare = piece.removeprefix(self._mark)
        if self._mark != BYTE_MARK:
            return bare
        return bytes(_BYTE_OF.get(letter, 0x3F) for letter in bare).decode("utf-8", "replace")

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """What each column writes; special symbols, the blank among them, a letter that no text has."""
        return tuple(
            UNKNOWN_LETTER if is_special(piece) or self._index.get(piece) != at else self.text_of(piece)
            for at, piece in enumerate(self._vocabulary)
        )

    @cached_property
    def begins_C(self) -> NDArray[np.bool_]:
        """Which columns begin a word; the blank and special symbols do, as they go on with none."""
        return np.array([not self._goes_on(piece) for piece in self._vocabulary])

    @cached_property
    def is_basic_C(self) -> NDArray[np.bool_]:
        """Which columns hold at most one letter: with these every word has a spelling."""
        return np.array([len(self.text_of(piece)) <= 1 for piece in self._vocabulary])

    def _goes_on(self, piece: str) -> bool:
        if is_special(piece) or piece not in self._index:
            return False
        return piece.startswith(self._mark) == (self._mark == GOES_ON_MARK)

    @property
    def tells_words(self) -> bool:
        """Whether a piece tells by itself whether it begins a word."""
        return bool(self._mark)

    def _find_mark(self) -> str:
        if self._tokenizer is None:
            return ""
        for mark in (SENTENCE_MARK, BYTE_MARK, GOES_ON_MARK):
            if any(piece.startswith(mark) for piece in self._index):
                return mark
        raise UsageError(
            f"model: its {len(self._vocabulary)} symbols are pieces, and none says where a word begins: some must "
            f"begin with {SENTENCE_MARK!r} or {BYTE_MARK!r}, or those that go on with {GOES_ON_MARK!r}"
        )

    def _find_lead(self) -> str:
        """What is written before a word so that its first piece is one that begins a word."""
        if self._tokenizer is None or self._mark == GOES_ON_MARK:
            return ""
        for piece in self._index:
            word = self.text_of(piece)
            if piece.startswith(self._mark) and word.isalpha():
                tokens = self._tokenizer.encode(word, add_special_tokens=False).tokens
                return "" if tokens and tokens[0].startswith(self._mark) else " "
        return ""

    def _by_tokenizer(self, word: str) -> tuple[WordPiece, ...] | None:
        if self._tokenizer is None:
            return None
        found = self._tokenizer.encode(self._lead + word, add_special_tokens=False)
        lead = len(self._lead)
        pieces = []
        for token, (start, end) in zip(found.tokens, found.offsets):
            if token not in self._index:
                return None
            first = max(start - lead, 0)
            # A mark alone stands for no character, though the library gives it one.
            last = max(end - lead, first) if self.text_of(token) else first
            pieces.append((self._index[token], first, last))
        begins = [self.begins_C[column] for column, _, _ in pieces]
        whole = b"".join(self._bytes_of(token) for token in found.tokens) == word.encode()
        return tuple(pieces) if whole and begins and begins[0] and not any(begins[1:]) else None

    def _bytes_of(self, piece: str) -> bytes:
        if is_special(piece):
            return b"\xff"
        if self._mark != BYTE_MARK:
            return piece.removeprefix(self._mark).encode()
        return bytes(_BYTE_OF.get(letter, 0xFF) for letter in piece.removeprefix(self._mark))

    def _by_letters(self, word: str) -> tuple[WordPiece, ...] | None:
        """Letter by letter, where the columns of longer pieces are not at hand."""
        if self._mark == BYTE_MARK or not word:
            return None
        goes_on = self._mark if self._mark == GOES_ON_MARK else ""
        first = word[0] if goes_on else self._mark + word[0]
        head: list[tuple[str, int, int]] = [(first, 0, 1)]
        if first not in self._index:
            head = [(self._mark, 0, 0), (word[0], 0, 1)]
        written = [*head, *((goes_on + letter, at, at + 1) for at, letter in enumerate(word) if at)]
        if any(piece not in self._index for piece, _, _ in written):
            return None
        return tuple((self._index[piece], start, end) for piece, start, end in written)


def is_special(symbol: str) -> bool:
    """Whether a symbol of several characters is none of a text: `<unk>`, `[PAD]`, `<other>`."""
    return len(symbol) > 2 and (symbol[0], symbol[-1]) in {("<", ">"), ("[", "]")}


def _open(tokenizer: str) -> Tokenizer:
    try:
        from tokenizers import Tokenizer
    except ModuleNotFoundError as error:
        raise UsageError(
            "models in pieces are spelled by the library tokenizers: pip install 'prep-corpus[pieces]'"
        ) from error
    try:
        return Tokenizer.from_str(tokenizer)
    except Exception as error:  # the library raises nothing narrower
        raise UsageError(
            f"model: its tokenizer must be a document of the library tokenizers: {error}"
        ) from error


def _byte_letters() -> Iterable[tuple[str, int]]:
    """The printable letter that stands for each byte in byte pairs, as GPT-2 has them."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    shown: list[Any] = [(chr(byte), byte) for byte in plain]
    others = [byte for byte in range(256) if byte not in plain]
    return [*shown, *((chr(256 + at), byte) for at, byte in enumerate(others))]


_BYTE_OF = dict(_byte_letters())
