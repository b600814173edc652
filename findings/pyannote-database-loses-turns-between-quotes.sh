#!/usr/bin/env bash
# pyannote.database 6.1.1: load_stm reads an STM file, whose lines end in plain words, as a table with quoted fields.
# A quotation that one turn opens and a later one closes makes one field of all between: the turns in the middle and the
# one of the closing are gone, without a warning. A comment of one word in the first line (;; begins a comment in STM)
# leaves no turn at all, for the table is taken to be as wide as its first line.
# Seen: of four turns, the first and the last; behind ";; reference", none. Without quotation marks all four.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'pyannote.database==6.1.1' 'pandas==2.3.3' 'numpy==2.2.6'
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from importlib.metadata import version

from pyannote.database.util import load_stm

TURNS = """talk 1 ann 0 1 <o> and he said "go
talk 1 ben 1 2 <o> yes
talk 1 ann 2 3 <o> home now"
talk 1 ben 3 4 <o> right
"""


def read(text):
    path = f"{sys.argv[1]}/talk.stm"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    turns = load_stm(path)["talk"].itertracks(yield_label=True)
    return [(speaker, float(segment.start), float(segment.end)) for segment, _, speaker in turns]


print("pyannote.database", version("pyannote.database"), "pandas", version("pandas"))
every = [("ann", 0, 1), ("ben", 1, 2), ("ann", 2, 3), ("ben", 3, 4)]
for name, text, expected in (
    ("without quotation marks", TURNS.replace('"', ""), every),
    ("with a quotation over three turns", TURNS, [every[0], every[3]]),
    ("behind a comment", ";; reference\n" + TURNS.replace('"', ""), []),
):
    turns = read(text)
    print(name, turns)
    assert turns == expected, turns
PYTHON
