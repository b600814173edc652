#!/usr/bin/env bash
# corflow 3.4.3 (transcripts from one annotation format to another), ELAN: words on a tier of type Time_Subdivision may
# have no times of their own; one ends at the very time slot at which the next begins, and ELAN shows them in even
# parts. corflow gives the end of a word and the start of the next, one slot, two different times: every word but the
# last ends half-way, and a TextGrid made of it has a pause behind each.
# Seen: of four words in 4 s the first is 0 to 0.5 s, the second 1 to 1.5 s. speach 0.1a15.post1 reads one slot for
# both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'corflow==3.4.3' 'speach==0.1a15.post1'
"$folder/venv/bin/python" -W ignore - "$folder" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

from corflow.fromElan import fromElan
from speach import elan

WORDS = ["one", "two", "three", "four"]


def annotation(name, start, end, text):
    return (
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{name}" TIME_SLOT_REF1="ts{start}" TIME_SLOT_REF2="ts{end}">'
        f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
    )


times = {0: ' TIME_VALUE="0"', len(WORDS): ' TIME_VALUE="4000"'}
slots = "".join(f'<TIME_SLOT TIME_SLOT_ID="ts{n}"{times.get(n, "")}/>' for n in range(len(WORDS) + 1))
words = "".join(annotation(f"w{n}", n, n + 1, word) for n, word in enumerate(WORDS))
path = Path(sys.argv[1], "speech.eaf")
path.write_text(
    '<?xml version="1.0" encoding="UTF-8"?><ANNOTATION_DOCUMENT AUTHOR="" DATE="2024-01-01T00:00:00+00:00" '
    f'FORMAT="3.0" VERSION="3.0"><HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"/><TIME_ORDER>{slots}</TIME_ORDER>'
    f'<TIER LINGUISTIC_TYPE_REF="u" TIER_ID="utterances">{annotation("u0", 0, len(WORDS), " ".join(WORDS))}</TIER>'
    f'<TIER LINGUISTIC_TYPE_REF="w" PARENT_REF="utterances" TIER_ID="words">{words}</TIER>'
    '<LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="u" TIME_ALIGNABLE="true"/>'
    '<LINGUISTIC_TYPE CONSTRAINTS="Time_Subdivision" GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="w" '
    'TIME_ALIGNABLE="true"/></ANNOTATION_DOCUMENT>',
    encoding="utf-8",
)
seen = {tier.name: [(word.start, word.end, word.content) for word in tier] for tier in fromElan(str(path))}
print("corflow", version("corflow"), seen)
others = [annotation for tier in elan.read_eaf(str(path)) if tier.name == "words" for annotation in tier]
slots = [(other.from_ts.ID, other.to_ts.ID, other.text) for other in others]
print("speach", version("speach"), slots)
assert all(before[1] == behind[0] for before, behind in zip(slots, slots[1:])), slots
assert [word for _, _, word in seen["words"]] == WORDS
assert seen["words"] == [(0.0, 0.5, "one"), (1.0, 1.5, "two"), (2.0, 2.5, "three"), (3.0, 4.0, "four")], seen
PYTHON
