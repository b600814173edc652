"""Bring what several stages give together, so that every engine may cut the graph where it likes."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection


def _same(element: Any) -> Any:
    return element


class Gather(beam.PTransform):
    """Several collections -> one, as `beam.Flatten`.

    Each passes through a step of its own first. Beam's Java engines (Flink, Spark) up to 2.65 at least refuse a graph,
    or drop parts of it, where a flattened collection has another reader that cuts the graph there, such as a shuffle.

    Source: https://github.com/apache/beam/issues/34647
    """

    def expand(self, pcolls: tuple[PCollection[Any], ...]) -> PCollection[Any]:
        """Costs a call an element."""
        apart = tuple(one | f"Apart{number}" >> beam.Map(_same) for number, one in enumerate(pcolls))
        return apart | "Together" >> beam.Flatten()
