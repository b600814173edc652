"""The loop of docs/own-filter.md through the real commands: sample, label, fit-filter, run; also without people."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from support import corpora, toy
from support.places import DEMO, SUPPORT

from prep_corpus.align.errors import UsageError
from prep_corpus.filters.fitting.measures import KeptUtterance, Tally, tally
from prep_corpus.filters.linear import load_filter
from prep_corpus.filters.recognition import parse_recognition
from prep_corpus.jobs.cli import main
from prep_corpus.jobs.runs.opened import open_run
from prep_corpus.pipeline.finished.fit_material import align_words, unlabelled
from prep_corpus.pipeline.finished.stored_run import segment_rows, stored_bundles

TOY_ALONE = pytest.mark.parametrize("corpus", ["toy"], indirect=True)
"""What does not depend on the speech is tried on the cheap one."""

Truth = Mapping[str, tuple[Sequence[str], "np.ndarray[Any, np.dtype[np.float64]]"]]


def command(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.output


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A corpus with its truth, and the options of its runs."""

    manifest: Path
    said: dict[str, list[str]]
    options: tuple[str, ...]

    def run(self, out: Path, *extra: object) -> str:
        options = (*self.options, "--noise-fraction", "0", "--workers", "1", "--no-report")
        return command("run", self.manifest, "--out", out, *options, *extra)


def toy_corpus(folder: Path) -> Corpus:
    toy.write_corpus(folder, recordings=4, sentences=30)
    toy.write_filter(folder / "filter.json")
    said = {
        f"talk{number}": [word for words in toy.recording(number, 30)[1] for word in words]
        for number in range(4)
    }
    options = ("--model", "toy:acoustic_model", "--filter", str(folder / "filter.json"))
    return Corpus(manifest=folder / "manifest.jsonl", said=said, options=options)


def real_corpus(folder: Path, shared: Path) -> Corpus:
    """Seven minutes of three speakers, transcripts corrupted by the recipe of all measurements."""
    folder.mkdir(parents=True, exist_ok=True)
    recordings = [
        corpora.build_recording(
            shared / "data" / corpora.DEV_CLEAN,
            recording_id=f"speaker-{speaker}",
            speakers=[speaker],
            minutes=2.3,
        )
        for speaker in ("84", "2902", "1988")
    ]
    texts = [utterance.words for one in recordings for utterance in one.utterances]
    lines = []
    for one in recordings:
        soundfile.write(folder / f"{one.id}.flac", one.audio_N, one.sample_rate_hz)
        text = corpora.corrupt(one, seed=0, texts=texts).text
        lines.append(json.dumps({"audio_filepath": f"{one.id}.flac", "text": text, "speaker": one.speaker}))
    (folder / "manifest.jsonl").write_text("\n".join(lines) + "\n")
    said = {one.id: list(one.words) for one in recordings}
    return Corpus(manifest=folder / "manifest.jsonl", said=said, options=("--model", "english"))


@pytest.fixture(scope="module", params=["toy", "real"])
def corpus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "toy":
        return toy_corpus(folder)
    return real_corpus(folder, request.getfixturevalue("shared_dir"))


@pytest.fixture(autouse=True)
def toy_is_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SUPPORT))


