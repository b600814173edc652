"""Every command line that a page shows is run as it stands, or is named here with what it would need.

Those of prep-corpus that cannot be run (a cloud, hours of training) are parsed as the program parses them.
"""

from __future__ import annotations

import ast
import gzip
import json
import re
import shlex
import shutil
import tomllib
from importlib.util import find_spec
from pathlib import Path

import click
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from support.page_blocks import PAGES, command_lines, shell
from support.places import DEMO, ROOT, TESTS

from prep_corpus.align.recordings import parse_entry
from prep_corpus.jobs.cli import main

RUN_WHOLE = {"podcasts.md", "book.md", "growing.md"}
"""Pages that `test_first_tasks.py` goes through."""
RUN_HERE = ("README.md", "index.md", "models.md", "labelling.md", "own-filter.md")
"""Pages whose lines run in a folder that has what they name."""
NEEDS = {
    "the network": r"pip install|^(gcloud|docker|podman|mmdebstrap|java|git) |^IMAGE=",
    "a cloud, or a cluster": r"(s3|gs|hdfs)://|prep-corpus (submit|workers) ",
    "what CI runs": r"^make \S+|^\.ci/run",
    "hours, or speech beside the project": (
        r"prep-corpus (train|train-english|error-rates) |^prep-corpus run (corpus|more)\.jsonl |tests/quality\.py fit"
    ),
    "a model that people have": r"--model quartznet:",
    "Debian packages": r"^[{}]|/usr/share|^bible ",
}


def need_of(line: str) -> str | None:
    """What a line needs that the tests have not; None where it is run."""
    return next((need for need, pattern in NEEDS.items() if re.search(pattern, line)), None)


def lines_of_all_pages() -> list[tuple[str, str]]:
    return [(page, line) for page in PAGES for line in command_lines(page)]


def words_of(line: str) -> list[str]:
    """The words behind `prep-corpus`, without settings of the environment before it."""
    words = shlex.split(line)
    return words[words.index("prep-corpus") + 1 :]


def test_no_line_is_forgotten() -> None:
    lines = lines_of_all_pages()
    assert len(lines) > 60
    for page, line in lines:
        assert page in RUN_WHOLE or page in RUN_HERE or need_of(line) is not None, f"{page}: {line}"
    for need, pattern in NEEDS.items():
        assert any(re.search(pattern, line) for _, line in lines), f"no line needs {need}"


OURS = [(page, line) for page, line in lines_of_all_pages() if re.search(r"(^|\s)prep-corpus ", line)]


