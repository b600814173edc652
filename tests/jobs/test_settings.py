"""A setting is declared once: option, key of a file, check, marker and template parameter follow from that."""

from __future__ import annotations

import json
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from prep_corpus.align.errors import UsageError
from prep_corpus.align.text.normalize import TextOptions
from prep_corpus.augment.plan import NoiseOptions
from prep_corpus.jobs.cli import main
from prep_corpus.jobs.config import SETTINGS, RunConfig, config_of, settings_of
from prep_corpus.jobs.flex_template import command_line, metadata_text
from prep_corpus.jobs.options import CONFIG, RUN, SettingOption, run_config, settings_options, with_options
from prep_corpus.jobs.settings import MACHINE, Range, setting, settings_of_class, to_toml
from prep_corpus.pipeline.stages.cut_recording import SegmentOptions
from prep_corpus.pipeline.stages.emit import EmitOptions
from prep_corpus.pipeline.stages.plan import PlanOptions
from prep_corpus.pipeline.stages.write import WriteOptions

ROOT = Path(__file__).resolve().parents[2]
PARTS = {
    "emit": EmitOptions,
    "text": TextOptions,
    "segment": SegmentOptions,
    "noise": NoiseOptions,
    "plan": PlanOptions,
    "write": WriteOptions,
}
STAGES = {*PARTS, "bundles", "measure", "close"}
LIKE_RUN = ("run", "submit flink", "submit dataflow", "submit portable")
PART_OF_RUN = ("align", "evaluate", "export")


def command(name: str) -> click.Command:
    found: click.Command = main
    for word in name.split():
        assert isinstance(found, click.Group)
        found = found.commands[word]
    return found


def declared(name: str) -> set[str]:
    return {p.setting.name for p in command(name).params if isinstance(p, SettingOption)}


def read_back(text: str, folder: Path, *words: str) -> RunConfig:
    """The config that the options of `run` make of a file."""
    found: list[RunConfig] = []

    @click.command()
    @with_options(CONFIG, RUN, settings_options(MACHINE))
    def probe(**values: Any) -> None:
        found.append(run_config(values, manifest="m", out="o"))

    path = folder / "run.toml"
    path.write_text(text)
    done = CliRunner().invoke(
        probe, ["--config", str(path), *words], catch_exceptions=False, standalone_mode=False
    )
    assert done.exit_code == 0
    return found[0]


def test_every_field_of_a_config_but_its_places_is_a_setting() -> None:
    assert {field.name for field in fields(RunConfig)} - {one.name for one in SETTINGS} == {
        "manifest",
        "out",
        "beam_options",
    }
    assert len({one.flag for one in SETTINGS}) == len(SETTINGS)


@pytest.mark.parametrize("one", SETTINGS, ids=lambda one: one.name)
def test_a_setting_says_which_stage_reads_it_and_that_stage_has_a_field_for_it(one: Any) -> None:
    assert one.to
    for place in one.to:
        stage, _, field = place.partition(".")
        assert stage in STAGES
        assert not field or field in {f.name for f in fields(PARTS[stage])}


def test_commands_that_promise_what_run_does_take_its_options() -> None:
    machine = {one.name for one in SETTINGS if one.group == MACHINE}
    assert declared("run") == {one.name for one in SETTINGS}
    for name in LIKE_RUN[1:]:
        assert declared(name) == declared("run") - machine, name
    groups = {one.name: one.group for one in SETTINGS}
    for name in PART_OF_RUN:
        taken = declared(name)
        whole = {one.name for one in SETTINGS if one.group in {groups[field] for field in taken}}
        assert taken == whole, name
    assert {"min_duration_seconds", "max_duration_seconds", "padding_seconds", "model"} <= declared(
        "evaluate"
    )


@pytest.mark.parametrize("name", [*LIKE_RUN, *PART_OF_RUN])
def test_no_command_declares_a_setting_by_hand(name: str) -> None:
    flags = {one.flag for one in SETTINGS if one.moves_bytes}
    by_hand = {
        flag
        for p in command(name).params
        if not isinstance(p, SettingOption)
        for flag in p.opts
        if flag in flags
    }
    # The files that align writes for each recording are no shards.
    assert by_hand == ({"--format"} if name == "align" else set())


def test_without_options_a_config_has_the_declared_defaults(tmp_path: Path) -> None:
    assert read_back("", tmp_path) == RunConfig(manifest="m", out="o")


