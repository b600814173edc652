"""The report of a run: one page that opens from the disk, and beside it the tables of which it shows a part.

RUN/report.html
RUN/report/segments.parquet      every segment, kept and dropped, with what the page says of it
RUN/report/recordings.parquet    every recording: seconds and characters by where they went
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import asdict, replace
from itertools import islice
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.inputs.lines import read_lines
from prep_corpus.pipeline.outcome import RunOutcome, read_outcome
from prep_corpus.pipeline.report.bundles import BundleFacts, read_facts, segments_ref, used_segments
from prep_corpus.pipeline.report.examples import ExampleMaker
from prep_corpus.pipeline.report.gather import Gathered, Gatherer
from prep_corpus.pipeline.report.model import Letter, RecordingRow, Report, ReportOptions
from prep_corpus.pipeline.report.page import drawing_digest, page
from prep_corpus.pipeline.report.rows import Lowest, chance
from prep_corpus.pipeline.run_files import (
    CHECKS_NAME,
    DEAD_LETTERS_NAME,
    MANIFEST_NAME,
    OUTCOME_NAME,
    RECORDINGS_NAME,
    REPORT_PAGE_NAME,
    SEGMENTS_NAME,
    USED_NAME,
)
from prep_corpus.pipeline.shards.manifest import parse_manifest
from prep_corpus.pipeline.stages.transcript_checks import TranscriptCheck, read_checks
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.digests import digest_of
from prep_corpus.pipeline.storage.documents import told_as_damage
from prep_corpus.pipeline.storage.stage_store import Store

VERSION = 4
_HEAD_BYTES = 4096


_RECORDINGS_SCHEMA = pa.schema(
    [
        ("recording_id", pa.string()),
        ("speaker", pa.string()),
        ("seconds", pa.float64()),
        ("share_kept", pa.float64()),
        ("utterances", pa.int64()),
        ("segments", pa.int64()),
        ("seconds_by_entry", pa.map_(pa.string(), pa.float64())),
        ("characters_by_entry", pa.map_(pa.string(), pa.int64())),
    ]
)
_DERIVED = ("snr_db", "weakest_word")
_NO_NEWS: Callable[[str], None] = lambda _: None  # noqa: E731


def write_report(options: ReportOptions, say: Callable[[str], None] = _NO_NEWS) -> str:
    """Gather and write the report of the run in a folder; returns where the page is.

    Args:
        options: the run, and how much to show.
        say: told what is being done.

    Raises:
        UsageError: the folder holds no run that has ended, or its stage files are gone.
    """
    report = gather_report(options, say)
    uri = files.join(options.folder, REPORT_PAGE_NAME)
    data = page(report).encode()
    files.write_atomic(uri, lambda file: file.write(data), replace=True)
    return uri


def is_current(options: ReportOptions) -> bool:
    """Whether the page in the folder shows the run as it stands, so that it need not be made again."""
    uri = files.join(options.folder, REPORT_PAGE_NAME)
    if not files.exists(uri):
        return False
    with files.open_binary(uri) as file:
        return f'content="{identity(options)}"'.encode() in file.read(_HEAD_BYTES)


def identity(options: ReportOptions) -> str:
    """A digest of all that a report is made of: the run's results, its settings, and what draws the page."""
    names = (OUTCOME_NAME, USED_NAME, DEAD_LETTERS_NAME, CHECKS_NAME)
    uris = [files.join(options.folder, name) for name in names]
    contents = [files.read_bytes(uri).decode(errors="replace") if files.exists(uri) else None for uri in uris]
    fitted = None if options.fitted is None else options.fitted.digest
    return digest_of(
        "report", VERSION, drawing_digest(), contents, options.settings, fitted, asdict(options.limits)
    )


def gather_report(options: ReportOptions, say: Callable[[str], None] = _NO_NEWS) -> Report:
    """Read a run, write its tables, and return what the page shows; see `write_report`."""
    folder = options.folder
    if not files.exists(files.join(folder, OUTCOME_NAME)):
        raise UsageError(f"a report needs a run that has ended: there is no {OUTCOME_NAME} in {folder}")
    outcome = read_outcome(folder)
    store = Store(files.join(folder, "work"))
    digests = used_segments(folder)
    hours = outcome.ledgers.get("samples", {}).get("decoded", 0) / max(outcome.sample_rate_hz, 1) / 3600
    limited = replace(options, limits=options.limits.for_audio(hours))
    gathered = _gather(store, digests, limited, say)
    maker = ExampleMaker(store, limited)
    say("cutting examples")
    examples = tuple(maker.make(gathered))
    fitted = options.fitted
    return Report(
        identity=identity(options),
        folder=folder.rstrip("/").rpartition("/")[2] or folder,
        published=outcome.published,
        entries=outcome.entries,
        failed=outcome.failed,
        sample_rate_hz=outcome.sample_rate_hz,
        k_frames=outcome.k_frames,
        ledgers=outcome.ledgers,
        settings=options.settings,
        created_by=_versions(folder, outcome),
        point=options.point,
        curve=() if fitted is None else fitted.level(options.cut).curve,
        fitted_on="" if fitted is None else fitted.fitted_on,
        histograms=gathered.histograms,
        segments=_listed(gathered, {example.segment_id for example in examples}, options.limits.segments),
        segments_total=gathered.segments_total,
        recordings=tuple(gathered.recordings),
        recordings_total=gathered.recordings_total,
        examples=examples,
        letters=_letters(folder, options.limits.letters),
        reasons=outcome.reasons,
        checks=_checks(folder, options.limits.recordings),
        notes=(*options.notes, *_partly_measured(options, len(digests)), *dict.fromkeys(maker.notes)),
    )


