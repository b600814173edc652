#!/usr/bin/env bash
# WeTextProcessing 1.2.0 (the English text normalizer of WeNet): a decade written in full, "1990s", is read as a
# measure of time, "one thousand nine hundred and ninety seconds"; "the '90s" is read as a decade. A transcript that
# is normalized with it before it is aligned has words there that nobody says.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'WeTextProcessing==1.2.0' 'pynini==2.1.6.post1'
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
from importlib.metadata import version

from tn.english.normalizer import Normalizer

EXPECTED = {
    "born in 1984": "born in nineteen eighty four",
    "the '90s": "the nineties",
    "the 1990s": "the nineteen nineties",
    "the late 1800s": "the late eighteen hundreds",
}
SEEN = [
    "born in nineteen eighty four",
    "the nineties",
    "the one thousand nine hundred and ninety seconds",
    "the late one thousand eight hundred seconds",
]
normalizer = Normalizer()
read = [normalizer.normalize(text) for text in EXPECTED]
for (text, expected), found in zip(EXPECTED.items(), read, strict=True):
    print(f"{text!r}: expected {expected!r}, read {found!r}")
print("WeTextProcessing", version("WeTextProcessing"))
assert read == SEEN, read
PYTHON
