"""Documents of a run folder that are damaged: one line that names the file, from every command that reads it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.places import SUPPORT

from prep_corpus.jobs.cli import main

NOT_WHAT_WAS_WRITTEN = {
    "no JSON": lambda data: data[: len(data) // 2],
    "no text": lambda data: b"\xff\xfe" + data,
    "another value": lambda data: data.replace(b'": ', b'": [', 1).replace(b",", b"],", 1),
    "too deep": lambda data: b"[" * 100_000,
    "a list": lambda data: b"[1, 2]",
}


@pytest.fixture(scope="module")
def finished(toy_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of which one file after the other is damaged, and put back."""
    return Path(shutil.copytree(toy_run, tmp_path_factory.mktemp("damaged") / "run"))


def call(*words: str) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SUPPORT)
        return CliRunner().invoke(main, list(words))


@pytest.mark.parametrize("damage", NOT_WHAT_WAS_WRITTEN)
@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("outcome.json", "report"),
        ("outcome.json", "status"),
        ("status.json", "status"),
        ("prep-corpus-run.json", "clean"),
        ("prep-corpus-run.json", "report"),
        ("work/used.json", "clean"),
        ("work/used.json", "report"),
        ("manifest.json", "export"),
        ("manifest.json", "sample"),
    ],
)
def test_one_line_names_the_file(
    name: str, command: str, damage: str, finished: Path, tmp_path: Path
) -> None:
    path = finished / name
    before = path.read_bytes()
    path.write_bytes(NOT_WHAT_WAS_WRITTEN[damage](before))
    more = {
        "export": ("--out", str(tmp_path / "out")),
        "sample": ("--out", str(tmp_path / "out")),
        "clean": ("--yes",),
    }
    done = call(command, str(finished), *more.get(command, ()))
    path.write_bytes(before)
    assert done.exit_code == 2, done.output
    begun = f"reading {finished}"
    (line,) = [line for line in done.output.splitlines() if line.strip() and line != begun]
    assert path.name in line
    assert line.startswith("Error: ")
    assert "Error" not in line.removeprefix("Error: "), "Python's own words"


@pytest.mark.parametrize("damage", NOT_WHAT_WAS_WRITTEN)
@pytest.mark.parametrize(
    "name",
    [
        "manifest.json",
        "outcome.json",
        "prep-corpus-run.json",
        "languages.json",
        "work/used.json",
        "work/standing.json",
    ],
)
def test_check_tells_it_as_a_problem(name: str, damage: str, finished: Path) -> None:
    path = finished / name
    before = path.read_bytes() if path.exists() else None
    path.write_bytes(NOT_WHAT_WAS_WRITTEN[damage](before or b'[{"folder": "a"}]'))
    done = call("check", str(finished))
    if before is None:
        path.unlink()
    else:
        path.write_bytes(before)
    assert done.exit_code == 1, done.output
    (line,) = [line for line in done.output.splitlines() if path.name in line]
    assert not any(word in line for word in ("Error", "NoneType", "object", "indices", "str")), line


def test_check_of_a_manifest_that_cannot_be_read_is_no_wrong_usage(finished: Path) -> None:
    path = finished / "manifest.json"
    aside = path.rename(path.with_name("aside"))
    assert call("check", str(finished)).exit_code == 2
    path.mkdir()
    done = call("check", str(finished))
    path.rmdir()
    aside.rename(path)
    assert done.exit_code == 1, done.output
    assert "manifest-invalid" in done.output
    assert "manifest.json cannot be read" in done.output


SHARD = {"split": "train", "utterances": 1, "seconds": 1.0, "bytes": 1, "blake2b": "0"}


@pytest.mark.parametrize(
    "change",
    [
        {"config": []},
        {"ledgers": 3},
        {"created_by": None},
        {"seed": "0"},
        {"model_digest": 3},
        {"formats": []},
        {"formats": {"parquet": [{}]}},
        {"formats": {"parquet": 3}},
        {"formats": {"parquet": [], "cassette": []}},
        {"formats": {"parquet": [{**SHARD, "path": "data/\ud800"}]}},
        {"formats": {"parquet": [{**SHARD, "path": "data/\0"}]}},
    ],
)
def test_a_manifest_with_values_of_other_kinds_is_one_problem(
    change: dict[str, object], finished: Path
) -> None:
    path = finished / "manifest.json"
    before = path.read_bytes()
    path.write_text(json.dumps({**json.loads(before), **change}))
    done = call("check", str(finished))
    path.write_bytes(before)
    assert done.exit_code == 1, done.output
    (line,) = [line for line in done.output.splitlines() if "manifest-invalid" in line]
    assert "manifest.json" in line or "a shard's path" in line
    assert "Error" not in line


def test_noise_filters_and_settings_that_are_no_such_files(
    toy_run: Path, toy_corpus: Path, tmp_path: Path
) -> None:
    huge, deep = "9" * 5000, "[" * 100_000
    files = {
        "n.jsonl": '{"audio_filepath": 3}\n',
        "m.jsonl": f"{deep}\n",
        "f.json": deep,
        "g.json": f'{{"format": {huge}}}',
        "s.toml": f"seed = {deep}",
        "t.toml": f"seed = {huge}",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    options = {".jsonl": "--noise", ".json": "--filter", ".toml": "--config"}
    for name in files:
        path = tmp_path / name
        words = [
            "run",
            str(toy_corpus),
            "--out",
            str(tmp_path / "out"),
            "--model",
            "toy:acoustic_model",
            "--quiet",
        ]
        if path.suffix != ".json":
            words += ["--filter", str(toy_corpus.parent / "filter.json")]
        done = call(*words, options[path.suffix], str(path))
        assert done.exit_code == 2, (name, done.output)
        (line,) = [line for line in done.output.splitlines() if line.strip()]
        assert name in line


def test_a_filter_with_a_number_beyond_all_numbers_is_refused(toy_corpus: Path, tmp_path: Path) -> None:
    from prep_corpus.align.errors import UsageError
    from prep_corpus.filters.linear import parse_filter

    document = json.loads((toy_corpus.parent / "filter.json").read_text())
    for change in (
        {"frame_seconds": 10**400},
        {"word": [1]},
        {"words": "x"},
        {"guard": 3},
        {"paper": {"curve": [3]}},
    ):
        with pytest.raises(UsageError, match=r"f\.json"):
            parse_filter(json.dumps({**document, **change}), "f.json")
