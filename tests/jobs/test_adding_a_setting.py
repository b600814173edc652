"""docs/adding-a-setting.md holds: a setting that is declared and read, in a copy of the tree, is all there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from support import toy
from support.places import DOCS, ENVIRONMENT, ROOT, SUPPORT

from prep_corpus.align.model.models import load_model
from prep_corpus.filters.linear import load_filter
from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.runs.stage_options import segment_options

FOLDERS = ("align", "augment", "filters", "jobs", "pipeline")

DECLARATION = """    min_words: int = setting(
        1,
        "--min-words",
        "Drop utterances with fewer words.",
        unit="words",
        allowed=AT_LEAST_1,
        group=CUTTING,
        to="segment.min_words",
    )
"""

# (file, before which line, what comes in)
DECLARED = ("jobs/cutting_settings.py", "    padding_seconds: float = setting(\n", DECLARATION)
READ = (
    ("pipeline/stages/cut_recording.py", "    def identity(self)", "    min_words: int = 1\n\n"),
    (
        "pipeline/stages/cut_recording.py",
        "            # The defaults that no option changes.\n",
        "            *([self.min_words] if self.min_words != 1 else []),\n",
    ),
    (
        "pipeline/stages/cut_recording.py",
        "def cut_recording(",
        '''def long_enough(ranges: Ranges, min_words: int) -> Ranges:
    """Drop segments with fewer words."""
    too_short = (ranges.codes_R == 0) & (ranges.ends_R - ranges.firsts_R < min_words)
    return replace(ranges, codes_R=np.where(too_short, CODES["too-short"], ranges.codes_R))


''',
    ),
)

PROGRAM = """
import json, sys
from pathlib import Path
from click.testing import CliRunner
from prep_corpus.align.model.models import load_model
from prep_corpus.filters.linear import load_filter
from prep_corpus.jobs import config
from prep_corpus.jobs.cli import main
from prep_corpus.jobs.flex_template import metadata
from prep_corpus.jobs.runs.stage_options import segment_options

corpus, folder = Path(sys.argv[1]), Path(sys.argv[2])
assert str(folder) in config.__file__, config.__file__
filter_file = corpus.parent / "filter.json"
toml = folder / "run.toml"
shared = ["--filter", str(filter_file), "--model", "toy:acoustic_model", "--device", "cpu", "--no-report"]

def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words])

def run(out, *words):
    return call("run", corpus, "--out", folder / out, *shared, *words)

toml.write_text("min-words = 9")
done = run("nine", "--config", toml)
assert done.exit_code == 0, done.output
toml.write_text("min-words = 0")
info = load_model("toy:acoustic_model").info
fitted = load_filter(filter_file)
point = fitted.point(0.05, cut="words")
print(json.dumps({
    "help": {name: call(*name.split(), "--help").output for name in ("run", "evaluate", "submit flink", "align")},
    "refused": [run("none", "--min-words", "0").exit_code, run("none", "--config", toml).exit_code],
    "marker": json.loads((folder / "nine" / "prep-corpus-run.json").read_text())["settings"]["min_words"],
    "manifest": json.loads((folder / "nine" / "manifest.json").read_text())["config"]["min_words"],
    "given_back": call("settings", folder / "nine").output,
    "template": [one for one in metadata()["parameters"] if one["name"] == "min_words"],
    "digests": [
        segment_options(
            config.RunConfig(manifest="m", out="o", min_words=n), info, fitted, point, None
        ).config_digest
        for n in (1, 9)
    ],
}))
"""


def put(tree: Path, place: tuple[str, str, str]) -> None:
    name, before, text = place
    path = tree / name
    content = path.read_text()
    assert content.count(before) == 1, (name, before)
    path.write_text(content.replace(before, text + before))


def changed_tree(folder: Path) -> Path:
    """A copy of the tree with the setting declared and read; folders that stay as they are are linked."""
    tree = folder / "types" / "prep_corpus"
    tree.mkdir(parents=True)
    for name in FOLDERS:
        if name in ("jobs", "pipeline"):
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (tree / name).symlink_to(ROOT / name)
    put(tree, DECLARED)
    for place in READ:
        put(tree, place)
    path = tree / "pipeline" / "stages" / "cut_recording.py"
    text = path.read_text().replace("import asdict, dataclass\n", "import asdict, dataclass, replace\n")
    text = text.replace("ranges import OVERLAPPING, Ranges\n", "ranges import CODES, OVERLAPPING, Ranges\n")
    assert text.endswith("    return ranges\n")
    text = text.removesuffix("ranges\n") + "long_enough(ranges, options.min_words)\n"
    path.write_text(text)
    return tree.parent


def test_a_setting_that_is_declared_and_read_is_all_there(tmp_path: Path) -> None:
    toy.write_filter(tmp_path / "filter.json")
    corpus = toy.write_corpus(tmp_path, recordings=1, sentences=8)
    path = os.pathsep.join([str(changed_tree(tmp_path)), str(SUPPORT)])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(corpus), str(tmp_path)],
        env={**ENVIRONMENT, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for name in ("run", "evaluate", "submit flink"):
        assert "--min-words" in found["help"][name], name
        assert "x>=1" in found["help"][name], name
    assert "--min-words" not in found["help"]["align"]
    assert found["refused"] == [2, 2]
    assert found["marker"] == found["manifest"] == 9
    assert "min-words = 9  # words\n" in found["given_back"]
    assert found["template"][0]["helpText"] == "Drop utterances with fewer words. Default: 1."
    utterances = words_of_utterances(tmp_path / "nine")
    assert utterances
    assert min(utterances) >= 9
    # The default leaves every stage file good; another value makes others.
    fitted = load_filter(tmp_path / "filter.json")
    point = fitted.point(0.05, cut="words")
    info = load_model("support.toy:acoustic_model").info
    before = segment_options(RunConfig(manifest="m", out="o"), info, fitted, point, None).config_digest
    assert found["digests"][0] == before
    assert found["digests"][1] != before


def words_of_utterances(run: Path) -> list[int]:
    import pyarrow.parquet as pq

    return [
        len(text.split())
        for shard in (run / "data").glob("*.parquet")
        for text in pq.read_table(shard, columns=["text_normalized"])["text_normalized"].to_pylist()
    ]


def test_the_page_shows_the_declaration_that_works() -> None:
    assert DECLARATION in (DOCS / "adding-a-setting.md").read_text()
