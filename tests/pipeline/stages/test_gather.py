"""Gathered collections: all elements, and no input that anything else reads."""

from __future__ import annotations

import apache_beam as beam
from apache_beam.testing.util import assert_that, equal_to

from prep_corpus.pipeline.stages.gather import Gather


def gathered(pipeline: beam.Pipeline) -> beam.PCollection[tuple[str, int]]:
    one = pipeline | "One" >> beam.Create([("a", 1)])
    other = pipeline | "Other" >> beam.Create([("b", 2)])
    _ = one | beam.GroupByKey()
    return (one, other) | Gather()  # type: ignore[no-any-return]


def test_every_element_is_there_once() -> None:
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        assert_that(gathered(pipeline), equal_to([("a", 1), ("b", 2)]))


def test_nothing_else_reads_what_is_flattened() -> None:
    pipeline = beam.Pipeline(runner="FnApiRunner")
    gathered(pipeline)
    transforms = pipeline.to_runner_api().components.transforms.values()
    primitive = [one for one in transforms if not one.subtransforms and one.spec.urn]
    flattens = [one for one in primitive if one.spec.urn == "beam:transform:flatten:v1"]
    assert len(flattens) == 1
    for name in flattens[0].inputs.values():
        assert [one.unique_name for one in primitive if name in one.inputs.values()] == [
            flattens[0].unique_name
        ]
