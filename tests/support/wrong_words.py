"""Words that each command must refuse: every option with wrong values, missing files, empty inputs.

{0} is a folder with `FILES`, {0}/nowhere is nothing, {0}/out is nothing yet, {0}/run is a finished run.
"""

from __future__ import annotations

from collections.abc import Iterator

import click
from support.places import DEMO

from prep_corpus.jobs.cli import main
from prep_corpus.jobs.options import SettingOption

MANIFEST = str(DEMO / "manifest.jsonl")

FILES = {
    "empty.jsonl": "",
    "blank.jsonl": "\n\n",
    "array.json": '[{"audio_filepath": "a.wav"}]',
    "list.docx": "no manifest",
    "bad.toml": "seed = [",
    "unknown.toml": "colour = 1",
    "model/config.json": "{",
    "half/config.json": "{}",
    "weightless/config.json": '{"model_type": "wav2vec2"}',
    "filter.json": "{}",
    "silence/readme.txt": "no clips",
    "other/thesis.txt": "mine",
    "labels.jsonl": "",
    "heard.jsonl": '{"id": "one", "text": "river"}\n',
    "onnx/model.onnx": "",
    "file": "",
    "speech/talk.wav": "",
    "texts/talk.txt": "a river",
    "short.jsonl": '{"audio_filepath": "speech/talk.wav", "text": "a river"}\n',
    "folder.jsonl/file": "",
    "folder.json/file": "",
}

RIGHT = {
    "run": f"{MANIFEST} --out {{0}}/out",
    "align": f"{MANIFEST} --out {{0}}/out",
    "evaluate": MANIFEST,
    "pair": "{0}/speech {0}/texts --out {0}/out.jsonl",
    "export": "{0}/run --out {0}/out",
    **dict.fromkeys(("check", "status", "clean", "settings", "report", "sample"), "{0}/run"),
    "label": "{0}/run {0}/heard.jsonl --out {0}/out.jsonl",
    "agreement": "{0}/run {0}/heard.jsonl",
    "fit-filter": "--self-supervised {0}/run --out {0}/out.json",
    "submit flink": f"{MANIFEST} --out {{0}}/out --master 127.0.0.1:1 --worker-pool 127.0.0.1:2",
    "submit portable": f"{MANIFEST} --out {{0}}/out --endpoint 127.0.0.1:1 --worker-pool 127.0.0.1:2",
    "submit dataflow": f"{MANIFEST} --out gs://bucket/out --project my-project-123 --region europe-west4 --image i",
    "models": "",
    "workers": "",
    "train": "--shards {0}/run --out {0}/out",
    "train-english": "{0}/silence --out {0}/out",
    "error-rates": "{0}/short.jsonl",
}
"""Words of each command that are right, to which one wrong option is added."""

