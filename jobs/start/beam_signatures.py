"""Beam asks each step's methods for their arguments once.

It looks through all methods of a step eight times over, when the graph is built and when it is run: some 16,000 calls
of `inspect.signature` for the graph of a run, a second of CPU time. What a method takes is a matter of its function,
so that it is looked up once for each.
"""

from __future__ import annotations

from types import FunctionType, MethodType
from typing import Any, cast
from weakref import WeakKeyDictionary

from apache_beam.transforms import core

Arguments = tuple[list[str], list[Any]]

_looked_up = core.get_function_args_defaults
_KNOWN: WeakKeyDictionary[FunctionType, Arguments] = WeakKeyDictionary()


def remember_signatures() -> None:
    """Let Beam look up the arguments of each method once in this process."""
    core.get_function_args_defaults = _remembered


def _remembered(function: Any) -> Arguments:
    """Names and defaults of the arguments, without the one that a method is bound to."""
    if type(function) is not MethodType or type(function.__func__) is not FunctionType:
        return cast(Arguments, _looked_up(function))
    known = _KNOWN.get(function.__func__)
    if known is None:
        known = _KNOWN[function.__func__] = _looked_up(function)
    names, defaults = known
    return list(names), list(defaults)
