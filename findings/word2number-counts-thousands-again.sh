#!/usr/bin/env bash
# word2number 1.1: where a number ends with the word "thousand" after millions or billions, what stands behind the
# larger word is added again; "twenty five hundred" is 200; a year in two parts is 1524. Nothing is raised. text2num
# 3.1.0 reads the same words right, or leaves the two parts of a year apart.
# Seen: "one million two thousand" is 1003002, "one million two thousand and one" is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'word2number==1.1' 'text2num==3.1.0'
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from text_to_num import alpha2digit
from word2number import w2n

EXPECTED = {
    "one million two thousand and one": 1_002_001,
    "one million two thousand": 1_002_000,
    "one million twenty thousand": 1_020_000,
    "one billion two million": 1_002_000_000,
    "twenty five hundred": 2_500,
    "nineteen eighty four": 1984,
}
SEEN = [1_002_001, 1_003_002, 1_021_020, 1_003_000_002, 200, 1524]
read = []
for words, expected in EXPECTED.items():
    read.append(w2n.word_to_num(words))
    print(f"{words!r}: expected {expected}, word2number {read[-1]}, text2num {alpha2digit(words, 'en')}")
    assert alpha2digit(words, "en").replace(" ", "") == str(expected)
print("word2number", version("word2number"))
assert read == SEEN, read
PYTHON