@pytest.mark.parametrize(("page", "line"), OURS, ids=lambda value: value[:60])
def test_every_line_of_ours_is_one_that_the_program_takes(
    page: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("here", "shared/data"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    Path("flink.toml").write_text('master = "h:1"\nimage = "i"\n')
    command: click.Command = main
    words, parent = words_of(line), None
    while True:
        context = command.make_context(command.name, list(words), parent=parent)
        if not isinstance(command, click.Group):
            break
        parent, words = context, [*context._protected_args, *context.args]
        _, command, words = command.resolve_command(context, words)  # type: ignore[assignment]
    parent.close()


SPANS = [
    (page, span)
    for page, path in PAGES.items()
    for span in re.findall(r"`(prep-corpus [^`]+)`", path.read_text())
]


@pytest.mark.parametrize(("page", "span"), SPANS, ids=lambda value: value[:60])
def test_commands_in_the_text_are_there_with_their_options(page: str, span: str) -> None:
    words = span.replace("|", " ").replace(" ENGINE ", " flink ").split()[1:]
    if words[0] == "COMMAND":
        return
    for name in [one for one in words if one in ("flink", "dataflow", "portable")] or [""]:
        command: click.Command | None = main
        for word in (words[0], name) if words[0] == "submit" and name else (words[0],):
            assert isinstance(command, click.Group)
            command = command.get_command(click.Context(command), word)
            assert command is not None, span
        known = {
            option for one in (*main.params, *command.params) for option in (*one.opts, *one.secondary_opts)
        } | {"--help"}
        assert {word.partition("=")[0] for word in words if word.startswith("-")} <= known, span


def test_the_targets_of_make_that_pages_name_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for page, path in PAGES.items():
        for target in re.findall(r"(?:^|`)make ([a-z-]+)(?=[` \n])", path.read_text(), re.M):
            assert re.search(rf"^{target}:", makefile, re.M) or target == "bench-", f"{page}: make {target}"


def place_for(folder: Path) -> Path:
    """Where pages' lines run: a manifest, noise, and the folders and models that they name."""
    shutil.copytree(DEMO / "audio", folder / "audio")
    shutil.copytree(DEMO / "noise", folder / "my-noise-clips")
    entries = [json.loads(line) for line in (DEMO / "manifest.jsonl").read_text().splitlines()]
    for entry, language in zip(entries, ("en", "de", "en", "en", "en", "en")):
        entry["lang"] = language
    (folder / "manifest.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    for name in ("talks", "chapters"):
        (folder / name).mkdir()
        for ending in ("opus", "txt"):
            shutil.copy(DEMO / "audio" / f"alice.{ending}", folder / name)
    (folder / "german-model").mkdir()
    for ending, name in (("json", "config.json"), ("safetensors", "model.safetensors")):
        shutil.copy(ROOT / "align" / "model" / f"english.{ending}", folder / "german-model" / name)
    packed_for(folder)
    # What `make demo` leaves.
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "activate").touch()
    return folder


def packed_for(folder: Path) -> None:
    """A recording as other tools have it: a data set in Parquet, a table of Common Voice, Lhotse cuts."""
    sound, text = folder / "audio" / "alice.opus", (folder / "audio" / "alice.txt").read_text()
    (folder / "my-data" / "data").mkdir(parents=True)
    rows = pa.table({"audio": [{"bytes": sound.read_bytes(), "path": "alice.opus"}], "text": [text]})
    pq.write_table(rows, folder / "my-data" / "data" / "train-00000-of-00001.parquet")
    clips = folder / "cv-corpus" / "en" / "clips"
    clips.mkdir(parents=True)
    shutil.copy(sound, clips)
    (clips.parent / "validated.tsv").write_text(
        f"client_id\tpath\tsentence\na\talice.opus\t{' '.join(text.split())}\n"
    )
    known = soundfile.info(str(sound))
    span = {"start": 0, "duration": known.duration, "channel": 0}
    recording = {
        "id": "alice",
        "sources": [{"type": "file", "channels": [0], "source": "audio/alice.opus"}],
        "sampling_rate": known.samplerate,
        "num_samples": known.frames,
        "duration": known.duration,
    }
    supervision = {"id": "s", "recording_id": "alice", **span, "text": text}
    cut = {"type": "MonoCut", "id": "alice", **span, "supervisions": [supervision], "recording": recording}
    (folder / "cuts.jsonl.gz").write_bytes(gzip.compress(json.dumps(cut).encode()))


def listened(folder: Path, line: str) -> None:
    """Do what people do before a line that takes what they heard: write it down, every fifth with another last word."""
    for name in re.findall(r"\S+\.jsonl(?!\.gz)", line):
        if name in ("labels.jsonl", "manifest.jsonl") or (folder / name).exists():
            continue
        (sample,) = sorted(folder.glob("*/sample.jsonl"), key=lambda path: -path.stat().st_mtime_ns)[:1]
        rows = [json.loads(row) for row in sample.read_text().splitlines()]
        listener = name.partition("-")[0].partition(".")[0]
        said = [
            {
                "id": row["id"],
                "listener": listener,
                "text": row["text"] if number % 5 else " ".join([*row["text"].split()[:-1], "elephant"]),
            }
            for number, row in enumerate(rows)
        ]
        (folder / name).write_text("".join(json.dumps(one) + "\n" for one in said))


@pytest.mark.pages
@pytest.mark.parametrize("page", RUN_HERE)
def test_the_lines_of_a_page_run_one_after_the_other(page: str, tmp_path: Path, demo_run: Path) -> None:
    folder = place_for(tmp_path)
    if page == "labelling.md":
        # It begins with a run.
        shutil.copytree(demo_run, folder / "my-run")
    for line in command_lines(page):
        if need_of(line) is None:
            listened(folder, line)
            shell(line, folder)
    if page == "README.md":
        assert (folder / "my-run" / "report.html").exists()
        shown_by_datasets(folder)


def shown_by_datasets(folder: Path) -> None:
    """Run the README's program, as far as what it needs is installed."""
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGES["README.md"].read_text(), re.M | re.S)
    if find_spec("datasets") is None:
        pytest.skip("the README's program needs datasets")
    if find_spec("torchcodec") is None:
        # It decodes audio; the rest of the program needs it not.
        block = block.replace('corpus[0]["audio"], ', "")
    (folder / "program.py").write_text(block)
    shell("python program.py", folder, HF_HUB_OFFLINE="1", HF_HOME=str(folder / "hf"))


def test_the_lines_that_complete_commands_give_a_script_for_each_shell(tmp_path: Path) -> None:
    lines = re.findall(
        r"^.*_PREP_CORPUS_COMPLETE=\w+_source prep-corpus.*$", PAGES["commands.md"].read_text(), re.M
    )
    assert len(lines) == 3
    shell(lines[0] + "\ncomplete -p prep-corpus", tmp_path)
    for line in lines[1:]:
        (call,) = re.findall(r"_PREP_CORPUS_COMPLETE=\w+_source prep-corpus", line)
        assert "prep-corpus" in shell(call, tmp_path).stdout


def test_what_text_md_says_of_its_example_holds() -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGES["text.md"].read_text(), re.M | re.S)
    names: dict[str, object] = {}
    exec(compile(block, "docs/text.md", "exec"), names)
    told = re.findall(r"^(normalized\..*?)  # (\".*?\"|\[.*?\])(?::.*)?$", block, re.M)
    assert len(told) == 4
    for expression, value in told:
        assert eval(expression, names) == ast.literal_eval(value), expression  # noqa: S307


