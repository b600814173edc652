#!/usr/bin/env bash
# MeetEval 0.4.3: the optional label field of STM, "<o,f0,male>" before the words of a segment (TED-LIUM and NIST's
# references have one in every line), is read as the first word. A perfect transcript of two words a segment then
# has a word error rate of 33 %, all of it deletions.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'meeteval==0.4.3'
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version
from pathlib import Path

import meeteval

SEGMENTS = (("0.00 2.00", "hello there"), ("2.00 4.00", "good morning"))
read = []
for label in ("", "<o,f0,male> "):
    Path("reference.stm").write_text("".join(f"talk 1 a {times} {label}{words}\n" for times, words in SEGMENTS))
    Path("output.stm").write_text("".join(f"talk 1 a {times} {words}\n" for times, words in SEGMENTS))
    found = meeteval.wer.cpwer("reference.stm", "output.stm")["talk"]
    print(f"label {label!r}: expected 4 words and no error, read {found.length} words, {found.deletions} deletions")
    read.append((found.length, found.errors, found.deletions))
print("meeteval", version("meeteval"))
assert read == [(4, 0, 0), (6, 2, 2)], read
PYTHON
