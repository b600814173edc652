"""One utterance as a training job reads it, and the columns that hold it in every format.

All sample counts are of the sequential decode, mixed to mono and resampled to the model's rate.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from functools import cache
from hashlib import blake2b
from typing import Any, Literal
from urllib.parse import quote

import pyarrow as pa

from prep_corpus.align.errors import UsageError

AudioFormat = Literal["flac", "wav", "opus"]
AUDIO_FORMATS: tuple[AudioFormat, ...] = ("flac", "wav", "opus")

# Tar and most file systems end a name at 255 bytes; the rest is for the extension.
LONGEST_NAME_BYTES = 200

FEATURE_COLUMNS = (
    "ctc_cost",
    "ctc_cost_per_frame",
    "ctc_cost_per_token",
    "frames_per_token",
    "words",
    "characters",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class WordTime:
    """When one word of an utterance is said.

    Attributes:
        text: the word as the transcript writes it.
        start: seconds from the beginning of the utterance.
        end: seconds likewise, not before the start.
        score: how well the audio agrees, 0 to 1.
        speaker: who says it, where that is known.
        source: whose the word is, "transcript" or "model"; None where the run repairs no transcript.
    """

    text: str
    start: float
    end: float
    score: float
    speaker: str | None = None
    source: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Utterance:
    """One kept utterance: the row of every output format.

    Attributes:
        id: recording id with the start and end sample, see `utterance_id`.
        audio: a whole encoded audio file (FLAC, WAV or Opus), mono.
        audio_path: a file name for `audio`: safe everywhere, with the extension that tells its format.
        text: what is said, as the transcript writes it; see `TEXT_STYLES` for its forms.
        text_normalized: the transcript in the model's alphabet, words joined by one space.
        duration: seconds; (end_sample - start_sample) / sample_rate_hz.
        start: seconds from the beginning of the recording, inclusive.
        end: seconds from the beginning of the recording, exclusive.
        start_sample: first sample in the recording.
        end_sample: first sample after the utterance (half-open).
        recording_id: the recording it was cut from.
        speaker: who speaks: as the transcript, an RTTM file or the manifest names them, if one does.
        language: the manifest's language.
        ctc_cost: nats; the CTC cost of `text_normalized` on this utterance's frames.
        ctc_cost_per_frame: nats per model frame.
        ctc_cost_per_token: nats per token.
        frames_per_token: model frames per token.
        words: number of words of `text_normalized`.
        characters: number of characters of `text_normalized`, spaces left out.
        score: log-odds of the utterance classifier; higher is better.
        noise: the mix plan and its report as JSON; null where no noise was added.
        snr_db: the signal-to-noise ratio of the mix; null where no noise was added.
        source_uri: the audio file that the recording was read from.
        model_digest: the acoustic model that aligned it.
        config_digest: the run's configuration.
        sample_rate_hz: rate of `audio` and of the sample positions.
        word_times: its words in order, where the run was asked for them.
        text_source: whose the text is, "transcript", "repaired" or "model"; None where the run keeps none of the
            model's.
        text_original: what the transcript has in the place of a repaired text; None of any other.
    """

    id: str
    audio: bytes
    audio_path: str
    text: str
    text_normalized: str
    duration: float
    start: float
    end: float
    start_sample: int
    end_sample: int
    recording_id: str
    speaker: str | None
    language: str
    ctc_cost: float
    ctc_cost_per_frame: float
    ctc_cost_per_token: float
    frames_per_token: float
    words: int
    characters: int
    score: float
    noise: str | None
    snr_db: float | None
    source_uri: str
    model_digest: str
    config_digest: str
    sample_rate_hz: int
    word_times: tuple[WordTime, ...] | None = None
    text_source: str | None = None
    text_original: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.start_sample < self.end_sample:
            raise UsageError(
                f"an utterance must start before it ends: [{self.start_sample}, {self.end_sample}) in {self.id!r}"
            )
        if not self.audio:
            raise UsageError(f"an utterance must hold encoded audio: 0 bytes in {self.id!r}")
        if (self.noise is None) != (self.snr_db is None):
            raise UsageError(
                f"noise and snr_db must be given together: {self.noise!r}, {self.snr_db!r} in {self.id!r}"
            )

    @property
    def samples(self) -> int:
        """Length in samples."""
        return self.end_sample - self.start_sample

    @property
    def key(self) -> str:
        """The name of its files inside an archive, without an extension."""
        return self.audio_path.rpartition(".")[0]


def utterance_id(recording_id: str, start_sample: int, end_sample: int) -> str:
    """The id of the utterance [start_sample, end_sample) of a recording."""
    return f"{recording_id}-{start_sample:09d}-{end_sample:09d}"


def safe_name(identifier: str) -> str:
    """A file name for an id: letters, digits, `_` and `-`; all else percent-encoded, dots too.

    WebDataset ends a key at its first dot and makes folders of slashes. Different ids give different names; a
    name over 200 bytes is cut and ends in a digest of the id.
    """
    name = quote(identifier, safe="").replace(".", "%2E").replace("~", "%7E")
    if len(name) <= LONGEST_NAME_BYTES:
        return name
    digest = blake2b(identifier.encode(), digest_size=16).hexdigest()
    return f"{name[: LONGEST_NAME_BYTES - len(digest) - 1]}-{digest}"


def audio_path(identifier: str, audio_format: AudioFormat = "flac") -> str:
    """The name that an utterance's audio has inside a shard."""
    return f"{safe_name(identifier)}.{audio_format}"


