#!/usr/bin/env bash
# uroman 1.3.1.1: a text that ends with the Chinese sign of a fraction, as captions that break a sentence after "percent"
# do, is not romanised at all: an AttributeError from inside, where the sign with a number after it comes out well.
# Seen: 百分之五 is 5%, 百分之 raises AttributeError.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder/packages" 'uroman==1.3.1.1'
PYTHONPATH="$folder/packages" python3 - <<'PYTHON'
from uroman import Uroman

roman = Uroman()
whole = roman.romanize_string("百分之五", lcode="zho")
try:
    raised = f"nothing: {roman.romanize_string('百分之', lcode='zho')}"
except Exception as error:
    raised = type(error).__name__
print(f"百分之五: {whole}; 百分之 raises {raised}")
assert whole == "5%", whole
assert raised == "AttributeError", raised
PYTHON
