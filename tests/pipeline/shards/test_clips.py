"""A clip's record holds its row and its sound."""

from __future__ import annotations

import io

import pytest

from prep_corpus.pipeline.shards.clips import ClipDamaged, UtteranceRef, pack_clip, read_clip


def test_records_are_read_back_from_among_others() -> None:
    records = [pack_clip({"id": f"ü{n}", "n": n}, bytes([n]) * n, digest="d") for n in range(1, 4)]
    file = io.BytesIO(b"".join(records))
    offset = 0
    for n, record in enumerate(records, start=1):
        ref = UtteranceRef(f"ü{n}", "train", 0, "d", "c", offset, len(record))
        assert read_clip(file, ref) == ({"id": f"ü{n}", "n": n}, bytes([n]) * n)
        offset += len(record)


def test_a_record_that_breaks_off_is_an_error_that_names_it() -> None:
    record = pack_clip({"id": "a"}, b"12345", digest="d")
    ref = UtteranceRef("a", "train", 0, "d", "c", 0, len(record) + 1)
    with pytest.raises(
        ClipDamaged, match=f"{len(record) + 1} bytes of a clip expected .* {len(record)} read"
    ):
        read_clip(io.BytesIO(record), ref)


def test_every_flipped_byte_of_a_record_is_found() -> None:
    record = pack_clip({"id": "a"}, b"12345", digest="d")
    ref = UtteranceRef("a", "train", 0, "d", "c", 0, len(record))
    for at in range(len(record)):
        damaged = bytearray(record)
        damaged[at] ^= 1 << at % 8
        with pytest.raises(ClipDamaged):
            read_clip(io.BytesIO(bytes(damaged)), ref)


def test_a_record_of_another_stage_file_is_not_believed() -> None:
    record = pack_clip({"id": "a"}, b"12345", digest="other")
    with pytest.raises(ClipDamaged, match="are not those that were written"):
        read_clip(io.BytesIO(record), UtteranceRef("a", "train", 0, "d", "c", 0, len(record)))
