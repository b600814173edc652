"""Every command with each of its wrong options, missing files and empty inputs; a dry run says what the run will."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import click
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from support.imported import Imported, imported
from support.places import SUPPORT
from support.runs import arguments, run_here
from support.wrong_words import (
    ANY,
    FILES,
    INPUTS,
    MANIFEST,
    RIGHT,
    TOGETHER,
    WRONG,
    commands,
    wrong_inputs,
    wrong_options,
)

from prep_corpus.jobs.cli import main
from prep_corpus.jobs.screen.printing import over_limit
from prep_corpus.pipeline.stages.failures import most_failed

HEAVY = ("torch", "apache_beam", "sklearn", "numba", "transformers", "scipy", "pyarrow", "soundfile")
LIGHT = (
    "prep_corpus.jobs.start.early",
    "prep_corpus.jobs.runs.opened",
    "prep_corpus.pipeline.inputs.manifests",
    "prep_corpus.filters.linear",
)
"""What most of the refusals import: once for all of them."""
LIMIT_SECONDS = 0.5

COMMANDS = dict(commands())
DRY = {
    name: ("--dry-run",)
    for name, command in COMMANDS.items()
    if "dry_run" in {one.name for one in command.params}
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, toy_run: Path) -> Path:
    folder = tmp_path_factory.mktemp("wrong")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "run").symlink_to(toy_run)
    return folder


def test_the_table_has_every_option_of_every_command_and_no_other() -> None:
    assert RIGHT.keys() == COMMANDS.keys()
    for table in (INPUTS, TOGETHER):
        assert table.keys() <= COMMANDS.keys()
    taken = {
        one.opts[0]
        for command in COMMANDS.values()
        for one in command.params
        if isinstance(one, click.Option) and not one.is_flag
    }
    assert taken == WRONG.keys() | ANY
    assert set(DRY) == {"run", "clean"}
    assert not WRONG.keys() & ANY
    for name, command in COMMANDS.items():
        takes_files = any(
            isinstance(one, click.Argument) and one.name != "beam_options" for one in command.params
        )
        assert not takes_files or any("nowhere" in words for words in INPUTS[name]), name


def dried(line: str, dry: str) -> str:
    """The same line with an option before its arguments, so that no option at its end takes it for a value."""
    name, _, rest = line.partition(" ")
    return f"{name} {dry} {rest}" if dry else line


@pytest.fixture(scope="module")
def refusals(place: Path) -> dict[str, Imported]:
    """How each of all lines ends; of one that takes too much CPU time, the best of three."""
    lines = [
        dried(line, dry)
        for name, command in COMMANDS.items()
        for line in (*wrong_options(name, command), *wrong_inputs(name, command))
        for dry in ("", *DRY.get(name, ()))
    ]

    def tried(lines: list[str]) -> dict[str, Imported]:
        found = imported([line.format(place).split() for line in lines], HEAVY, LIGHT)
        return dict(zip(lines, found, strict=True))

    found = tried(lines)
    for _ in range(2):
        slow = [line for line, one in found.items() if one.cpu_seconds >= LIMIT_SECONDS and not one.libraries]
        found |= tried(slow) if slow else {}
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_all_that_is_wrong_is_refused_in_one_line_at_once(
    name: str, place: Path, refusals: dict[str, Imported]
) -> None:
    options = wrong_options(name, COMMANDS[name])
    wrong: dict[str, Imported] = {}
    for line in (*options, *wrong_inputs(name, COMMANDS[name])):
        one = refusals[line]
        # Where a word is missing, click tells how the command is called first.
        told = [row for row in one.text.splitlines() if row and not row.startswith(("Usage: ", "Try '"))]
        is_one_line = len(told) == 1 and told[0].startswith("Error: ")
        if one.code != 2 or not is_one_line or one.libraries or one.cpu_seconds >= LIMIT_SECONDS:
            wrong[line] = one
        for dry in DRY.get(name, ()):
            if (refusals[dried(line, dry)].code, refusals[dried(line, dry)].text) != (one.code, one.text):
                wrong[dried(line, dry)] = refusals[dried(line, dry)]
    assert not wrong
    for line in options:
        *before, last = line.format(place).split()
        option = next((word for word in reversed([*before, last]) if word.startswith("--")), last)
        assert any(word in refusals[line].text for word in (last, option.partition("=")[0])), refusals[line]
    for made in ("out", "out.json", "out.jsonl", "run-sample", "plot.txt"):
        assert not (place / made).exists()


def test_what_takes_long_to_begin_says_first_what_it_begins(place: Path) -> None:
    names = [
        *(
            "run",
            "align",
            "evaluate",
            "pair",
            "export",
            "report",
            "sample",
            "label",
            "agreement",
            "fit-filter",
        ),
        *("train", "error-rates"),
    ]
    lines = [f"{name} {RIGHT[name]}".format(place).split() for name in names]
    found = imported(lines, (), (*LIGHT, "without_heavy_libraries"))
    for name, one in zip(names, found, strict=True):
        # The libraries cannot be imported there: a command ends at the first of them that it wants.
        said = r"(reading|loading) .+\nError: (.*import of [\w.]+ halted).*\n"
        assert re.fullmatch(said, one.text), (name, one.text)


def test_what_is_called_without_a_command_is_refused() -> None:
    for words in ([], ["nonsense"], ["submit"], ["submit", "nonsense"]):
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 2
        assert done.output.startswith("Usage: ")


def dry(manifest: Path, out: Path, *extra: str, code: int = 0) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SUPPORT)
        done = CliRunner().invoke(main, [*arguments(manifest, out, *extra), "--dry-run"])
    assert done.exit_code == code, done.output
    return done


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def out(toy_run: Path, tmp_path: Path) -> Path:
    shutil.copytree(toy_run, tmp_path / "run")
    return tmp_path / "run"


def test_what_only_the_corpus_tells_is_refused_alike(toy_corpus: Path, out: Path, tmp_path: Path) -> None:
    before = files_of(out)
    fewer = tmp_path / "fewer.jsonl"
    shutil.copy(toy_corpus.with_name("filter.json"), tmp_path)
    entries = [json.loads(line) for line in toy_corpus.read_text().splitlines()[:-1]]
    for entry in entries:
        for key in ("audio_filepath", "text_filepath"):
            entry[key] = str(toy_corpus.parent / entry[key])
    fewer.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    bad = tmp_path / "noise"
    bad.mkdir()
    soundfile.write(bad / "silent.wav", np.zeros(16_000), 16_000)
    formats = ("--format", "parquet", "--format", "tfrecord", "--shard-mb", "0.5")
    for manifest, extra in (
        (fewer, ()),
        (toy_corpus, ("--seed", "7")),
        (toy_corpus, ("--noise", str(bad), "--force")),
    ):
        told = dry(manifest, out, *formats, *extra, code=2).output.splitlines()[-1]
        assert files_of(out) == before
        assert run_here(manifest, out, *formats, *extra, code=2).output.splitlines()[-1] == told
        # A run may have claimed the folder before it met the noise.
        shutil.rmtree(out)
        for name, content in before.items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_bytes(content)


def test_too_many_rejected_is_the_same_code(toy_corpus: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "missing.jsonl"
    shutil.copy(toy_corpus.with_name("filter.json"), tmp_path)
    manifest.write_text('{"audio_filepath": "nowhere.wav", "text": "river"}\n')
    told = dry(manifest, tmp_path / "run", code=4)
    assert (
        "1 of 1 recording failed, and --max-failed allows 10%; --max-failed 100% publishes the others"
        in told.output
    )
    assert not (tmp_path / "run").exists()
    run_here(manifest, tmp_path / "run", code=4)


def test_a_share_is_a_number_or_in_percent() -> None:
    for written, share in (("100%", 1.0), ("12.5 %", 0.125), ("0.2", 0.2), ("0%", 0.0)):
        words = [MANIFEST, "--out", "unused", "--max-failed", written]
        assert main.commands["run"].make_context("run", words).params["max_failed"] == share


@pytest.mark.parametrize(("failed", "entries"), [(1, 9), (29, 100), (1, 1), (7, 25)])
def test_the_share_that_is_named_as_the_way_out_is_enough(failed: int, entries: int) -> None:
    (share,) = re.findall(r"; --max-failed (\d+)% publishes", over_limit(failed, entries, 0.1))
    assert most_failed(int(share) / 100, entries) >= failed
    assert most_failed((int(share) - 1) / 100, entries) < failed


def to_do(done: Result) -> dict[str, str]:
    """Hours that each stage has to do, as a dry run tells."""
    lines = [line for line in done.output.splitlines() if line.startswith("to do")]
    return {
        part.split()[0]: part.split()[1]
        for part in lines[0].removeprefix("to do").split(", ")
        if " of " in part
    }


def test_a_dry_run_says_what_is_done_again_and_what_not(toy_corpus: Path, out: Path, tmp_path: Path) -> None:
    formats = ("--format", "parquet", "--format", "tfrecord", "--shard-mb", "0.5")
    assert list(to_do(dry(toy_corpus, tmp_path / "new"))) == ["emit", "align", "measure", "segment", "write"]
    before = files_of(out)
    assert to_do(dry(toy_corpus, out, *formats)) == {}
    changed = (*formats, "--padding", "0.1", "--force")
    assert list(to_do(dry(toy_corpus, out, *changed))) == ["measure", "segment", "write"]
    assert files_of(out) == before
    run_here(toy_corpus, out, *changed)
    stages = json.loads((out / "status.json").read_text())["stages"]
    again = [stage for stage in stages if stages[stage]["found"] < stages[stage]["units"]]
    assert again == ["measure", "segment", "write"]
    assert to_do(dry(toy_corpus, out, *changed)) == {}
