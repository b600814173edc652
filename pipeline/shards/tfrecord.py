"""TFRecord of tf.train.Example, without TensorFlow.

    record := length (uint64) | masked CRC32C of length | bytes | masked CRC32C of bytes        little-endian

The Example message is built from its published field numbers in a descriptor pool of our own, so that it does
not clash with TensorFlow's in a process that has both.

Source: tensorflow/core/example/{example,feature}.proto, tensorflow/core/lib/io/record_writer.h.
"""

from __future__ import annotations

import gzip as gzip_module
import struct
from collections.abc import Iterator
from functools import cache
from typing import Any, BinaryIO

import google_crc32c
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from prep_corpus.pipeline.shards.rows import (
    FIELD_NAMES,
    NULLABLE_COLUMNS,
    TEXT_ORIGINAL,
    TEXT_SOURCE,
    WORD_TIMES,
    Utterance,
    column_kind,
    from_fields,
)

_MASK_DELTA = 0xA282EAD8
_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
_GZIP_LEVEL = 1  # the audio does not shrink; a higher level costs four times as much and gains nothing
_WORD_NUMBERS = ("start", "end", "score")
_LONGEST_RECORD_BYTES = 1 << 31


class TFRecordSink:
    """Writes one TFRecord shard; null columns are left out of their Example.

    Args:
        file: open for writing.
        gzip: compress the whole file, as `tf.data.TFRecordDataset(compression_type="GZIP")` reads it.
    """

    def __init__(self, file: BinaryIO, *, gzip: bool = False) -> None:
        self._gzip: gzip_module.GzipFile | None = None
        if gzip:
            self._gzip = gzip_module.GzipFile(
                filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=file, mtime=0
            )
        self._file: Any = self._gzip or file

    def write(self, row: Utterance) -> None:
        """Add one record."""
        self._file.write(frame(encode_example(row)))

    def close(self) -> None:
        """End the compressed stream, if there is one."""
        if self._gzip is not None:
            self._gzip.close()


def masked_crc32c(data: bytes) -> int:
    """CRC32C, rotated right by 15 bits and shifted, as the format wants it."""
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def frame(record: bytes) -> bytes:
    """One record with its length and checksums."""
    length = struct.pack("<Q", len(record))
    return b"".join(
        (_HEADER.pack(len(record), masked_crc32c(length)), record, _FOOTER.pack(masked_crc32c(record)))
    )


def records(file: BinaryIO) -> Iterator[bytes]:
    """The records of an uncompressed TFRecord file.

    Raises:
        ValueError: a checksum is wrong, or the file ends inside a record.
    """
    while header := file.read(_HEADER.size):
        if len(header) < _HEADER.size:
            raise ValueError("a record must begin with 12 bytes: the file ends inside them")
        length, length_crc = _HEADER.unpack(header)
        if masked_crc32c(header[:8]) != length_crc or length > _LONGEST_RECORD_BYTES:
            raise ValueError(f"a record's length must have its checksum: {length} has another")
        record = file.read(length)
        footer = file.read(_FOOTER.size)
        if len(record) < length or len(footer) < _FOOTER.size:
            raise ValueError(f"a record must have {length} bytes: the file ends after {len(record)}")
        if masked_crc32c(record) != _FOOTER.unpack(footer)[0]:
            raise ValueError(f"a record must have its checksum: one of {length} bytes has another")
        yield record


def encode_example(row: Utterance) -> bytes:
    """A row as a serialised tf.train.Example."""
    example = _example_class()()
    features = example.features.feature
    features["audio"].bytes_list.value.append(row.audio)
    features["audio_path"].bytes_list.value.append(row.audio_path.encode())
    for name in FIELD_NAMES:
        value = getattr(row, name)
        if value is None:
            continue
        kind = column_kind(name)
        if kind == "string":
            features[name].bytes_list.value.append(value.encode())
        elif kind == "int64":
            features[name].int64_list.value.append(value)
        else:
            features[name].float_list.value.append(value)
    for word in row.word_times or ():
        features[f"{WORD_TIMES}/text"].bytes_list.value.append(word.text.encode())
        features[f"{WORD_TIMES}/speaker"].bytes_list.value.append((word.speaker or "").encode())
        for name in _WORD_NUMBERS:
            features[f"{WORD_TIMES}/{name}"].float_list.value.append(getattr(word, name))
        if word.source is not None:
            features[f"{WORD_TIMES}/source"].bytes_list.value.append(word.source.encode())
    if row.text_source is not None:
        features[TEXT_SOURCE].bytes_list.value.append(row.text_source.encode())
    if row.text_original is not None:
        features[TEXT_ORIGINAL].bytes_list.value.append(row.text_original.encode())
    # A protobuf map has no order of its own.
    encoded: bytes = example.SerializeToString(deterministic=True)
    return encoded


