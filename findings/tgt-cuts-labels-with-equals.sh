#!/usr/bin/env bash
# tgt 1.5 reads the lines of a long TextGrid by splitting them at " = " and keeping the second part: a label that
# holds " = " itself loses all from there on, and its last letter too, which is taken for the closing quotation mark.
# The short form of the same TextGrid is read whole, and praatio reads the long one whole.
# Seen: "so x = 5 here" is read as "so" from the long form, whole from the short one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'tgt==1.5' 'numpy==2.2.6' 'praatio==6.2.2'
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from importlib.metadata import version

import tgt
from praatio import textgrid

label = "so x = 5 here"
grid = tgt.TextGrid()
tier = tgt.IntervalTier(0, 2, "words")
tier.add_annotation(tgt.Interval(0, 2, label))
grid.add_tier(tier)
seen = {}
for form in ("short", "long"):
    path = f"{sys.argv[1]}/{form}.TextGrid"
    tgt.io.write_to_file(grid, path, format=form)
    (interval,) = tgt.io.read_textgrid(path).tiers[0]
    seen[form] = interval.text
    print("tgt", version("tgt"), form, "expected", repr(label), "read", repr(seen[form]))
((_, _, other),) = textgrid.openTextgrid(path, includeEmptyIntervals=False).tiers[0].entries
print("praatio", version("praatio"), form, repr(other))
assert other == label, other
assert seen == {"short": label, "long": "so"}, seen
PYTHON
