"""How a run ended: what its last stage leaves, and every command may read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.run_files import LANGUAGES_NAME, OUTCOME_NAME
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.documents import read_document, told_as_damage


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """How a run ended.

    Attributes:
        published: whether manifest.json was written.
        entries: manifest entries, good and bad.
        failed: dead letters.
        internal_errors: the number of failures that are defects of this program.
        reasons: dead letters by reason.
        k_frames: the shortest pause that was cut at.
        sample_rate_hz: the rate of the samples in the ledgers.
        ledgers: the whole corpus's ledgers, as JSON.
        shards: files by format.
        utterances, noisy: kept utterances, and those with noise.
        lost: published recordings that it would have dropped, for which it was not published.
    """

    published: bool
    entries: int
    failed: int
    internal_errors: int
    reasons: Mapping[str, int]
    k_frames: int
    sample_rate_hz: int
    ledgers: Mapping[str, Mapping[str, int]]
    shards: Mapping[str, int]
    utterances: int
    noisy: int
    lost: int = 0


def read_outcome(out: str) -> RunOutcome:
    """How the run in a folder ended.

    Raises:
        UsageError: its file is damaged.
    """
    uri = files.join(out, OUTCOME_NAME)
    with told_as_damage(uri):
        return RunOutcome(**read_document(uri))


def refuse_run_by_language(folder: str) -> None:
    """Name the folders of a run by language.

    Raises:
        UsageError: the folder holds such a run.
    """
    uri = files.join(folder, LANGUAGES_NAME)
    if not files.exists(uri):
        return
    with told_as_damage(uri):
        parts = [files.join(folder, str(part["folder"])) for part in json.loads(files.read_bytes(uri))]
    raise UsageError(
        f"{folder} holds a run by language, each part a run of its own: name {' or '.join(parts)}"
    )
