"""What a command imports before it refuses, tells or finds that nothing is to be done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.imported import Imported, imported
from support.places import DEMO

HEAVY = ("torch", "apache_beam", "sklearn", "numba", "transformers", "scipy", "pyarrow", "soundfile")
MANIFEST = str(DEMO / "manifest.jsonl")


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Imported]:
    """Every command with something wrong that can be told at once."""
    folder = tmp_path_factory.mktemp("refused")
    nowhere, out = str(folder / "nowhere"), str(folder / "out")
    (folder / "other").mkdir()
    (folder / "other" / "file").touch()
    (folder / "empty").mkdir()
    lines = [
        f"run {nowhere}.jsonl --out {out}",
        f"run {nowhere}.jsonl --out {out} --dry-run",
        f"run {folder / 'empty'} --out {out}",
        f"run {MANIFEST} --out {out} --max-wer 2",
        f"run {MANIFEST} --out {out} --max-wer 0.0001",
        f"run {MANIFEST} --out {out} --model nowhere",
        f"run {MANIFEST} --out {out} --filter {nowhere}.json",
        f"run {MANIFEST} --out {out} --noise {nowhere}",
        f"run {MANIFEST} --out {out} --device gpu",
        f"run {MANIFEST} --out {folder / 'other'}",
        f"align {nowhere}.jsonl --out {out}",
        f"pair {nowhere} {nowhere} --out {out}.jsonl",
        f"evaluate {nowhere}.jsonl",
        f"export {nowhere} --out {out}",
        f"submit flink {nowhere}.jsonl --out {out} --master 127.0.0.1:1 --worker-pool 127.0.0.1:2",
        *(f"{command} {nowhere}" for command in ("check", "status", "clean", "settings", "report", "sample")),
        f"label {nowhere} {nowhere}.jsonl --out {out}.jsonl",
        f"agreement {nowhere} {nowhere}.jsonl",
        f"fit-filter {nowhere}.jsonl --out {out}.json",
        f"fit-filter --self-supervised {nowhere} --out {out}.json",
        f"train --out {out}",
        f"train --manifest {nowhere}.jsonl --out {out}",
        f"error-rates {nowhere}.jsonl",
        f"train-english {nowhere} --out {out}",
    ]
    found = imported([line.split() for line in lines], HEAVY)
    assert not (folder / "out").exists()
    return dict(zip(lines, found, strict=True))


def times(folder: Path) -> dict[Path, tuple[int, int]]:
    """When each file was changed."""
    return {path: (path.stat().st_mtime_ns, path.stat().st_ctime_ns) for path in folder.rglob("*")}


def test_what_can_be_told_at_once_is_told_before_anything_heavy_is_imported(
    refused: dict[str, Imported],
) -> None:
    assert {line: sorted(one.libraries) for line, one in refused.items() if one.libraries} == {}
    for line, one in refused.items():
        assert (one.code, one.text.count("Error: ")) == (2, 1), (line, one.text)
        assert one.text.rstrip().splitlines()[-1].startswith("Error: "), (line, one.text)


def test_what_tells_of_a_run_needs_neither_beam_nor_torch(demo_run: Path) -> None:
    run = str(demo_run)
    status, check, fast, clean, settings = imported(
        [
            ["status", run],
            ["check", run],
            ["check", "--fast", run],
            ["clean", run, "--dry-run"],
            ["settings", run],
        ],
        HEAVY,
    )
    assert [one.code for one in (status, check, fast, clean, settings)] == [0] * 5, check.text
    for one in (status, clean, settings):
        assert one.libraries == set()
    for one in (check, fast):
        # The shards are Parquet, and their audio is decoded.
        assert one.libraries == {"pyarrow", "soundfile"}


def test_a_run_with_nothing_to_do_says_so_in_one_line_without_beam_or_torch(demo_run: Path) -> None:
    settings = json.loads((demo_run / "prep-corpus-run.json").read_text())["settings"]
    formats = [word for name in settings["formats"] for word in ("--format", name)]
    command = ["run", MANIFEST, "--out", str(demo_run), "--noise", settings["noise"], *formats]
    before = times(demo_run)
    again, quiet, dry = imported([command, [*command, "--quiet"], [*command, "--dry-run"]], HEAVY)
    for one in (again, quiet, dry):
        assert one.code == 0, one.text
        assert one.libraries <= {"pyarrow", "soundfile"}
    assert again.text == dry.text
    assert quiet.text == ""
    utterances = json.loads((demo_run / "outcome.json").read_text())["utterances"]
    assert again.text == (
        f"nothing to do: {utterances} utterances of 6 recordings are published in {demo_run} as they should be\n"
    )
    assert times(demo_run) == before
