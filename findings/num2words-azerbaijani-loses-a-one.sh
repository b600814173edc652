#!/usr/bin/env bash
# num2words 0.5.14, Azerbaijani: the one before the word for thousand is left out wherever the thousands end in it, not
# only where they are one. Different numbers are read alike.
# Seen: 21000 is read as 20000 (iyirmi min), 101000 as 100000 (yüz min).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder/packages" 'num2words==0.5.14'
PYTHONPATH="$folder/packages" python3 - <<'PYTHON'
from num2words import num2words

for short, long in ((20000, 21000), (100000, 101000)):
    words = [num2words(number, lang="az") for number in (short, long)]
    print(short, long, words)
    assert words[0] == words[1], words
PYTHON