WRONG = {
    "--model": (
        *("nowhere", "{0}/nowhere", "{0}/silence", "{0}/model", "{0}/half", "{0}/weightless", "{0}/onnx"),
        *("nowhere:factory", "nowhere.onnx", "=english", "de="),
    ),
    "--filter": ("nowhere", "{0}/filter.json", "{0}/silence"),
    "--read-out": ("{0}/plain", "{0}/filter.json", "{0}/out.json", "gs://bucket/read.json"),
    "--cut": ("sentences",),
    "--max-wer": ("0", "1.5", "much"),
    "--target-duration": ("0", "x", "500"),
    "--min-duration": ("0", "x", "500"),
    "--max-duration": ("0", "x", "6", "inf"),
    "--padding": ("-1", "x", "inf"),
    "--min-pause-frames": ("0", "x"),
    "--noise": ("{0}/nowhere", "{0}/silence", "{0}/nowhere.jsonl", "{0}/empty.jsonl"),
    "--noise-fraction": ("1.5", "-1", "many"),
    "--snr-db": ("9 3", "x 3", "3 inf"),
    "--level-db": ("9 3", "x 3"),
    "--rooms": ("{0}/nowhere", "{0}/silence", "{0}/nowhere.jsonl"),
    "--room-fraction": ("1.5", "-1", "many"),
    "--format": ("zip",),
    "--files": ("zip",),
    "--audio-format": ("mp4",),
    "--shard-mb": ("0", "x", "inf"),
    "--split": ("dev=2", "dev", "=0.1"),
    "--split-by": ("colour",),
    "--order": ("backwards",),
    "--seed": ("x", "0.5"),
    "--language": ("klingon", "zz", "english"),
    "--only-language": ("klingon", "zz", "english"),
    "--text-style": ("loud",),
    "--sample-rate": ("8",),
    "--read": ("everything",),
    "--read-filter": ("{0}/nowhere",),
    "--judge": ("nowhere",),
    "--max-failed": ("2", "101%", "few%"),
    "--device": ("gpu", "cuda:x"),
    "--workers": ("0", "-1", "many"),
    "--threads": ("0", "many"),
    "--retries": ("-1",),
    "--disk-gb": ("0",),
    "--config": ("{0}/nowhere.toml", "{0}/bad.toml", "{0}/unknown.toml", "{0}/silence"),
    "--profile": ("{0}/nowhere.toml", "{0}/bad.toml", "{0}/unknown.toml", "{0}/silence"),
    "--hours": ("0", "-1", "x", "nan"),
    "--rate": ("light", "light=2", "light=x", "colour=0.1"),
    "--plot": ("{0}/plot.txt",),
    "--count": ("0", "x"),
    "--kept": ("2",),
    "--min-seconds": ("-1", "nan"),
    "--listeners": ("0",),
    "--overlap": ("-1", "2"),
    "--examples": ("-1",),
    "--good-wer": ("0", "1"),
    "--sample": ("{0}/nowhere",),
    "--unintelligible": ("loud",),
    "--self-supervised": ("{0}/nowhere", "{0}/other"),
    "--run": ("{0}/nowhere", "{0}/other"),
    "--port": ("70000", "x"),
    "--master": ("nowhere", "127.0.0.1:1"),
    "--endpoint": ("nowhere", "127.0.0.1:1"),
    "--artifact-endpoint": ("nowhere",),
    "--jar": ("{0}/nowhere.jar",),
    "--worker-pool": ("nowhere",),
    "--shards": ("{0}/nowhere", "{0}/other"),
    "--manifest": ("{0}/nowhere.jsonl", "{0}/empty.jsonl"),
    "--held-out": ("{0}/nowhere.jsonl",),
    "--held-out-split": ("nowhere",),
    "--teacher": ("nowhere",),
    "--start": ("{0}/nowhere",),
    "--minutes": ("0", "x", "nan", "inf"),
    "--steps": ("-1", "x"),
    "--synthesise": ("-1", "x"),
    "--sentences": ("{0}/nowhere.txt",),
    "--max-per-set": ("0", "x"),
    "--project": ("P",),
    "--region": ("Mars",),
    "--temp": ("{0}/temp",),
    "--host": ("nowhere.invalid",),
    "--out": ("{0}/file", "{0}/file/below"),
    "--json": ("{0}/file/below", "{0}/silence"),
}
"""Wrong values of each option, whatever command has it."""


ANY = {
    *(
        "--image",
        "--gpu",
        "--machine-type",
        "--service-account",
        "--subnetwork",
        "--name",
        "--worker-command",
    ),
}
"""Options whose every value may be right, as far as this machine can tell."""

_OUT = "--out {0}/out"
INPUTS = {
    "run": tuple(
        f"{{0}}/{name} {_OUT}"
        for name in ("nowhere.jsonl", "empty.jsonl", "blank.jsonl", "array.json", "list.docx", "silence")
    ),
    "align": tuple(f"{{0}}/{name} {_OUT}" for name in ("nowhere.jsonl", "empty.jsonl", "silence")),
    "evaluate": ("{0}/nowhere.jsonl", "{0}/empty.jsonl", "{0}/silence"),
    "submit flink": tuple(
        f"{{0}}/{name} {_OUT} --master 127.0.0.1:1 --worker-pool 127.0.0.1:2"
        for name in ("nowhere.jsonl", "empty.jsonl", "silence")
    ),
    "submit portable": tuple(
        f"{{0}}/{name} {_OUT} --endpoint 127.0.0.1:1 --worker-pool 127.0.0.1:2"
        for name in ("nowhere.jsonl", "empty.jsonl", "silence")
    ),
    "submit dataflow": (
        "{0}/nowhere.jsonl --out gs://bucket/out --project my-project-123 --region europe-west4 --image i",
    ),
    "pair": tuple(
        f"{words} --out {{0}}/out.jsonl"
        for words in (
            "{0}/speech",
            "{0}/nowhere {0}/texts",
            "{0}/speech {0}/nowhere",
            "{0}/silence {0}/texts",
        )
    ),
    "train": ("--out {0}/out",),
    "train-english": (f"{{0}}/nowhere {_OUT}", f"{{0}}/silence {_OUT}"),
    "error-rates": ("{0}/nowhere.jsonl", "{0}/empty.jsonl"),
    **{
        command: tuple(
            f"{words}{out}"
            for words in (
                *("{0}/nowhere {0}/labels.jsonl", "{0}/other {0}/labels.jsonl"),
                *("{0}/run {0}/nowhere.jsonl", "{0}/run {0}/empty.jsonl", "{0}/run"),
            )
        )
        for command, out in (("label", " --out {0}/out.jsonl"), ("agreement", ""))
    },
    "fit-filter": tuple(
        f"--out {{0}}/out.json {words}"
        for words in ("", "{0}/nowhere.jsonl", "{0}/labels.jsonl", "{0}/array.json", "{0}/silence")
    ),
    "export": tuple(f"{{0}}/{name} {_OUT}" for name in ("nowhere", "other", "file")),
    **dict.fromkeys(
        ("check", "status", "clean", "settings", "report", "sample"),
        ("{0}/nowhere", "{0}/other", "{0}/file"),
    ),
}
"""Whole lines: what is not there, or has nothing in it, in the place of a command's own arguments."""

