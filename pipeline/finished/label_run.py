"""Transcripts of people beside the utterances of a finished run, both as normalised words."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.columns import FULL_VOCABULARY
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.text.normalize import TextOptions, normalize
from prep_corpus.filters.labels.heard import Heard, latest, settled
from prep_corpus.filters.labels.heard_labels import JudgedUtterance
from prep_corpus.pipeline.finished.stored_run import FinishedRun, segment_rows, stored_bundles

_NAMED = 5
_COLUMNS = [
    "id",
    "recording_id",
    "speaker",
    "kept",
    "start_sample",
    "end_sample",
    "text_normalized",
]


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Utterances of a run with what people heard in them.

    Attributes:
        judged: one an utterance.
        versions: the words of each listener by name, for each utterance; None where it was unintelligible to them.
        passed_over: transcripts without a word that are not marked as unintelligible.
        unintelligible: utterances that at least half of their listeners could not make out.
    """

    judged: tuple[JudgedUtterance, ...]
    versions: Mapping[str, Mapping[str, tuple[str, ...] | None]]
    passed_over: int
    unintelligible: int


def pair(
    run: FinishedRun,
    heard: Sequence[Heard],
    weights: Mapping[str, float],
    *,
    skip_unintelligible: bool = False,
    skip_unknown: bool = False,
) -> Paired:
    """Put transcripts beside the utterances they are of.

    Args:
        run: a finished run.
        heard: transcripts of its utterances, kept or dropped.
        weights: the utterances' weights by id; all weigh the same where it is empty.
        skip_unintelligible: leave out what nobody could make out, instead of counting it as wrong.
        skip_unknown: leave out transcripts of utterances that the run does not have.

    Raises:
        UsageError: transcripts are of no utterance of the run; some have no weight; or there is none at all.
    """
    chosen = latest(heard)
    wanted = {one.id for one in chosen}
    rows = {row["id"]: row for row in segment_rows(run, _COLUMNS) if row["id"] in wanted}
    unknown = sorted(wanted - rows.keys())
    if unknown and not skip_unknown:
        raise UsageError(
            f"a transcript must be of an utterance of the run: {len(unknown)} of {len(wanted)} ids are not in "
            f"{run.folder} ({_few(unknown)}); was the run made anew after the sample, or is this another run? "
            "--skip-unknown leaves them out"
        )
    if not rows:
        raise UsageError(f"there must be transcripts to label, and of {len(heard)} given none can be used")
    unweighted = sorted(rows.keys() - weights.keys()) if weights else []
    if unweighted:
        raise UsageError(
            f"every utterance needs its weight: {len(unweighted)} of {len(rows)} are not in the sample's "
            f"listing ({_few(unweighted)}); name the folder of the right sample with --sample"
        )
    facts = _facts(run, {row["recording_id"] for row in rows.values()})
    by_id: dict[str, dict[str, tuple[str, ...] | None]] = {}
    for one in sorted(chosen, key=lambda one: (one.listener, one.source)):
        if one.id in rows:
            info, language = facts[rows[one.id]["recording_id"]]
            words = None if one.unintelligible else words_of(one.text, info, language, run.text_options)
            by_id.setdefault(one.id, {})[one.listener or one.source] = words
    judged = []
    unintelligible = 0
    for id_ in sorted(by_id):
        row, versions = rows[id_], by_id[id_]
        clear = [words for words in versions.values() if words is not None]
        is_unclear = 2 * len(clear) <= len(versions) and len(clear) < len(versions)
        unintelligible += is_unclear
        if is_unclear and skip_unintelligible:
            continue
        info, _ = facts[row["recording_id"]]
        judged.append(
            JudgedUtterance(
                id=id_,
                recording_id=row["recording_id"],
                speaker=row["speaker"],
                start_sample=row["start_sample"],
                end_sample=row["end_sample"],
                kept=row["kept"],
                weight=weights.get(id_, 1.0),
                text=split_words(row["text_normalized"], info),
                heard=None if is_unclear else clear[settled(clear)],
                listeners=len(versions),
            )
        )
    return Paired(
        judged=tuple(judged),
        versions=by_id,
        passed_over=sum(one.is_empty for one in heard),
        unintelligible=unintelligible,
    )


def words_of(text: str, info: ModelInfo, language: str, options: TextOptions) -> tuple[str, ...]:
    """A person's transcript as the pipeline would have normalised it."""
    alphabet = info.alphabet
    if len(info.vocabulary) > FULL_VOCABULARY:
        # The emissions hold a bundle's own symbols alone; what a person writes may have others.
        alphabet |= {symbol for symbol in text if unicodedata.category(symbol) == "Lo"}
    normalized = normalize(
        text,
        alphabet=alphabet,
        language=language,
        has_spaces=info.has_spaces,
        options=options,
    )
    return split_words(normalized.text, info)


def split_words(text: str, info: ModelInfo) -> tuple[str, ...]:
    return tuple(text.split() if info.has_spaces else text)


def _facts(run: FinishedRun, recording_ids: set[str]) -> dict[str, tuple[ModelInfo, str]]:
    """The model and the language of each recording."""
    found: dict[str, tuple[ModelInfo, str]] = {}
    for bundle in stored_bundles(run):
        here = [one.recording for one in bundle.recordings if one.recording.id in recording_ids]
        if here:
            info = bundle.model()
            found.update({recording.id: (info, recording.language) for recording in here})
    return found


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
