"""run, submit, align and evaluate are made ready in one way: the same words mean the same emissions and cuts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from click.testing import CliRunner
from support import toy
from support.places import SUPPORT
from support.planted_run import sample_rows, write_run
from support.runs import arguments, run_here, shards

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.models import load_model
from prep_corpus.filters.linear import bundled_filter
from prep_corpus.filters.recognition import bundled_recognition_filter
from prep_corpus.jobs.cli import main
from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.options import run_config
from prep_corpus.jobs.runs.dry_run import _say_filters
from prep_corpus.jobs.runs.opened import open_run
from prep_corpus.jobs.runs.prepare import PreparedRun, _foreign_language
from prep_corpus.jobs.runs.stage_options import recognition_options
from prep_corpus.jobs.start import early
from prep_corpus.jobs.start.claim import claim_folder
from prep_corpus.pipeline.inputs.bundles import write_bundle
from prep_corpus.pipeline.stages.emit import emit_bundle
from prep_corpus.pipeline.storage.stage_store import Store

CUTS = ("--padding", "0.1", "--min-duration", "1", "--max-duration", "15", "--target-duration", "5")
Command = Callable[..., str]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.syspath_prepend(SUPPORT)

    def call(*words: object) -> str:
        done = CliRunner().invoke(main, [str(word) for word in words])
        assert done.exit_code == 0, done.output
        return done.output

    return call


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    toy.write_filter(folder / "filter.json")
    return toy.write_corpus(folder, recordings=2, sentences=6)


@pytest.fixture(scope="module")
def finished(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "run"
    run_here(corpus, out, *CUTS)
    return out


class Stopped(Exception):
    """The config that a command came to `prepare_run` with."""


def config_of_command(words: list[str], monkeypatch: pytest.MonkeyPatch) -> RunConfig:
    def stop(config: RunConfig) -> None:
        raise Stopped(config)

    with monkeypatch.context() as patch:
        patch.setattr(early, "check_places", stop)
        done = CliRunner().invoke(main, ["--debug", *words])
    assert isinstance(done.exception, Stopped), done.output
    config = done.exception.args[0]
    assert isinstance(config, RunConfig)
    return config


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_same_words_give_the_same_emissions_and_cuts(
    device: str, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(SUPPORT)
    model = replace(load_model("toy:acoustic_model", "cpu"), device=device)
    shared = ["--model", "toy:acoustic_model", "--strip-brackets", "--language", "en"]
    here = ["--device", device, "--workers", "2"]
    filtered = ["--filter", str(corpus.parent / "filter.json"), "--max-wer", "0.05", *CUTS]
    place = [str(corpus), "--out", str(tmp_path / "run")]
    words = {
        "run": ["run", *place, *shared, *filtered, *here],
        "align": ["align", *place, *shared, *here],
        "evaluate": ["evaluate", *place, *shared, *filtered, *here],
    }
    prepared = {
        name: PreparedRun(config=config_of_command(given, monkeypatch), model=model, console=None)
        for name, given in words.items()
    }
    run = prepared["run"]
    assert run.emit.windows.batch_rows == (32 if device == "cuda" else 4)
    assert run.segment.padding_seconds == 0.1
    assert prepared["align"].emit == prepared["evaluate"].emit == run.emit
    assert prepared["evaluate"].segment.config_digest == run.segment.config_digest
    assert prepared["evaluate"].config.target_duration_seconds == run.config.target_duration_seconds

    # And so the digests: what one has made the others find.
    store = Store(str(tmp_path / "store"))
    bundle = write_bundle(store, [])
    digests = {emit_bundle(store, bundle.digest, model, one.emit).digest for one in prepared.values()}
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("model", "language", "made_for"),
    [
        ("english", "de", "en"),
        ("english", "en-GB", ""),
        ("jonatasgrosman/wav2vec2-large-xlsr-53-german", "it", "de"),
        ("jonatasgrosman/wav2vec2-large-xlsr-53-german", "de-AT", ""),
        ("my-model", "de", ""),
    ],
)
def test_a_model_of_another_language_is_told_where_that_is_known(
    model: str, language: str, made_for: str
) -> None:
    told = _foreign_language(RunConfig(manifest="m", out="o", model=model, language=language))
    assert told.startswith(f"warning: the model {model} was made for the language {made_for}, ") == bool(
        made_for
    )
    assert bool(told) == bool(made_for)


def stage_files(run: Path, stage: str) -> set[str]:
    return {path.name for path in (run / "work" / stage).iterdir()}


def test_align_and_evaluate_find_the_emissions_of_a_run_in_the_same_folder(
    corpus: Path, finished: Path, command: Command
) -> None:
    before = {stage: stage_files(finished, stage) for stage in ("emit", "align", "segment", "k")}
    shared = ("--out", finished, "--model", "toy:acoustic_model", "--device", "cpu")
    command("align", corpus, *shared)
    filtered = ("--filter", corpus.parent / "filter.json", *CUTS)
    # A run's model calls have one thread each, and so have those of a check, whatever the process has.
    before_threads = torch.get_num_threads()
    torch.set_num_threads(2)
    command("evaluate", corpus, *shared, *filtered, "--hours", "1")
    threads = torch.get_num_threads()
    torch.set_num_threads(before_threads)
    assert threads == 1
    assert stage_files(finished, "emit") == before["emit"]
    # The alignment of the damaged transcripts is the one that is new.
    assert stage_files(finished, "align") >= before["align"]
    assert len(stage_files(finished, "align")) == len(before["align"]) + 1
    figures = json.loads((finished / "report.json").read_text())
    assert figures["k_frames"] == json.loads((finished / "outcome.json").read_text())["k_frames"]


def test_the_settings_of_a_run_give_the_same_stage_files_and_shards_again(
    corpus: Path, finished: Path, command: Command, tmp_path: Path
) -> None:
    path = tmp_path / "run.toml"
    path.write_text(command("settings", finished))
    again = tmp_path / "again"
    command("run", corpus, "--out", again, "--config", path, "--no-report", "--quiet")
    for stage in ("bundles", "emit", "align", "measure", "segment", "k"):
        assert stage_files(again, stage) <= stage_files(finished, stage), stage
    assert shards(again) == shards(finished)


def test_an_export_keeps_the_cuts_of_its_run_on_record(
    finished: Path, command: Command, tmp_path: Path
) -> None:
    out = tmp_path / "export"
    command("export", finished, "--out", out, "--seed", "5", "--quiet")
    source, given_back = open_run(str(finished)).config, open_run(str(out)).config
    assert given_back == replace(
        source, out=str(out), seed=5, formats=("parquet",), shard_mb=256.0, workers=given_back.workers
    )
    assert open_run(str(out)).published.config["padding_seconds"] == 0.1


@pytest.mark.parametrize("read", ["all", "none"])
def test_a_dry_run_says_what_reading_is_expected_to_keep(read: str) -> None:
    config = RunConfig(manifest="m", out="o", read=read, model="quartznet:acoustic_model")
    fitted = bundled_filter("quartznet")
    lines: list[str] = []
    model = SimpleNamespace(info=SimpleNamespace(digest=fitted.model_digest))
    prepared = SimpleNamespace(
        must_fit=False, fitted=fitted, point=fitted.point(0.01), config=config, model=model
    )
    _say_filters(prepared, lambda _, text: lines.append(text))  # type: ignore[arg-type]
    told = [line for line in lines if line.startswith("--read all: expected to keep, of recordings without")]
    assert len(told) == (read == "all")
    if told:
        reading = bundled_recognition_filter(fitted.model_digest)
        assert reading is not None
        assert f"{reading.alone.point(0.01).kept_share:.0%} of the spoken words" in told[0]


@pytest.mark.parametrize("read", ["all", "none"])
def test_an_export_parts_what_was_read_as_its_run_did_or_as_it_is_told(
    read: str, command: Command, tmp_path: Path
) -> None:
    path = write_run(tmp_path, {"train": [sample_rows(1)]}, formats=["parquet"])
    document = json.loads(path.read_text())
    parted = read != "none"
    document["config"] |= {"read": read, "cut": "paper", "split_read": parted}
    path.write_text(json.dumps({key: value for key, value in document.items() if key != "crc32c"}))
    run = open_run(str(tmp_path))

    def export(given: bool | None) -> bool:
        config = run_config(run.values_of_export({"split_read": given}), manifest="m", out="elsewhere")
        return run.config_of_export(config).split_read

    assert export(None) is parted
    assert export(False) is False
    if parted:
        assert export(True) is True
    else:
        with pytest.raises(UsageError, match="--split-read parts what the model reads"):
            export(True)


def test_a_marker_that_does_not_know_a_setting_means_its_default(tmp_path: Path) -> None:
    config = RunConfig(manifest="m", out=str(tmp_path))
    claim_folder(config, force=False)
    marker = tmp_path / "prep-corpus-run.json"
    document = json.loads(marker.read_text())
    # As an earlier version left it: without that setting, and without a checksum.
    del document["settings"]["room_fraction"], document["crc32c"]
    marker.write_text(json.dumps(document))
    (tmp_path / "manifest.json").write_text("{}")
    claim_folder(config, force=False)
    with pytest.raises(UsageError, match=r"room_fraction: 0\.5 -> 0\.25"):
        claim_folder(replace(config, room_fraction=0.25), force=False)
    assert open_run(str(tmp_path)).config == replace(config, manifest="")


def test_a_folder_says_what_is_missing_when_that_is_asked_for(tmp_path: Path) -> None:
    run = open_run(str(tmp_path))
    assert run.used is None
    for part, rule in (
        ("settings", "holds no run"),
        ("published", "finished run has a"),
        ("outcome", "has ended"),
    ):
        with pytest.raises(UsageError, match=rule):
            getattr(run, part)


def test_what_a_model_hears_is_kept_only_where_it_is_known_how_far_to_trust_it(
    corpus: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SUPPORT)
        done = CliRunner().invoke(main, [*arguments(corpus, out), "--read", "uncovered"])
    assert done.exit_code == 2
    assert "--read uncovered" in done.output
    assert "quartznet" in done.output
    assert not out.exists()
    digest = bundled_filter("quartznet").model_digest
    config = RunConfig(manifest="m", out="o", read="uncovered")
    lax, strict = (recognition_options(replace(config, max_wer=wer), digest, None) for wer in (0.02, 0.01))
    assert lax is not None
    assert strict is not None
    assert lax.alone.kept_share > strict.alone.kept_share > 0.5
    assert lax.with_text is not None
    assert strict.with_text is not None
    assert lax.with_text.kept_share > strict.with_text.kept_share > 0.5
    assert recognition_options(replace(config, read="none"), digest, None) is None
