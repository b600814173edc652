"""Prepared speech on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.training.material import Prepared, greedy_text, parts, read_source, write_part


def test_parts_come_back_as_they_were_written_and_half_a_part_does_not_count(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    examples = [
        Prepared(
            name=f"e{i}",
            text=text,
            energies_MF=random.normal(size=(10 + i, 4)).astype(np.float16),
            teacher_SC=None if i == 1 else random.normal(size=(5 + i, 3)).astype(np.float16),
        )
        for i, text in enumerate(["ab", None, "é"])
    ]
    write_part(tmp_path, 0, examples[:2], {})
    write_part(tmp_path, 1, examples[2:], {})
    (tmp_path / "part-00002.npz").write_bytes(b"cut off")
    (tmp_path / "part-00002-new.json").write_text("{")
    assert len(parts(tmp_path)) == 2
    read = read_source(tmp_path, weight=2.0)
    assert read.seconds == pytest.approx(0.33)
    for expected, got in zip(examples, read.examples, strict=True):
        assert (got.name, got.text) == (expected.name, expected.text)
        np.testing.assert_array_equal(got.energies_MF, expected.energies_MF)
        assert (got.teacher_SC is None) == (expected.teacher_SC is None)
        if got.teacher_SC is not None:
            np.testing.assert_array_equal(got.teacher_SC, expected.teacher_SC)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no prepared speech"):
        read_source(tmp_path)


def test_greedy_text_takes_out_repeats_and_blanks() -> None:
    path = [2, 0, 0, 2, 0, 1, 1, 2]
    assert greedy_text(np.eye(3)[path], ("a", "b", "-"), 2) == "aab"
