"""Arguments of the methods of Beam's steps, which are looked up once."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
import pytest
from apache_beam.coders import VarIntCoder
from apache_beam.transforms import core, userstate
from apache_beam.transforms.userstate import BagStateSpec

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
    monkeypatch.setattr(userstate, "get_dofn_specs", userstate.get_dofn_specs)
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


class _Keeping(beam.DoFn):
    KEPT = BagStateSpec("kept", VarIntCoder())

    PARAM = beam.DoFn.StateParam(KEPT)

    def process(self, element: int, kept: Any = PARAM) -> None: ...


def test_what_state_a_step_keeps_is_looked_up_once_for_its_class(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    before = beam_signatures._specs_of

    def look(step: Any) -> Any:
        asked.append(type(step))
        return before(step)

    monkeypatch.setattr(beam_signatures, "_specs_of", look)
    monkeypatch.setattr(beam_signatures, "_KNOWN_SPECS", {})
    monkeypatch.setattr(core, "get_function_args_defaults", core.get_function_args_defaults)
    monkeypatch.setattr(userstate, "get_dofn_specs", userstate.get_dofn_specs)
    remember_signatures()
    for _ in range(2):
        assert [userstate.is_stateful_dofn(step()) for step in (_Step, _Keeping)] == [False, True]
    assert asked == [_Step, _Keeping]
    borrowed = [core.CallableWrapperDoFn(step().process) for step in (_Step, _Keeping)]
    assert [userstate.is_stateful_dofn(step) for step in borrowed] == [
        bool(any(before(step))) for step in borrowed
    ]
