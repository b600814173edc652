#!/usr/bin/env bash
# apache-beam 2.77.0: counters and distributions take a number with a fraction and drop the fraction of each one, not
# of the sum, without a warning; neither their interface nor its description asks for whole numbers. Seconds of sound
# counted clip by clip are too few, and clips under a second count nothing. Whole milliseconds or samples are right.
# Seen: 1,000 clips of 0.9 s are counted as 0 s, their distribution has the mean 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'apache-beam==2.77.0'
"$folder/venv/bin/python" - <<'PYTHON'
import logging

import apache_beam as beam
from apache_beam.metrics import Metrics

logging.disable(logging.WARNING)
CLIPS, SECONDS = 1000, 0.9


def count(seconds):
    Metrics.counter("sound", "seconds").inc(seconds)
    Metrics.distribution("sound", "length").update(seconds)
    Metrics.counter("sound", "milliseconds").inc(round(1000 * seconds))


pipeline = beam.Pipeline(runner="FnApiRunner")
_ = pipeline | beam.Create([SECONDS] * CLIPS) | beam.Map(count)
result = pipeline.run()
result.wait_until_finish()
found = result.metrics().query()
counters = {counter.key.metric.name: counter.committed for counter in found["counters"]}
(distribution,) = (one.committed for one in found["distributions"])
print("apache-beam", beam.__version__, "expected", CLIPS * SECONDS, "s, counters", counters, distribution)
assert counters["seconds"] == 0, counters
assert counters["milliseconds"] == 900 * CLIPS, counters
assert (distribution.count, distribution.sum, distribution.max) == (CLIPS, 0, 0), distribution
PYTHON
