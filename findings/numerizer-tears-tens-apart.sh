#!/usr/bin/env bash
# numerizer 0.2.4 writes spoken numbers in digits. Where tens and ones follow another number below a hundred, as in
# every year that is said in two parts, they are torn apart: "ninety nine" is 99 alone and "90 9" behind "nineteen". "A
# million and a half" comes out with a word that nobody said. A transcript that is normalized with it is scored against
# years that it does not hold; text2num 3.1.0 keeps the two parts whole.
# Seen: "nineteen ninety nine" is "19 90 9" (text2num: "19 99"), "a million and a half" is "1000000 and half2".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'numerizer==0.2.4' 'text2num==3.1.0'
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from numerizer import numerize
from text_to_num import alpha2digit

for text, expected, parts in (
    ("ninety nine", "99", "99"),
    ("nineteen ninety nine", "19 90 9", "19 99"),
    ("in seventeen seventy six", "in 17 70 6", "in 17 76"),
    ("it is twelve forty five", "it is 12 40 5", "it is 12 45"),
    ("one hundred ninety nine", "199", "199"),
):
    seen, other = numerize(text), alpha2digit(text, "en")
    print("numerizer", version("numerizer"), repr(text), repr(seen), "text2num", version("text2num"), repr(other))
    assert seen == expected, seen
    assert other == parts, other
half = numerize("a million and a half")
print(repr("a million and a half"), repr(half))
assert half == "1000000 and half2", half
PYTHON
