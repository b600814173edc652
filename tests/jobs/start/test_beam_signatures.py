"""Arguments of the methods of Beam's steps, which are looked up once."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
import pytest
from apache_beam.transforms import core

from prep_corpus.jobs.start import beam_signatures
from prep_corpus.jobs.start.beam_signatures import remember_signatures


class _Step(beam.DoFn):
    def process(self, element: int, beside: int = 3, window: Any = beam.DoFn.WindowParam) -> None: ...


def test_a_method_is_looked_up_once_and_any_other_function_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    before = beam_signatures._looked_up

    def look(function: Any) -> Any:
        asked.append(function)
        return before(function)

    monkeypatch.setattr(beam_signatures, "_looked_up", look)
    monkeypatch.setattr(core, "get_function_args_defaults", core.get_function_args_defaults)
    remember_signatures()
    wanted = (["element", "beside", "window"], [3, beam.DoFn.WindowParam])
    for step in (_Step(), _Step()):
        found = step.get_function_arguments("process")
        assert found == wanted
        found[0].clear()
    assert core.get_function_args_defaults(_Step.process) == (["self", *wanted[0]], wanted[1])
    assert [function.__name__ for function in asked] == ["process", "process"]
    remember_signatures()
    assert core.get_function_args_defaults(lambda element: element) == (["element"], [])
