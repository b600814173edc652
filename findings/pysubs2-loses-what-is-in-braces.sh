#!/usr/bin/env bash
# pysubs2 1.8.1 keeps every text in the manner of SubStation Alpha, where braces hold commands. SubRip and WebVTT have
# no such thing, and transcripts write noises in braces, {laughs}: the reader takes them over as they are, and
# `plaintext` and every writer leave them out, without a warning, with all the words between an opening brace and a
# closing one.
# Seen: "I {laughs} cannot" becomes "I  cannot" when SubRip is read and written again; srt 3.5.3 and pycaption keep it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'pysubs2==1.8.1' 'srt==3.5.3' 'pycaption==2.3.14'
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import pysubs2
import srt
from pycaption import SRTReader, WebVTTReader

SPOKEN = "I {laughs} cannot [laughs] say"
subrip = f"1\n00:00:01,000 --> 00:00:02,000\n{SPOKEN}\n\n"
vtt = f"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n{SPOKEN}\n\n"
for form, text, reader in (("srt", subrip, SRTReader()), ("vtt", vtt, WebVTTReader())):
    (event,) = subtitles = pysubs2.SSAFile.from_string(text, format_=form)
    again = subtitles.to_string(form)
    captions = reader.read(text)
    (other,) = [caption.get_text() for caption in captions.get_captions(captions.get_languages()[0])]
    print("pysubs2", version("pysubs2"), form, repr(event.plaintext), "pycaption", version("pycaption"), repr(other))
    assert other == SPOKEN, other
    assert event.plaintext == "I  cannot [laughs] say", event.plaintext
    assert event.plaintext in again and "{laughs}" not in again, again
(caption,) = srt.parse(subrip)
print("srt", version("srt"), repr(caption.content))
assert caption.content == SPOKEN, caption.content
PYTHON
