#!/usr/bin/env bash
# praatio 6.2.2 leaves out the last interval of a short TextGrid whose last line has no line break behind it, without
# a warning: the end of the text counts as the end of the tier before the label is taken. tgt writes such files, Praat
# itself (parselmouth) reads all of them, and praatio does with a line break put behind. The long form is read whole
# either way.
# Seen: tgt writes "one", "two", "three"; praatio reads "one", "two".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'praatio==6.2.2' 'tgt==1.5' 'praat-parselmouth==0.4.7' 'numpy==2.2.6'
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from importlib.metadata import version

import parselmouth
import tgt
from praatio import textgrid

words = ["one", "two", "three"]
grid = tgt.TextGrid()
tier = tgt.IntervalTier(0, 3, "words")
for second, word in enumerate(words):
    tier.add_annotation(tgt.Interval(second, second + 1, word))
grid.add_tier(tier)


def read(path):
    return [entry.label for entry in textgrid.openTextgrid(path, includeEmptyIntervals=False).tiers[0].entries]


seen = {}
for form in ("short", "long"):
    path = f"{sys.argv[1]}/{form}.TextGrid"
    tgt.io.write_to_file(grid, path, format=form)
    praat = [interval.text for interval in parselmouth.Data.read(path).to_tgt().tiers[0]]
    seen[form] = read(path)
    with open(path, "a", encoding="utf-8") as file:
        file.write("\n")
    seen[form, "with a line break"] = read(path)
    print("tgt", version("tgt"), form, "expected", words, "Praat", parselmouth.PRAAT_VERSION, praat)
    assert praat == words, praat
for form, labels in seen.items():
    print("praatio", version("praatio"), form, labels)
    assert labels == (words[:2] if form == "short" else words), labels
PYTHON
