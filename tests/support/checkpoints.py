"""Tiny checkpoints of the kinds that people publish, made on the spot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

VOCABULARY = ("<pad>", "<s>", "</s>", "<unk>", "|", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ'")


def save_blank(model: Any, blank: int, folder: Path) -> None:
    """Save a model that says its blank where it knows nothing better, as trained ones do."""
    bias = next(value for name, value in model.named_parameters() if "head" in name and name.endswith("bias"))
    with torch.no_grad():
        bias[blank] += 6.0
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


def tiny_wav2vec2_bert(folder: Path) -> None:
    """A randomly initialised checkpoint that takes spectrograms and spells in characters."""
    from transformers import (
        SeamlessM4TFeatureExtractor,
        Wav2Vec2BertConfig,
        Wav2Vec2BertForCTC,
        Wav2Vec2CTCTokenizer,
    )

    torch.manual_seed(0)
    config = Wav2Vec2BertConfig(
        **SMALL, feature_projection_input_dim=160, conv_depthwise_kernel_size=3, output_hidden_size=16
    )
    save_blank(Wav2Vec2BertForCTC(config), 0, folder)
    path = folder / "vocab.json"
    path.write_text(json.dumps({symbol: index for index, symbol in enumerate(VOCABULARY)}))
    Wav2Vec2CTCTokenizer(str(path)).save_pretrained(folder)
    SeamlessM4TFeatureExtractor().save_pretrained(folder)


def tiny_parakeet(folder: Path) -> tuple[str, ...]:
    """A randomly initialised checkpoint that takes spectrograms and spells in pieces; returns these."""
    from support.pieces import sentence_pieces
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
