#!/usr/bin/env bash
# apache-beam 2.77.0: keys are the same if their encodings are, so GroupByKey keeps 16000 and 16000.0 apart. The
# combiners (Count.PerKey, CombinePerKey, Count.PerElement) first gather in a dict of Python, in which the two are
# one: what is grouped and what is counted by the same key disagree. Sample rates come as int from some readers of
# sound, as float from others and from JSON.
# Seen: GroupByKey gives 16000 and 16000.0 with one value each, Count.PerKey 16000 alone with 2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'apache-beam==2.77.0'
"$folder/venv/bin/python" - <<'PYTHON'
import logging

import apache_beam as beam
from apache_beam.testing.util import assert_that, equal_to

logging.disable(logging.WARNING)
clips = [(16000, "one"), (16000.0, "two")]


def typed(row):
    key, count = row
    return type(key).__name__, count


def size(row):
    key, values = row
    return key, len(list(values))


with beam.Pipeline(runner="FnApiRunner") as pipeline:
    rates = pipeline | beam.Create(clips)
    grouped = rates | beam.GroupByKey() | beam.Map(size)
    counted = rates | beam.combiners.Count.PerKey()
    grouped | "print groups" >> beam.Map(lambda row: print("apache-beam", beam.__version__, "GroupByKey", row))
    counted | "print counts" >> beam.Map(lambda row: print("apache-beam", beam.__version__, "Count.PerKey", row))
    kinds = grouped | "kinds of groups" >> beam.Map(typed)
    assert_that(kinds, equal_to([("int", 1), ("float", 1)]), "grouped apart")
    assert_that(counted | "kinds of counts" >> beam.Map(typed), equal_to([("int", 2)]), "counted together")
PYTHON