@pytest.fixture(scope="module")
def labelled_run(corpus: Corpus) -> Path:
    """A run by the paper's recipe, whose segments hold all words, right and wrong ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SUPPORT))
        out = corpus.manifest.parent / "run"
        corpus.run(out, "--cut", "paper", "--max-wer", "0.05" if "english" in corpus.options else "0.01")
        return out


@pytest.fixture(scope="module")
def truth(corpus: Corpus, labelled_run: Path) -> Truth:
    """The words truly said in each recording, and the middle of each in seconds."""
    found = {}
    for bundle in stored_bundles(open_run(str(labelled_run)).stored()):
        for stored in bundle.read(frozenset(probed.recording.id for probed in bundle.recordings)):
            id_ = stored.aligned.probed.recording.id
            words = tuple(corpus.said[id_])
            table = align_words(unlabelled(stored), words, stored.info).words
            middles = (table.frame_starts + table.frame_ends) / 2 * stored.info.frame_seconds
            found[id_] = (words, middles)
    return found


def heard(truth: Truth, row: Mapping[str, Any]) -> str:
    words, middles = truth[row["recording_id"]]
    first, last = np.searchsorted(middles, (row["start"], row["end"]))
    return " ".join(words[first:last])


def judged(truth: Truth, run: Path, *, all_segments: bool = False) -> Tally:
    """What a run kept, and how wrong it is; or all that it cut, with what it dropped."""
    rows = [
        row
        for row in segment_rows(
            open_run(str(run)).stored(), ["recording_id", "start", "end", "kept", "text_normalized"]
        )
        if row["kept"] or all_segments
    ]
    found = Tally()
    for id_, (words, middles) in truth.items():
        kept = [
            KeptUtterance(
                start_seconds=r["start"], end_seconds=r["end"], words=tuple(r["text_normalized"].split())
            )
            for r in rows
            if r["recording_id"] == id_
        ]
        found += tally(kept, words, middles)
    return found


@pytest.fixture(scope="module")
def exports(truth: Truth, labelled_run: Path) -> list[Path]:
    """What two listeners save from the page: they hear the truth, and one leaves out a word now and then."""
    folder = labelled_run.parent / "sample"
    command(
        "sample",
        labelled_run,
        "--out",
        folder,
        "--count",
        60,
        "--listeners",
        2,
        "--overlap",
        0.2,
        "--workers",
        1,
    )
    rows = [json.loads(line) for line in (folder / "sample.jsonl").read_text().splitlines()]
    files = []
    for part, listener in ((1, "ann"), (2, "bob")):
        lines = []
        for number, row in enumerate(rows):
            if part not in row["parts"]:
                continue
            text = heard(truth, row)
            if listener == "bob" and number % 10 == 0:
                text = " ".join(text.split()[1:])
            answer = {
                "id": row["id"],
                "text": text,
                "unintelligible": False,
                "listener": listener,
                "sample": "s",
                "seconds_spent": 3.5,
                "saved_at": f"2026-01-01T00:00:{number % 60:02d}Z",
            }
            lines.append(json.dumps(answer))
        files.append(folder / f"{listener}.jsonl")
        files[-1].write_text("\n".join(lines) + "\n")
    return files


@pytest.fixture(scope="module")
def labels(labelled_run: Path, exports: list[Path]) -> Path:
    out = labelled_run.parent / "labels.jsonl"
    printed = command("label", labelled_run, *exports, "--out", out)
    assert "ann and bob" in printed
    assert "wrong words in what is kept" in printed
    return out


def test_the_loop_gives_a_filter_that_keeps_the_text_right(
    corpus: Corpus, labelled_run: Path, truth: Truth, labels: Path, tmp_path: Path
) -> None:
    out = tmp_path / "own.json"
    read_out = tmp_path / "read.json"
    printed = command("fit-filter", labels, "--out", out, "--max-wer", 0.02, "--read-out", read_out)
    fitted = load_filter(out)
    reading = parse_recognition(read_out.read_text(), str(read_out))
    assert reading.fits(fitted.model_digest)
    assert "utterances that people labelled" in reading.fitted_on
    assert "Recordings with a text" in read_out.with_suffix(".md").read_text()
    assert fitted.fits(open_run(str(labelled_run)).stored().published.model_digest)
    assert "ctc_cost_per_token" in printed
    assert "go by length" in (tmp_path / "own.md").read_text()
    assert (tmp_path / "own.svg").read_bytes().startswith(b"<?xml")
    corpus.run(tmp_path / "run", "--filter", out, "--max-wer", 0.05)
    kept = judged(truth, tmp_path / "run")
    # The transcripts as they are, cut at the same pauses, without a filter.
    assert judged(truth, labelled_run, all_segments=True).wer > 0.08
    assert kept.wer < 0.05
    assert kept.kept_share > 0.4


def test_the_loop_needs_no_people(corpus: Corpus, labelled_run: Path, truth: Truth, tmp_path: Path) -> None:
    out, read_out = tmp_path / "own.json", tmp_path / "read.json"
    command("fit-filter", "--self-supervised", labelled_run, "--out", out, "--read-out", read_out)
    reading = parse_recognition(read_out.read_text(), str(read_out))
    assert "whose text is taken as true" in reading.fitted_on
    with pytest.raises(UsageError, match="cannot be reached with the filter of what the model hears"):
        reading.alone.point(1e-4)
    corpus.run(tmp_path / "run", "--filter", out, "--max-wer", 0.05)
    kept = judged(truth, tmp_path / "run")
    assert kept.wer < 0.05
    assert kept.kept_share > 0.4
    again = tmp_path / "again.json"
    command("fit-filter", "--self-supervised", labelled_run, "--out", again, "-q")
    assert again.read_bytes() == out.read_bytes()


@TOY_ALONE
def test_labels_and_damage_together(labelled_run: Path, labels: Path, tmp_path: Path) -> None:
    out = tmp_path / "both.json"
    command("fit-filter", labels, "--self-supervised", labelled_run, "--out", out)
    assert "people labelled" in load_filter(out).fitted_on
    assert "damaged at known places" in load_filter(out).fitted_on
    refused = command("fit-filter", labels, "--out", out, code=2)
    assert "--force" in refused


@TOY_ALONE
def test_labels_are_bound_to_their_run(
    corpus: Corpus, labelled_run: Path, exports: list[Path], labels: Path, tmp_path: Path
) -> None:
    assert "is there already" in command("label", labelled_run, *exports, "--out", labels, code=2)
    stray = tmp_path / "stray.csv"
    stray.write_text("id,text\nnobody-000-111,hello\n")
    refused = command("label", labelled_run, stray, "--out", tmp_path / "l.jsonl", code=2)
    assert "1 of 1 ids are not in" in refused
    assert "nobody-000-111" in refused
    header, *rows = labels.read_text().splitlines()
    changed = {**json.loads(header), "config_digest": "other"}
    moved = tmp_path / "moved.jsonl"
    moved.write_text("\n".join([json.dumps(changed), *rows]) + "\n")
    assert "as it was" in command("fit-filter", moved, "--out", tmp_path / "f.json", code=2)
    gone = {**json.loads(header), "run": str(tmp_path / "gone")}
    moved.write_text("\n".join([json.dumps(gone), *rows]) + "\n")
    assert "--run names where" in command("fit-filter", moved, "--out", tmp_path / "f.json", code=2)


@TOY_ALONE
def test_labels_of_a_run_cut_around_words_keep_its_word_classifier(
    corpus: Corpus, labelled_run: Path, truth: Truth, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(labelled_run, run)
    corpus.run(run, "--force")
    answers = tmp_path / "answers.tsv"
    rows = segment_rows(open_run(str(run)).stored(), ["id", "recording_id", "start", "end"])
    answers.write_text("".join(f"{row['id']}\t{heard(truth, row)}\n" for row in rows if heard(truth, row)))
    command("label", run, answers, "--out", tmp_path / "labels.jsonl")
    printed = command("fit-filter", tmp_path / "labels.jsonl", "--out", tmp_path / "own.json")
    assert "its word classifier is kept" in printed
    fitted = load_filter(tmp_path / "own.json")
    named = corpus.options[corpus.options.index("--filter") + 1] if "--filter" in corpus.options else None
    if named is not None:
        assert fitted.word == load_filter(Path(named)).word
    assert fitted.words.curve


def test_a_corpus_checked_on_itself(corpus: Corpus, tmp_path: Path) -> None:
    report = tmp_path / "report"
    printed = command(
        "evaluate", corpus.manifest, *corpus.options, "--hours", 0.05, "--rate", "heavy=0.3", "--out", report,
        "--workers", 1,
    )  # fmt: skip
    figures = json.loads((report / "report.json").read_text())
    assert figures["damage"]["heavy"] == 0.3
    assert sum(one["spoken"] for one in figures["sentences"].values()) == figures["undamaged"]["spoken"]
    whole, clean = figures["whole"], figures["undamaged"]
    assert 0 < whole["kept_share"] < clean["kept_share"]
    # Damaged sentences fare worse than those left alone.
    assert figures["sentences"]["heavy"]["kept_share"] < figures["sentences"]["whole"]["kept_share"]
    assert figures["boundary_shifts"]["starts"]["median_seconds"] <= 0.04
    assert "| heavy |" in printed
    assert (report / "report.svg").stat().st_size > 10_000


@TOY_ALONE
def test_a_filter_of_another_model_is_warned_of(corpus: Corpus, labelled_run: Path, tmp_path: Path) -> None:
    printed = command(
        "run",
        corpus.manifest,
        "--out",
        tmp_path / "run",
        *corpus.options,
        "--filter",
        "quartznet",
        "--dry-run",
    )
    assert "was fitted for another model" in printed


@TOY_ALONE
def test_an_error_rate_out_of_reach_is_told_with_what_can_be_had(corpus: Corpus, tmp_path: Path) -> None:
    refused = command(
        "run", corpus.manifest, "--out", tmp_path / "run", *corpus.options, "--max-wer", "0.0001", code=2
    )
    assert "cannot be reached" in refused
    assert "the lowest is" in refused
    assert not os.path.exists(tmp_path / "run")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit-filter", "--out", "f.json"], "LABELS, --self-supervised RUN, or both"),
        (["fit-filter", "--self-supervised", "none", "--out", "f.txt"], "JSON file"),
        (
            ["fit-filter", "--self-supervised", "none", "--out", "f.json"],
            "a finished run has a manifest.json",
        ),
        (["label", "none", "t.jsonl", "--out", "l.jsonl"], "a finished run has a manifest.json"),
        (["evaluate", str(DEMO / "manifest.jsonl"), "--rate", "odd=1"], "--rate takes light"),
        (
            ["evaluate", str(DEMO / "manifest.jsonl"), "--hours", "0"],
            "'--hours': 0.0 is not in the range x>0",
        ),
    ],
)
def test_wrong_usage(arguments: list[str], message: str) -> None:
    assert message in command(*arguments, code=2)
