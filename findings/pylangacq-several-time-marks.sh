#!/usr/bin/env bash
# pylangacq 0.23.0 (rustling under it): an utterance of CHAT may carry several time marks, one behind each part that
# was recorded in one go. The reader keeps one pair of times for the whole utterance, and it is the first: the utterance
# seems to end where its first part ends.
# Seen: one utterance, time marks (0, 900) of "one two ... three", whose last mark ends at 1500 ms.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder/packages" 'pylangacq==0.23.0'
PYTHONPATH="$folder/packages" python3 - <<'PYTHON'
import pylangacq

chat = "@UTF8\n@Begin\n@Participants:\tCHI Child\n*CHI:\tone two \x150_900\x15 three . \x15900_1500\x15\n@End\n"
(utterance,) = pylangacq.CHAT.from_strs([chat]).utterances()
print("words:", [token.word for token in utterance.tokens], "time marks:", utterance.time_marks)
assert utterance.time_marks == (0, 900), utterance.time_marks
PYTHON
