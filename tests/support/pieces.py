"""Tiny tokenizers of the three kinds that models in pieces have, made on the spot."""

from __future__ import annotations

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

PIECES = ("'", "a", "c", "e", "h", "s", "t", "▁", "▁t", "▁c", "▁ca", "he", "▁the", "sa")
MERGES = [("▁", "t"), ("▁", "c"), ("▁c", "a"), ("h", "e"), ("▁t", "he"), ("s", "a")]


def sentence_pieces() -> tuple[str, tuple[str, ...]]:
    """(document, pieces) of a tokenizer as sentencepiece models have it."""
    tokenizer = Tokenizer(models.BPE(vocab={piece: at for at, piece in enumerate(PIECES)}, merges=MERGES))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer.to_str(), PIECES


def byte_pairs() -> tuple[str, tuple[str, ...]]:
    """The same in bytes, as GPT-2 writes them."""
    merges = [(a.replace("▁", "Ġ"), b) for a, b in MERGES] + [("Ã", "©")]
    pieces = (*sorted(pre_tokenizers.ByteLevel.alphabet()), *(a + b for a, b in merges))
    tokenizer = Tokenizer(models.BPE(vocab={piece: at for at, piece in enumerate(pieces)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer.to_str(), pieces


def word_pieces() -> tuple[str, tuple[str, ...]]:
    """Word pieces: those that go on with a word begin with "##"."""
    letters = "acehst'"
    pieces = ("[UNK]", *letters, *(f"##{letter}" for letter in letters), "the", "ca", "sa")
    vocabulary = {piece: at for at, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocab=vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer.to_str(), pieces
