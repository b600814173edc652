#!/usr/bin/env bash
# pycaption 2.3.14 reads TTML (DFXP) times in two ways that the standard does not know. A fraction of a second is
# taken for a count of milliseconds if it has more than three digits, where TTML allows any number. And the times of a
# paragraph count from the start of the recording, where TTML counts them from the start of what holds the paragraph.
# Seen: 00:00:01.123456 is read as 124.456 s; a paragraph at 1 s inside a division at 10 s begins at 1 s. ttconv reads
# 1.123456 s and 11 s.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'pycaption==2.3.14' 'ttconv==1.2.3'
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import xml.etree.ElementTree as ElementTree
from fractions import Fraction
from importlib.metadata import version

import pycaption
from ttconv.imsc import reader as imsc

TTML = '<tt xmlns="http://www.w3.org/ns/ttml" xml:lang="en"><body><div{}><p begin="{}" end="{}">word</p></div></body></tt>'
MICROSECONDS = 1_000_000
cases = {
    "six digits": (TTML.format("", "00:00:01.123456", "00:00:02.000"), Fraction(1_123_456, MICROSECONDS), 124.456),
    "nested": (TTML.format(' begin="10s" end="20s"', "1s", "2s"), 11, 1.0),
}
for name, (text, right, wrong) in cases.items():
    (caption,) = pycaption.DFXPReader().read(text).get_captions("en")
    tree = ElementTree.ElementTree(ElementTree.fromstring(text))
    (division,) = imsc.to_model(tree).get_body()
    (paragraph,) = division
    exact = (division.get_begin() or 0) + paragraph.get_begin()
    read = caption.start / MICROSECONDS
    print("pycaption", version("pycaption"), name, "expected", float(right), "ttconv", float(exact), "pycaption", read)
    assert exact == right, exact
    assert read == wrong, read
PYTHON