def decode_example(record: bytes) -> Utterance:
    """The row of a serialised Example; its seconds and costs have float32 precision."""
    feature = _example_class().FromString(record).features.feature
    columns: dict[str, Any] = {}
    for name in FIELD_NAMES:
        if name not in feature:
            columns[name] = None
            continue
        kind = column_kind(name)
        if kind == "string":
            columns[name] = feature[name].bytes_list.value[0].decode()
        elif kind == "int64":
            columns[name] = feature[name].int64_list.value[0]
        else:
            columns[name] = feature[name].float_list.value[0]
    if f"{WORD_TIMES}/text" in feature:
        words = [
            {"text": text.decode(), "speaker": speaker.decode() or None, **dict(zip(_WORD_NUMBERS, numbers))}
            for text, speaker, *numbers in zip(
                feature[f"{WORD_TIMES}/text"].bytes_list.value,
                feature[f"{WORD_TIMES}/speaker"].bytes_list.value,
                *(feature[f"{WORD_TIMES}/{name}"].float_list.value for name in _WORD_NUMBERS),
                strict=True,
            )
        ]
        if f"{WORD_TIMES}/source" in feature:
            for word, source in zip(words, feature[f"{WORD_TIMES}/source"].bytes_list.value, strict=True):
                word["source"] = source.decode()
        columns[WORD_TIMES] = words
    for name in (TEXT_SOURCE, TEXT_ORIGINAL):
        if name in feature:
            columns[name] = feature[name].bytes_list.value[0].decode()
    path = feature["audio_path"].bytes_list.value[0].decode()
    return from_fields(columns, feature["audio"].bytes_list.value[0], path)


def read_tfrecord(file: BinaryIO, *, gzip: bool = False) -> Iterator[Utterance]:
    """The rows of a shard that `TFRecordSink` wrote, in order."""
    opened: Any = gzip_module.GzipFile(fileobj=file) if gzip else file
    for record in records(opened):
        yield decode_example(record)


def feature_spec(
    *,
    gzip: bool = False,
    word_times: bool = False,
    text_source: bool = False,
    text_original: bool = False,
) -> dict[str, Any]:
    """What `tf.io.parse_single_example` has to know, to be stored as JSON beside the shards.

    Every feature is scalar but those of words, whose shape is [-1]: one value per word. One with a default may be
    missing from an Example: "" and NaN then stand for null.
    """
    dtypes = {"string": "string", "int64": "int64", "float64": "float32"}
    features: dict[str, dict[str, Any]] = {
        "audio": {"dtype": "string", "shape": []},
        "audio_path": {"dtype": "string", "shape": []},
    }
    for name in FIELD_NAMES:
        kind = column_kind(name)
        features[name] = {"dtype": dtypes[kind], "shape": []}
        if name in NULLABLE_COLUMNS:
            features[name]["default"] = "" if kind == "string" else "nan"
    if word_times:
        for name in ("text", *_WORD_NUMBERS, "speaker"):
            dtype = "float32" if name in _WORD_NUMBERS else "string"
            features[f"{WORD_TIMES}/{name}"] = {"dtype": dtype, "shape": [-1]}
        if text_original:
            features[f"{WORD_TIMES}/source"] = {"dtype": "string", "shape": [-1]}
    if text_source:
        features[TEXT_SOURCE] = {"dtype": "string", "shape": []}
    if text_original:
        features[TEXT_ORIGINAL] = {"dtype": "string", "shape": [], "default": ""}
    return {"compression": "GZIP" if gzip else "", "features": features}


@cache
def _example_class() -> Any:
    """The message class of tf.train.Example."""
    proto = descriptor_pb2.FileDescriptorProto(
        name="prep_corpus/example.proto", package="prep_corpus.tf", syntax="proto3"
    )
    types = descriptor_pb2.FieldDescriptorProto

    def add_field(
        message: Any, name: str, number: int, kind: int, *, repeated: bool = False, of: str = ""
    ) -> Any:
        label = types.LABEL_REPEATED if repeated else types.LABEL_OPTIONAL
        field = message.field.add(name=name, number=number, type=kind, label=label)
        if of:
            field.type_name = f".prep_corpus.tf.{of}"
        return field

    for message_name, kind in (
        ("BytesList", types.TYPE_BYTES),
        ("FloatList", types.TYPE_FLOAT),
        ("Int64List", types.TYPE_INT64),
    ):
        add_field(proto.message_type.add(name=message_name), "value", 1, kind, repeated=True)

    feature = proto.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, (name, of) in enumerate(
        (("bytes_list", "BytesList"), ("float_list", "FloatList"), ("int64_list", "Int64List")), start=1
    ):
        add_field(feature, name, number, types.TYPE_MESSAGE, of=of).oneof_index = 0

    features = proto.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    add_field(entry, "key", 1, types.TYPE_STRING)
    add_field(entry, "value", 2, types.TYPE_MESSAGE, of="Feature")
    add_field(features, "feature", 1, types.TYPE_MESSAGE, repeated=True, of="Features.FeatureEntry")

    add_field(proto.message_type.add(name="Example"), "features", 1, types.TYPE_MESSAGE, of="Features")

    pool = descriptor_pool.DescriptorPool()
    pool.Add(proto)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("prep_corpus.tf.Example"))
