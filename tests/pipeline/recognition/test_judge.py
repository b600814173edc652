"""A second model whose agreement is asked for: what it hears is stored, found again, and decides what is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support import toy
from support.runs import cli_here, run_here
from support.toy_stages import K_FRAMES, ToyStages

from prep_corpus.align.model.models import load_model
from prep_corpus.filters.linear import Linear
from prep_corpus.filters.recognition import columns_of, recognition_text
from prep_corpus.jobs.runs import stage_options
from prep_corpus.jobs.submit.portable import GPU_HINT, Portable, WorkerPlace
from prep_corpus.jobs.submit.submission import for_workers
from prep_corpus.pipeline.recognition.judge import JudgeOptions
from prep_corpus.pipeline.recognition.uncovered import RecognitionOptions
from prep_corpus.pipeline.shards.rows import TEXT_SOURCE
from prep_corpus.pipeline.stage_frame import finding_only
from prep_corpus.pipeline.stages.emit import JUDGE, emit_bundle, kind_of_place
from prep_corpus.pipeline.stages.segment import segment_bundle
from prep_corpus.pipeline.storage.stage_store import Store

MODEL = ("--model", "toy:acoustic_model")
MISHEARD = frozenset("rs")


@pytest.fixture(scope="session")
def trust_agreed(trust_all: RecognitionOptions) -> RecognitionOptions:
    """Trusts each word that the judge hears too."""
    agreed = Linear(names=("judge_agrees",), means=(0.0,), scales=(1.0,), coefficients=(9.0,), intercept=-3.0)
    columns = columns_of(judged=True, has_text=False)
    return replace(
        trust_all,
        filter=replace(trust_all.filter, alone=replace(trust_all.filter.alone, word=agreed, columns=columns)),
    )


def test_only_what_both_hear_is_kept_where_agreement_is_all_that_counts(
    toy_stages: ToyStages, tmp_path: Path, trust_agreed: RecognitionOptions
) -> None:
    graph = toy_stages.without(tmp_path, ["segment"])
    store, judge = Store(graph.work), load_model("support.toy:judge_model")
    windows = graph.emit.windows.fitting(judge.context_seconds)
    asked = JudgeOptions(info=judge.info, windows=windows, runs_on=kind_of_place(judge, "cpu"))
    options = replace(
        graph.segment,
        recognised=replace(trust_agreed, judge=asked),
        utterance_threshold=1e9,
        min_seconds=0.2,
    )
    read = set[str]()
    for aligned in toy_stages.aligned:
        made = emit_bundle(store, aligned.bundle, judge, replace(graph.emit, stage=JUDGE))
        with finding_only():
            assert emit_bundle(store, aligned.bundle, judge, replace(graph.emit, stage=JUDGE)) == made
        rows = store.read(segment_bundle(store, aligned, options, K_FRAMES, 1, made)).table.to_pylist()
        read.update(word for row in rows if row["kept"] for word in row["text"].split())
    said = {word for number in range(3) for words in toy.recording(number, 4)[1] for word in words}
    assert read
    assert not any(MISHEARD & set(word) for word in read)
    assert any(MISHEARD & set(word) for word in said)


def test_a_run_keeps_what_its_judge_hears_beside_its_emissions(
    tmp_path: Path,
    trust_all: RecognitionOptions,
    trust_agreed: RecognitionOptions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manifest = toy.write_corpus(tmp_path / "corpus", recordings=1, sentences=6, seed=5)
    toy.write_filter(manifest.parent / "filter.json")
    digest = load_model("support.toy:acoustic_model").info.digest
    fitted, out = tmp_path / "agreed.json", tmp_path / "run"
    fitted.write_text(recognition_text(replace(trust_agreed.filter, model_digest=digest)))
    judged = ("--judge", "toy:judge_model", "--read-filter", str(fitted), "--min-duration", "0.2")
    own = ("--noise-fraction", "0", "--format", "parquet", "--quiet")
    with monkeypatch.context() as patch:
        # A worker may have another version of the runtime than the machine that starts the run.
        patch.setattr(stage_options, "kind_of_place", lambda *_: "onnxruntime 0.0.1")
        run_here(manifest, out, "--read", "all", *judged, *own)
    [emissions] = (out / "work" / "judge").iterdir()
    rows = pq.read_table(out / "data").to_pylist()
    read = [row for row in rows if row[TEXT_SOURCE] == "model"]
    assert read
    assert not any(MISHEARD & set(row["text"].replace(" ", "")) for row in read)
    cli_here("export", str(out), "--out", str(tmp_path / "export"), "--files", "srt", "--quiet")
    captions = (tmp_path / "export" / "words" / "talk0.srt").read_text()
    assert all(f"\n{row['text']}\n" in captions for row in read)
    used = json.loads((out / "work" / "used.json").read_text())["files"]
    assert f"judge/{emissions.stem}" in used
    planned = run_here(manifest, out, "--read", "all", *judged, *own[:-1], "--dry-run").output
    assert "judge         toy:judge_model: " in planned
    assert "stands        emit, align, judge, measure, segment, write" in planned
    said = cli_here(
        "run", str(manifest), "--out", str(out), "--read", "none", "--judge", "toy:judge_model", code=2
    )
    assert "--judge is for what the model reads" in said.output
    plain = tmp_path / "plain.json"
    plain.write_text(recognition_text(replace(trust_all.filter, model_digest=digest)))
    for wrong, rule in (
        (judged[2:], "was fitted for reading with a judge: name one with --judge MODEL"),
        (("--judge", "support.toy:acoustic_model", *judged[2:]), "is the model itself"),
        (
            (*judged[:2], "--read-filter", str(plain)),
            "was fitted for reading with no judge: leave --judge out",
        ),
        ((), "give this one of its own with --read-filter FILE.json"),
    ):
        other = str(tmp_path / "other")
        said = cli_here("run", str(manifest), "--out", other, *MODEL, "--read", "all", *wrong, code=2)
        assert rule in said.output


def test_workers_with_gpus_run_the_judge_on_them_and_it_is_found_by_that(toy_stages: ToyStages) -> None:
    # A GPU runs in torch what the machine that submits runs without it.
    judge = load_model("english")
    assert kind_of_place(judge, "cpu") == judge.runtime != ""
    assert kind_of_place(judge, "cuda") == kind_of_place(replace(judge, device="cuda", runtime=""), "cuda")
    graph = replace(toy_stages.options, judge=replace(toy_stages.options.emit, stage=JUDGE))
    place = WorkerPlace(image="image")
    sent = for_workers(graph, Portable(endpoint="localhost:1", place=place, gpu=True))
    assert sent.judge is not None
    assert sent.judge.accelerator == sent.emit.accelerator == GPU_HINT != graph.emit.accelerator