def _partly_measured(options: ReportOptions, bundles: int) -> tuple[str, ...]:
    limit = options.limits.measured_bundles
    if bundles <= limit:
        return ()
    return (f"Loudness and word evidence were read in {limit} of {bundles} bundles, drawn by chance.",)


def _gather(store: Store, digests: list[str], options: ReportOptions, say: Callable[[str], None]) -> Gathered:
    """One pass over the bundles, which also writes the tables."""
    gatherer = Gatherer(options)
    measured = set(sorted(digests, key=chance)[: options.limits.measured_bundles])
    with ExitStack() as stack:
        tables = (
            stack.enter_context(_Table(options.folder, SEGMENTS_NAME)),
            stack.enter_context(_Table(options.folder, RECORDINGS_NAME)),
        )
        for number, digest in enumerate(digests, start=1):
            facts = read_facts(
                store,
                segments_ref(store, digest),
                options.fitted,
                options.word_threshold,
                measured=digest in measured,
                reads=options.reads,
            )
            recordings = gatherer.add(facts)
            tables[0].write(_segments_table(facts))
            tables[1].write(_recordings_table(recordings))
            if number % 100 == 0:
                say(f"read {number} of {len(digests)} bundles")
    return gatherer.finish()


class _Table:
    """A Parquet file that appears whole when it is closed; none where nothing is written."""

    def __init__(self, folder: str, name: str) -> None:
        self._uri = files.join(folder, name)
        self._stack = ExitStack()
        self._writer: Any = None

    def __enter__(self) -> _Table:
        self._stack.__enter__()
        return self

    def write(self, table: pa.Table) -> None:
        if self._writer is None:
            file: BinaryIO = self._stack.enter_context(files.atomic_writer(self._uri))
            self._writer = self._stack.enter_context(pq.ParquetWriter(file, table.schema, compression="zstd"))
        self._writer.write_table(table)

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)


def _segments_table(facts: BundleFacts) -> pa.Table:
    table = facts.table.drop_columns(["clip_offset", "clip_bytes"]).replace_schema_metadata(None)
    for name, values_S in zip(_DERIVED, (facts.snr_S, facts.weakest_S)):
        table = table.append_column(name, pa.array(values_S, pa.float64(), from_pandas=True))
    return table


def _recordings_table(rows: Iterable[RecordingRow]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "recording_id": row.id,
                "speaker": row.speaker,
                "seconds": row.seconds,
                "share_kept": row.share_kept,
                "utterances": row.utterances,
                "segments": row.segments,
                "seconds_by_entry": list(row.parts.items()),
                "characters_by_entry": list(row.characters.items()),
            }
            for row in rows
        ],
        schema=_RECORDINGS_SCHEMA,
    )


def _listed(gathered: Gathered, shown: set[str], count: int) -> tuple[Any, ...]:
    """The rows of the list: all that have an example, and as many others as fit; in order of time."""
    candidates = [
        row for rows in (d.rows for d in gathered.drops) for listed in rows.values() for row in listed
    ]
    must = {row.id: row for row in (*gathered.worst, *gathered.borderline, *candidates)}
    must = {id_: row for id_, row in must.items() if id_ in shown or row.kept}
    for row in gathered.sample:
        if len(must) >= count:
            break
        must[row.id] = row
    return tuple(sorted(must.values(), key=lambda row: (row.recording_id, row.start)))


def _letters(folder: str, count: int) -> tuple[Letter, ...]:
    uri = files.join(folder, DEAD_LETTERS_NAME)
    if not files.exists(uri):
        return ()
    listed = []
    for line in islice(read_lines(uri), count):
        with told_as_damage(uri):
            letter = json.loads(line.data)
            listed.append(Letter(**{name: letter[name] for name in Letter.__dataclass_fields__}))
    return tuple(listed)


def _checks(folder: str, count: int) -> tuple[TranscriptCheck, ...]:
    """What there is to know of transcripts, the largest disagreements first."""
    lowest: Lowest[TranscriptCheck] = Lowest(count)
    for check in read_checks(folder):
        shift = 0.0 if check.cues is None else abs(check.cues.shift_seconds)
        lowest.add(-shift - 1e6 * check.disagrees, check)
    return tuple(lowest.sorted())


def _versions(folder: str, outcome: RunOutcome) -> dict[str, str]:
    if not outcome.published:
        return {}
    uri = files.join(folder, MANIFEST_NAME)
    return dict(parse_manifest(files.read_bytes(uri), name=uri).created_by)


def without_examples(options: ReportOptions) -> ReportOptions:
    """The same without audio."""
    return replace(options, limits=replace(options.limits, clips=0))
