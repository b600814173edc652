#!/usr/bin/env bash
# unicode-rbnf 2.4.1: the spellout rules of CLDR that it carries say other numbers than they were given. In Slovene
# there is one rule for 2,000 to 4,999, and it begins with "two thousand"; in Lithuanian round hundreds of thousands
# lose the word for thousand; in Zulu, whose rules end at 19,999, what is larger begins with nineteen thousand. Nothing
# is raised.
# Seen: 3000 and 4000 are "dva tisoč" in Slovene (num2words 0.5.14: tri tisoč, štiri tisoč), 100000 is "šimtas" in
# Lithuanian, as is 100 (num2words: vienas šimtas tūkstančių), 20900 is in Zulu what 19000 is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'unicode-rbnf==2.4.1' 'num2words==0.5.14'
"$folder/venv/bin/python" - <<'PYTHON'
from num2words import num2words
from unicode_rbnf import RbnfEngine


def alike(language, *numbers):
    """Whether the rules of CLDR, and whether num2words, say all these numbers alike (None where it has no words)."""
    engine = RbnfEngine.for_language(language)
    words = [engine.format_number(number).text for number in numbers]
    try:
        others = [num2words(number, lang=language) for number in numbers]
    except NotImplementedError:
        others = None
    print(language, dict(zip(numbers, words)), "num2words", others)
    return len(set(words)) == 1, None if others is None else len(set(others)) == 1


assert alike("sl", 2000, 3000, 4000) == (True, False)
assert alike("sl", 2500, 3500, 4500) == (True, False)
assert alike("sl", 5000, 6000) == (False, False)
assert alike("lt", 100, 100000) == (True, False)
assert alike("lt", 200, 200000) == (True, False)
assert alike("lt", 20, 20000) == (False, False)
assert alike("zu", 19000, 20900) == (True, None)
assert alike("zu", 18000, 19000) == (False, None)
PYTHON
