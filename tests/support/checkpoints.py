"""Tiny checkpoints of the kinds that people publish, made on the spot."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from support.pieces import MERGES, PIECES, sentence_pieces

VOCABULARY = ("<pad>", "<s>", "</s>", "<unk>", "|", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ'")


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What must be found out of a checkpoint; without a delimiter, it spells in pieces."""

    stride_samples: int
    blank: int
    vocabulary: tuple[str, ...]
    word_delimiter: str | None = None


def save_blank(model: Any, blank: int, folder: Path) -> None:
    """Save a model that says its blank where it knows nothing better, as trained ones do."""
    head = model.lm_head if hasattr(model, "lm_head") else model.ctc_head
    with torch.no_grad():
        head.bias[blank] += 6.0
    model.save_pretrained(folder, safe_serialization=True)


def tiny_wav2vec2(folder: Path) -> None:
    """A randomly initialised Wav2Vec2ForCTC with the usual vocabulary, saved as a checkpoint is."""
    from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

    torch.manual_seed(0)
    config = Wav2Vec2Config(
        vocab_size=len(VOCABULARY),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        pad_token_id=0,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
    )
    save_blank(Wav2Vec2ForCTC(config), config.pad_token_id, folder)
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({symbol: index for index, symbol in enumerate(VOCABULARY)}))
    Wav2Vec2CTCTokenizer(str(vocabulary)).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(folder)


SMALL = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "pad_token_id": 0,
}
WAVEFORM_FAMILIES = (
    *(
        "data2vec-audio",
        "hubert",
        "sew",
        "sew-d",
        "unispeech",
        "unispeech-sat",
        "wav2vec2",
        "wav2vec2-conformer",
    ),
    "wavlm",
)


def tiny_waveform_model(family: str, folder: Path, *, blank: str = "<pad>", delimiter: str = "|") -> None:
    """A randomly initialised checkpoint of a family that takes waveforms.

    Args:
        family: of `WAVEFORM_FAMILIES`.
        folder: where it is saved.
        blank: the symbol that wins where nobody speaks; the tokenizer always states "<pad>".
        delimiter: stands in the place of "|" in the vocabulary; the tokenizer always states "|".
    """
    from transformers import AutoConfig, AutoModelForCTC, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor

    torch.manual_seed(0)
    convolutions = (8,) * (13 if family in ("sew", "sew-d") else 7)
    config = AutoConfig.for_model(
        family,
        **SMALL,
        conv_dim=convolutions,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
    )
    vocabulary = [delimiter if symbol == "|" else symbol for symbol in VOCABULARY]
    save_blank(AutoModelForCTC.from_config(config), vocabulary.index(blank), folder)
    path = folder / "vocab.json"
    path.write_text(json.dumps({symbol: index for index, symbol in enumerate(vocabulary)}))
    Wav2Vec2CTCTokenizer(str(path)).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(folder)


def tiny_wav2vec2_bert(folder: Path, *, add_adapter: bool = False) -> None:
    """A randomly initialised checkpoint that takes spectrograms and spells in characters; an adapter joins frames."""
    from transformers import (
        SeamlessM4TFeatureExtractor,
        Wav2Vec2BertConfig,
        Wav2Vec2BertForCTC,
        Wav2Vec2CTCTokenizer,
    )

    torch.manual_seed(0)
    config = Wav2Vec2BertConfig(
        **SMALL,
        feature_projection_input_dim=160,
        conv_depthwise_kernel_size=3,
        output_hidden_size=16,
        add_adapter=add_adapter,
    )
    save_blank(Wav2Vec2BertForCTC(config), 0, folder)
    path = folder / "vocab.json"
    path.write_text(json.dumps({symbol: index for index, symbol in enumerate(VOCABULARY)}))
    Wav2Vec2CTCTokenizer(str(path)).save_pretrained(folder)
    SeamlessM4TFeatureExtractor().save_pretrained(folder)


