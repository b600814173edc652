"""Beam asks each step's methods for their arguments once, and each kind of step for its state.

It looks through all methods of a step eight times over, when the graph is built and when it is run: some 16,000 calls
of `inspect.signature` for the graph of a run, a second of CPU time. What a method takes is a matter of its function,
so that it is looked up once for each; and so is what state a step keeps, a matter of its class.
"""

from __future__ import annotations

from types import FunctionType, MethodType
from typing import Any, cast
from weakref import WeakKeyDictionary

from apache_beam.transforms import core, userstate

Arguments = tuple[list[str], list[Any]]
Specs = tuple[set[Any], set[Any]]

_looked_up = core.get_function_args_defaults
_specs_of = userstate.get_dofn_specs
_KNOWN: WeakKeyDictionary[FunctionType, Arguments] = WeakKeyDictionary()
_KNOWN_SPECS: WeakKeyDictionary[type, Specs] = WeakKeyDictionary()


def remember_signatures() -> None:
    """Let Beam look up the arguments of each method, and the state of each kind of step, once in this process."""
    core.get_function_args_defaults = _remembered
    userstate.get_dofn_specs = _remembered_specs


def _remembered(function: Any) -> Arguments:
    """Names and defaults of the arguments, without the one that a method is bound to."""
    if type(function) is not MethodType or type(function.__func__) is not FunctionType:
        return cast(Arguments, _looked_up(function))
    known = _KNOWN.get(function.__func__)
    if known is None:
        known = _KNOWN[function.__func__] = _looked_up(function)
    names, defaults = known
    return list(names), list(defaults)


def _remembered_specs(step: Any) -> Specs:
    """State and timers of a step; those of one that has methods of its own, beside its class's, each time."""
    if any(type(value) is MethodType for value in vars(step).values()):
        return cast(Specs, _specs_of(step))
    known = _KNOWN_SPECS.get(type(step))
    if known is None:
        known = _KNOWN_SPECS[type(step)] = _specs_of(step)
    return set(known[0]), set(known[1])
