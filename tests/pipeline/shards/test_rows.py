from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sample_rows import make_row

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.reading import check
from prep_corpus.pipeline.shards.rows import (
    Utterance,
    arrow_schema,
    audio_path,
    from_record_batch,
    safe_name,
    to_record_batch,
    utterance_id,
)


def test_id_holds_the_recording_and_both_ends() -> None:
    assert utterance_id("a/b.c", 16000, 48123) == "a/b.c-000016000-000048123"


def test_safe_name_has_no_dot_or_slash_and_is_named_by_hand() -> None:
    assert safe_name("a/b.c d-é_~") == "a%2Fb%2Ec%20d-%C3%A9_%7E"
    assert audio_path("a.b", "opus") == "a%2Eb.opus"


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_ids_have_different_safe_names(one: str, other: str) -> None:
    try:
        names = safe_name(one), safe_name(other)
    except UnicodeEncodeError:  # a lone surrogate; manifests are UTF-8, so none gets here
        return
    assert (names[0] == names[1]) == (one == other)
    assert all(len(name) <= 200 and "." not in name and "/" not in name for name in names)


def test_every_field_has_a_column_and_every_column_a_hugging_face_feature() -> None:
    schema = arrow_schema()
    fields = {field.name for field in dataclasses.fields(Utterance)} - {"audio_path"}
    assert set(schema.names) == fields - {"word_times", "text_source", "text_original"}
    assert set(arrow_schema(word_times=True, text_source=True, text_original=True).names) == fields
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == schema.names
    assert features["audio"] == {"_type": "Audio"}
    assert schema.field("audio").type == pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def test_the_documents_name_every_column_and_every_problem() -> None:
    documents = Path(__file__).resolve().parents[3] / "docs"
    output = (documents / "output.md").read_text()
    for column in arrow_schema(word_times=True, text_source=True, text_original=True).names:
        assert f"`{column}`" in output
    slugs = re.findall(r"^\| ([a-z-]+) +\|", check.__doc__ or "", re.M)[1:]
    assert len(slugs) == 23
    for slug in slugs:
        assert f"`{slug}`" in output


def test_rows_come_back_from_a_record_batch() -> None:
    rows = [make_row(number) for number in range(5)]
    assert list(from_record_batch(to_record_batch(rows))) == rows


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start_sample": 5, "end_sample": 5}, r"\[5, 5\)"),
        ({"audio": b""}, "0 bytes"),
        ({"noise": None, "snr_db": 3.0}, "together"),
    ],
)
def test_a_row_that_cannot_be_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_row(0, **changes)
