#!/usr/bin/env bash
# pylrc 0.1.2: times of LRC are minutes and seconds, and a recording of more than an hour goes on counting its
# minutes. pylrc takes a line for a timed one if its minutes are below 60, and drops all others without a warning,
# though its lines have a field for hours and its SubRip writer fills it. lrcparser reads them.
# Seen: of lines at 1.5 s, 59:58, 60:02 and 100:00 the first two are left.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'pylrc==0.1.2' 'lrcparser==0.2.0'
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import pylrc
from lrcparser import LrcParser

lrc = "[00:01.50]one\n[59:58.00]two\n[60:02.00]three\n[100:00.00]four\n"
read = [line.text for line in pylrc.parse(lrc)]
other = [str(line.text) for line in LrcParser.parse(lrc)["lrc_lines"]]
print("pylrc", version("pylrc"), "expected", ["one", "two", "three", "four"], "read", read)
print("lrcparser", version("lrcparser"), other)
assert len(other) == 4, other
assert read == ["one", "two"], read
PYTHON
