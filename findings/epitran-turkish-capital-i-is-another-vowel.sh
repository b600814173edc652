#!/usr/bin/env bash
# epitran 1.35.3, Turkish and Azerbaijani: a text is brought to small letters before it is read, by a rule that knows no
# language. The small letter of I is ı (ɯ) in both, of İ it is i. Words that begin with I, and headlines in capitals,
# get another vowel, and where İ stood a combining dot is left that is no sound. Both letters are right in small ones.
# Seen: Isparta is ispaɾta (ısparta: ɯspaɾta), IŞIK is iʃik (ışık: ɯʃɯk), İzmir has a segment more than izmir.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'epitran==1.35.3' 'panphon==0.22.2' 'numpy==2.2.6'
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import epitran

# The small letters of Turkish and Azerbaijani, as SpecialCasing.txt of the Unicode standard has them.
SMALL = {"I": "ı", "İ": "i"}
for language, words in (("tur-Latn", ("Isparta", "IŞIK", "İzmir")), ("aze-Latn", ("İyul", "QIZIL"))):
    reader = epitran.Epitran(language)
    for word in words:
        small = "".join(SMALL.get(letter, letter.lower()) for letter in word)
        seen, right = reader.transliterate(word), reader.transliterate(small)
        print("epitran", version("epitran"), language, word, reader.trans_list(word), small, reader.trans_list(small))
        assert "ɯ" in right or "İ" in word, right
        assert seen != right, seen
        assert ("\u0307" in seen) == ("İ" in word) and "\u0307" not in right, (seen, right)
        assert "ɯ" not in seen, seen
PYTHON
