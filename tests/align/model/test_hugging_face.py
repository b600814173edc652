"""Checkpoints of the families that AutoModelForCTC loads: described by their own outputs, or refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from support.checkpoints import (
    VOCABULARY,
    WAVEFORM_FAMILIES,
    tiny_parakeet,
    tiny_wav2vec2_bert,
    tiny_waveform_model,
)

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.models import LoadedModel, load_model
from prep_corpus.align.text.normalize import normalize

pytest.importorskip("transformers")


def click_frame(model: LoadedModel, at: int) -> int:
    """The frame whose emissions a click moves most."""
    quiet_1N = 0.001 * torch.randn(1, 48_000, generator=torch.Generator().manual_seed(1))
    clicked_1N = quiet_1N.clone()
    clicked_1N[0, at : at + 80] += 0.8
    with torch.inference_mode():
        moved_T = (model.run(clicked_1N) - model.run(quiet_1N))[0].abs().sum(1).numpy()
    return int(moved_T.argmax())


def frames_off(model: LoadedModel) -> float:
    """How many frames clicks land away from their own, in the median: attention draws some to other frames."""
    stride = model.info.stride_samples
    return float(
        np.median([abs(click_frame(model, at) - at // stride) for at in range(7_000, 42_000, 5_000)])
    )


@pytest.mark.parametrize("family", WAVEFORM_FAMILIES)
def test_families_that_take_waveforms_are_described(family: str, tmp_path: Path) -> None:
    tiny_waveform_model(family, tmp_path)
    info = load_model(str(tmp_path)).info
    assert info.vocabulary == VOCABULARY
    assert (info.stride_samples, info.blank, info.word_delimiter) == (320, 0, "|")


def test_spectrograms_in_characters_are_described_and_clicks_land_in_their_frames(tmp_path: Path) -> None:
    tiny_wav2vec2_bert(tmp_path)
    model = load_model(str(tmp_path))
    assert (model.info.stride_samples, model.info.blank, model.info.word_delimiter) == (320, 0, "|")
    assert frames_off(model) <= 1


def test_spectrograms_in_pieces_are_described_and_clicks_land_in_their_frames(tmp_path: Path) -> None:
    pytest.importorskip("librosa")
    pieces = tiny_parakeet(tmp_path)
    model = load_model(str(tmp_path))
    info = model.info
    assert info.vocabulary[:-1] == pieces
    assert (info.stride_samples, info.blank, info.word_delimiter) == (1_280, len(pieces), None)
    spelled = info.spell(normalize("The cat", alphabet=info.alphabet))
    assert [info.vocabulary[token] for token in spelled.tokens_L] == ["▁the", "▁ca", "t"]
    assert frames_off(model) <= 1


def test_another_blank_is_found_where_it_wins_and_letters_are_none(tmp_path: Path) -> None:
    tiny_waveform_model("wav2vec2", tmp_path / "other", blank="<unk>")
    assert load_model(str(tmp_path / "other")).info.blank == VOCABULARY.index("<unk>")
    tiny_waveform_model("wav2vec2", tmp_path / "letter", blank="E")
    with pytest.raises(
        UsageError, match=r"its blank must win where nobody speaks; stated is '<pad>'.*'E' wins"
    ):
        load_model(str(tmp_path / "letter"))


def test_another_space_is_found_and_none_is_refused(tmp_path: Path) -> None:
    tiny_waveform_model("wav2vec2", tmp_path / "mark", delimiter="▁")
    assert load_model(str(tmp_path / "mark")).info.word_delimiter == "▁"
    tiny_waveform_model("wav2vec2", tmp_path / "none", delimiter="<s2>")
    with pytest.raises(UsageError, match="a language with spaces needs a symbol between words"):
        load_model(str(tmp_path / "none"))


def test_a_vocabulary_of_several_languages_is_refused(tmp_path: Path) -> None:
    tiny_waveform_model("wav2vec2", tmp_path)
    own = json.loads((tmp_path / "vocab.json").read_text())
    (tmp_path / "vocab.json").write_text(json.dumps({"eng": own, "deu": own}))
    with pytest.raises(UsageError, match="save the tokenizer and the adapter of one"):
        load_model(str(tmp_path))


def test_an_adapter_is_refused(tmp_path: Path) -> None:
    tiny_waveform_model("wav2vec2", tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "add_adapter": True}))
    with pytest.raises(UsageError, match="adapter layer"):
        load_model(str(tmp_path))
