"""The README.md of a run's folder: Hugging Face's dataset card, by which a whole folder loads by its name."""

from __future__ import annotations

from prep_corpus.pipeline.shards.manifest import RunManifest, split_totals


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
    versions = ", ".join(f"{name} {version}" for name, version in sorted(run.created_by.items()))
    lines += ["", f"Made with {versions}; seed {run.seed}, model `{run.model_digest}`."]
    return "\n".join(lines) + "\n"
