#!/usr/bin/env bash
# num2words 0.5.14, Arabic: the number that is being said is kept in one object for the whole program. Where several
# threads speak, one gets the words of another's number, without an error.
# Seen: within a few thousand calls by three threads, 12345 comes out as "ninety-one". English, whose converter keeps
# nothing while it speaks, comes out right in as many calls.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder/packages" 'num2words==0.5.14'
PYTHONPATH="$folder/packages" python3 - <<'PYTHON'
import sys
import threading
import time

from num2words import num2words

NUMBERS = (12345, 678, 91)
sys.setswitchinterval(1e-6)


def wrong(lang: str, seconds: float) -> list[tuple[int, str]]:
    """The first words that are another thread's, after at most so many seconds."""
    right = {number: num2words(number, lang=lang) for number in NUMBERS}
    found: list[tuple[int, str]] = []
    end = time.monotonic() + seconds

    def speak(number: int) -> None:
        while not found and time.monotonic() < end:
            words = num2words(number, lang=lang)
            if words != right[number]:
                found.append((number, words))

    threads = [threading.Thread(target=speak, args=(number,)) for number in NUMBERS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


arabic = wrong("ar", 120)
print("Arabic:", arabic)
assert arabic
english = wrong("en", 10)
print("English:", english)
assert not english
PYTHON
