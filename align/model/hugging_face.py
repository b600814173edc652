"""CTC checkpoints of Hugging Face behind the model interface: what `AutoModelForCTC` loads, in characters or pieces.

Nothing is believed of a checkpoint that its own outputs do not show: the stride is measured, and the blank is the
symbol that wins where nobody speaks.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from typing import Any

import torch
from torch import Tensor
from transformers import AutoFeatureExtractor, AutoModelForCTC, AutoTokenizer

from prep_corpus.align.errors import UsageError
from prep_corpus.align.text.spelling import is_special

DELIMITERS = ("|", " ", "\u2581", "<space>")
_PROBE_SECONDS = (1.2, 3.6)
"""Their difference holds a whole number of frames of 20, 40, 60, 80, 100 and 120 ms."""
_SPACELESS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")


class HuggingFaceModel:
    """An `AutoModelForCTC` checkpoint; safetensors only, and no code from the checkpoint is run."""

    def __init__(self, name: str, device: str) -> None:
        try:
            self._model: Any = AutoModelForCTC.from_pretrained(
                name, trust_remote_code=False, use_safetensors=True
            )
            tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
            self._features: Any = AutoFeatureExtractor.from_pretrained(name, trust_remote_code=False)
        except ImportError as error:
            reason = " ".join(str(error).split())
            raise UsageError(
                f"--model {name}: transformers needs another package for it: {reason}"
            ) from error
        except TypeError as error:
            # Of a vocabulary that maps languages to vocabularies.
            raise UsageError(
                f"--model {name}: its vocabulary must be one map of symbols to numbers; of a checkpoint of several "
                f"languages, save the tokenizer and the adapter of one (target_lang): {error}"
            ) from error
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
        self._takes_waveforms = self._features.model_input_names[0] == "input_values"
        self._normalize = bool(getattr(self._features, "do_normalize", False))
        self.sample_rate_hz = int(self._features.sampling_rate)
        self.vocabulary = _vocabulary(tokenizer, int(config.vocab_size))
        self.tokenizer = _pieces(tokenizer, self.vocabulary)
        delimiter = getattr(tokenizer, "word_delimiter_token", None)
        known = next((symbol for symbol in (delimiter, *DELIMITERS) if symbol in self.vocabulary), None)
        self.word_delimiter = None if self.tokenizer else known
        _check_words(name, self.vocabulary, self.word_delimiter, self.tokenizer)
        short, long = (self._heard(seconds) for seconds in _PROBE_SECONDS)
        self.stride_samples = self._stride(name, len(long) - len(short))
        stated = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else config.pad_token_id
        self.blank = self._proven_blank(name, stated, config.pad_token_id, long)
        self.digest = self._digest()

    def _heard(self, seconds: float, level: float = 0.01) -> list[int]:
        """The likeliest symbol of each frame of noise."""
        count = round(seconds * self.sample_rate_hz)
        noise_1N = level * torch.randn(1, count, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            log_probs_1TC = self(noise_1N.to(next(self._model.parameters()).device))
        heard: list[int] = log_probs_1TC[0].argmax(1).tolist()
        return heard

    def _stride(self, name: str, frames: int) -> int:
        samples = round((_PROBE_SECONDS[1] - _PROBE_SECONDS[0]) * self.sample_rate_hz)
        if frames <= 0 or samples % frames:
            raise UsageError(
                f"--model {name}: its frames must have one length, and {samples} samples more give {frames} frames more"
            )
        return samples // frames

    def _proven_blank(self, name: str, stated: int | None, configured: int | None, noise: list[int]) -> int:
        """The blank: what the checkpoint states, if that or the delimiter wins in noise or silence; else what does."""
        winners = {
            Counter(heard).most_common(1)[0][0]
            for heard in (noise, self._heard(_PROBE_SECONDS[0], level=0.0))
        }
        said = [index for index in (stated, configured) if index is not None]
        proven = [index for index in said if index in winners]
        if proven:
            return int(proven[0])
        if len(set(said)) == 1 and any(self.vocabulary[winner] == self.word_delimiter for winner in winners):
            return int(said[0])
        silent = {winner for winner in winners if _is_silent(self.vocabulary[winner])}
        if len(winners) == 1 and silent:
            return int(silent.pop())
        shown = ", ".join(repr(self.vocabulary[index]) for index in sorted(winners))
        stated_symbols = ", ".join(repr(self.vocabulary[index]) for index in said) or "none"
        raise UsageError(
            f"--model {name}: its blank must win where nobody speaks; stated is {stated_symbols}, and {shown} wins"
        )

    def _digest(self) -> str:
        hasher = hashlib.blake2b(digest_size=16)
        facts = (self.vocabulary, self.stride_samples, self.sample_rate_hz, self.blank, self._normalize)
        hasher.update(repr(facts).encode())
        if self.tokenizer or not self._takes_waveforms:
            hasher.update(repr((self.tokenizer, self._features.to_json_string())).encode())
        for key, tensor in sorted(self._model.state_dict().items()):
            hasher.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
            hasher.update(tensor.detach().cpu().contiguous().float().numpy().tobytes())
        return hasher.hexdigest()

    def __call__(self, waveforms_BN: Tensor) -> Tensor:
        """[B, N] float32 waveforms -> [B, T, C] log-probs; frame t is centred in its stride within 3 ms."""
        on_gpu = waveforms_BN.device.type == "cuda"
        inputs = self._inputs(waveforms_BN)
        with torch.autocast(waveforms_BN.device.type, torch.float16, enabled=on_gpu):
            logits_BTC: Tensor = self._model(**inputs).logits
        return logits_BTC.float().log_softmax(-1)

    def _inputs(self, waveforms_BN: Tensor) -> dict[str, Tensor]:
        """What the model takes: waveforms, or what its own feature extractor makes of them."""
        if not self._takes_waveforms:
            rows = [row_N.numpy() for row_N in waveforms_BN.cpu()]
            found = self._features(rows, sampling_rate=self.sample_rate_hz, return_tensors="pt")
            return {key: value.to(waveforms_BN.device) for key, value in found.items()}
        if self._normalize:
            mean_B1 = waveforms_BN.mean(1, keepdim=True)
            variance_B1 = waveforms_BN.var(1, keepdim=True, unbiased=False)
            waveforms_BN = (waveforms_BN - mean_B1) / torch.sqrt(variance_B1 + 1e-7)
        return {self._model.main_input_name: waveforms_BN}


def _vocabulary(tokenizer: Any, count: int) -> tuple[str, ...]:
    index_of: dict[str, int] = tokenizer.get_vocab()
    symbol_at = {index: symbol for symbol, index in index_of.items() if index < count}
    return tuple(symbol_at.get(i, f"<unused {i}>") for i in range(count))


def _pieces(tokenizer: Any, vocabulary: tuple[str, ...]) -> str:
    """The document of a tokenizer that cuts words into pieces; empty for characters."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    longer = any(len(symbol) > 1 and not is_special(symbol) for symbol in vocabulary)
    return str(backend.to_str()) if backend is not None and longer else ""


def _check_words(name: str, vocabulary: tuple[str, ...], delimiter: str | None, tokenizer: str) -> None:
    """A language with spaces needs a delimiter, or pieces that begin a word."""
    if tokenizer or delimiter is not None:
        return
    parted = [
        symbol
        for symbol in vocabulary
        if len(symbol) == 1
        and unicodedata.category(symbol)[0] == "L"
        and not unicodedata.name(symbol, "").startswith(_SPACELESS)
    ]
    spaceless = sum(len(symbol) == 1 and symbol.isalpha() for symbol in vocabulary) - len(parted)
    if len(parted) > spaceless:
        raise UsageError(
            f"--model {name}: a language with spaces needs a symbol between words, and none of "
            f"{', '.join(map(repr, DELIMITERS))} is among its {len(vocabulary)}, nor is one stated"
        )


def _is_silent(symbol: str) -> bool:
    """Whether a symbol could be a blank: a special one, or one without a letter."""
    return is_special(symbol) or not any(character.isalnum() for character in symbol)
