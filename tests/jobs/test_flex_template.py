"""The Flex Template: its parameters are options of the command, and its launcher's arguments lead to a job file."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import pytest

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.flex_template import FROM_LAUNCHER, OF_JOB, command_line
from prep_corpus.jobs.submit.dataflow_command import dataflow_command

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "dataflow"
METADATA: dict[str, Any] = json.loads((FOLDER / "metadata.json").read_text())
PARAMETERS: dict[str, dict[str, Any]] = {one["name"]: one for one in METADATA["parameters"]}

GOOD = {
    "manifest": ["gs://bucket/m.jsonl", "s3://bucket/folder/m.csv"],
    "out": ["gs://bucket/run"],
    "sdk_container_image": [
        "europe-west4-docker.pkg.dev/p/r/prep-corpus:0.1.0",
        "gcr.io/p/prep-corpus@sha256:00ff",
    ],
    "gpu": ["t4", "a100-80gb", "nvidia-l4", "nvidia-l4:g2-standard-16"],
    "workers": ["1", "256"],
    "machine_type": ["n2-standard-4"],
    "disk_gb": ["50"],
    "threads": ["4"],
    "model": ["english", "/opt/model", "my.module:factory"],
    "filter": ["/opt/model/filter.json"],
    "max_wer": ["0.01", ".02"],
    "cut": ["words", "paper"],
    "language": ["en", "pt-BR"],
    "formats": ["parquet", "parquet,tfrecord"],
    "splits": ["dev=0.02", "dev=0.02,test=.02"],
    "noise": ["gs://bucket/noise"],
    "noise_fraction": ["0", "0.4", "1"],
    "shard_mb": ["256", "12.5"],
    "seed": ["0", "20261121"],
    "max_failed": ["0.1"],
    "min_duration": ["0.5", "1"],
    "min_pause_frames": ["9"],
    "snr_db": ["0,30", "-5,12.5"],
    "rooms": ["s3://bucket/rooms"],
    "audio_format": ["opus"],
    "strip_speakers": ["true", "false"],
    "tfrecord_gzip": ["true"],
}
BAD = {
    "manifest": ["/home/me/m.jsonl", "gs://bucket", "http://x/y"],
    "out": ["run", "gs://bucket"],
    "sdk_container_image": ["prep-corpus", "docker.io/prep-corpus"],
    "gpu": ["L4", "l4;count:8", "l4 "],
    "workers": ["0", "-1", "many"],
    "machine_type": ["big"],
    "disk_gb": ["5", "1e3"],
    "threads": ["0"],
    "model": ["", "../model", "a b"],
    "filter": ["filter.json", "/opt/filter"],
    "max_wer": ["1", "1 %", "2.5"],
    "cut": ["all"],
    "language": ["English"],
    "formats": ["mp3", "parquet,"],
    "splits": ["dev", "dev=2"],
    "noise": ["noise/"],
    "noise_fraction": ["40", "2"],
    "shard_mb": ["-1", "big"],
    "seed": ["-1", "x"],
    "max_failed": ["10%"],
    "min_duration": ["-1", "short"],
    "min_pause_frames": ["-1", "1.5"],
    "snr_db": ["30", "0,30,40", "0 30"],
    "rooms": ["rooms"],
    "audio_format": ["mp3"],
    "strip_speakers": ["no"],
    "tfrecord_gzip": ["1"],
}


def flag_of(name: str) -> str:
    return "--" + name.replace("_", "-")


def accepts(name: str, value: str) -> bool:
    return all(re.search(regex, value) for regex in PARAMETERS[name]["regexes"])


def test_the_parameters_of_the_template_are_those_that_the_launcher_hands_on() -> None:
    options = {name for option in dataflow_command.params for name in option.opts}
    assert {*(flag_of(one["name"]) for one in OF_JOB), *FROM_LAUNCHER.values()} <= options
    for name, parameter in PARAMETERS.items():
        assert parameter["isOptional"] == (name not in ("manifest", "out", "sdk_container_image")), name
        assert parameter["label"]
        assert parameter["helpText"].endswith(".")


@pytest.mark.parametrize("name", sorted(GOOD))
def test_parameters_are_checked_before_anything_starts(name: str) -> None:
    for value in GOOD[name]:
        assert accepts(name, value), value
    for value in BAD[name]:
        assert not accepts(name, value), value


def test_defaults_that_the_help_names_are_those_of_the_command() -> None:
    by_option = {name: option for option in dataflow_command.params for name in option.opts}
    for one in OF_JOB:
        named = re.search(r"Default: ([^ ]+?)\.?$", one["helpText"])
        default = by_option[flag_of(one["name"])].get_default(click.Context(dataflow_command))
        if named and default is not None and re.fullmatch(r"[a-z0-9.-]+", named[1]):
            assert named[1] == str(default)


def test_the_launchers_arguments_become_the_command() -> None:
    words = command_line(
        [
            "--manifest=gs://b/m.jsonl",
            "--out=gs://b/run",
            "--formats=parquet,tfrecord",
            "--gpu=l4",
            "--sdk_container_image=registry/image:v1",
            "--runner=DataflowRunner",
            "--project=speech-project-1",
            "--region=europe-west4",
            "--temp_location=gs://b/temp",
            "--staging_location=gs://b/staging",
            "--job_name=nightly",
            "--labels={'a': 'b'}",
            "--no_use_public_ips",
            "--template_location=gs://b/staging/template_launches/1/job_object",
        ]
    )
    given, beam = words[: words.index("--")], words[words.index("--") + 1 :]
    assert given[:3] == ["submit", "dataflow", "gs://b/m.jsonl"]
    assert given[-2:] == ["--detach", "--from-template"]
    settings = dict(zip(given[3:-2:2], given[4:-2:2]))
    assert settings == {
        "--out": "gs://b/run",
        "--format": "tfrecord",
        "--gpu": "l4",
        "--image": "registry/image:v1",
        "--project": "speech-project-1",
        "--region": "europe-west4",
        "--temp": "gs://b/temp",
    }
    assert given.count("--format") == 2
    assert beam == [
        "--job_name=nightly",
        "--labels={'a': 'b'}",
        "--no_use_public_ips",
        "--template_location=gs://b/staging/template_launches/1/job_object",
    ]
    with pytest.raises(UsageError, match="needs the parameter manifest"):
        command_line(["--out=gs://b/run"])
    with pytest.raises(UsageError, match="--name=value"):
        command_line(["manifest"])


def test_the_image_has_the_versions_and_files_that_it_names() -> None:
    text = (FOLDER / "Dockerfile").read_text()
    assert f"ARG BEAM={version('apache-beam')}\n" in text
    root = FOLDER.parents[1]
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (root / source).exists(), source
    copied = set(re.findall(r"^COPY (\w+) \1$", text, re.MULTILINE))
    assert copied == {"align", "augment", "filters", "jobs", "pipeline"}
