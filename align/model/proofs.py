"""What is proven of a published model on its own outputs: stride, place of a frame, blank, delimiter.

Nothing is believed that the outputs do not show. Noise of two lengths tells the stride, clicks tell where a frame
stands, and the blank is the symbol that wins where nobody speaks. A model whose frames stand elsewhere, as those of
convolutions without padding do, is given its audio earlier or later (`placed`), so that frame t is centred in
[t * stride, (t + 1) * stride).

Legend: B rows, N samples, T frames, C symbols.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from string import ascii_lowercase

import torch
from torch import Tensor

from prep_corpus.align.errors import UsageError
from prep_corpus.align.text.folding import APOSTROPHES
from prep_corpus.align.text.spelling import is_special

DELIMITERS = ("|", " ", "\u2581", "<space>", "[SPACE]")
PROBE_SECONDS = (1.2, 3.6)
"""Their difference holds a whole number of frames of 20, 40, 60, 80, 100, 120 and 160 ms."""
FARTHEST_SECONDS = 0.25
"""A click may move the frame at its place, or one so far from it, most."""
_CLICKS_SECONDS = tuple(0.5 + 0.237 * number for number in range(7))
_CLICKED_SECONDS, _CLICK_SECONDS = 2.4, 0.005
_FLOOR, _CLICK = 0.02, 0.6
"""Deviation of the noise around the clicks, and what a click adds to it."""
_NO_DELIMITERS = ("", "<blank>", "<pad>", "<s>", "</s>", "<unk>", "<star>", "*", "-", "'")
"""What may stand beside the letters of a model without a delimiter: blank and specials by their usual names, a token
for any speech, and the apostrophe."""
_SPACELESS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")


@dataclass(frozen=True, kw_only=True)
class Proven:
    """What the outputs of a model show.

    Attributes:
        stride_samples: samples per frame.
        blank: index of the blank.
        lead_samples: how much later than its own place each frame stands; what `placed` takes.
    """

    stride_samples: int
    blank: int
    lead_samples: int


def prove(
    name: str,
    run: Callable[[Tensor], Tensor],
    *,
    sample_rate_hz: int,
    vocabulary: tuple[str, ...],
    delimiter: str | None,
    stated_blanks: Sequence[int],
) -> Proven:
    """Prove stride, place of a frame and blank of a model.

    Args:
        name: of the model, for messages.
        run: [B, N] float32 waveforms -> [B, T, C] log-probs.
        sample_rate_hz: rate of the waveforms.
        vocabulary: one symbol a column.
        delimiter: the symbol between words, or None.
        stated_blanks: indices of what its files call the blank, the surest first; may be empty.

    Raises:
        UsageError: one cannot be proven; the message says the rule and what was seen.
    """
    short_T, long_T = (_likeliest(run, _noise(seconds, sample_rate_hz)) for seconds in PROBE_SECONDS)
    stride_samples = _stride(name, sample_rate_hz, len(long_T) - len(short_T))
    unframed = max(0, round(PROBE_SECONDS[1] * sample_rate_hz) - len(long_T) * stride_samples)
    lead_samples = _lead(name, run, sample_rate_hz, stride_samples, unframed)
    silent_T = _likeliest(run, _noise(PROBE_SECONDS[0], sample_rate_hz, level=0.0))
    winners = {Counter(heard_T).most_common(1)[0][0] for heard_T in (long_T, silent_T)}
    return Proven(
        stride_samples=stride_samples,
        blank=_blank(name, vocabulary, delimiter, stated_blanks, winners),
        lead_samples=lead_samples,
    )


def placed(
    run: Callable[[Tensor], Tensor], lead_samples: int, stride_samples: int
) -> Callable[[Tensor], Tensor]:
    """The same model with every frame in its place: silence before and behind the audio, and frames left out.

    Args:
        run: [B, N] waveforms -> [B, T, C].
        lead_samples: how much later than in its place each frame stands; negative where it stands earlier.
        stride_samples: samples per frame.
    """
    if not lead_samples:
        return run
    left_out = -(min(lead_samples, 0) // stride_samples)
    before, behind = lead_samples + left_out * stride_samples, max(lead_samples, left_out * stride_samples)

    def moved(waveforms_BN: Tensor) -> Tensor:
        return run(torch.nn.functional.pad(waveforms_BN, (before, behind)))[:, left_out:]

    return moved


def delimiter_among(vocabulary: tuple[str, ...], stated: str | None = None) -> str | None:
    """The symbol between words: the one stated, else a usual one; None where the vocabulary has neither."""
    return next((symbol for symbol in (stated, *DELIMITERS) if symbol in vocabulary), None)


def letters_alone(vocabulary: tuple[str, ...]) -> bool:
    """Whether a vocabulary is the plain Latin letters and nothing that could part words.

    Checkpoints that align romanised texts are such: their words are those of the text.
    """
    said = [symbol.lower() for symbol in vocabulary if symbol.lower() not in _NO_DELIMITERS]
    return sorted(said) == list(ascii_lowercase)


def check_words(name: str, vocabulary: tuple[str, ...], delimiter: str | None, tokenizer: str) -> None:
    """See that words are parted: a language with spaces needs a delimiter, or pieces that begin a word.

    With `letters_alone` the text parts them, and `tokenizer` is set.

    Raises:
        UsageError: its letters are of such languages, and it has neither.
    """
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


def _noise(seconds: float, sample_rate_hz: int, level: float = 0.01) -> Tensor:
    return level * torch.randn(1, round(seconds * sample_rate_hz), generator=torch.Generator().manual_seed(0))


def _likeliest(run: Callable[[Tensor], Tensor], waveforms_1N: Tensor) -> list[int]:
    """The likeliest symbol of each frame."""
    with torch.inference_mode():
        heard: list[int] = run(waveforms_1N)[0].argmax(1).tolist()
    return heard


def _stride(name: str, sample_rate_hz: int, frames: int) -> int:
    samples = round((PROBE_SECONDS[1] - PROBE_SECONDS[0]) * sample_rate_hz)
    if frames <= 0 or samples % frames:
        raise UsageError(
            f"--model {name}: its frames must have one length, and {samples} samples more give {frames} frames more"
        )
    return samples // frames


def _lead(
    name: str,
    run: Callable[[Tensor], Tensor],
    sample_rate_hz: int,
    stride_samples: int,
    unframed_samples: int,
) -> int:
    """How many samples later than in their place frames stand; 0 where that is less than a frame.

    Clicks tell it where they agree to a frame, all but one of them. Of many trained models they do not, since a click
    is no speech: there, samples at the ends that get no frame lie on both sides, as convolutions without padding leave
    them.
    """
    offs_K = _offs(run, sample_rate_hz, stride_samples)
    off = median(offs_K)
    agreeing = sum(abs(one - off) <= stride_samples for one in offs_K)
    if agreeing < len(offs_K) - 1:
        off = unframed_samples / 2
    most = max(2 * stride_samples, round(FARTHEST_SECONDS * sample_rate_hz))
    if abs(off) > most:
        raise UsageError(
            f"--model {name}: a click must move the frame at its place most, and moves one "
            f"{off / sample_rate_hz:+.2f} s away; at most {most / sample_rate_hz:.2f} s can be made up for"
        )
    return round(off) if abs(off) >= stride_samples else 0


def _offs(run: Callable[[Tensor], Tensor], sample_rate_hz: int, stride_samples: int) -> list[float]:
    """Samples from the middle of the frame that a click moves most to the click, for several clicks.

    What every click moves, wherever it is, is left out: normalisation and attention spread some of it.
    """
    quiet_1N = _noise(_CLICKED_SECONDS, sample_rate_hz, level=_FLOOR)
    places_K = [round(seconds * sample_rate_hz) for seconds in _CLICKS_SECONDS]
    width = round(_CLICK_SECONDS * sample_rate_hz)
    rows_BN = quiet_1N.repeat(1 + len(places_K), 1)
    for row, place in enumerate(places_K, start=1):
        rows_BN[row, place : place + width] += _CLICK
    with torch.inference_mode():
        heard_BTC = run(rows_BN).cpu()
    moved_KT = (heard_BTC[1:] - heard_BTC[:1]).abs().sum(2)
    moved_KT = moved_KT - moved_KT.median(0).values
    return [
        place + width / 2 - (frame + 0.5) * stride_samples
        for place, frame in zip(places_K, moved_KT.argmax(1).tolist())
    ]


def _blank(
    name: str,
    vocabulary: tuple[str, ...],
    delimiter: str | None,
    stated: Sequence[int],
    winners: set[int],
) -> int:
    """The blank: what is stated, if that or the delimiter wins in noise or silence; else what does."""
    proven = [index for index in stated if index in winners]
    if proven:
        return proven[0]
    if len(set(stated)) == 1 and any(vocabulary[winner] == delimiter for winner in winners):
        return stated[0]
    silent = {winner for winner in winners if _is_silent(vocabulary[winner])}
    if len(winners) == 1 and silent:
        return silent.pop()
    shown = ", ".join(repr(vocabulary[index]) for index in sorted(winners))
    stated_symbols = ", ".join(repr(vocabulary[index]) for index in stated) or "none"
    raise UsageError(
        f"--model {name}: its blank must win where nobody speaks; stated is {stated_symbols}, and {shown} wins"
    )


def _is_silent(symbol: str) -> bool:
    """Whether a symbol could be a blank: a special one, or one without a letter or apostrophe."""
    said = (character.isalnum() or character in APOSTROPHES for character in symbol)
    return is_special(symbol) or not any(said)
