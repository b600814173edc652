"""Error rates of any model with greedy decoding, on manifests of short recordings.

Legend: N samples, T frames, C symbols.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np
from rapidfuzz.distance import Levenshtein

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.models import LoadedModel
from prep_corpus.align.text.normalize import alphabet_of, normalize
from prep_corpus.jobs.training.english import ENGLISH_SETS
from prep_corpus.jobs.training.error_rates import ErrorRate
from prep_corpus.jobs.training.manifest_rows import ManifestRow
from prep_corpus.jobs.training.material import greedy_text
from prep_corpus.jobs.training.prepare import manifest_speech


def evaluate(
    model: LoadedModel, manifest: str, *, only_held_out: bool = False, examples: int | None = None
) -> ErrorRate:
    """Error rate of a model on the recordings of a manifest whose text it can say.

    Args:
        model: model to be measured.
        manifest: JSON lines; the name of its folder names the set.
        only_held_out: leave out what the bundled English model learnt from.
        examples: at most so many, spread over the set.

    Raises:
        UsageError: `only_held_out` for a folder that is no set of the English model, or nothing is left.
    """
    info, name = model.info, PurePosixPath(manifest.replace("\\", "/")).parent.name
    alphabet = alphabet_of(info.vocabulary, blank=info.blank, word_delimiter=info.word_delimiter)
    wanted = _held_out_rule(name) if only_held_out else lambda row: True
    known = []
    for speech in manifest_speech(manifest, info.sample_rate_hz, wanted):
        normalized = normalize(speech.text or "", alphabet=alphabet)
        if normalized.text and not normalized.unsayable:
            known.append((normalized.text, speech))
    if not known:
        raise UsageError(f"{manifest}: no recording with a text that the model can say is left to measure on")
    if examples is not None and len(known) > examples:
        known = [known[int(i)] for i in np.linspace(0, len(known) - 1, examples)]
    edits = characters = word_edits = words = samples = 0
    for text, speech in known:
        samples_N = speech.samples()
        [log_probs_TC] = model.log_probs(samples_N[None])
        heard = greedy_text(log_probs_TC, info.vocabulary, info.blank)
        heard = " ".join(heard.replace(info.word_delimiter or " ", " ").split())
        edits += Levenshtein.distance(text, heard)
        characters += len(text)
        word_edits += Levenshtein.distance(text.split(), heard.split())
        words += len(text.split())
        samples += len(samples_N)
    return ErrorRate(
        name=name,
        examples=len(known),
        seconds=samples / info.sample_rate_hz,
        characters=edits / max(characters, 1),
        words=word_edits / max(words, 1),
    )


def _held_out_rule(name: str):  # type: ignore[no-untyped-def]
    for speech_set in ENGLISH_SETS:
        if speech_set.name == name and speech_set.held_out:

            def rule(row: ManifestRow, speech_set=speech_set) -> bool:  # type: ignore[no-untyped-def]
                return bool(speech_set.holds_out(row))

            return rule
    names = ", ".join(s.name for s in ENGLISH_SETS if s.held_out)
    raise UsageError(f"the training of the English model held out parts of {names}; {name!r} is none of them")


def table(rates: list[ErrorRate]) -> str:
    """Rates as lines of a table."""
    lines = [f"{'set':34} {'examples':>8} {'minutes':>8} {'CER':>7} {'WER':>7}"]
    lines += [
        f"{r.name:34} {r.examples:8d} {r.seconds / 60:8.1f} {r.characters:7.1%} {r.words:7.1%}" for r in rates
    ]
    return "\n".join(lines)
