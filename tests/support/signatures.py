"""Beam's look at the parameters of methods, done once for each method.

Beam inspects every method of every DoFn some eight times for each graph, the same ones for all graphs: a third of what
a small run costs. The answer depends on the function alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from apache_beam.transforms import core

Parameters = tuple[list[str], list[Any]]

_look: Callable[[Any], Parameters] = core.get_function_args_defaults
_seen: WeakKeyDictionary[Any, Parameters] = WeakKeyDictionary()


def _seen_or_looked_at(method: Any) -> Parameters:
    if not inspect.ismethod(method):
        return _look(method)
    if method.__func__ not in _seen:
        _seen[method.__func__] = _look(method)
    names, defaults = _seen[method.__func__]
    return [*names], [*defaults]


core.get_function_args_defaults = _seen_or_looked_at
