"""Every command with each of its wrong options, missing files and empty inputs; a dry run says what the run will."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from support.places import DEMO, SUPPORT
from support.runs import arguments, run_here

from prep_corpus.jobs.cli import main
from prep_corpus.jobs.screen.printing import over_limit
from prep_corpus.pipeline.stages.failures import most_failed

MANIFEST = str(DEMO / "manifest.jsonl")

# {0} is a folder with the files below, {0}/nowhere is nothing, {0}/out is nothing yet.
FILES = {
    "empty.jsonl": "",
    "blank.jsonl": "\n\n",
    "array.json": '[{"audio_filepath": "a.wav"}]',
    "list.docx": "no manifest",
    "bad.toml": "seed = [",
    "unknown.toml": "colour = 1",
    "model/config.json": "{",
    "half/config.json": "{}",
    "filter.json": "{}",
    "silence/readme.txt": "no clips",
    "other/thesis.txt": "mine",
    "labels.jsonl": "",
    "onnx/model.onnx": "",
    "file": "",
}
RUN_REFUSALS = [
    *("{0}/nowhere.jsonl", "{0}/empty.jsonl", "{0}/blank.jsonl", "{0}/array.json", "{0}/list.docx", "{0}/silence"),
    *(f"{MANIFEST} {words}" for words in (
        "--model nowhere",
        "--model {0}/silence",
        "--model {0}/model",
        "--model {0}/half",
        "--model nowhere:factory",
        "--model {0}/onnx",
        "--model =english",
        "--model de=",
        "--model zz=english",
        "--model german=english",
        "--model de=english --model deu=english",
        "--model de=english --model de_AT=english --model de-at=english",
        "--model en=english --filter it={0}/filter.json",
        "--filter it={0}/filter.json",
        "--filter nowhere",
        "--filter {0}/filter.json",
        "--max-wer 0",
        "--max-wer 0.0001",
        "--max-wer much",
        "--noise {0}/nowhere",
        "--noise {0}/silence",
        "--noise {0}/nowhere.jsonl",
        "--rooms {0}/silence",
        "--device gpu",
        "--device cuda:x",
        "--workers 0",
        "--workers -1",
        "--workers many",
        "--max-failed 2",
        "--max-failed 101%",
        "--max-failed few%",
        "--log-file {0}/nowhere/log",
        "--min-duration 9 --target-duration 8",
        "--max-duration 6",
        "--padding -1",
        "--cut sentences",
        "--format zip",
        "--split dev=2",
        "--split dev",
        "--snr-db 9 3",
        "--noise-fraction 1.5",
        "--shard-mb 0",
        "--order backwards",
        "--seed x",
        "--config {0}/nowhere.toml",
        "--config {0}/bad.toml",
        "--config {0}/unknown.toml",
        "--no-such-option",
    )),
]  # fmt: skip
OTHERS = [
    "run",
    f"run {MANIFEST}",
    f"run {MANIFEST} --out {{0}}/other",
    f"run {MANIFEST} --out",
    "align {0}/nowhere.jsonl --out {0}/out",
    "align {0}/empty.jsonl --out {0}/out",
    f"align {MANIFEST} --out {{0}}/out --format zip",
    f"align {MANIFEST} --out {{0}}/out --workers 0",
    f"align {MANIFEST} --out {{0}}/out --model nowhere",
    "evaluate {0}/empty.jsonl",
    f"evaluate {MANIFEST} --hours 0",
    f"evaluate {MANIFEST} --rate light",
    f"evaluate {MANIFEST} --rate light=2",
    "export {0}/nowhere --out {0}/out",
    "export {0}/other --out {0}/out",
    "export {0}/other --out {0}/out --format zip",
    *(f"{command} {{0}}/nowhere" for command in ("check", "status", "clean", "settings", "report", "sample")),
    *(f"{command} {{0}}/other" for command in ("check", "status", "clean", "settings", "report", "sample")),
    "sample {0}/other --count 0",
    "sample {0}/other --kept 2",
    "sample {0}/other --listeners 0",
    "sample {0}/other --workers 0",
    "sample {0}/other --overlap -1",
    "label {0}/nowhere {0}/labels.jsonl --out {0}/out",
    "label {0}/other --out {0}/out",
    "label {0}/other {0}/labels.jsonl --out {0}/out --good-wer 1",
    "agreement {0}/nowhere {0}/labels.jsonl",
    "agreement {0}/other",
    "fit-filter --out {0}/out.json",
    "fit-filter {0}/nowhere.jsonl --out {0}/out.json",
    "fit-filter {0}/labels.jsonl --out {0}/out.json",
    "fit-filter {0}/labels.jsonl --out {0}/out.json --max-wer 0",
    "fit-filter {0}/labels.jsonl --out {0}/out.json --hours -1",
    "fit-filter --self-supervised {0}/other --out {0}/out.json",
    "submit",
    f"submit flink {MANIFEST} --out {{0}}/out",
    f"submit flink {MANIFEST} --out {{0}}/out --master h:1 --workers 0 --worker-pool h:2",
    f"submit flink {MANIFEST} --out {{0}}/out --master h:1",
    f"submit portable {MANIFEST} --out {{0}}/out --endpoint h:1",
    f"submit portable {MANIFEST} --out {{0}}/out --endpoint h:1 --worker-pool h:2 --threads 0",
    f"submit dataflow {MANIFEST} --out {{0}}/out --project p --region r --image i",
    "workers --port 70000",
    "train --out {0}/out",
    "train --out {0}/out --manifest {0}/nowhere.jsonl",
    "train --out {0}/out --shards {0}/other",
    "train --out {0}/out --shards {0}/other --threads 0",
    "train-english {0}/nowhere --out {0}/out",
    "error-rates {0}/nowhere.jsonl",
    "error-rates {0}/empty.jsonl --model nowhere",
    "error-rates {0}/empty.jsonl --max-per-set 0",
    "nonsense",
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wrong")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


def refusal(words: list[str]) -> str:
    """What a command says that refuses: one line."""
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2, (words, done.exit_code, done.output)
    said = [line for line in done.output.splitlines() if line and not line.startswith(("Usage: ", "Try '"))]
    if done.output.startswith("Usage: ") and not any(line.startswith("Error: ") for line in said):
        return "help"
    # Click breaks what is at fault with a choice over several lines; ours are one.
    assert said[0].startswith("Error: "), (words, done.output)
    assert len(said) == 1 or done.output.startswith("Usage: "), (words, done.output)
    return said[0]


@pytest.mark.parametrize("line", RUN_REFUSALS)
def test_run_refuses_in_one_line_and_a_dry_run_alike(line: str, place: Path) -> None:
    words = ["run", *line.format(place).split(), "--out", str(place / "out")]
    assert refusal(words) == refusal([*words, "--dry-run"])
    assert not (place / "out").exists()


@pytest.mark.parametrize("line", OTHERS)
def test_every_command_refuses_in_one_line(line: str, place: Path) -> None:
    refusal(line.format(place).split())
    assert not (place / "out").exists()
    assert not (place / "out.json").exists()


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
    fewer = toy_corpus.with_name("fewer.jsonl")
    fewer.write_text("".join(toy_corpus.read_text().splitlines(keepends=True)[:-1]))
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
    manifest = toy_corpus.with_name("missing.jsonl")
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
