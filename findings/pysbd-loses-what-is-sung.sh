#!/usr/bin/env bash
# pysbd 0.3.4 marks the points that end no sentence with signs of its own while it works, and one of these is ♬, which
# captions put around what is sung. A sentence that holds one itself is left out, without a warning and with
# char_span=True as well. The other signs of captions, ♪ and ♫, do no harm, and sentencex keeps every sentence.
# Seen: "Good evening. ♬ We will rock you. Thank you." becomes "Good evening." and "Thank you."
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'pysbd==0.3.4' 'sentencex==1.0.32'
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import pysbd
import sentencex

TEXT = "Good evening. {} We will rock you. Thank you."
whole = ["Good evening.", "{} We will rock you.", "Thank you."]
for sign in "♪♫♬":
    text, expected = TEXT.format(sign), [sentence.format(sign) for sentence in whole]
    seen = [sentence.strip() for sentence in pysbd.Segmenter(language="en", clean=False).segment(text)]
    spans = [span.sent.strip() for span in pysbd.Segmenter(language="en", char_span=True).segment(text)]
    other = [sentence.strip() for sentence in sentencex.segment("en", text)]
    print("pysbd", version("pysbd"), repr(text), "is", seen, "sentencex", version("sentencex"), other)
    assert other == expected, other
    assert seen == spans == (["Good evening.", "Thank you."] if sign == "♬" else expected), (seen, spans)
PYTHON
