"""What people heard: their transcripts of sampled utterances, from the listening page or from a simple table.

JSON lines   {"id", "text"} and, from the page, "unintelligible", "listener", "saved_at"
CSV, TSV     the same names as columns; without a header line: id, text
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz.distance import Levenshtein

from prep_corpus.align.errors import UsageError

_COLUMNS = ("id", "text", "unintelligible", "listener", "saved_at")
_TRUE = frozenset({"1", "true", "yes", "y"})


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One person's transcript of one utterance.

    Attributes:
        id: id of the utterance.
        text: the text that the listener typed; "" where nothing was typed.
        unintelligible: the person could not make it out.
        listener: who; "" where the file names nobody.
        saved_at: when, in any form that sorts; a later one replaces an earlier one.
        source: the file it stands in.
    """

    id: str
    text: str
    unintelligible: bool
    listener: str
    saved_at: str
    source: str

    @property
    def is_empty(self) -> bool:
        """Whether the person has not said anything of it: passed over, not heard as silence.

        The page saves what was finished alone: without a text that means that nobody speaks.
        """
        return not self.text.strip() and not self.unintelligible and not self.saved_at


def parse_transcripts(content: str, name: str) -> list[Heard]:
    """The transcripts of one file.

    Args:
        content: content of the file.
        name: its path: .csv and .tsv are tables, all else JSON lines.

    Raises:
        UsageError: a line is not a transcript; it names the line and what is missing.
    """
    suffix = name.rsplit(".", 1)[-1].lower()
    content = content.removeprefix("\ufeff")
    if suffix in ("csv", "tsv"):
        rows: Iterable[tuple[int, Any]] = _table_rows(content, "," if suffix == "csv" else "\t", name)
    else:
        rows = _json_rows(content, name)
    return [_heard(row, name, line) for line, row in rows]


def _json_rows(content: str, name: str) -> Iterable[tuple[int, Any]]:
    for number, line in enumerate(content.splitlines(), start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except json.JSONDecodeError as error:
                raise UsageError(
                    f"{name}, line {number}: transcripts must be JSON lines, .csv or .tsv, and this line is no "
                    f"JSON ({error.msg})"
                ) from error


def _table_rows(content: str, delimiter: str, name: str) -> Iterable[tuple[int, Any]]:
    lines = io.StringIO(content)
    if delimiter == ",":
        reader = csv.reader(lines)
    else:
        # In a table parted by tabs a quotation mark is a character like others.
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    rows = [(number, row) for number, row in enumerate(reader, start=1) if row]
    if not rows:
        return
    header = [cell.strip().lower() for cell in rows[0][1]]
    if "id" in header and "text" in header:
        rows = rows[1:]
    else:
        header = ["id", "text"]
    for number, row in rows:
        if len(row) != len(header):
            raise UsageError(
                f"{name}, line {number}: {len(header)} columns ({', '.join(header)}) are expected, not {len(row)}"
            )
        yield number, dict(zip(header, row))


def _heard(row: Any, name: str, line: int) -> Heard:
    if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not row["id"]:
        raise UsageError(f"{name}, line {line}: a transcript needs an id, the id of its utterance")
    fields = {key: row.get(key) for key in _COLUMNS}
    unclear = fields["unintelligible"]
    if isinstance(unclear, str):
        unclear = unclear.strip().lower() in _TRUE
    text = fields["text"]
    if text is None and not unclear:
        raise UsageError(f"{name}, line {line}: the transcript of {row['id']} needs a text")
    return Heard(
        id=row["id"],
        text=str(text or ""),
        unintelligible=bool(unclear),
        listener=str(fields["listener"] or ""),
        saved_at=str(fields["saved_at"] or ""),
        source=name,
    )


def latest(heard: Iterable[Heard]) -> list[Heard]:
    """One transcript for each utterance and listener, the one saved last; those passed over are left out.

    Where nobody is named, each file is a listener of its own.
    """
    found: dict[tuple[str, str], Heard] = {}
    for one in heard:
        if one.is_empty:
            continue
        key = (one.id, one.listener or one.source)
        if key not in found or found[key].saved_at <= one.saved_at:
            found[key] = one
    return list(found.values())


def settled(transcripts: Sequence[tuple[str, ...]]) -> int:
    """Which of several people's transcripts of one utterance is taken as its truth.

    The one nearest to the others by word edits; the first of equals, so that nothing depends on the text that
    is judged.

    Args:
        transcripts: normalised words, in an order that does not depend on the pipeline's text.
    """
    totals = [
        sum(Levenshtein.distance(list(one), list(other)) for other in transcripts) for one in transcripts
    ]
    return totals.index(min(totals))
