"""Five tasks of somebody new, each done from its page alone: the scripts are the pages' own lines."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from support.page_blocks import program, shell, shell_blocks
from support.places import DEMO

from prep_corpus.pipeline.reading import read_utterances

pytestmark = pytest.mark.pages


def subtitles(text: str, seconds: float) -> str:
    """A text as SRT, a cue for each sentence, its time by its share of the characters."""
    cues, at = [], 0.0
    for number, sentence in enumerate(re.split(r"(?<=[.!?]) ", text), start=1):
        end = at + seconds * len(sentence) / len(text)
        times = " --> ".join(f"00:{int(t) // 60:02d}:{t % 60:06.3f}".replace(".", ",") for t in (at, end))
        cues.append(f"{number}\n{times}\n{sentence}\n")
        at = end
    return "\n".join(cues)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What each page says that one has: speech of the demo under other names."""
    place = tmp_path_factory.mktemp("tasks")
    entries = [json.loads(line) for line in (DEMO / "manifest.jsonl").read_text().splitlines()]
    names = ("podcasts/episode-1", "podcasts/episode-2", "new/episode-3", "chapters/01", "chapters/02")
    for name, entry in zip(names, entries):
        target = place / name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(DEMO / entry["audio_filepath"], target.with_suffix(".opus"))
        text = (DEMO / entry["text_filepath"]).read_text()
        if target.parent.name == "chapters":
            target.with_suffix(".txt").write_text(text)
        else:
            target.with_suffix(".srt").write_text(subtitles(text, entry["duration"]))
    shutil.copytree(DEMO / "audio", place / "audio")
    shutil.copy(DEMO / "manifest.jsonl", place)
    return place


@pytest.fixture(scope="module")
def podcasts(place: Path) -> Path:
    """The run of podcasts.md."""
    done = shell("".join(shell_blocks("podcasts.md")), place)
    assert "about" in done.stdout, "the dry run says how long it takes"
    assert done.stdout.splitlines()[-1].endswith("no problems")
    return place / "podcasts-run"


def test_a_folder_of_podcasts(place: Path, podcasts: Path) -> None:
    rows = list(read_utterances(str(podcasts)))
    assert {row.recording_id for row in rows} == {"episode-1", "episode-2"}
    (place / "podcasts.py").write_text(program("podcasts.md", "podcasts"))
    shown = shell("python podcasts.py", place).stdout.splitlines()
    assert shown == [f"{row.recording_id} {row.start:7.2f} s: {row.text}" for row in rows]


def test_a_book_and_its_chapters(place: Path) -> None:
    shell("".join(shell_blocks("book.md")), place)
    assert {row.recording_id for row in read_utterances(str(place / "book-run"))} == {"01", "02"}
    assert " --> " in (place / "book-times" / "01.srt").read_text()
    assert json.loads((place / "book-times" / "01.jsonl").read_text().splitlines()[0])["word"]


def test_adding_files(place: Path, podcasts: Path) -> None:
    run, clean = shell_blocks("growing.md")
    done = shell(run, place)
    assert re.search(r"^to do +emit 0.02 of 0.06 h, align 0.02 of 0.06 h", done.stdout, re.M), done.stdout
    stages = json.loads((podcasts / "status.json").read_text())["stages"]
    assert {
        name: (stages[name]["found"], stages[name]["units"]) for name in ("emit", "align", "segment")
    } == (dict.fromkeys(("emit", "align", "segment"), (2, 3)))
    assert {row.recording_id for row in read_utterances(str(podcasts))} == {f"episode-{n}" for n in (1, 2, 3)}
    assert "no longer serve" in shell(clean, place).stdout


def test_a_filter_of_ones_own(place: Path) -> None:
    shell("".join(shell_blocks("own-filter.md", "Without people")), place)
    settings = json.loads((place / "my-run" / "manifest.json").read_text())["config"]
    assert settings["filter"].endswith("alone.json")
    assert (place / "alone.md").read_text().startswith("# ")


def test_reading_in_pytorch(place: Path, podcasts: Path) -> None:
    pytest.importorskip("torch")
    # As reading.md says: in a folder that has a finished run in run/.
    (place / "run").symlink_to(podcasts)
    (place / "train.py").write_text(program("reading.md", "pytorch"))
    assert re.fullmatch(r"\d+ steps, loss \d+\.\d{3}\n", shell("python train.py", place).stdout)
