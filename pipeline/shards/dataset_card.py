"""The README.md of a run's folder: Hugging Face's dataset card, by which a whole folder loads by its name."""

from __future__ import annotations

from prep_corpus.align.recognition.sources import READ_ALL, READ_NOTHING, READ_REPAIR, READ_UNCOVERED
from prep_corpus.pipeline.shards.manifest import RunManifest, split_totals

_HEARD = "Some texts are no transcripts but what the model hears."
_REPAIRED = (
    "Transcripts are repaired with words that the model hears; `text_original` has what gave way to them."
)
_READ = {READ_REPAIR: _REPAIRED, READ_UNCOVERED: _HEARD, READ_ALL: f"{_HEARD} {_REPAIRED}"}


def dataset_card(run: RunManifest) -> str:
    """The card of a run that has Parquet shards.

    Args:
        run: what it publishes.
    """
    totals = split_totals(run.shards)
    lines = [
        "---",
        "task_categories:",
        "- automatic-speech-recognition",
        "configs:",
        "- config_name: default",
    ]
    lines.append("  data_files:")
    for split in totals:
        lines += [f"  - split: {split}", f"    path: data/{split}-*.parquet"]
    lines += ["---", "", "| split | utterances | hours |", "|---|---|---|"]
    for split, total in totals.items():
        lines.append(f"| {split} | {total['utterances']:,.0f} | {total['seconds'] / 3600:.2f} |")
    if (told := _READ.get(run.config.get("read", READ_NOTHING))) is not None:
        lines += ["", f"{told} A column `text_source` says whose text each utterance has."]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(run.created_by.items()))
    lines += ["", f"Made with {versions}; seed {run.seed}, model `{run.model_digest}`."]
    return "\n".join(lines) + "\n"
