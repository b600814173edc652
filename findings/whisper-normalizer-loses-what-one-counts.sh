#!/usr/bin/env bash
# whisper-normalizer 0.1.15, English: the last step writes a lone digit 1 as "one" for readability, but takes a 1 behind
# a currency sign, a point or a minus or before a percent sign for a lone one as well, and then drops the sign as
# punctuation. Different texts come out alike, and a word error rate over them is 0. Two, three and so on keep theirs.
# openai/whisper, where the code is from, mended it in August 2026 (pull request 2836).
# Seen: one dollar, one pound, one euro, one cent, one percent and one are all "one"; "no point one could make it" is "no
# one could make it".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'whisper-normalizer==0.1.15'
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from whisper_normalizer.english import EnglishTextNormalizer

normalize = EnglishTextNormalizer()
print("whisper-normalizer", version("whisper-normalizer"))


def seen(*texts):
    found = {" ".join(normalize(text).split()) for text in texts}
    print(texts, "->", found)
    return found


UNITS = ("{} dollar{}", "{} pound{}", "{} euro{}", "{} cent{}", "{} percent", "{}")
assert seen(*(unit.format("one", "") for unit in UNITS)) == {"one"}
assert seen("$1", "£1", "€1", "1%", "1") == {"one"}
assert seen(*(unit.format("two", "s") for unit in UNITS)) == {"$2", "£2", "€2", "¢2", "2%", "2"}
assert seen("no point one could make it", "no one could make it") == {"no one could make it"}
PYTHON
