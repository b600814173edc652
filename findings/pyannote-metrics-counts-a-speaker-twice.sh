#!/usr/bin/env bash
# pyannote.metrics 4.2.0: two turns of one speaker that overlap, as RTTM made from padded or merged segments has them,
# count as two people who speak at once. A system that is right for every moment has a diarization error of 25 %
# where the reference has such turns, and of 33 % where its own output has them. simpleder 0.0.8 and spyder (spy-der
# 0.4.1) unite the turns of a speaker first and find none.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet \
  'pyannote.metrics==4.2.0' 'simpleder==0.0.8' 'spy-der==0.4.1'
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import simpleder
import spyder
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate


def annotation(turns):
    found = Annotation()
    for index, (speaker, start, end) in enumerate(turns):
        found[Segment(start, end), index] = speaker
    return found


one, overlapping = [("a", 0.0, 15.0)], [("a", 0.0, 10.0), ("a", 5.0, 15.0)]
read = []
for name, reference, output in (("reference", overlapping, one), ("output", one, overlapping)):
    everything = Timeline([Segment(0.0, 15.0)])
    read.append(round(DiarizationErrorRate()(annotation(reference), annotation(output), uem=everything), 3))
    others = (simpleder.DER(reference, output), spyder.DER(reference, output).der)
    print(f"one speaker's turns overlap in the {name}: expected 0, pyannote.metrics {read[-1]}, others {others}")
    assert others == (0.0, 0.0), others
print("pyannote.metrics", version("pyannote.metrics"))
assert read == [0.25, 0.333], read
PYTHON