def tiny_parakeet(folder: Path) -> tuple[str, ...]:
    """A randomly initialised checkpoint that takes spectrograms and spells in pieces; returns these."""
    from tokenizers import Tokenizer
    from transformers import (
        ParakeetCTCConfig,
        ParakeetEncoderConfig,
        ParakeetFeatureExtractor,
        ParakeetForCTC,
        PreTrainedTokenizerFast,
    )

    torch.manual_seed(0)
    document, pieces = sentence_pieces()
    encoder = ParakeetEncoderConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        subsampling_conv_channels=8,
    )
    config = ParakeetCTCConfig(
        vocab_size=len(pieces) + 1, encoder_config=encoder.to_dict(), pad_token_id=len(pieces)
    )
    save_blank(ParakeetForCTC(config), len(pieces), folder)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(document), pad_token="<pad>")
    tokenizer.save_pretrained(folder)
    ParakeetFeatureExtractor().save_pretrained(folder)
    return pieces


def tiny_granite_speech5(folder: Path) -> tuple[str, ...]:
    """A randomly initialised checkpoint with the blank first and frames of 80 ms; returns its vocabulary."""
    from transformers import (
        GraniteSpeech5CTCConfig,
        GraniteSpeech5EncoderConfig,
        GraniteSpeech5FeatureExtractor,
        GraniteSpeech5ForCTC,
    )

    torch.manual_seed(0)
    vocabulary = ("<blank>", *save_pieces(folder, first="<blank>"))
    encoder = GraniteSpeech5EncoderConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_mel_bins=16,
        context_size=16,
        max_position_embeddings=16,
    )
    config = GraniteSpeech5CTCConfig(vocab_size=len(vocabulary), encoder_config=encoder.to_dict())
    save_blank(GraniteSpeech5ForCTC(config), 0, folder)
    GraniteSpeech5FeatureExtractor(num_mel_bins=16).save_pretrained(folder)
    return vocabulary


def tiny_lasr(folder: Path) -> tuple[str, ...]:
    """A randomly initialised checkpoint with the blank first and frames of 40 ms; returns its vocabulary."""
    from transformers import LasrCTCConfig, LasrEncoderConfig, LasrFeatureExtractor, LasrForCTC, LasrTokenizer

    torch.manual_seed(0)
    specials = ("<pad>", "</s>", "<unk>")
    vocabulary = (*specials, *PIECES)
    scores = [(piece, 0.0 if piece in specials else -1.0) for piece in vocabulary]
    LasrTokenizer(vocab=scores, extra_ids=0).save_pretrained(folder)
    encoder = LasrEncoderConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_kernel_size=5,
        subsampling_conv_channels=8,
        num_mel_bins=16,
    )
    config = LasrCTCConfig(vocab_size=len(vocabulary), encoder_config=encoder.to_dict(), pad_token_id=0)
    save_blank(LasrForCTC(config), 0, folder)
    LasrFeatureExtractor(feature_size=16).save_pretrained(folder)
    return vocabulary


def tiny_omniasr(folder: Path) -> tuple[str, ...]:
    """A randomly initialised checkpoint whose blank is not what it pads with, in characters; returns these."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        OmniASRAudioConfig,
        OmniASRCTCConfig,
        OmniASRFeatureExtractor,
        OmniASRForCTC,
        PreTrainedTokenizerFast,
    )

    torch.manual_seed(0)
    vocabulary = ("<s>", "<pad>", "</s>", "<unk>", "\u2581", *"abcdefghijklmnopqrstuvwxyz'")
    tokenizer = Tokenizer(models.BPE(vocab={symbol: at for at, symbol in enumerate(vocabulary)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>").save_pretrained(folder)
    audio = OmniASRAudioConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
    )
    config = OmniASRCTCConfig(vocab_size=len(vocabulary), audio_config=audio.to_dict())
    save_blank(OmniASRForCTC(config), config.blank_token_id, folder)
    OmniASRFeatureExtractor().save_pretrained(folder)
    return vocabulary


def save_pieces(folder: Path, *, first: str) -> tuple[str, ...]:
    """Save a tokenizer of sentence pieces whose first symbol is special; returns the pieces behind it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {piece: at for at, piece in enumerate((first, *PIECES))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=MERGES))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=first).save_pretrained(folder)
    return PIECES


