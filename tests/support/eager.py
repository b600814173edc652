"""A transform as a function from lists to a list, run by the engine that runs on one machine."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import MetricResults
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from support import signatures

from prep_corpus.jobs.start.beam_options import KeptViews

assert signatures
_NUMBERS = itertools.count()
_FOUND: dict[int, list[Any]] = {}
"""The workers are threads of this process; they find a list by its number, since what they run is a copy."""


def _keep(element: Any, number: int) -> None:
    _FOUND[number].append(element)


def created(pipeline: beam.Pipeline, **inputs: Iterable[Any]) -> tuple[beam.PCollection[Any], ...]:
    """A collection for each named list."""
    return tuple(pipeline | name >> beam.Create(list(elements)) for name, elements in inputs.items())


def eager(transform: Callable[[beam.Pipeline], beam.PCollection[Any]]) -> list[Any]:
    """What a graph gives, in no particular order."""
    number = next(_NUMBERS)
    _FOUND[number] = []
    with beam.Pipeline(runner=FnApiRunner(), options=KeptViews([])) as pipeline:
        _ = transform(pipeline) | "Keep" >> beam.Map(_keep, number)
    return _FOUND.pop(number)


def counters(found: MetricResults, namespace: str) -> dict[str, int]:
    """The engine's counters of a finished pipeline under one namespace and those below it, summed over steps."""
    sums: dict[str, int] = {}
    for counter in found.query()["counters"]:
        name = counter.key.metric
        if f"{name.namespace}.".startswith(f"{namespace}."):
            key = f"{name.namespace}/{name.name}"
            sums[key] = sums.get(key, 0) + counter.result
    return sums