_INTEGER_COLUMNS = frozenset({"start_sample", "end_sample", "words", "characters", "sample_rate_hz"})
_FLOAT_COLUMNS = frozenset({"duration", "start", "end", "score", "snr_db", *FEATURE_COLUMNS[:4]})
NULLABLE_COLUMNS = frozenset({"speaker", "noise", "snr_db"})
# Columns that repeat from row to row; the others hardly ever do.
REPEATING_COLUMNS = ("recording_id", "speaker", "language", "source_uri", "model_digest", "config_digest")

WORD_TIMES = "word_times"
"""The column that a run has only where it is asked for; `words` is the number of them."""

TEXT_SOURCE = "text_source"
"""The column that a run has only where it keeps what the model reads; see `Utterance.text_source`."""

TEXT_ORIGINAL = "text_original"
"""The column that a run has only where it repairs transcripts; then its words have a source too."""

_NOT_ALWAYS = ("audio", "audio_path", WORD_TIMES, TEXT_SOURCE, TEXT_ORIGINAL)
FIELD_NAMES = tuple(field.name for field in fields(Utterance) if field.name not in _NOT_ALWAYS)


def column_kind(name: str) -> Literal["string", "int64", "float64"]:
    """The value type of a column other than `audio`."""
    if name in _INTEGER_COLUMNS:
        return "int64"
    return "float64" if name in _FLOAT_COLUMNS else "string"


