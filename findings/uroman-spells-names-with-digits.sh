#!/usr/bin/env bash
# uroman 1.3.1.1 writes a Han numeral as digits wherever it stands, in the middle of names and words too, where nobody
# says a number: what a recogniser of letters hears has no letters there to be aligned with. And 〇, the zero of years,
# is a dot, so that a year loses its noughts. Characters that are no numeral are spelled by their sound.
# Seen: 千葉 (Chiba) is "1000ye", 三亚 (Sanya) "3ya", 一起 (yiqi, together) "1qi", 二〇二六 "2·2·6"; 百度 and 万里 are words.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'uroman==1.3.1.1'
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from uroman import Uroman

uroman = Uroman()
for language, text, expected, known in (
    ("jpn", "千葉", "qianye", "1000ye"),
    ("zho", "三亚", "sanya", "3ya"),
    ("zho", "一起", "yiqi", "1qi"),
    ("zho", "四川", "sichuan", "4chuan"),
    ("zho", "二〇二六", "2026", "2·2·6"),
    ("zho", "百度", "baidu", "baidu"),
    ("zho", "万里", "wanli", "wanli"),
):
    seen = uroman.romanize_string(text, lcode=language)
    print("uroman", version("uroman"), language, text, "expected", expected, "seen", seen)
    assert seen == known, seen
PYTHON
