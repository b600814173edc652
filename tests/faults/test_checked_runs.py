"""`check` sees all that it can see, and what comes from data or from killed runs leaves no trace."""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.program import Ended, Place, run_words, with_entries

SECRET = "secret77"
ESCAPE = "\x1b[7;36m\x1b]0;owned\x07"


def written(out: Path, manifest: dict[str, Any]) -> None:
    # One of an earlier version has no seal, and what contradicts itself is seen without one.
    manifest.pop("seal", None)
    (out / "manifest.json").write_text(json.dumps(manifest))


def row_changed(out: Path, **changes: Any) -> str:
    """Change columns of the first row of a shard, and list the shard as it is then; returns the row's id."""
    manifest = json.loads((out / "manifest.json").read_text())
    entry = manifest["formats"]["parquet"][0]
    table = pq.read_table(out / entry["path"])
    name: str = table["id"][0].as_py()
    for column, value in changes.items():
        values = [value, *table[column].to_pylist()[1:]]
        field = table.schema.field(column)
        table = table.set_column(table.column_names.index(column), field, pa.array(values, field.type))
    pq.write_table(table, out / entry["path"])
    data = (out / entry["path"]).read_bytes()
    entry["bytes"], entry["blake2b"] = len(data), blake2b(data, digest_size=16).hexdigest()
    written(out, manifest)
    return name


def manifest_changed(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], str]:
    def changed(out: Path) -> str:
        manifest = json.loads((out / "manifest.json").read_text())
        change(manifest)
        written(out, manifest)
        return ""

    return changed


def one_utterance_more(manifest: dict[str, Any]) -> None:
    next(iter(manifest["splits"].values()))["utterances"] += 1


def a_second_more(manifest: dict[str, Any]) -> None:
    manifest["ledgers"]["samples"]["kept"] += 16_000


def half_the_rate(manifest: dict[str, Any]) -> None:
    manifest["sample_rate_hz"] //= 2


def stage_file_flipped(out: Path) -> str:
    path = min((out / "work" / "emit").glob("*.parquet"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return path.name


DAMAGES: dict[str, Callable[[Path], str]] = {
    "totals of splits": manifest_changed(one_utterance_more),
    "ledgers": manifest_changed(a_second_more),
    "rates": manifest_changed(half_the_rate),
    "scores": lambda out: row_changed(out, score=math.nan),
    "costs": lambda out: row_changed(out, ctc_cost=math.inf),
    "noise": lambda out: row_changed(out, noise="{", snr_db=10.0),
    "ids": lambda out: row_changed(out, id="talk1-000000001-000000002"),
    "characters": lambda out: row_changed(out, characters=99_999),
    "no text": lambda out: row_changed(out, text=" "),
    "stage files": stage_file_flipped,
}


@pytest.mark.parametrize("what", DAMAGES)
def test_check_sees(what: str, place: Place, tmp_path: Path) -> None:
    out = place.copy(tmp_path / "run")
    named = DAMAGES[what](out)
    done = place.program.do("check", out)
    assert done.code == 1, done.told
    assert "Traceback" not in done.told
    assert (named if what != "ids" else "talk1-000000001-000000002") in done.told


def test_a_k_that_a_run_has_chosen_which_published_nothing_is_not_kept(place: Place, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = run_words(place.manifest, out, "--quiet")
    at = words.index("--min-pause-frames")
    del words[at : at + 2]
    with place.program.held("write:/work/segment/", *words) as running:
        running.signal(signal.SIGKILL)
    running.finish()
    assert (out / "work" / "k").is_dir()
    assert [path.name for path in (out / "work" / "k").glob("*.json") if "picked" not in path.name] == []


def temporary_files(out: Path) -> list[str]:
    return sorted(path.name for path in out.rglob("*") if path.is_file() and path.name.endswith(".tmp"))


def test_temporary_files_of_killed_runs_go_when_the_next_run_ends(place: Place, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with place.program.held("write:/work/emit/", *run_words(place.manifest, out, "--quiet")) as running:
        running.signal(signal.SIGKILL)
    running.finish()
    assert temporary_files(out)
    place.run(out).is_well()
    assert temporary_files(out) == []
    assert place.has_good_ones(out)


def test_no_user_name_or_password_of_a_url_is_printed(place: Place, tmp_path: Path) -> None:
    entry = {"id": "far", "audio_filepath": f"s3://me77:{SECRET}@host/a.flac", "text": "a river"}
    manifest = with_entries(place.manifest, "far", entry, keep=(0, 1, 2))
    out = tmp_path / "run"
    told = place.program.do(*run_words(manifest, out, "--max-failed", "0.01")).told
    words = run_words(place.manifest, tmp_path / "other", "--filter", place.manifest.with_name("filter.json"))
    words[1] = f"s3://me77:{SECRET}@nowhere/m.jsonl"
    told += place.program.do(*words).told
    for letters in out.glob("dead-letters.jsonl"):
        told += letters.read_text()
    assert SECRET not in told, told[-1000:]
    assert "me77" not in told, told[-1000:]


def no_escape(done: Ended) -> None:
    assert done.out.strip()
    for part in ("\x1b[7;36m", "\x1b]0;owned", "\x07"):
        assert part not in done.out, repr(done.out[-400:])


def test_no_escape_sequence_of_a_name_reaches_a_terminal(place: Place, tmp_path: Path) -> None:
    for words in (
        run_words(place.manifest.with_name(f"no{ESCAPE}.jsonl"), tmp_path / "a", "--filter", tmp_path / "no"),
        ["status", str(tmp_path / f"no{ESCAPE}")],
    ):
        no_escape(place.program.do(*words, terminal=True))


def test_no_escape_sequence_of_an_entry_reaches_a_terminal(place: Place, tmp_path: Path) -> None:
    entries = [
        {"id": f"e{ESCAPE}1", "audio_filepath": f"no{ESCAPE}.flac", "text": "a river"},
        {"id": f"e{ESCAPE}2", "audio_filepath": "talk0.flac", "text_filepath": "talk0.txt"},
        {"id": f"e{ESCAPE}2 again", "audio_filepath": "talk0.flac", "text_filepath": "talk0.txt"},
        {"id": f"e{ESCAPE}3", "audio_filepath": "talk1.flac", "text_filepath": f"no{ESCAPE}.txt"},
    ]
    manifest = with_entries(place.manifest, "escapes", *entries, keep=(1, 2))
    out = tmp_path / "run"
    for words in (
        [*run_words(manifest, out), "--dry-run"],
        run_words(manifest, out, "--max-failed", "0.01"),
        run_words(manifest, out),
        ["check", str(out)],
        ["status", str(out)],
    ):
        no_escape(place.program.do(*words, terminal=True))
    assert os.path.exists(out / "manifest.json")
