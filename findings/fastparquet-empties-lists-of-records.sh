#!/usr/bin/env bash
# fastparquet 2026.9.0: a column that is a list of records, such as the words of an utterance with their times, is read
# as None in every row, without an error or a warning; lists of plain values beside it are read. pandas takes this
# reader where pyarrow is not installed. pyarrow reads what was written.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet \
  'fastparquet==2026.9.0' 'pyarrow==25.0.0' 'pandas==2.3.3'
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import fastparquet
import pyarrow
import pyarrow.parquet

words = [[{"word": "one", "start": 0.1}, {"word": "two", "start": 0.5}], [{"word": "three", "start": 0.2}]]
pyarrow.parquet.write_table(pyarrow.table({"words": words, "tokens": [[1, 2], [3]]}), "utterances.parquet")
other = pyarrow.parquet.read_table("utterances.parquet").to_pydict()
read = fastparquet.ParquetFile("utterances.parquet").to_pandas()
print("pyarrow", version("pyarrow"), other)
print("fastparquet", version("fastparquet"), read.to_dict("list"))
assert other["words"] == words, other
assert [list(tokens) for tokens in read["tokens"]] == [[1, 2], [3]], read
assert list(read["words"]) == [None, None], read
PYTHON
