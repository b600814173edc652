#!/usr/bin/env bash
# pysubs2 1.8.1 reads WebVTT as if it were SubRip: a NOTE block between two cues, which the format says is a comment,
# becomes a part of the text of the cue before it.
# Seen: the first cue's text ends in "NOTE checked twice".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder/packages" 'pysubs2==1.8.1'
PYTHONPATH="$folder/packages" python3 - <<'PYTHON'
import pysubs2

vtt = (
    "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nGood morning.\n\nNOTE checked twice\n\n"
    "00:00:03.000 --> 00:00:04.000\nGood night.\n"
)
texts = [line.plaintext for line in pysubs2.SSAFile.from_string(vtt, format_="vtt")]
print(texts)
assert len(texts) == 2 and "NOTE checked twice" in texts[0], texts
PYTHON