@pytest.mark.parametrize(
    "config",
    [
        RunConfig(manifest="m", out="o"),
        RunConfig(
            manifest="m",
            out="o",
            model='a "quoted" b\\c \x7f caf\u00e9',
            filter="f.json",
            max_wer=0.02,
            min_pause_frames=9,
            noise="gs://b/noise",
            babble=True,
            snr_db=(-5.0, 12.5),
            level_db=(-3.0, 3.0),
            rooms="rooms",
            formats=("tfrecord", "shar"),
            tfrecord_gzip=True,
            splits=(("dev", 1e-05), ("test", 0.25), ("train", 0.74999)),
            seed=-7,
            strip_speakers=False,
            strip_brackets=True,
            device="cuda:1",
        ),
    ],
    ids=["defaults", "everything"],
)
def test_a_config_comes_back_from_the_file_that_its_settings_make(config: RunConfig, tmp_path: Path) -> None:
    left = json.loads(json.dumps(settings_of(config)))
    assert settings_of(read_back(to_toml(SETTINGS, left), tmp_path)) == settings_of(config)
    assert config_of(left, manifest="m", out="o") == replace(
        config, workers=config_of(left).workers, max_failed=0.1
    )


def test_flags_win_over_the_file_and_a_lone_value_stands_for_a_list_of_one(tmp_path: Path) -> None:
    config = read_back('format = "shar"\nsplit = "dev=0.1"\nshard_mb = 5', tmp_path, "--shard-mb", "7")
    assert (config.formats, config.shard_mb) == (("shar",), 7.0)
    assert dict(config.splits) == {"train": 0.9, "dev": 0.1}


@pytest.mark.parametrize(
    ("flag", "value", "rule"),
    [
        ("--noise-fraction", 1.5, "at least 0 and at most 1, not 1.5"),
        ("--max-wer", 1.0, "over 0 and under 1, not 1.0"),
        ("--padding", -0.1, "at least 0, not -0.1"),
        ("--padding", float("nan"), "at least 0, not nan"),
        ("--min-pause-frames", 0, "at least 1, not 0"),
        ("--cut", "both", "one of words, paper, not 'both'"),
        ("--format", ("parquet", "mp3"), "not 'mp3'"),
    ],
)
def test_a_value_that_breaks_a_declaration_is_refused_wherever_it_comes_from(
    flag: str, value: Any, rule: str, tmp_path: Path
) -> None:
    one = next(one for one in SETTINGS if one.flag == flag)
    with pytest.raises(UsageError, match=rule):
        RunConfig(manifest="m", out="o", **{one.name: value})
    values = value if isinstance(value, tuple) else (value,)
    words = [word for part in values for word in (flag, str(part))]
    with pytest.raises((UsageError, click.BadParameter)):
        read_back("", tmp_path, *words)
    with pytest.raises((UsageError, click.BadParameter)):
        read_back(f"{one.key} = {json.dumps(value).replace('NaN', 'nan')}", tmp_path)


def test_a_file_for_run_serves_align_and_what_is_no_setting_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(to_toml(SETTINGS, settings_of(RunConfig(manifest="m", out="o", language="de"))))
    assert "format" in tomllib.loads(path.read_text())
    context = command("align").make_context("align", ["m.jsonl", "--out", "o", "--config", str(path)])
    assert context.params["language"] == "de"
    assert context.params["file_formats"] == ("ctm",)
    path.write_text("langauge = 'de'")
    with pytest.raises(UsageError, match="unknown setting 'langauge'"):
        command("align").make_context("align", ["m.jsonl", "--out", "o", "--config", str(path)])


def test_the_template_has_a_parameter_for_every_setting_of_a_run() -> None:
    text = (ROOT / "docs" / "dataflow" / "metadata.json").read_text()
    assert text == metadata_text(), "make template writes it anew"
    names = {parameter["name"] for parameter in json.loads(text)["parameters"]}
    wanted = {one.key.replace("-", "_") for one in SETTINGS if one.group != MACHINE}
    assert wanted - names == {"format", "split"}
    words = command_line(["--manifest=gs://b/m", "--snr_db=-5,20", "--babble=true", "--strip_speakers=false"])
    given = command("submit dataflow").make_context(
        "dataflow",
        [
            *words[2 : words.index("--")],
            "--out",
            "gs://b/o",
            "--project",
            "p",
            "--region",
            "r",
            "--image",
            "i",
        ],
    )
    config = run_config(given.params, manifest="m", out="o")
    assert (config.snr_db, config.babble, config.strip_speakers) == ((-5.0, 20.0), True, False)


def test_a_declaration_that_leaves_its_kind_open_is_no_declaration() -> None:
    with pytest.raises(TypeError, match="--odd: say the kind"):
        setting(None, "--odd", "Odd.", group="g", to="emit")
    assert settings_of_class(RunConfig) == SETTINGS
    assert str(Range()) == "a number"
