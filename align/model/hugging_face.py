"""Character CTC checkpoints of Hugging Face (wav2vec2, HuBERT, WavLM, ...) behind the model interface."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import torch
from torch import Tensor
from transformers import AutoFeatureExtractor, AutoModelForCTC, AutoTokenizer

from prep_corpus.align.errors import UsageError


class HuggingFaceModel:
    """An `AutoModelForCTC` checkpoint; safetensors only, and no code from the checkpoint is run."""

    def __init__(self, name: str, device: str) -> None:
        try:
            self._model: Any = AutoModelForCTC.from_pretrained(
                name, trust_remote_code=False, use_safetensors=True
            )
            tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
            features = AutoFeatureExtractor.from_pretrained(name, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"--model {name}: transformers cannot load it as a CTC model from safetensors, or its vocabulary "
                f"or feature extractor is missing: {error}"
            ) from error
        self._model.eval().to(device)
        config = self._model.config
        if getattr(config, "add_adapter", False):
            raise UsageError(
                f"--model {name}: checkpoints with an adapter layer (add_adapter) are not supported"
            )
        if getattr(features, "feature_size", 1) != 1:
            raise UsageError(
                f"--model {name}: the checkpoint takes spectrograms; only waveform models are supported"
            )
        self._normalize = bool(getattr(features, "do_normalize", False))
        self.sample_rate_hz = int(features.sampling_rate)
        self.stride_samples = math.prod(config.conv_stride)
        index_of: dict[str, int] = tokenizer.get_vocab()
        symbol_at = {index: symbol for symbol, index in index_of.items() if index < config.vocab_size}
        self.vocabulary = tuple(symbol_at.get(i, f"<unused {i}>") for i in range(config.vocab_size))
        self.blank = int(
            tokenizer.pad_token_id if tokenizer.pad_token_id is not None else config.pad_token_id
        )
        delimiter = getattr(tokenizer, "word_delimiter_token", None)
        self.word_delimiter = delimiter if delimiter in self.vocabulary else None
        self.digest = self._digest()

    def _digest(self) -> str:
        hasher = hashlib.blake2b(digest_size=16)
        facts = (self.vocabulary, self.stride_samples, self.sample_rate_hz, self.blank, self._normalize)
        hasher.update(repr(facts).encode())
        for key, tensor in sorted(self._model.state_dict().items()):
            hasher.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
            hasher.update(tensor.detach().cpu().contiguous().float().numpy().tobytes())
        return hasher.hexdigest()

    def frames(self, n_samples: int) -> int:
        """Frames that `n_samples` give."""
        return int(self._model._get_feat_extract_output_lengths(n_samples))

    def __call__(self, waveforms_BN: Tensor) -> Tensor:
        """[B, N] float32 waveforms -> [B, T, C] log-probs; frame t is centred in its stride within 3 ms."""
        if self._normalize:
            mean_B1 = waveforms_BN.mean(1, keepdim=True)
            variance_B1 = waveforms_BN.var(1, keepdim=True, unbiased=False)
            waveforms_BN = (waveforms_BN - mean_B1) / torch.sqrt(variance_B1 + 1e-7)
        on_gpu = waveforms_BN.device.type == "cuda"
        with torch.autocast(waveforms_BN.device.type, torch.float16, enabled=on_gpu):
            logits_BTC: Tensor = self._model(waveforms_BN).logits
        return logits_BTC.float().log_softmax(-1)