@pytest.mark.parametrize(("page", "command"), [("clusters.md", "flink"), ("dataflow.md", "dataflow")])
def test_files_for_profile_hold_settings_of_their_command(page: str, command: str) -> None:
    (block,) = re.findall(r"^```toml\n(.*?)^```", PAGES[page].read_text(), re.M | re.S)
    submit = main.commands["submit"]
    assert isinstance(submit, click.Group)
    known = {option for one in submit.commands[command].params for option in one.opts}
    assert {f"--{key}" for key in tomllib.loads(block)} <= known


def test_lines_of_manifests_are_entries() -> None:
    shown = [
        line
        for page in ("README.md", "index.md", "input.md")
        for block in re.findall(r"^```json\n(.*?)^```", PAGES[page].read_text(), re.M | re.S)
        for line in block.splitlines()
    ]
    assert len(shown) > 5
    for line in shown:
        parse_entry(json.loads(line), join=lambda path: path, name=line)


def test_every_program_of_a_page_is_run_by_a_test() -> None:
    run = {
        "reading.md": "pipeline/reading/test_reading_programs.py",
        "python.md": "test_python_page.py",
        "podcasts.md": "test_first_tasks.py",
        "adding-a-setting.md": "jobs/test_adding_a_setting.py",
        "text.md": Path(__file__).name,
        "README.md": Path(__file__).name,
    }
    assert {page for page, path in PAGES.items() if "```python" in path.read_text()} == run.keys()
    for page, test in run.items():
        assert page in (TESTS / test).read_text(), f"{test} runs {page}"