def _waveforms(family: str) -> Callable[[Path], Expected]:
    def save(folder: Path) -> Expected:
        tiny_waveform_model(family, folder)
        return Expected(stride_samples=320, blank=0, vocabulary=VOCABULARY, word_delimiter="|")

    return save


def _wav2vec2_bert(folder: Path) -> Expected:
    tiny_wav2vec2_bert(folder)
    return Expected(stride_samples=320, blank=0, vocabulary=VOCABULARY, word_delimiter="|")


def _parakeet(folder: Path) -> Expected:
    pieces = tiny_parakeet(folder)
    return Expected(stride_samples=1_280, blank=len(pieces), vocabulary=(*pieces, "<pad>"))


def _granite_speech5(folder: Path) -> Expected:
    return Expected(stride_samples=1_280, blank=0, vocabulary=tiny_granite_speech5(folder))


def _lasr(folder: Path) -> Expected:
    return Expected(stride_samples=640, blank=0, vocabulary=tiny_lasr(folder))


def _omniasr(folder: Path) -> Expected:
    vocabulary = tiny_omniasr(folder)
    return Expected(stride_samples=320, blank=0, vocabulary=vocabulary, word_delimiter="\u2581")


FAMILIES: dict[str, Callable[[Path], Expected]] = {
    **{family: _waveforms(family) for family in WAVEFORM_FAMILIES},
    "granite_speech5_ctc": _granite_speech5,
    "lasr_ctc": _lasr,
    "omniasr_ctc": _omniasr,
    "parakeet_ctc": _parakeet,
    "wav2vec2-bert": _wav2vec2_bert,
}
"""Saves a tiny checkpoint of each family that AutoModelForCTC loads, and says how it must be described."""
NEEDS = {"parakeet_ctc": "librosa", "granite_speech5_ctc": "torchaudio"}
"""The package that the feature extractor of a family needs beside transformers."""


def tiny_mms(folder: Path, alphabets: dict[str, str]) -> None:
    """A checkpoint as MMS is: one encoder, and for each language a vocabulary, an adapter and an output layer.

    Args:
        folder: where it is saved.
        alphabets: the letters of each language, by its three letters.
    """
    from safetensors.torch import save_file
    from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

    torch.manual_seed(0)
    vocabularies = {
        language: ("<pad>", "<s>", "</s>", "<unk>", "|", *letters) for language, letters in alphabets.items()
    }
    small = {
        **SMALL,
        "conv_dim": (8,) * 7,
        "num_conv_pos_embeddings": 16,
        "num_conv_pos_embedding_groups": 2,
        "do_stable_layer_norm": True,
        "feat_extract_norm": "layer",
        "adapter_attn_dim": 4,
    }
    first = next(iter(vocabularies))
    for language, vocabulary in vocabularies.items():
        model = Wav2Vec2ForCTC(Wav2Vec2Config(**{**small, "vocab_size": len(vocabulary)}))
        if language == first:
            save_blank(model, 0, folder)
        with torch.no_grad():
            model.lm_head.bias[0] += 6.0
        weights = {name: value.detach().contiguous() for name, value in model._get_adapters().items()}
        save_file(weights, folder / f"adapter.{language}.safetensors", metadata={"format": "pt"})
    nested = {
        language: {symbol: at for at, symbol in enumerate(vocabulary)}
        for language, vocabulary in vocabularies.items()
    }
    (folder / "vocab.json").write_text(json.dumps(nested))
    Wav2Vec2CTCTokenizer(str(folder / "vocab.json"), target_lang=first).save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps(nested))
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
