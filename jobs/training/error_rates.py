"""Error rates of greedy decoding on prepared held-out speech.

Legend: M mel frames, F mel bands, T frames, C symbols.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein

from prep_corpus.align.model.network import Network
from prep_corpus.jobs.training.material import ExampleSet, Prepared, greedy_text


@dataclass(frozen=True, kw_only=True)
class ErrorRate:
    """Errors over a set of examples with known text.

    Attributes:
        name: name of the set.
        examples: examples with a text.
        seconds: seconds of their audio.
        characters: character edits over characters said.
        words: word edits over words said.
    """

    name: str
    examples: int
    seconds: float
    characters: float
    words: float


def recognise(network: Network, example: Prepared, device: str = "cpu") -> str:
    """Greedy decoding of one example by a network in evaluation mode."""
    stride = network.config.mel_frames_per_frame
    kept = len(example.energies_MF) // stride * stride
    energies_BMF = torch.from_numpy(example.energies_MF[:kept].astype(np.float32))[None].to(device)
    with torch.inference_mode():
        logits_TC = network.from_energies(energies_BMF)[0].float().cpu().numpy()
    return greedy_text(logits_TC, network.vocabulary, network.blank)


def error_rate(
    network: Network, source: ExampleSet, examples: int | None = None, *, device: str = "cpu"
) -> ErrorRate:
    """Error rate of `network` on a set, or on `examples` of it spread over the set."""
    known = [example for example in source.examples if example.text]
    if examples is not None and len(known) > examples:
        known = [known[int(i)] for i in np.linspace(0, len(known) - 1, examples)]
    was_training = network.training
    network.eval()
    edits = characters = word_edits = words = 0
    for example in known:
        text, heard = example.text or "", " ".join(recognise(network, example, device).split())
        edits += Levenshtein.distance(text, heard)
        characters += len(text)
        word_edits += Levenshtein.distance(text.split(), heard.split())
        words += len(text.split())
    network.train(was_training)
    return ErrorRate(
        name=source.name,
        examples=len(known),
        seconds=sum(len(example.energies_MF) for example in known) / 100,
        characters=edits / max(characters, 1),
        words=word_edits / max(words, 1),
    )