@cache
def arrow_schema(
    *, word_times: bool = False, text_source: bool = False, text_original: bool = False
) -> pa.Schema:
    """The Parquet schema, with the metadata by which Hugging Face datasets decodes `audio` without code.

    Args:
        word_times, text_source, text_original: with the column of that name.
    """
    arrow_types = {"string": pa.string(), "int64": pa.int64(), "float64": pa.float64()}
    columns = [pa.field("id", pa.string(), nullable=False)]
    columns.append(pa.field("audio", pa.struct([("bytes", pa.binary()), ("path", pa.string())])))
    features: dict[str, Any] = {
        "id": {"dtype": "string", "_type": "Value"},
        "audio": {"_type": "Audio"},
    }
    for name in FIELD_NAMES[1:]:
        kind = column_kind(name)
        columns.append(pa.field(name, arrow_types[kind], nullable=name in NULLABLE_COLUMNS))
        features[name] = {"dtype": kind, "_type": "Value"}
    if word_times:
        kinds = {
            "text": "string",
            "start": "float64",
            "end": "float64",
            "score": "float64",
            "speaker": "string",
            **({"source": "string"} if text_original else {}),
        }
        word = pa.struct([(name, arrow_types[kind]) for name, kind in kinds.items()])
        columns.append(pa.field(WORD_TIMES, pa.list_(pa.field("element", word))))
        features[WORD_TIMES] = [{name: {"dtype": kind, "_type": "Value"} for name, kind in kinds.items()}]
    if text_source:
        columns.append(pa.field(TEXT_SOURCE, pa.string(), nullable=False))
        features[TEXT_SOURCE] = {"dtype": "string", "_type": "Value"}
    if text_original:
        columns.append(pa.field(TEXT_ORIGINAL, pa.string()))
        features[TEXT_ORIGINAL] = {"dtype": "string", "_type": "Value"}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.schema(columns, metadata=metadata)


def to_record_batch(rows: list[Utterance], schema: pa.Schema | None = None) -> pa.RecordBatch:
    """Rows as one Arrow record batch of `arrow_schema`."""
    schema = schema or arrow_schema()
    audio = pa.StructArray.from_arrays(
        [
            pa.array([row.audio for row in rows], pa.binary()),
            pa.array([row.audio_path for row in rows], pa.string()),
        ],
        names=["bytes", "path"],
    )
    columns = []
    for field in schema:
        if field.name == "audio":
            columns.append(audio)
        elif field.name == WORD_TIMES:
            columns.append(pa.array([_word_fields(row) for row in rows], field.type))
        else:
            columns.append(pa.array([getattr(row, field.name) for row in rows], field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def from_record_batch(batch: pa.RecordBatch) -> Iterable[Utterance]:
    """The rows of a record batch with all columns of `arrow_schema`, in order."""
    audio = batch.column("audio")
    blobs, paths = audio.field("bytes"), audio.field("path")
    columns = {name: batch.column(name).to_pylist() for name in FIELD_NAMES}
    for name in (WORD_TIMES, TEXT_SOURCE, TEXT_ORIGINAL):
        if name in batch.schema.names:
            columns[name] = batch.column(name).to_pylist()
    for index in range(batch.num_rows):
        values = {name: column[index] for name, column in columns.items()}
        yield from_fields(values, blobs[index].as_py(), paths[index].as_py())


def to_fields(row: Utterance, *, text_original: bool = False) -> dict[str, Any]:
    """All columns but the audio, as JSON takes them; nulls stay null.

    Args:
        row: the utterance.
        text_original: with the column of that name where it is null too.
    """
    columns = {name: getattr(row, name) for name in FIELD_NAMES}
    if row.word_times is not None:
        columns[WORD_TIMES] = _word_fields(row)
    if row.text_source is not None:
        columns[TEXT_SOURCE] = row.text_source
    if text_original or row.text_original is not None:
        columns[TEXT_ORIGINAL] = row.text_original
    return columns


def _word_fields(row: Utterance) -> list[dict[str, Any]] | None:
    if row.word_times is None:
        return None
    words = [asdict(word) for word in row.word_times]
    for word in words:
        if word["source"] is None:
            del word["source"]
    return words


def from_fields(columns: dict[str, Any], audio: bytes, path: str) -> Utterance:
    """The row whose other columns `to_fields` gave; unknown columns are left out."""
    words = columns.get(WORD_TIMES)
    return Utterance(
        audio=audio,
        audio_path=path,
        word_times=None if words is None else tuple(WordTime(**word) for word in words),
        text_source=columns.get(TEXT_SOURCE),
        text_original=columns.get(TEXT_ORIGINAL),
        **{name: columns.get(name) for name in FIELD_NAMES},  # type: ignore[arg-type]
    )
