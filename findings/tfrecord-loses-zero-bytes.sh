#!/usr/bin/env bash
# tfrecord 1.14.6 (the reader that needs no TensorFlow): a feature with several byte strings comes back as a numpy
# array of fixed-width strings, and numpy takes the zero bytes at the end of such a string for padding. Sound in 16
# bits that ends quietly is cut short; a feature with one byte string, or the protocol buffer itself, keeps all bytes.
# Seen: clips of 4 and 4 bytes are read as 3 and 1; the same record parsed by hand has 4 and 4.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet 'tfrecord==1.14.6' 'numpy==2.2.6'
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from importlib.metadata import version

import tfrecord
from tfrecord import example_pb2

path = f"{sys.argv[1]}/clips.tfrecord"
clips = [b"\x01\x00\x02\x00", b"\x03\x00\x00\x00"]
writer = tfrecord.TFRecordWriter(path)
writer.write({"clips": (clips, "byte"), "first": (clips[0], "byte")})
writer.close()

(record,) = (bytes(view) for view in tfrecord.reader.tfrecord_iterator(path))
stored = list(example_pb2.Example.FromString(record).features.feature["clips"].bytes_list.value)
(example,) = tfrecord.tfrecord_loader(path, None, {"clips": "byte", "first": "byte"})
read = [bytes(clip) for clip in example["clips"]]
print("tfrecord", version("tfrecord"), "expected", clips, "stored", stored, "read", read)
assert stored == clips, stored
assert example["first"] == clips[0], example["first"]
assert read == [b"\x01\x00\x02", b"\x03"], read
PYTHON