TOGETHER = {
    "run": (
        "--model german=english",
        "--model de=english --model deu=english",
        "--model de=english --model de_AT=english --model de-at=english",
        "--model en=english --filter it={0}/filter.json",
        "--model de=english",
        "--model en=nowhere",
        "--model en=nowhere:factory",
        "--model en=english --filter en={0}/filter.json",
        "--filter it={0}/filter.json",
        "--max-wer 0.0001",
        # Of what the bundled model hears nothing can be promised.
        "--read all",
        "--read repair --cut paper",
        "--split-read",
        "--judge english",
        "--read-filter {0}/filter.json",
        "--read all --judge nowhere",
        "--read all --read-filter {0}/filter.json",
        "--min-duration 9 --target-duration 8",
        "--out {0}/other",
        "--log-file {0}/nowhere/log",
        "surplus",
        "{0}/silence",
    ),
    "align": ("--model en=english",),
    "evaluate": ("--model en=english", "--rate light=0.6 --rate heavy=0.6"),
    "export": ("--out {0}/other", "--out {0}/run"),
    "sample": ("--out {0}/other", "--out {0}/run"),
    "label": ("--out {0}/file", "--force --out {0}/silence"),
    "pair": ("--out {0}/labels.jsonl", "--force --out {0}/folder.jsonl", "--model en=english"),
    "fit-filter": (
        *("--out {0}/plain", "--out {0}/filter.json", "--force --out {0}/folder.json"),
        "--out gs://bucket/out.json",
    ),
    "submit flink": ("--image i", "--model en=english"),
    "submit portable": ("--image i",),
    "submit dataflow": ("--image=", "--out {0}/out"),
    "train-english": ("--sentences {0}/file --synthesise 0",),
    "train": ("--start {0}/onnx",),
}
"""Words that are wrong beside a command's right ones, or beside each other."""


def wrong_options(name: str, command: click.Command) -> list[str]:
    """Lines of a command that are right but for the last option or word."""
    right = f"{name} {RIGHT[name]}"
    lines = []
    for one in command.params:
        if has_wrong_values(one):
            values = ["", *(f" {value}" for value in WRONG[one.opts[0]])]
            # What an engine shares with Flink has the same declaration: the last value is enough there.
            is_shared = name in ("submit portable", "submit dataflow") and isinstance(one, SettingOption)
            lines += [f"{right} {one.opts[0]}{value}" for value in (values[-1:] if is_shared else values)]
    return [*lines, *(f"{right} {words}" for words in TOGETHER.get(name, ())), f"{right} --no-such-option"]


def wrong_inputs(name: str, command: click.Command) -> list[str]:
    """Lines of a command without what it needs, or with what is not there, or has nothing in it."""
    lines = [f"{name} {words}" for words in INPUTS.get(name, ())]
    return [*lines, name] if any(one.required for one in command.params) else lines


def has_wrong_values(one: click.Parameter) -> bool:
    """Whether it is an option that takes a value, of which some are wrong, and one that users are shown."""
    return isinstance(one, click.Option) and not one.is_flag and not one.hidden and one.opts[0] not in ANY


def commands(group: click.Group = main, above: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that can be called, by its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}", command
