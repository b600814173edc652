#!/usr/bin/env bash
# num2words 0.5.14, Arabic: 101,000 comes out as "a hundred and a thousand thousands", for the one before the word for
# thousand is itself written as thousand. Read so, it is 1,000,100.
# Seen: مائة و ألف ألف, and the same in 201,000.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder/packages" 'num2words==0.5.14'
PYTHONPATH="$folder/packages" python3 - <<'PYTHON'
from num2words import num2words

for number in (101_000, 201_000):
    words = num2words(number, lang="ar")
    print(number, words)
    assert words.endswith("ألف ألف"), words
assert not num2words(102_000, lang="ar").endswith("ألف ألف")
PYTHON
