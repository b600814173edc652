#!/usr/bin/env bash
# python-docx 1.2.0: `paragraph.text` leaves out the words inside `w:ins`, which Word shows as the text that is there
# (tracked insertions), so a transcript that somebody corrected with tracking on loses its corrections.
# Seen: "We met at noon." is read as "We met ." after "at noon" was inserted.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder/packages" 'python-docx==1.2.0'
PYTHONPATH="$folder/packages" python3 - <<'PYTHON'
import docx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

paragraph = docx.Document().add_paragraph("We met ")
inserted = parse_xml(
    f'<w:ins {nsdecls("w")} w:id="1" w:author="a"><w:r><w:t>at noon</w:t></w:r></w:ins>'
)
paragraph._p.append(inserted)
paragraph.add_run(".")
print(repr(paragraph.text))
assert paragraph.text == "We met .", paragraph.text
PYTHON
