"""A data set that Hugging Face's `datasets` wrote, read by pyarrow alone: Arrow files of `save_to_disk`, or Parquet.

Audio stays where it is: a recording's is a part of a table (`storage/parts.py`), or a file that the row names, inside
the folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from prep_corpus.align.errors import AudioMissing, EntryInvalid, UsageError
from prep_corpus.pipeline.inputs.forms import SAVED_STATE
from prep_corpus.pipeline.inputs.lines import LANGUAGE_KEYS, SPEAKER_KEYS, TEXT_KEYS, told
from prep_corpus.pipeline.inputs.tars import Found
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.parquet_files import open_parquet, read_group
from prep_corpus.pipeline.storage.parts import bytes_uri, value_uri

_ID_KEYS = ("id", "segment_id", "utterance_id")


def tables_of(folder: str, names: list[str]) -> list[str]:
    """The Arrow files that the states of a saved data set name, or all Parquet files; relative to the folder.

    Raises:
        UsageError: a state is damaged, leads out of its folder, or has a selection that is not written out.
    """
    states = [name for name in names if name.rpartition("/")[2] == SAVED_STATE]
    if not states:
        return sorted(name for name in names if name.endswith(".parquet"))
    found = []
    for name in sorted(states):
        uri = files.join(folder, *name.split("/"))
        try:
            state = json.loads(files.read_bytes(uri))
            listed = [str(one["filename"]) for one in state["_data_files"]]
            selected = state.get("_indices_files")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{uri}: it must be as `save_to_disk` writes it; {error!r}") from error
        if selected:
            raise UsageError(
                f"{uri}: a selection must be written out, and this data set is not; `flatten_indices()` does it"
            )
        for file in listed:
            if os.path.basename(file) != file or not file.endswith(".arrow"):
                raise UsageError(f"{uri}: a data file must be an .arrow file beside it, not {file!r}")
            found.append(f"{name[: -len(SAVED_STATE)]}{file}")
    return found


def dataset_entries(folder: str, tables: list[str], *, may_lack_text: bool = False) -> Iterator[Found]:
    """The rows of a data set as manifest entries.

    Args:
        folder: path or URI.
        tables: its Arrow or Parquet files, relative to it.
        may_lack_text: whether one without a column of texts is right.

    Raises:
        UsageError: the first has no column of audio, or none of text. Raised by the call itself.
    """
    found = _entries(folder, tables, may_lack_text)
    first = next(found, None)
    return found if first is None else _with_first(first, found)


def _with_first(first: Found, rest: Iterator[Found]) -> Iterator[Found]:
    yield first
    yield from rest


def _entries(folder: str, tables: list[str], may_lack_text: bool) -> Iterator[Found]:
    for table in tables:
        uri = files.join(folder, *table.split("/"))
        try:
            rows_of = _parquet_rows if uri.endswith(".parquet") else _arrow_rows
            yield from rows_of(uri, table, may_lack_text)
        except UsageError as error:
            if table == tables[0]:
                raise
            yield table, EntryInvalid(str(error))
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, MemoryError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            yield table, EntryInvalid(f"{uri}: a table of a data set must be whole; {error}")


def _parquet_rows(uri: str, table: str, may_lack_text: bool) -> Iterator[Found]:
    number = 0
    with files.open_binary(uri) as file:
        parquet = open_parquet(file)
        audio, columns = _columns(parquet.schema_arrow, uri, may_lack_text)
        for group in range(parquet.num_row_groups):
            read = read_group(parquet, group, [*columns, f"{audio}.path"])
            paths = [one and one["path"] for one in read.column(audio).to_pylist()]
            held = _holds_audio(parquet.metadata.row_group(group), audio)
            for row, values in enumerate(read.select(columns).to_pylist()):
                place = value_uri(uri, audio, group, row) if held else None
                yield _entry(f"{table}:{number}", values, table, number, place, paths[row])
                number += 1


def _holds_audio(group: Any, audio: str) -> bool:
    """Whether a row group of Parquet holds audio, not paths alone; where it does not tell, it does."""
    for at in range(group.num_columns):
        column = group.column(at)
        if column.path_in_schema == f"{audio}.bytes":
            known = column.is_stats_set and column.statistics.has_null_count
            return not known or bool(column.statistics.null_count < group.num_rows)
    return False


def _arrow_rows(uri: str, table: str, may_lack_text: bool) -> Iterator[Found]:
    """Rows of a file that is not compressed: each value of audio is a span of its bytes."""
    if not files.is_local(uri):
        raise UsageError(
            f"{uri}: Arrow files are read from a disk alone; copy them to one, or write them as Parquet"
        )
    number = 0
    with pa.memory_map(uri) as mapped:
        whole = mapped.read_buffer()
        batches = pa.ipc.open_stream(whole)
        audio, columns = _columns(batches.schema, uri, may_lack_text)
        for batch in batches:
            # Offsets of a damaged file lead anywhere.
            batch.validate(full=True)
            struct = batch.column(audio)
            paths = struct.field("path").to_pylist()
            spans = _spans(struct.field("bytes"), whole, uri)
            for row, values in enumerate(pa.Table.from_batches([batch]).select(columns).to_pylist()):
                span = spans[row]
                place = None if span is None else bytes_uri(uri, *span)
                yield _entry(f"{table}:{number}", values, table, number, place, paths[row])
                number += 1


def _spans(values: Any, whole: Any, uri: str) -> list[tuple[int, int] | None]:
    """Where in a file the values of a column of bytes stand; None for those that are null."""
    if not len(values):
        return []
    _, offsets, data = values.buffers()
    is_large = pa.types.is_large_binary(values.type)
    ends_V = np.frombuffer(offsets, np.int64 if is_large else np.int32)[values.offset :][: len(values) + 1]
    valid = values.is_valid().to_pylist()
    if data is None or not any(valid):
        return [None] * len(values)
    first = data.address - whole.address
    if not 0 <= first <= whole.size - data.size:
        raise UsageError(
            f"{uri}: an Arrow file of audio must not be compressed; write it as Parquet, which may be"
        )
    return [
        (first + int(ends_V[row]), first + int(ends_V[row + 1])) if valid[row] else None
        for row in range(len(values))
    ]


def _entry(
    name: str, values: Mapping[str, Any], table: str, number: int, place: str | None, path: str | None
) -> Found:
    """One row as an entry: its audio at a place in the table, or else in the file that it names."""
    fields = told(values)
    stem = os.path.splitext(table)[0]
    fields["id"] = next((str(values[key]) for key in _ID_KEYS if values.get(key)), f"{stem}/{number}")
    if place is not None:
        return name, {**fields, "audio_filepath": place}
    if not path:
        return name, AudioMissing(f"{name}: a row must hold audio or name its file, this one does neither")
    if not _is_inside(path):
        return name, EntryInvalid(
            f"{name}: the audio of a data set must be inside its folder, and {path[:200]!r} is not"
        )
    return name, {**fields, "audio_filepath": path}


def _columns(schema: pa.Schema, uri: str, may_lack_text: bool) -> tuple[str, list[str]]:
    """The column of audio, and those that say what is said, by whom and in which language.

    Raises:
        UsageError: one of them is missing.
    """
    names = schema.names
    audio = next((field.name for field in schema if _is_audio(field)), None)
    if audio is None or not (may_lack_text or set(names) & set(TEXT_KEYS)):
        raise UsageError(
            f"{uri}: a data set must have a column of audio (bytes and path) and one of text ({', '.join(TEXT_KEYS)}); "
            f"it has {', '.join(names[:20])}; in the library datasets `cast_column(NAME, Audio())` makes a column of "
            "audio, and `rename_column` one of text"
        )
    wanted = {*TEXT_KEYS, *SPEAKER_KEYS, *LANGUAGE_KEYS, *_ID_KEYS}
    return audio, [
        field.name for field in schema if field.name in wanted and not pa.types.is_nested(field.type)
    ]


def _is_audio(field: pa.Field) -> bool:
    kind = field.type
    return bool(
        pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0 and kind.get_field_index("path") >= 0
    )


def _is_inside(path: str) -> bool:
    """Whether a path of a row stays in the folder of its data set."""
    parts = path.replace("\\", "/").split("/")
    return not os.path.isabs(path) and "://" not in path and ".." not in parts and "#" not in path
