#!/usr/bin/env bash
# pympi-ling 1.71: `Eaf.to_textgrid` leaves out, without a word, each annotation that it cannot place. ELAN keeps the
# words of an utterance on a tier that divides it, without times of their own (Symbolic_Subdivision: the words come in
# order; Time_Subdivision: a time slot may have no value), so of a transcript with divided tiers little is left.
# Seen: of the words "one two three" the TextGrid has "one" over the whole utterance, or none at all; the utterance
# and its words are all there in the Eaf object.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'pympi-ling==1.71'
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from importlib.metadata import version

import pympi

SLOT = '<TIME_SLOT TIME_SLOT_ID="ts{}"{}/>'
TIMED = (
    '<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{}" TIME_SLOT_REF1="ts{}" TIME_SLOT_REF2="ts{}">'
    "<ANNOTATION_VALUE>{}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
)
PART = (
    '<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="{}" ANNOTATION_REF="a1"{}>'
    "<ANNOTATION_VALUE>{}</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>"
)
words = ["one", "two", "three"]
times = [(1, ' TIME_VALUE="0"'), (2, ""), (3, ""), (4, ' TIME_VALUE="900"')]
slots = "".join(SLOT.format(*time) for time in times)
divided = "".join(TIMED.format(f"t{n}", n + 1, n + 2, word) for n, word in enumerate(words))
previous = ["", ' PREVIOUS_ANNOTATION="s0"', ' PREVIOUS_ANNOTATION="s1"']
parts = "".join(PART.format(f"s{n}", previous[n], word) for n, word in enumerate(words))
eaf = f"""<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"/><TIME_ORDER>{slots}</TIME_ORDER>
<TIER LINGUISTIC_TYPE_REF="said" TIER_ID="said">{TIMED.format("a1", 1, 4, " ".join(words))}</TIER>
<TIER LINGUISTIC_TYPE_REF="symbolic" PARENT_REF="said" TIER_ID="symbolic">{parts}</TIER>
<TIER LINGUISTIC_TYPE_REF="timed" PARENT_REF="said" TIER_ID="timed">{divided}</TIER>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="said" TIME_ALIGNABLE="true"/>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="symbolic" TIME_ALIGNABLE="false" CONSTRAINTS="Symbolic_Subdivision"/>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="timed" TIME_ALIGNABLE="true" CONSTRAINTS="Time_Subdivision"/>
<CONSTRAINT STEREOTYPE="Symbolic_Subdivision" DESCRIPTION=""/>
<CONSTRAINT STEREOTYPE="Time_Subdivision" DESCRIPTION=""/>
</ANNOTATION_DOCUMENT>"""
path = f"{sys.argv[1]}/talk.eaf"
with open(path, "w", encoding="utf-8") as file:
    file.write(eaf)

document = pympi.Eaf(path)
grid = document.to_textgrid()
seen = {}
for tier in ("said", "symbolic", "timed"):
    held = [annotation[2] for annotation in document.get_annotation_data_for_tier(tier)]
    seen[tier] = [text for _, _, text in grid.get_tier(tier).get_all_intervals() if text]
    print("pympi-ling", version("pympi-ling"), tier, "in the Eaf", held, "in the TextGrid", seen[tier])
    assert held == (["one two three"] if tier == "said" else words), held
assert seen == {"said": ["one two three"], "symbolic": ["one"], "timed": []}, seen
PYTHON
