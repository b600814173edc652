#!/usr/bin/env bash
# uroman 1.3.1.1: Han characters that also stand for numbers come out as digits inside names and words, and the mark that
# repeats the character before it as a raised digit, also where the language is said to be Japanese. A model that spells
# in letters cannot say them.
# Seen: the name 千葉 is 1000ye, the name 三浦 3pu, 人々 ren².
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder/packages" 'uroman==1.3.1.1'
PYTHONPATH="$folder/packages" python3 - <<'PYTHON'
from uroman import Uroman

roman = Uroman()
seen = {text: roman.romanize_string(text, lcode="jpn") for text in ("千葉", "三浦", "人々")}
print(seen)
assert seen["千葉"].startswith("1000"), seen
assert seen["三浦"].startswith("3"), seen
assert seen["人々"] == "ren²", seen
PYTHON
