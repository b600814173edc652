#!/usr/bin/env bash
# unicode-rbnf 2.4.1, Greek: the spellout rules of CLDR that it carries write the word for thousands with two accents
# (no Greek word has two in the middle of a sentence) and ninety with a letter n too many.
# Seen: 2000 is δύο χίλιάδες (people write δύο χιλιάδες), 90 is εννενήντα (ενενήντα).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder/packages" 'unicode-rbnf==2.4.1'
PYTHONPATH="$folder/packages" python3 - <<'PYTHON'
import unicodedata

from unicode_rbnf import FormatPurpose, RbnfEngine

greek = RbnfEngine.for_language("el")
thousands, ninety = (greek.format_number(number, FormatPurpose.CARDINAL).text for number in (2000, 90))
accents = unicodedata.normalize("NFD", thousands.split()[1]).count("\u0301")
print(thousands, f"({accents} accents in its second word);", ninety)
assert accents == 2 and ninety == "εννενήντα", (thousands, ninety)
PYTHON
