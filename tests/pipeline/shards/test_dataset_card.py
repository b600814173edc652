from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from support.planted_run import sample_rows, write_run

from prep_corpus.pipeline.run_files import CARD_NAME
from prep_corpus.pipeline.shards.dataset_card import dataset_card
from prep_corpus.pipeline.shards.manifest import parse_manifest

PROGRAM = """
import sys
from datasets import load_dataset
splits = load_dataset(sys.argv[1])
print({name: len(split) for name, split in splits.items()}, type(splits["train"].features["audio"]).__name__)
"""


def test_datasets_loads_the_whole_folder_by_its_card(tmp_path: Path) -> None:
    run = tmp_path / "run"
    path = write_run(run, {"train": [sample_rows(4), sample_rows(5, 10)], "dev": [sample_rows(3, 50)]})
    manifest = parse_manifest(path.read_bytes(), name="manifest.json")
    card = dataset_card(manifest)
    assert "the model hears" not in card
    read_all = dataset_card(replace(manifest, config={"read": "all"}))
    for part in ("what the model hears.", "are repaired", "`text_source`"):
        assert part in read_all
    assert "are repaired" not in dataset_card(replace(manifest, config={"read": "uncovered"}))
    assert "| train | 9 | 0.00 |" in card
    (run / CARD_NAME).write_text(card)
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf"), "PATH": ""}
    command = [sys.executable, "-c", PROGRAM, str(run)]
    output = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    assert output.splitlines()[-1] == "{'dev': 3, 'train': 9} Audio"
