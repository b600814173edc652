"""Folders with an exported model: `model.onnx`, its token list, and features inside the graph or stated beside it.

    model.onnx              or the only *.onnx of the folder, or --model FOLDER/NAME.onnx
    tokens.txt              or vocab.txt, vocab.json, tokenizer.json (token_lists.py)
    config.json             optional: sample_rate, blank (symbol or number), word_delimiter, features, context_seconds;
                            as onnx-asr writes it: model_type "nemo-...", features_size
    preprocessor_config.json  optional: a feature extractor of transformers (extra [hf])

A graph that takes waveforms needs none of the last two. Of one that takes features they must be stated:
`"features": {"kind": "nemo", "bands": 80}`, an onnx-asr config of a NeMo model, the metadata of a NeMo export, or a
feature extractor of transformers. Stride, place of a frame, blank and delimiter are proven (proofs.py).

Legend: B rows, N samples, T frames, F features, C symbols.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.nemo_features import NemoFeatures
from prep_corpus.align.model.onnx_graphs import OnnxGraph
from prep_corpus.align.model.proofs import check_words, delimiter_among, letters_alone, placed, prove
from prep_corpus.align.model.token_lists import read_tokens, tokenizer_of
from prep_corpus.align.text.spelling import LETTERS

BLANKS = ("<blank>", "<blk>", "<pad>", "[PAD]", "<ctc>", "<eps>", "<epsilon>", "_")
_RATE_HZ = 16_000
_BLOCK_BYTES = 1 << 20


class OnnxModel:
    """An exported CTC model, with what an aligner must know of it as attributes."""

    def __init__(self, name: str, device: str) -> None:
        path = _graph_of(Path(name))
        folder = path.parent
        config = _config(folder)
        self._graph = OnnxGraph(path, device, name=name)
        self._extract, self.sample_rate_hz = _features(name, folder, config, self._graph)
        if "context_seconds" in config:
            self.context_seconds = float(config["context_seconds"])
        tokens = read_tokens(folder)
        self.vocabulary, stated = self._symbols(name, tokens, config)
        self.tokenizer = tokenizer_of(folder, tokens)
        known = delimiter_among(self.vocabulary, config.get("word_delimiter"))
        self.word_delimiter = None if self.tokenizer else known
        if self.word_delimiter is None and letters_alone(self.vocabulary):
            self.tokenizer = LETTERS
        check_words(name, self.vocabulary, self.word_delimiter, self.tokenizer)
        proven = prove(
            name,
            self._log_probs,
            sample_rate_hz=self.sample_rate_hz,
            vocabulary=self.vocabulary,
            delimiter=self.word_delimiter,
            stated_blanks=stated,
        )
        self.stride_samples, self.blank = proven.stride_samples, proven.blank
        self._lead = proven.lead_samples
        facts = (self.vocabulary, self.stride_samples, self.sample_rate_hz, self.blank, self._lead)
        self.digest = _digest(folder, path, repr(facts))

    def __call__(self, waveforms_BN: Tensor) -> Tensor:
        """[B, N] float32 waveforms -> [B, T, C] log-probs; frame t is of samples [t * stride, (t + 1) * stride)."""
        return placed(self._log_probs, self._lead, self.stride_samples)(waveforms_BN)

    def _log_probs(self, waveforms_BN: Tensor) -> Tensor:
        return self._graph(self._extract(waveforms_BN))

    def _symbols(
        self, name: str, tokens: tuple[str, ...], config: dict[str, Any]
    ) -> tuple[tuple[str, ...], list[int]]:
        """(vocabulary, what is called the blank in it): a list may leave the blank out, which is then the last."""
        with torch.inference_mode():
            columns = self._log_probs(torch.zeros(1, self.sample_rate_hz)).shape[2]
        if columns == len(tokens) + 1:
            tokens = (*tokens, "<blank>")
        if columns != len(tokens):
            raise UsageError(
                f"--model {name}: the token list must have a symbol for each of the graph's {columns} columns, or for "
                f"all but the blank, and has {len(tokens)}"
            )
        blank = config.get("blank", config.get("pad_token_id"))
        if isinstance(blank, str) and blank in tokens:
            return tokens, [tokens.index(blank)]
        if isinstance(blank, int) and 0 <= blank < columns:
            return tokens, [blank]
        return tokens, [tokens.index(symbol) for symbol in BLANKS if symbol in tokens][:1]


def _graph_of(path: Path) -> Path:
    if path.is_file():
        return path
    if (path / "model.onnx").is_file():
        return path / "model.onnx"
    found = sorted(path.glob("*.onnx"))
    if len(found) != 1:
        raise UsageError(
            f"--model {path}: a folder with {len(found)} ONNX files must have a model.onnx; or name one of "
            f"{', '.join(one.name for one in found)}"
        )
    return found[0]


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        return {}
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"--model {path}: it must be JSON: {error}") from error
    if not isinstance(config, dict):
        raise UsageError(f"--model {path}: it must be a JSON object, not {type(config).__name__}")
    return config


def _features(
    name: str, folder: Path, config: dict[str, Any], graph: OnnxGraph
) -> tuple[Callable[[Tensor], Tensor], int]:
    """(what turns waveforms into what the graph takes, rate of the waveforms)."""
    rate_hz = int(config.get("sample_rate", graph.metadata.get("sample_rate", _RATE_HZ)))
    if (folder / "preprocessor_config.json").is_file():
        return _transformers_features(name, folder, graph)
    if graph.takes == "waveforms":
        return (lambda waveforms_BN: waveforms_BN), rate_hz
    stated = config.get("features")
    if stated is None and str(config.get("model_type", "")).startswith("nemo-"):
        stated = {"kind": "nemo", "bands": config.get("features_size", 80)}
    if stated is None and graph.metadata.get("normalize_type") == "per_feature":
        stated = {"kind": "nemo", "bands": graph.metadata.get("feat_dim", 80)}
    if not isinstance(stated, dict) or stated.get("kind") != "nemo":
        raise UsageError(
            f"--model {name}: the graph takes features, and which must be stated: in config.json "
            '"features": {"kind": "nemo", "bands": 80}, by a preprocessor_config.json of transformers, or export it '
            f"with its features inside; stated is {stated!r}"
        )
    extract = NemoFeatures(int(stated["bands"]), int(stated.get("window_samples", 400)))
    if graph.feature_axis == 2:
        return extract, extract.sample_rate_hz
    return (lambda waveforms_BN: extract(waveforms_BN).transpose(1, 2)), extract.sample_rate_hz


def _transformers_features(
    name: str, folder: Path, graph: OnnxGraph
) -> tuple[Callable[[Tensor], Tensor], int]:
    try:
        from transformers import AutoFeatureExtractor
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--model {name}: its preprocessor_config.json needs transformers: pip install 'prep-corpus[hf]'"
        ) from error
    try:
        extractor: Any = AutoFeatureExtractor.from_pretrained(str(folder), trust_remote_code=False)
    except (OSError, ValueError, ImportError) as error:
        shown = " ".join(str(error).split())
        raise UsageError(f"--model {name}: transformers cannot use its feature extractor: {shown}") from error
    rate_hz = int(extractor.sampling_rate)
    if graph.takes == "features" and graph.feature_axis is None:
        graph.time_axis = 1  # as transformers has features, and exports of its models take them

    def extract(waveforms_BN: Tensor) -> Tensor:
        rows = [row_N.numpy() for row_N in waveforms_BN.cpu()]
        found: Tensor = extractor(rows, sampling_rate=rate_hz, return_tensors="pt")[
            extractor.model_input_names[0]
        ]
        return found.transpose(1, 2) if found.ndim == 3 and graph.feature_axis == 1 else found

    return extract, rate_hz


def _digest(folder: Path, graph: Path, facts: str) -> str:
    """Identity of the graph, its weights and what stands beside it: every file of the folder that no other graph is."""
    hasher = hashlib.blake2b(facts.encode(), digest_size=16)
    for path in sorted(folder.iterdir()):
        other_graph = path.suffix == ".onnx" and path != graph
        if not path.is_file() or path.suffix == ".md" or path.name.startswith(".") or other_graph:
            continue
        hasher.update(f"\0{path.name}\0{path.stat().st_size}\0".encode())
        with open(path, "rb") as file:
            while block := file.read(_BLOCK_BYTES):
                hasher.update(block)
    return hasher.hexdigest()
