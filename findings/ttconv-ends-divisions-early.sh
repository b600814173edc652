#!/usr/bin/env bash
# ttconv 1.2.3: a division of TTML that has a begin and no end lasts until all that it holds has ended, and this
# counts its times from the division's begin. ttconv takes the end of the last paragraph without adding this begin:
# the division ends too early, and the paragraphs past its end are left out, without a warning. With a far end written
# out, all of them are there.
# Seen: of paragraphs at 1 to 2 s and 3 to 4 s in a division that begins at 60 s none is left; of a division that
# begins at 2 s the second is lost.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'ttconv==1.2.3'
"$folder/venv/bin/python" - <<'PYTHON'
import xml.etree.ElementTree as ElementTree
from importlib.metadata import version

from ttconv.imsc import reader
from ttconv.srt import writer

TTML = (
    '<tt xmlns="http://www.w3.org/ns/ttml" xml:lang="en"><body><div begin="{}s"{}>'
    '<p begin="1s" end="2s">one</p><p begin="3s" end="4s">two</p></div></body></tt>'
)
for begin, end, words in ((60, "", []), (2, "", ["one"]), (60, ' end="90s"', ["one", "two"])):
    text = TTML.format(begin, end)
    srt = writer.from_model(reader.to_model(ElementTree.ElementTree(ElementTree.fromstring(text))))
    seen = [line for line in srt.splitlines() if line.isalpha()]
    print("ttconv", version("ttconv"), f"begin {begin} s{end}:", "expected ['one', 'two'], seen", seen)
    assert seen == words, srt
    assert not seen or f"00:{begin // 60:02}:{begin % 60 + 1:02},000 -->" in srt, srt
PYTHON
