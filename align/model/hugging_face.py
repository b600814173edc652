"""CTC checkpoints of Hugging Face behind the model interface: what `AutoModelForCTC` loads, in characters or pieces.

Nothing is believed of a checkpoint that its own outputs do not show (`proofs.py`).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers import AutoFeatureExtractor, AutoModelForCTC, AutoTokenizer

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.proofs import check_words, delimiter_among, letters_alone, placed, prove
from prep_corpus.align.text.spelling import LETTERS, is_special


@contextmanager
def _told_once() -> Iterator[None]:
    """Without what the hub's client says of every try; where none succeeds, its error says it at the end."""
    client = logging.getLogger("huggingface_hub")
    before = client.level
    client.setLevel(logging.ERROR)
    try:
        yield
    finally:
        client.setLevel(before)


class HuggingFaceModel:
    """An `AutoModelForCTC` checkpoint; safetensors only, and no code from the checkpoint is run.

    Args:
        name: folder, or name on the hub; with "@LANGUAGE" behind it, the adapter of one language.
        device: where it runs.
        languages: those that it has adapters for, as far as its folder tells.
    """

    def __init__(self, name: str, device: str, languages: Sequence[str] = ()) -> None:
        place, _, adapter = name.rpartition("@") if "@" in name else (name, "", "")
        if adapter and languages and adapter not in languages:
            raise UsageError(
                f"--model {name}: the language behind the @ must be one of its {len(languages)}: "
                f"{', '.join(languages[:20])}{' ...' if len(languages) > 20 else ''}"
            )
        # An adapter has an output layer of its own size.
        own = {"target_lang": adapter, "ignore_mismatched_sizes": True} if adapter else {}
        try:
            with _told_once():
                self._model: Any = AutoModelForCTC.from_pretrained(
                    place, trust_remote_code=False, use_safetensors=True, **own
                )
                language = {"target_lang": adapter} if adapter else {}
                tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False, **language)
                self._features: Any = AutoFeatureExtractor.from_pretrained(place, trust_remote_code=False)
        except ImportError as error:
            reason = " ".join(str(error).split())
            raise UsageError(
                f"--model {name}: transformers needs another package for it: {reason}"
            ) from error
        except TypeError as error:
            # Of a vocabulary that maps languages to vocabularies.
            raise UsageError(
                f"--model {name}: its vocabulary must be one map of symbols to numbers; of a checkpoint of several "
                f"languages, name one, such as {name}@eng: {error}"
            ) from error
        except (OSError, ValueError) as error:
            raise UsageError(
                f"--model {name}: transformers cannot load it as a CTC model from safetensors, or its vocabulary "
                f"or feature extractor is missing: {' '.join(str(error).split())}"
            ) from error
        if not adapter:
            _check_one_language(name, tokenizer)
        self._model.eval().to(device)
        config = self._model.config
        # What this extractor does is done here, on the model's device; others have ways of their own.
        self._takes_waveforms = type(self._features).__name__ == "Wav2Vec2FeatureExtractor"
        self._normalize = bool(getattr(self._features, "do_normalize", False))
        self.sample_rate_hz = int(self._features.sampling_rate)
        self.vocabulary = _vocabulary(tokenizer, int(config.vocab_size))
        self.tokenizer = _pieces(tokenizer, self.vocabulary)
        known = delimiter_among(self.vocabulary, getattr(tokenizer, "word_delimiter_token", None))
        self.word_delimiter = None if self.tokenizer else known
        if self.word_delimiter is None and letters_alone(self.vocabulary):
            self.tokenizer = LETTERS
        check_words(name, self.vocabulary, self.word_delimiter, self.tokenizer)
        proven = prove(
            name,
            lambda waveforms_BN: self._log_probs(waveforms_BN.to(device)),
            sample_rate_hz=self.sample_rate_hz,
            vocabulary=self.vocabulary,
            delimiter=self.word_delimiter,
            stated_blanks=_stated_blanks(tokenizer, config),
        )
        self.stride_samples, self.blank = proven.stride_samples, proven.blank
        self._lead = proven.lead_samples
        self.digest = self._digest()

    def _digest(self) -> str:
        hasher = hashlib.blake2b(digest_size=16)
        facts = (self.vocabulary, self.stride_samples, self.sample_rate_hz, self.blank, self._normalize)
        hasher.update(repr(facts).encode())
        if self._lead:
            hasher.update(repr(self._lead).encode())
        if self.tokenizer or not self._takes_waveforms:
            hasher.update(repr((self.tokenizer, self._features.to_json_string())).encode())
        for key, tensor in sorted(self._model.state_dict().items()):
            hasher.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
            hasher.update(tensor.detach().cpu().contiguous().float().numpy().tobytes())
        return hasher.hexdigest()

    def __call__(self, waveforms_BN: Tensor) -> Tensor:
        """[B, N] float32 waveforms -> [B, T, C] log-probs; frame t is of samples [t * stride, (t + 1) * stride)."""
        return placed(self._log_probs, self._lead, self.stride_samples)(waveforms_BN)

    def _log_probs(self, waveforms_BN: Tensor) -> Tensor:
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


def _check_one_language(name: str, tokenizer: Any) -> None:
    """Refuse a vocabulary by language where none is named: the model would be heard without its adapter."""
    by_language = getattr(tokenizer, "vocab", None)
    nested = isinstance(by_language, dict) and [
        key for key, value in by_language.items() if isinstance(value, dict)
    ]
    if nested and len(nested) > 1:
        raise UsageError(
            f"--model {name}: it has a vocabulary for each of {len(nested)} languages; name one, such as "
            f"{name}@{nested[0]}, or let `run` choose by the manifest's lang"
        )


def _stated_blanks(tokenizer: Any, config: Any) -> list[int]:
    """What the checkpoint calls its blank: the blank itself, else what it pads with."""
    blank = getattr(config, "blank_token_id", None)
    said = (tokenizer.pad_token_id, config.pad_token_id) if blank is None else (blank,)
    return [index for index in dict.fromkeys(said) if index is not None and 0 <= index < config.vocab_size]


def _vocabulary(tokenizer: Any, count: int) -> tuple[str, ...]:
    index_of: dict[str, int] = tokenizer.get_vocab()
    symbol_at = {index: symbol for symbol, index in index_of.items() if index < count}
    return tuple(symbol_at.get(i, f"<unused {i}>") for i in range(count))


def _pieces(tokenizer: Any, vocabulary: tuple[str, ...]) -> str:
    """The document of a tokenizer that cuts words into pieces; empty for characters."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    longer = any(len(symbol) > 1 and not is_special(symbol) for symbol in vocabulary)
    return str(backend.to_str()) if backend is not None and longer else ""
