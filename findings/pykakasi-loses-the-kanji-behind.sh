#!/usr/bin/env bash
# pykakasi 2.3.0: where a kanji is not in its dictionary, as the 髙, 﨑 and 濵 of many a family name (髙橋, 山﨑, 濵田) and
# the 塡 and 剝 of the list of kanji for common use, the letters behind it are lost as well, or those before it are read
# once more. No warning, and the "orig" of the parts leaves them out too.
# Seen: of 髙橋です all that is read is です (高橋です is たかはしです), 山﨑さん is やまやまさん, 塡める is る.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'pykakasi==2.3.0'
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import pykakasi

print("pykakasi", version("pykakasi"))
kakasi = pykakasi.kakasi()
READINGS = {
    "高橋です": "たかはしです",
    "髙橋です": "です",
    "山崎さん": "やまざきさん",
    "山﨑さん": "やまやまさん",
    "濱田さん": "はまださん",
    "濵田さん": "さん",
    "塡める": "る",
    "剝がれる": "れる",
}
for text, expected in READINGS.items():
    parts = kakasi.convert(text)
    reading = "".join(part["hira"] for part in parts)
    print(text, "->", reading, [part["orig"] for part in parts])
    assert reading == expected, reading
PYTHON
