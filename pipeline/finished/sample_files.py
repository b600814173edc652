"""Files of a sample for people to listen to: what was drawn, and what was heard."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.labels.heard import Heard, parse_transcripts
from prep_corpus.pipeline.storage import files

FACTS_NAME = "sample.json"
ROWS_NAME = "sample.jsonl"
"""Facts of a sample's folder, and the listing of what was drawn."""
SAMPLE_FORMAT = "prep-corpus sample 1"


def check_free(folder: Path, digest: str | None = None, *, force: bool) -> None:
    """See that a sample may be written to a folder.

    Args:
        folder: where it goes.
        digest: digest of the sample; the same one may be written again. None where it is not known yet.
        force: write in any case.

    Raises:
        UsageError: the folder holds something else, or another sample.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out must be a folder, and {folder} is a file")
    if force or not folder.is_dir() or not any(folder.iterdir()):
        return
    facts = _facts(folder)
    if facts is None:
        raise UsageError(
            f"{folder} is not empty and holds no sample of prep-corpus; choose another --out, or --force"
        )
    if digest is not None and facts["digest"] != digest:
        raise UsageError(
            f"{folder} holds another sample ({facts['digest'][:8]}, this one is {digest[:8]}), and what people type on "
            "its page belongs to it; choose another --out, or replace it with --force"
        )


def _facts(folder: Path) -> dict[str, Any] | None:
    """The content of sample.json, or None where the folder holds no sample."""
    try:
        facts = json.loads((folder / FACTS_NAME).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return facts if isinstance(facts, dict) and facts.get("format") == SAMPLE_FORMAT else None


def read_heard(uris: Sequence[str]) -> list[Heard]:
    """The transcripts of several files.

    Raises:
        UsageError: a file is not there or is none of the forms, or there is no transcript in any.
    """
    found = []
    for uri in uris:
        try:
            content = files.read_bytes(uri).decode("utf-8")
        except OSError as error:
            raise UsageError(f"{uri}: the transcripts cannot be read ({error})") from error
        except UnicodeDecodeError as error:
            raise UsageError(
                f"{uri}: transcripts must be UTF-8 text, and byte {error.start} is not"
            ) from error
        found += parse_transcripts(content, uri)
    if not found:
        raise UsageError(f"{' '.join(uris)}: there must be transcripts, and none is there")
    return found


def read_weights(uri: str, answered: Collection[str]) -> dict[str, float]:
    """How many utterances of the run each answered one stands for.

    Args:
        uri: the folder that `prep-corpus sample` wrote, or its sample.jsonl.
        answered: ids of the utterances with a transcript: they stand for all that were drawn in their stratum.

    Raises:
        UsageError: there is no such listing.
    """
    listing = uri if uri.endswith(".jsonl") else files.join(uri, ROWS_NAME)
    try:
        rows = [json.loads(line) for line in files.read_bytes(listing).decode("utf-8").splitlines() if line]
        drawn = [(row["id"], str(row.get("stratum", "")), float(row["weight"])) for row in rows]
    except FileNotFoundError as error:
        raise UsageError(f"{uri}: a sample must have a {ROWS_NAME}, and there is none") from error
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{listing}: this is not the listing of a sample ({error!r})") from error
    whole: dict[str, float] = {}
    heard: dict[str, float] = {}
    for id_, stratum, weight in drawn:
        whole[stratum] = whole.get(stratum, 0.0) + weight
        heard[stratum] = heard.get(stratum, 0.0) + weight * (id_ in answered)
    return {
        id_: weight * whole[stratum] / heard[stratum] for id_, stratum, weight in drawn if id_ in answered
    }
