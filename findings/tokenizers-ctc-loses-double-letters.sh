#!/usr/bin/env bash
# tokenizers 0.23.3: the CTC decoder takes repeated letters together and then drops the pad token, which is CTC's blank.
# But decode() leaves out special tokens first (unless skip_special_tokens=False is given), and the pad token is one as
# a rule: the blank between two equal letters is gone before the decoder looks. Transcripts that a CTC model is scored
# or filtered by lose their double letters; decode with skip_special_tokens=False.
# Seen: h e e l _ l o is "helo"; "hello" with skip_special_tokens=False, or where the pad token is not special.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'tokenizers==0.23.3'
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from tokenizers import Tokenizer, decoders, models

TOKENS = ["<pad>", "<unk>", "|", "e", "h", "l", "o"]
FRAMES = ["<pad>", "h", "e", "e", "l", "<pad>", "l", "o", "<pad>"]


def decode(is_special, **options):
    tokenizer = Tokenizer(models.WordLevel({token: at for at, token in enumerate(TOKENS)}, unk_token="<unk>"))
    tokenizer.decoder = decoders.CTC(pad_token="<pad>", word_delimiter_token="|")
    if is_special:
        tokenizer.add_special_tokens(["<pad>"])
    return tokenizer.decode([tokenizer.token_to_id(token) for token in FRAMES], **options)


seen = {
    "special": decode(True),
    "special, skip_special_tokens=False": decode(True, skip_special_tokens=False),
    "not special": decode(False),
}
for name, text in seen.items():
    print("tokenizers", version("tokenizers"), "pad token", name, "expected hello, seen", text)
assert list(seen.values()) == ["helo", "hello", "hello"], seen
PYTHON
