#!/usr/bin/env bash
# indic-numtowords 1.1.0, Kannada: of a hundred and a round ten (but 40 and 80) the ten is left out, and the last letter
# of the hundred with it, for the rules of joining the two have no case where the number is exactly 10, 20, 30, 50, 60,
# 70 or 90. Each of these reads alike, inside thousands too. 83 is read as 82.
# Seen: 110, 120, 130, 150, 160, 170 and 190 are all ನೂ, no word for a number (100 is ನೂರು); 140 is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder/packages" 'indic-numtowords==1.1.0'
PYTHONPATH="$folder/packages" python3 - <<'PYTHON'
from indic_numtowords import num2words

TENS = (10, 20, 30, 50, 60, 70, 90)
for hundred in (100, 200, 1100):
    words = {num2words(hundred + ten, lang="kn") for ten in TENS}
    print("Kannada", [hundred + ten for ten in TENS], words, "but", hundred + 40, num2words(hundred + 40, lang="kn"))
    assert len(words) == 1 and num2words(hundred, lang="kn").startswith(words.pop()), words
    assert num2words(hundred + 40, lang="kn").endswith("ನಲವತ್ತು")
eighties = [num2words(number, lang="kn") for number in (82, 83)]
print(eighties)
assert eighties[0] == eighties[1], eighties
telugu = {num2words(100 + ten, lang="te") for ten in TENS}
print("Telugu", telugu)
assert len(telugu) == len(TENS), telugu
PYTHON
