"""The labels file: JSON lines, one header that binds it to its run, then one row per utterance."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.labels.heard_labels import JudgedUtterance

KIND = "prep-corpus labels"
VERSION = 1


@dataclass(frozen=True, kw_only=True)
class LabelSet:
    """Labelled utterances of one run.

    Attributes:
        run: path or URI of the run folder when it was labelled.
        model_digest, config_digest: of the run.
        cut: how the run was cut, "words" or "paper".
        good_wer: what the good part was to stay below.
        threshold: utterances of at most this word error rate are good.
        utterances: the labelled ones.
    """

    run: str
    model_digest: str
    config_digest: str
    cut: str
    good_wer: float
    threshold: float
    utterances: tuple[JudgedUtterance, ...]


def write_labels(labels: LabelSet) -> str:
    """The content of a labels file."""
    header = {"kind": KIND, "version": VERSION, **asdict(labels)}
    header["utterances"] = len(labels.utterances)
    lines = [header, *(_row(one, labels.threshold) for one in labels.utterances)]
    return "".join(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in lines)


def _row(one: JudgedUtterance, threshold: float) -> dict[str, Any]:
    marks = one.words
    return {
        "id": one.id,
        "recording_id": one.recording_id,
        "speaker": one.speaker,
        "start_sample": one.start_sample,
        "end_sample": one.end_sample,
        "kept": one.kept,
        "weight": one.weight,
        "text": list(one.text),
        "heard": None if one.heard is None else list(one.heard),
        "listeners": one.listeners,
        # What follows from the above, for people and other programs.
        "edits": one.edits,
        "wer": round(one.wer, 6),
        "good": one.wer <= threshold,
        "marks": None if marks is None else list(marks.marks),
        "missing": None if marks is None else list(marks.missing),
    }


def parse_labels(content: str, name: str) -> LabelSet:
    """The labels of one file.

    Args:
        content: content of the file.
        name: its path, for messages.

    Raises:
        UsageError: it is not such a file, or cut short.
    """
    try:
        header, *rows = [json.loads(line) for line in content.splitlines() if line.strip()]
    except (json.JSONDecodeError, ValueError) as error:
        raise UsageError(
            f"{name}: labels must be the JSON lines that `prep-corpus label` writes ({error})"
        ) from error
    if not isinstance(header, dict) or (header.get("kind"), header.get("version")) != (KIND, VERSION):
        raise UsageError(
            f"{name}: a labels file must begin with kind {KIND!r}, version {VERSION}; make it with `prep-corpus label`"
        )
    if header["utterances"] != len(rows):
        raise UsageError(f"{name}: {header['utterances']} labels were written, and {len(rows)} are found")
    try:
        utterances = tuple(_utterance(row) for row in rows)
        return LabelSet(
            run=header["run"],
            model_digest=header["model_digest"],
            config_digest=header["config_digest"],
            cut=header["cut"],
            good_wer=float(header["good_wer"]),
            threshold=float(header["threshold"]),
            utterances=utterances,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{name}: a field is missing or wrong ({error!r})") from error


def _utterance(row: dict[str, Any]) -> JudgedUtterance:
    return JudgedUtterance(
        id=row["id"],
        recording_id=row["recording_id"],
        speaker=row["speaker"],
        start_sample=int(row["start_sample"]),
        end_sample=int(row["end_sample"]),
        kept=bool(row["kept"]),
        weight=float(row["weight"]),
        text=tuple(row["text"]),
        heard=None if row["heard"] is None else tuple(row["heard"]),
        listeners=int(row["listeners"]),
    )


def joined(sets: Sequence[LabelSet], names: Sequence[str]) -> LabelSet:
    """Several label files of one run as one.

    Args:
        sets: at least one.
        names: their paths, for messages.

    Raises:
        UsageError: they are of different runs, or label an utterance twice.
    """
    first = sets[0]
    for one, name in zip(sets, names):
        if (one.model_digest, one.config_digest) != (first.model_digest, first.config_digest):
            raise UsageError(
                f"labels that are fitted together must be of one run: {names[0]} is of {first.run} (config "
                f"{first.config_digest}), {name} of {one.run} (config {one.config_digest})"
            )
    utterances = [utterance for one in sets for utterance in one.utterances]
    seen: set[str] = set()
    for utterance in utterances:
        if utterance.id in seen:
            raise UsageError(
                f"an utterance must be labelled once: {utterance.id} is in two of {', '.join(names)}; give all "
                "transcripts to one `prep-corpus label`"
            )
        seen.add(utterance.id)
    return LabelSet(
        run=first.run,
        model_digest=first.model_digest,
        config_digest=first.config_digest,
        cut=first.cut,
        good_wer=first.good_wer,
        threshold=max(one.threshold for one in sets),
        utterances=tuple(utterances),
    )
