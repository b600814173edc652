"""Recordings whose text gave no utterance, or hardly any, each with the likeliest reason, told from its ledgers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prep_corpus.align.recognition.sources import KEPT_RECOGNISED
from prep_corpus.pipeline.storage.stage_store import Store

_MOST = 0.5
"""A share from which on something is told of the whole."""
_SILENT = 0.95

_ANOTHERS = 0.98
"""Of another's text such a share is not said; what is kept of it are phrases that many texts have."""
_ANOTHERS_TEXT = "what is said is not its text: the wrong text, another language, or the wrong track?"


def why_nothing(outcome: Mapping[str, Any]) -> str | None:
    """The likeliest reason why a recording gave no utterance, or but a phrase of its text; None where it gave more.

    What the model reads beside a text is none of the text's utterances, and speech that the text lacks.

    Args:
        outcome: its ledgers as JSON: "samples", "characters" and "counts".
    """
    samples, characters = outcome["samples"], outcome["characters"]
    text = characters.get("read", 0) - characters.get("stripped", 0)
    decoded = max(samples.get("decoded", 0), 1)
    without_text = samples.get("untranscribed", 0) + samples.get(KEPT_RECOGNISED, 0)
    of_text, read = _utterances(outcome)
    if of_text:
        is_anothers = characters.get("unspoken", 0) > _ANOTHERS * text and without_text > _MOST * decoded
        return _ANOTHERS_TEXT if is_anothers else None
    untold = "utterances recognised" in outcome["counts"] and not characters.get("read", 0)
    if untold and read:
        return None
    refused = next((key for key in characters if key.startswith("rejected:transcript-")), None)
    if refused is not None:
        return (
            None
            if read
            else (
                f"its transcript was refused ({refused.partition(':')[2]}), and what the model hears in it is not sure "
                "enough for --max-wer"
            )
        )
    if text <= 0 and not untold:
        return "its transcript has no words"
    if characters.get("unsayable", 0) > _MOST * text:
        return "most of its text is in characters that the model cannot say: another language or script?"
    if samples.get("pause", 0) > _SILENT * decoded:
        return "hardly anything is said in it: a silent channel, or the wrong track?"
    if untold:
        return "it has no transcript, and what the model hears in it is not sure enough for --max-wer"
    unspoken = characters.get("unspoken", 0) > _MOST * text
    untranscribed = without_text > _MOST * decoded
    if unspoken and untranscribed:
        return _ANOTHERS_TEXT
    if unspoken:
        return "most of its text is not said: the wrong text, or that of a longer recording?"
    if untranscribed:
        return "most of what is said has no text: the wrong text, or too little of it?"
    dropped = {key: count for key, count in samples.items() if key.startswith("dropped:") and count}
    if dropped:
        reason = max(sorted(dropped), key=lambda key: dropped[key]).removeprefix("dropped:")
        return f"all its segments were dropped, most of them as {reason}: words that are not said, or noise?"
    return None if read else "nothing in it is long enough to keep"


def _utterances(outcome: Mapping[str, Any]) -> tuple[int, int]:
    """How many of a recording's utterances have its text, and how many have what the model reads."""
    read = outcome["counts"].get("utterances recognised", 0)
    return outcome["counts"].get("utterances", 0) - read, read


def gave_nothing(store: Store, segments: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(recording id, what it gave and the likeliest reason) of the recordings with no utterance, or hardly any.

    Args:
        store: stage files of a run.
        segments: digests of its segment files.
    """
    for digest in segments:
        stage = store.find("segment", "", digest)
        if stage is None:
            # Kept for this run alone, since it holds internal errors.
            continue
        for recording_id, outcome in store.read(stage, columns=[]).notes.get("recordings", {}).items():
            reason = why_nothing(outcome)
            if reason is not None:
                of_text, read = _utterances(outcome)
                what = f"{'hardly an' if of_text else 'no'} utterance{' of its text' if read else ''}"
                yield recording_id, f"{what}: {reason}"
