"""The token list beside an exported model: one symbol a column, and the tokenizer that cuts words into them.

    tokens.txt, vocab.txt   a symbol a line, with its number behind it or without
    vocab.json              {symbol: number}, or a list of symbols
    tokenizer.json          a document of the library `tokenizers`

Of sentence pieces that stand in the order in which byte pairs were merged, as sentencepiece writes them, the merges are
known from the list alone; any other list of pieces needs its `tokenizer.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from prep_corpus.align.errors import UsageError
from prep_corpus.align.text.spelling import SENTENCE_MARK, is_special

TOKEN_LISTS = ("tokens.txt", "vocab.txt", "vocab.json", "tokenizer.json")


def token_list_of(folder: Path) -> Path:
    """The first token list that is beside an exported model.

    Raises:
        UsageError: there is none.
    """
    path = next((folder / name for name in TOKEN_LISTS if (folder / name).is_file()), None)
    if path is None:
        raise UsageError(
            f"--model {folder}: an ONNX model needs its token list beside it, one of {', '.join(TOKEN_LISTS)}; none "
            "is there"
        )
    return path


def read_tokens(folder: Path) -> tuple[str, ...]:
    """The symbols of the first token list that is in a folder, in the order of their numbers.

    Raises:
        UsageError: there is none, or it is not of its form.
    """
    path = token_list_of(folder)
    try:
        text = path.read_text(encoding="utf-8")
        return _of_json(json.loads(text)) if path.suffix == ".json" else _of_lines(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"--model {path}: a token list has a symbol a line, or {{symbol: number}} with numbers from 0: {error}"
        ) from error


def tokenizer_of(folder: Path, tokens: tuple[str, ...]) -> str:
    """The document of the tokenizer of a list of pieces; empty for a list of characters.

    Raises:
        UsageError: the list is of pieces, and nothing says how words are cut into them.
    """
    if all(len(symbol) == 1 or is_special(symbol) for symbol in tokens):
        return ""
    path = folder / "tokenizer.json"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    merges = merges_of(tokens)
    if merges is None:
        raise UsageError(
            f"--model {folder}: its {len(tokens)} tokens are pieces of words, and how words are cut into them must be "
            "said: put the tokenizer.json of the library tokenizers beside the model"
        )
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {symbol: at for at, symbol in reversed(list(enumerate(tokens)))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return str(tokenizer.to_str())


def merges_of(tokens: tuple[str, ...]) -> list[tuple[str, str]] | None:
    """The merges of byte pairs in order, from sentence pieces in the order of their numbers; None of another kind.

    sentencepiece numbers the pieces that it merged first, in the order of merging, and then single letters; it joins
    the two neighbours whose joint piece was merged earliest.
    """
    bare = [symbol for symbol in tokens if not is_special(symbol)]
    longer = [at for at, symbol in enumerate(bare) if len(symbol) > 1]
    letters = [at for at, symbol in enumerate(bare) if len(symbol) == 1]
    if not longer or not letters or SENTENCE_MARK not in bare or longer[-1] > letters[0]:
        return None
    known = {symbol: at for at, symbol in enumerate(bare)}
    merges = []
    for at in longer:
        pairs = [(bare[at][:cut], bare[at][cut:]) for cut in range(1, len(bare[at]))]
        pairs = [pair for pair in pairs if pair[0] in known and pair[1] in known]
        if not pairs:
            return None
        merges += sorted(pairs, key=lambda pair: (known[pair[0]], known[pair[1]]))
    return merges


def _of_lines(text: str) -> tuple[str, ...]:
    lines = text.removesuffix("\n").split("\n")
    lines = [line.removesuffix("\r") for line in lines]
    parts = [line.rsplit(" ", 1) for line in lines]
    if all(len(part) == 2 and part[1].isdecimal() for part in parts):
        return _in_order({symbol or " ": int(number) for symbol, number in parts}, len(parts))
    return tuple(lines)


def _of_json(document: Any) -> tuple[str, ...]:
    if isinstance(document, dict) and isinstance(document.get("model"), dict):
        added = {one["content"]: one["id"] for one in document.get("added_tokens", [])}
        document = document["model"]["vocab"]
        if isinstance(document, list):
            document = {symbol: at for at, (symbol, _) in enumerate(document)}
        document = {**document, **added}
    if isinstance(document, list):
        return tuple(str(symbol) for symbol in document)
    return _in_order(document, len(document))


def _in_order(number_of: dict[str, int], count: int) -> tuple[str, ...]:
    symbol_at = {number: symbol for symbol, number in number_of.items()}
    if sorted(symbol_at) != list(range(count)):
        raise ValueError(f"{count} symbols have the numbers {min(symbol_at)} to {max(symbol_at)}")
    return tuple(symbol_at[at] for at in range(count))
