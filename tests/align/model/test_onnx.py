"""Exported models: described by their own outputs, the same as in torch, run from manifest to shards, or refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from support import toy
from support.onnx_models import Tones, export, mel_folder, tone_folder
from support.pieces import MERGES, PIECES
from support.places import ROOT
from support.runs import run_here, shards

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.models import load_model
from prep_corpus.align.model.nemo_features import NemoFeatures
from prep_corpus.align.model.token_lists import merges_of, read_tokens, tokenizer_of
from prep_corpus.align.text.spelling import PieceSpelling

pytest.importorskip("onnxruntime")

SHARED_PIECES = ROOT.parent / "shared" / "models" / "quartznet-bpe" / "tokenizer.json"


@pytest.mark.parametrize(
    ("ends", "symbols_first", "rows"),
    [("log_probs", False, "any"), ("logits", True, "any"), ("probabilities", False, "one")],
)
def test_a_graph_of_waveforms_gives_what_torch_gives(
    ends: str, symbols_first: bool, rows: str, tmp_path: Path
) -> None:
    folder = tone_folder(tmp_path, ends, symbols_first=symbols_first, rows=rows)
    model = load_model(str(folder))
    info = model.info
    assert info.vocabulary == (*toy.SYMBOLS, "<blk>")
    assert (info.sample_rate_hz, info.stride_samples, info.blank, info.word_delimiter) == (
        16_000,
        320,
        28,
        " ",
    )
    waveforms_BN = 0.1 * torch.randn(3, 32_000, generator=torch.Generator().manual_seed(0))
    expected_BTC = toy.ToneModel()(waveforms_BN)
    assert torch.allclose(model.run(waveforms_BN), expected_BTC, atol=1e-3)
    assert torch.equal(model.run(waveforms_BN)[1], model.run(waveforms_BN[1:2])[0])


def test_an_exported_model_runs_from_manifest_to_the_shards_of_the_model_itself(tmp_path: Path) -> None:
    manifest = toy.write_corpus(tmp_path / "corpus", recordings=2, sentences=6)
    toy.write_filter(tmp_path / "corpus" / "filter.json")
    folder = tone_folder(tmp_path / "model")
    one_format = ("--format", "webdataset", "--min-pause-frames", "10")
    run_here(manifest, tmp_path / "torch", *one_format)
    run_here(manifest, tmp_path / "onnx", *one_format, "--model", str(folder))
    counts = [
        json.loads((tmp_path / name / "outcome.json").read_text())["ledgers"] for name in ("torch", "onnx")
    ]
    assert counts[0] == counts[1]
    assert counts[0]["counts"]["words"] > 0
    assert set(shards(tmp_path / "onnx")) == set(shards(tmp_path / "torch"))


def test_features_must_be_stated_and_are_then_made(tmp_path: Path) -> None:
    model = mel_folder(tmp_path)
    with pytest.raises(UsageError, match="the graph takes features, and which must be stated"):
        load_model(str(tmp_path))
    stated = {"model_type": "nemo-conformer-ctc", "features_size": 16}
    (tmp_path / "config.json").write_text(json.dumps(stated))
    loaded = load_model(str(tmp_path))
    assert (loaded.info.stride_samples, loaded.info.blank) == (320, 28)
    assert loaded.info.vocabulary[-1] == "<blank>"
    waveforms_BN = 0.1 * torch.randn(2, 32_000, generator=torch.Generator().manual_seed(0))
    features_BFT = NemoFeatures(16)(waveforms_BN).transpose(1, 2)
    with torch.inference_mode():
        expected_BTC = model(features_BFT, torch.full((2,), features_BFT.shape[2]))
    assert torch.allclose(loaded.run(waveforms_BN), expected_BTC, atol=1e-4)
    other = {"features": {"kind": "nemo", "bands": 16, "window_samples": 320}, "sample_rate": 16_000}
    (tmp_path / "config.json").write_text(json.dumps(other))
    assert load_model(str(tmp_path)).info.digest != loaded.info.digest


def test_nemo_features_are_those_of_its_models_in_transformers() -> None:
    pytest.importorskip("librosa")
    transformers = pytest.importorskip("transformers")
    waveform_N = 0.1 * np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    theirs = transformers.ParakeetFeatureExtractor(feature_size=80)(
        waveform_N, sampling_rate=16_000, return_tensors="pt"
    )["input_features"]
    ours = NemoFeatures(80)(torch.from_numpy(waveform_N)[None])
    frames = ours.shape[1]
    assert torch.allclose(ours, theirs[:, :frames], atol=2e-3)


def test_token_lists_are_read_in_all_their_forms(tmp_path: Path) -> None:
    symbols = ("<blk>", " ", "a", "1", "\u00e9")
    forms = {
        "tokens.txt": "".join(f"{symbol} {at}\n" for at, symbol in enumerate(symbols)),
        "vocab.txt": "\n".join(symbols) + "\n",
        "vocab.json": json.dumps({symbol: at for at, symbol in reversed(list(enumerate(symbols)))}),
        "tokenizer.json": json.dumps(
            {"model": {"vocab": {symbol: at for at, symbol in enumerate(symbols[:4])}}}
            | {"added_tokens": [{"content": "\u00e9", "id": 4}]}
        ),
    }
    for name, text in forms.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(text)
        assert read_tokens(tmp_path / name) == symbols, name
    (tmp_path / "gap").mkdir()
    (tmp_path / "gap" / "tokens.txt").write_text("a 0\nb 2\n")
    with pytest.raises(UsageError, match="with numbers from 0: 2 symbols have the numbers 0 to 2"):
        read_tokens(tmp_path / "gap")
    (tmp_path / "none").mkdir()
    with pytest.raises(UsageError, match=r"needs its token list beside it, one of tokens\.txt"):
        read_tokens(tmp_path / "none")


def test_merges_are_known_from_the_order_of_sentence_pieces(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    letters = tuple(piece for piece in PIECES if len(piece) == 1)
    longer = tuple(a + b for a, b in MERGES)
    tokens = ("<unk>", *longer, *letters)
    merges = merges_of(tokens)
    assert merges is not None
    assert set(MERGES) <= set(merges)
    spelling = PieceSpelling((*tokens, "<blank>"), len(tokens), tokenizer_of(tmp_path, tokens))
    words = {
        word: [tokens[column] for column, _, _ in spelling.pieces_of(word)]
        for word in ("the", "cat", "chest")
    }
    assert words == {
        "the": ["\u2581the"],
        "cat": ["\u2581ca", "t"],
        "chest": ["\u2581c", "he", "s", "t"],
    }
    # In any other order nothing says how words are cut.
    assert merges_of(PIECES) is None
    with pytest.raises(UsageError, match="how words are cut into them must be said"):
        tokenizer_of(tmp_path, PIECES)


@pytest.mark.skipif(not SHARED_PIECES.is_file(), reason=f"needs {SHARED_PIECES}, outside of the project")
def test_merges_of_a_real_model_are_found_again(tmp_path: Path) -> None:
    document = json.loads(SHARED_PIECES.read_text(encoding="utf-8"))
    by_number = sorted(document["model"]["vocab"], key=document["model"]["vocab"].get)
    merged = ["".join(pair) for pair in document["model"]["merges"]]
    letters = [piece for piece in by_number if piece not in set(merged)]
    tokens = (*dict.fromkeys(merged), *(piece for piece in letters if len(piece) == 1))
    ours = PieceSpelling((*tokens, "<blank>"), len(tokens), tokenizer_of(tmp_path, tokens))
    theirs = PieceSpelling((*tokens, "<blank>"), len(tokens), SHARED_PIECES.read_text(encoding="utf-8"))
    for word in "the quick brown foxes jumped over thirteen lazy dogs it's unquestionably".split():
        assert ours.pieces_of(word) == theirs.pieces_of(word)


def test_what_cannot_be_proven_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tone_folder(tmp_path / "letters")
    (folder / "tokens.txt").write_text(
        "".join(f"{s} {i}\n" for i, s in enumerate("\u00e4" + toy.SYMBOLS[1:]))
    )
    with pytest.raises(UsageError, match="a language with spaces needs a symbol between words"):
        load_model(str(folder))
    # The last column wins in silence, and the list calls it a letter.
    shifted = ("<blk>", *toy.SYMBOLS)
    (folder / "tokens.txt").write_text("".join(f"{s} {i}\n" for i, s in enumerate(shifted)))
    with pytest.raises(UsageError, match=r"its blank must win where nobody speaks; stated is '<blk>'"):
        load_model(str(folder))
    (folder / "tokens.txt").write_text("".join(f"{s} {i}\n" for i, s in enumerate("ab ")))
    with pytest.raises(UsageError, match="each of the graph's 29 columns"):
        load_model(str(folder))

    export(Tones(), tmp_path / "fixed", (torch.zeros(1, 32_000),), free={"waveforms": {}})
    (tmp_path / "fixed" / "tokens.txt").write_text("a 0\n")
    with pytest.raises(UsageError, match="rows and length of its input must be free"):
        load_model(str(tmp_path / "fixed"))
    (tmp_path / "fixed" / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(UsageError, match="ONNX Runtime cannot open it"):
        load_model(str(tmp_path / "fixed" / "model.onnx"))
    for name in ("a.onnx", "b.onnx"):
        (tmp_path / "two").mkdir(exist_ok=True)
        (tmp_path / "two" / name).write_bytes(b"")
    with pytest.raises(
        UsageError, match=r"with 2 ONNX files must have a model.onnx; or name one of a.onnx, b"
    ):
        load_model(str(tmp_path / "two"))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r"pip install 'prep-corpus\[onnx\]'"):
        load_model(str(folder))


def test_a_file_is_named_among_several_and_the_digest_follows_weights_and_list(tmp_path: Path) -> None:
    tone_folder(tmp_path, "log_probs")
    (tmp_path / "model.onnx").rename(tmp_path / "one.onnx")
    export(
        Tones("logits"),
        tmp_path,
        (torch.zeros(1, 32_000),),
        free={"waveforms": {0: "rows", 1: "samples"}},
        name="two.onnx",
    )
    one, two = (load_model(str(tmp_path / name)).info for name in ("one.onnx", "two.onnx"))
    assert one.vocabulary == two.vocabulary
    assert one.digest != two.digest
    (tmp_path / "tokens.txt").write_text((tmp_path / "tokens.txt").read_text().replace("z 26", "ä 26"))
    assert load_model(str(tmp_path / "one.onnx")).info.digest != one.digest
