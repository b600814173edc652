#!/usr/bin/env bash
# praat-textgrids 1.4.0: Praat writes a quotation mark inside a label as two. The library takes away the outer marks
# alone, so that a label read from a file has each of its inner marks twice. textgrid 1.6.1 reads the label that was
# typed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'praat-textgrids==1.4.0' 'textgrid==1.6.1'
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import textgrid
import textgrids

LABEL = 'she said "yes" twice'
doubled = LABEL.replace('"', '""')
with open("label.TextGrid", "w", encoding="utf-8") as file:
    file.write(
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0 \nxmax = 1 \ntiers? <exists> \nsize = 1 \n'
        'item []: \n    item [1]:\n        class = "IntervalTier" \n        name = "words" \n        xmin = 0 \n'
        f'        xmax = 1 \n        intervals: size = 1 \n        intervals [1]:\n            xmin = 0 \n'
        f'            xmax = 1 \n            text = "{doubled}" \n'
    )
other = textgrid.TextGrid.fromFile("label.TextGrid")[0][0].mark
read = textgrids.TextGrid("label.TextGrid")["words"][0].text
print("expected", repr(LABEL))
print("textgrid", version("textgrid"), repr(other))
print("praat-textgrids", version("praat-textgrids"), repr(str(read)))
assert other == LABEL, other
assert read == doubled, read
PYTHON
