#!/usr/bin/env bash
# spyder (spy-der 0.4.1): a turn of no length, as rounding to milliseconds leaves it in RTTM, counts as lasting from
# there to the end. One that stands in the middle of another speaker's turn adds 41 % of missed speech, one in the
# system's output 70 % of false alarm; simpleder 0.0.8 and pyannote.metrics 4.2.0 find no error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet \
  'spy-der==0.4.1' 'simpleder==0.0.8' 'pyannote.metrics==4.2.0'
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import simpleder
import spyder
from pyannote.core import Annotation, Segment
from pyannote.metrics.diarization import DiarizationErrorRate


def annotation(turns):
    found = Annotation()
    for index, (speaker, start, end) in enumerate(turns):
        found[Segment(start, end), index] = speaker
    return found


turn, empty = [("a", 0.0, 10.0)], [("b", 3.0, 3.0)]
read = []
for name, reference, output in (("reference", turn + empty, turn), ("output", turn, turn + empty)):
    read.append(round(spyder.DER(reference, output).der, 3))
    others = (
        simpleder.DER(reference, output),
        DiarizationErrorRate()(annotation(reference), annotation(output), uem=annotation(turn).get_timeline()),
    )
    print(f"turn of no length in the {name}: expected 0, spyder {read[-1]}, simpleder and pyannote.metrics {others}")
    assert others == (0.0, 0.0), others
print("spy-der", version("spy-der"))
assert read == [0.412, 0.7], read
PYTHON
