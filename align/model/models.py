"""Acoustic models: what an aligner must know of one, and how one is loaded by its name (`naming.py`)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import ModelFailed, PrepCorpusError, UsageError
from prep_corpus.align.model.devices import check_device
from prep_corpus.align.model.naming import open_model
from prep_corpus.align.text.normalize import NormalizedText
from prep_corpus.align.text.spelling import PieceSpelling, Spelled, piece_spelling, spell
from prep_corpus.align.viterbi.detours import EDGE_FRAMES

if TYPE_CHECKING:
    import torch

OTHER = "<other>"
"""Name of the column that stands for all symbols left out of a reduced emissions matrix."""

COARSE_SECONDS = 0.06
"""Frames of this length and longer are coarse: where a word begins and ends is told by the loudness as well."""

_SPECIAL = re.compile(r"<[^<>]*>|\[[^\[\]]*\]")
_PROBE_SECONDS = 2
MOST_FRAMES_OFF = 2
"""By how many frames a model's outputs may differ from samples over stride."""


class AcousticModel(Protocol):
    """What `module:factory` must return.

    Optional attributes: `word_delimiter` (symbol or None), `case`, `digest`, `frames(n_samples)`,
    `context_seconds` (that a window needs on each side, where 2 s are too few), and `tokenizer_file` (path of a
    document of the library `tokenizers`) of a model whose tokens are pieces of words.
    """

    sample_rate_hz: int
    stride_samples: int
    vocabulary: tuple[str, ...]
    blank: int

    def __call__(self, waveforms: torch.Tensor) -> torch.Tensor:
        """[B, N] float32 waveforms in [-1, 1] -> [B, T, C] natural log-probabilities."""


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """What is known of a model without running it.

    Attributes:
        sample_rate_hz: rate of the waveforms it takes.
        stride_samples: samples per frame; frame t covers samples [t * stride, (t + 1) * stride).
        vocabulary: one symbol a column: single characters or pieces of words, the blank, and specials such as
            `<unk>`.
        blank: index of the CTC blank.
        word_delimiter: the symbol between words, or None for languages written without spaces, and for pieces.
        case: "lower", "upper" or "none", the case of its letters.
        digest: identity of the weights and of all the above, hexadecimal.
        tokenizer: the JSON document of the tokenizer (library `tokenizers`) of a model in pieces; `LETTERS` for one in
            letters whose words no symbol parts; empty for other characters.
    """

    sample_rate_hz: int
    stride_samples: int
    vocabulary: tuple[str, ...]
    blank: int
    word_delimiter: str | None
    case: str
    digest: str
    tokenizer: str = ""

    def __post_init__(self) -> None:
        if self.sample_rate_hz <= 0 or self.stride_samples <= 0:
            raise UsageError(
                f"model: sample_rate_hz and stride_samples must be positive, "
                f"not {self.sample_rate_hz} and {self.stride_samples}"
            )
        if not 0 <= self.blank < len(self.vocabulary):
            raise UsageError(
                f"model: blank is {self.blank}, the vocabulary has {len(self.vocabulary)} symbols"
            )
        pieces = [
            s
            for i, s in enumerate(self.vocabulary)
            if len(s) > 1 and i != self.blank and not _SPECIAL.fullmatch(s)
        ]
        if pieces and not self.tokenizer:
            raise UsageError(
                f"model: the vocabulary must be single characters, and {len(pieces)} of {len(self.vocabulary)} "
                f"symbols are longer (such as {pieces[0]!r}); choose a character CTC model, or give the tokenizer "
                "that cuts words into these pieces (tokenizer_file)"
            )
        if self.tokenizer:
            piece_spelling(self.vocabulary, self.blank, self.tokenizer)
        if self.word_delimiter is not None and self.word_delimiter not in self.vocabulary:
            raise UsageError(f"model: the word delimiter {self.word_delimiter!r} is not in the vocabulary")

    @cached_property
    def alphabet(self) -> frozenset[str]:
        """The characters it can say, without the blank, the word delimiter and specials."""
        if self.tokenizer:
            return self.pieces.alphabet
        return frozenset(
            s
            for i, s in enumerate(self.vocabulary)
            if len(s) == 1 and i != self.blank and s != self.word_delimiter and not s.isspace()
        )

    @property
    def delimiter_index(self) -> int | None:
        """Index of the word delimiter, or None."""
        return None if self.word_delimiter is None else self.vocabulary.index(self.word_delimiter)

    def finer(self, parts: int) -> ModelInfo:
        """The same for frames of which `parts` make one."""
        return replace(self, stride_samples=self.stride_samples // parts)

    @property
    def edge_frames(self) -> int:
        """Frames between two places at which an alignment may leave text or audio: about 0.2 s of coarse frames."""
        return EDGE_FRAMES if self.frame_seconds < COARSE_SECONDS else 2

    @property
    def has_spaces(self) -> bool:
        """Whether words are parted: by a delimiter, by pieces that begin a word, or in the text alone."""
        return self.word_delimiter is not None or bool(self.tokenizer)

    @property
    def pieces(self) -> PieceSpelling:
        """The spelling of a model in pieces."""
        return piece_spelling(self.vocabulary, self.blank, self.tokenizer)

    def spell(self, normalized: NormalizedText) -> Spelled:
        """The tokens of a normalised text; raises UsageError where it has no spelling."""
        return spell(
            normalized,
            self.vocabulary,
            blank=self.blank,
            word_delimiter=self.word_delimiter,
            tokenizer=self.tokenizer,
        )

    def symbols_of(self, normalized: NormalizedText) -> set[str]:
        """The symbols, or the characters that they stand for, with which a normalised text is spelled."""
        if self.tokenizer:
            return {self.vocabulary[token] for token in set(self.spell(normalized).tokens_L.tolist())}
        return set(normalized.text)

    def to_notes(self) -> dict[str, Any]:
        """All of it as JSON values; `from_notes` is the reverse."""
        notes = {**asdict(self), "vocabulary": list(self.vocabulary)}
        if not self.tokenizer:
            del notes["tokenizer"]
        return notes

    @classmethod
    def from_notes(cls, notes: Mapping[str, Any]) -> ModelInfo:
        """What `to_notes` gave."""
        return cls(**{**notes, "vocabulary": tuple(notes["vocabulary"])})

    @property
    def frame_seconds(self) -> float:
        """Length of a frame."""
        return self.stride_samples / self.sample_rate_hz

    def reduced(self, symbols: frozenset[str]) -> ModelInfo:
        """The same model with the columns of `symbols`, delimiter and blank, and one for all others.

        Of pieces, those of at most one letter stay too, so that any other word can still be spelled.
        """
        basic_C = self.pieces.is_basic_C if self.tokenizer else np.zeros(len(self.vocabulary), bool)
        keep = [
            s
            for i, s in enumerate(self.vocabulary)
            if s in symbols or i == self.blank or s == self.word_delimiter or basic_C[i]
        ]
        return ModelInfo(
            sample_rate_hz=self.sample_rate_hz,
            stride_samples=self.stride_samples,
            vocabulary=(*keep, OTHER),
            blank=keep.index(self.vocabulary[self.blank]),
            word_delimiter=self.word_delimiter,
            case=self.case,
            digest=self.digest,
            tokenizer=self.tokenizer,
        )


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model ready to run.

    Attributes:
        info: what is known of it.
        run: [B, N] float32 waveforms on `device` -> [B, T, C] log-probs; tensors of torch, or arrays.
        device: "cpu", "cuda" or "cuda:N".
        context_seconds: least context that its windows need on each side, where it says so.
        runtime: what runs it on arrays, without torch, and its version; "" where it runs on tensors.
        option: how messages name it: the option that it was given with, and its name there.
    """

    info: ModelInfo
    run: Callable[[Any], Any]
    device: str
    context_seconds: float = 0.0
    runtime: str = ""
    option: str = "--model"

    @contextmanager
    def named(self) -> Iterator[None]:
        """Name the model where it raises on audio; a disk or memory that gives out is told as such.

        Raises:
            ModelFailed: the model raised, or the device that its outputs are fetched from.
        """
        try:
            yield
        except (PrepCorpusError, OSError, MemoryError):
            raise
        except Exception as error:
            # Of torch, whose name cannot be asked for without it.
            if type(error).__name__ == "OutOfMemoryError":
                raise
            shown = " ".join(str(error).split())
            raise ModelFailed(
                f"{self.option} failed on audio: {type(error).__name__}: {shown}; mend or replace that model, "
                "then give the same command again (--debug shows where)"
            ) from error

    def run_named(self, waveforms_BN: Any) -> Any:
        """As `run`.

        Raises:
            ModelFailed: the model raised, or gave other rows, frames or symbols than it should.
        """
        with self.named():
            log_probs_BTC = self.run(waveforms_BN)
        (rows, n_samples), shape = waveforms_BN.shape, tuple(log_probs_BTC.shape)
        classes, stride = len(self.info.vocabulary), self.info.stride_samples
        if len(shape) != 3 or shape[0] != rows or shape[2] != classes:
            raise ModelFailed(
                f"{self.option}: [{rows}, {n_samples}] samples must give [{rows}, T, {classes}] log-probs, "
                f"not {list(shape)}"
            )
        if abs(shape[1] - n_samples / stride) > MOST_FRAMES_OFF:
            raise ModelFailed(
                f"{self.option}: {n_samples} samples at a stride of {stride} should give about "
                f"{n_samples / stride:.0f} frames, not {shape[1]}"
            )
        return log_probs_BTC

    def log_probs(self, waveforms_BN: NDArray[np.float32]) -> NDArray[np.float32]:
        """[B, N] float32 waveforms -> [B, T, C] float32 log-probs, both as arrays on this machine."""
        if self.runtime:
            return np.asarray(self.run_named(waveforms_BN), np.float32)
        import torch

        with torch.inference_mode():
            log_probs_BTC: NDArray[np.float32] = (
                self.run_named(torch.from_numpy(waveforms_BN).to(self.device)).float().cpu().numpy()
            )
        return log_probs_BTC


def load_model(name: str, device: str = "cpu") -> LoadedModel:
    """Load the model that `name` stands for and check that it keeps the interface.

    Args:
        name: one of the forms at the top of `naming.py`.
        device: where it runs.

    Raises:
        UsageError: no such model, or it breaks the interface; the message says which rule.
    """
    check_device(device)
    try:
        model = open_model(name, device)
    except UsageError:
        raise
    except Exception as error:
        shown = " ".join(str(error).split())
        raise UsageError(f"--model {name} cannot be loaded: {type(error).__name__}: {shown}") from error
    context_seconds = float(getattr(model, "context_seconds", 0.0))
    loaded = LoadedModel(
        info=_describe(model, name),
        run=model,
        device=device,
        context_seconds=context_seconds,
        runtime=getattr(model, "runtime", ""),
        option=f"--model {name}",
    )
    try:
        _probe(loaded, name)
    except ModelFailed as error:
        # Nothing was started yet.
        raise UsageError(str(error)) from error
    return loaded


def one_thread_a_call() -> None:
    """Let torch use one thread per call in this process: results change with the threads of a call."""
    import torch

    torch.set_num_threads(1)


def load_judge(name: str, device: str = "cpu") -> LoadedModel:
    """As `load_model`, of a model that `--judge` names: messages say so."""
    try:
        judge = load_model(name, device)
    except UsageError as error:
        raise UsageError(str(error).replace("--model", "--judge")) from error
    return replace(judge, option=f"--judge {name}")


def _describe(model: Any, name: str) -> ModelInfo:
    missing = [
        a for a in ("sample_rate_hz", "stride_samples", "vocabulary", "blank") if not hasattr(model, a)
    ]
    if missing:
        raise UsageError(f"--model {name}: the model object lacks {', '.join(missing)}")
    vocabulary = tuple(str(symbol) for symbol in model.vocabulary)
    tokenizer = _tokenizer(model, name)
    known = None if tokenizer else next((d for d in (" ", "|") if d in vocabulary), None)
    delimiter = getattr(model, "word_delimiter", known)
    letters = [s for s in vocabulary if len(s) == 1 and s.lower() != s.upper()]
    if any(s.islower() for s in letters):
        case = "lower"
    else:
        case = "upper" if letters else "none"
    return ModelInfo(
        sample_rate_hz=int(model.sample_rate_hz),
        stride_samples=int(model.stride_samples),
        vocabulary=vocabulary,
        blank=int(model.blank),
        word_delimiter=delimiter,
        case=getattr(model, "case", case),
        digest=_digest(model, vocabulary, name),
        tokenizer=tokenizer,
    )


def _tokenizer(model: Any, name: str) -> str:
    path = getattr(model, "tokenizer_file", None)
    if path is None:
        given = getattr(model, "tokenizer", "")
        return given if isinstance(given, str) else ""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--model {name}: its tokenizer_file {path} cannot be read: {error}") from error


def _digest(model: Any, vocabulary: tuple[str, ...], name: str) -> str:
    own = getattr(model, "digest", None)
    if isinstance(own, str) and own:
        return own
    if not hasattr(model, "state_dict"):
        raise UsageError(
            f"--model {name}: the model has neither a `digest` nor a `state_dict()`, so its results "
            "could not be told from another model's; give it a `digest` string"
        )
    hasher = hashlib.blake2b(_tokenizer(model, name).encode(), digest_size=16)
    hasher.update(repr((vocabulary, model.stride_samples, model.sample_rate_hz, model.blank)).encode())
    for key, tensor in sorted(model.state_dict().items()):
        hasher.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
        hasher.update(tensor.detach().cpu().contiguous().float().numpy().tobytes())
    return hasher.hexdigest()


def _probe(model: LoadedModel, name: str) -> None:
    info = model.info
    n_samples = _PROBE_SECONDS * info.sample_rate_hz
    noise_BN = 0.01 * np.random.default_rng(0).standard_normal((1, n_samples), np.float32)
    log_probs_BTC = model.log_probs(noise_BN)
    worst = float(np.abs(np.logaddexp.reduce(log_probs_BTC.astype(np.float64), axis=2)).max())
    if not worst < 0.05:
        raise UsageError(
            f"--model {name}: outputs must be natural log-probabilities that sum to one in each frame; "
            f"log-sum-exp is off by {worst:.3f}"
        )
