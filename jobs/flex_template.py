"""The entry of the Dataflow Flex Template: its launcher's parameters, as `submit dataflow` takes them.

    launcher    --manifest=gs://... --gpu=l4 --project=... --template_location=... --labels=...
    command     submit dataflow gs://... --gpu l4 --project ... --detach --from-template -- --template_location=...

The launcher submits the job itself, from the file that Beam leaves at --template_location.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.config import SETTINGS
from prep_corpus.jobs.settings import Range, Setting

_BUCKET = "^(gs|s3)://[^/]+/.+$"

MANIFEST: dict[str, Any] = {
    "name": "manifest",
    "label": "Manifest",
    "helpText": "JSON lines, CSV or TSV with audio_filepath and text or text_filepath, on gs:// or s3://.",
    "isOptional": False,
    "regexes": [_BUCKET],
}
OF_JOB: tuple[dict[str, Any], ...] = (
    {
        "name": "out",
        "label": "Run folder",
        "helpText": "Folder of the shards and of the stages' results, on gs:// or s3://. A run in it is resumed.",
        "isOptional": False,
        "regexes": [_BUCKET],
    },
    {
        "name": "gpu",
        "label": "GPU",
        "helpText": "t4, l4, a100, a100-80gb, h100, or Dataflow's own TYPE or TYPE:MACHINE; none runs the model "
        "on CPUs.",
        "isOptional": True,
        "regexes": ["^[a-z0-9]+(-[a-z0-9]+)*(:[a-z0-9]+(-[a-z0-9]+)*)?$"],
    },
    {
        "name": "workers",
        "label": "Workers",
        "helpText": "Most workers with a GPU, and most without. Default: 8.",
        "isOptional": True,
        "regexes": ["^[1-9][0-9]{0,3}$"],
    },
    {
        "name": "machine_type",
        "label": "Machine type",
        "helpText": "Of workers without a GPU. Default: n2-standard-4.",
        "isOptional": True,
        "regexes": ["^[a-z0-9]+(-[a-z0-9]+)+$"],
    },
    {
        "name": "disk_gb",
        "label": "Boot disk",
        "helpText": "Of a worker, in GB. Default: 50.",
        "isOptional": True,
        "regexes": ["^[1-9][0-9]{1,4}$"],
    },
    {
        "name": "threads",
        "label": "Threads",
        "helpText": "Of each worker, for one bundle of audio. Default: 1.",
        "isOptional": True,
        "regexes": ["^[1-9][0-9]?$"],
    },
)
"""Parameters that say how the job runs: options of the command with one value, `--machine-type` for machine_type."""

IMAGE: dict[str, Any] = {
    "name": "sdk_container_image",
    "label": "Image of the workers",
    "helpText": "The image that this template was built from, by its full name with a tag or digest.",
    "isOptional": False,
    "regexes": ["^[a-z0-9.:-]+/.+[:@].+$"],
}

FROM_LAUNCHER = {
    "project": "--project",
    "region": "--region",
    "temp_location": "--temp",
    "sdk_container_image": "--image",
    "service_account_email": "--service-account",
    "subnetwork": "--subnetwork",
}
"""What the launcher is given beside the parameters, and the command must know."""

_OF_RUN: dict[str, Setting] = {
    one.parameter.name or one.key.replace("-", "_"): one for one in SETTINGS if one.parameter is not None
}
"""Parameters that are settings of the run."""

# What `submit dataflow` says itself; of two, Beam would take the launcher's.
_ALREADY_SAID = frozenset({*FROM_LAUNCHER, "runner", "staging_location"})


def command_line(arguments: Sequence[str]) -> list[str]:
    """The arguments of `prep-corpus` for those that a template's launcher gives.

    Args:
        arguments: arguments of the form --name=value, or --name for a flag.

    Raises:
        UsageError: the manifest is missing, or an argument has another form.
    """
    options = {one["name"]: f"--{one['name'].replace('_', '-')}" for one in OF_JOB} | FROM_LAUNCHER
    manifest = ""
    own: list[str] = []
    beam: list[str] = []
    for argument in arguments:
        name, equals, value = argument.removeprefix("--").partition("=")
        if not argument.startswith("--"):
            raise UsageError(f"a template's parameters have the form --name=value, not {argument!r}")
        if name == "manifest":
            manifest = value
        elif name in options:
            own += [options[name], value]
        elif name in _OF_RUN:
            own += _words(_OF_RUN[name], value)
        elif name not in _ALREADY_SAID:
            beam.append(f"--{name}={value}" if equals else f"--{name}")
    if not manifest:
        raise UsageError("the template needs the parameter manifest")
    return ["submit", "dataflow", manifest, *own, "--detach", "--from-template", "--", *beam]


def _words(one: Setting, value: str) -> list[str]:
    """The command's words for a parameter that is a setting."""
    if one.kind is bool:
        flag = one.flag if value == "true" else one.off_flag
        return [flag] if flag else []
    if one.repeated:
        return [word for part in value.split(",") for word in (one.flag, part.strip())]
    return [one.flag, *(part.strip() for part in value.split(","))] if one.count > 1 else [one.flag, value]


def metadata() -> dict[str, Any]:
    """What docs/dataflow/metadata.json holds: all parameters, each with the check that Dataflow makes."""
    return {
        "name": "prep-corpus",
        "description": "Turns recordings with noisy transcripts into shards for training speech recognition.",
        "parameters": [
            MANIFEST,
            *OF_JOB[:1],
            IMAGE,
            *OF_JOB[1:],
            *(_of_setting(*one) for one in _OF_RUN.items()),
        ],
    }


def metadata_text() -> str:
    """The text of that file; `make template` writes it."""
    return json.dumps(metadata(), indent=2, ensure_ascii=False) + "\n"


def _of_setting(name: str, one: Setting) -> dict[str, Any]:
    assert one.parameter is not None
    default = one.default_about or _shown(one)
    label = one.parameter.label or one.key.replace("-", " ").capitalize()
    text = one.parameter.about or one.about
    return {
        "name": name,
        "label": label,
        "helpText": f"{text} Default: {default}." if default else text,
        "isOptional": True,
        "regexes": [one.parameter.regex or _regex(one)],
    }


def _shown(one: Setting) -> str:
    if one.default is None or one.parse is not None:
        return ""
    if one.kind is bool:
        return str(one.default).lower()
    parts = one.default if isinstance(one.default, tuple) else (one.default,)
    return ",".join(f"{part:g}" if isinstance(part, float) else str(part) for part in parts)


def _regex(one: Setting) -> str:
    """What a value must match, as far as a regular expression tells; the command makes the exact check."""
    if one.kind is bool:
        return "^(true|false)$"
    if one.choices:
        part = f"({'|'.join(one.choices)})"
    elif one.kind is int:
        part = "[0-9]{1,9}" if one.allowed and one.allowed.low is not None else "-?[0-9]{1,18}"
    elif one.kind is float:
        part = _regex_of_numbers(one.allowed or Range())
    else:
        raise ValueError(f"{one.flag}: a parameter of a template needs a regex")
    more = f"(,{part})*" if one.repeated else f",{part}" * (one.count - 1)
    return f"^{part}{more}$"


def _regex_of_numbers(allowed: Range) -> str:
    if allowed.high == 1 and allowed.low == 0:
        return "0?\\.[0-9]+" if allowed.high_open else "(0|1|1\\.0+|0?\\.[0-9]+)"
    return ("-?" if allowed.low is None or allowed.low < 0 else "") + "[0-9]+(\\.[0-9]+)?"


def launch() -> None:
    """Run as the template's launcher runs it."""
    from prep_corpus.jobs.cli import main

    try:
        arguments = command_line(sys.argv[1:])
    except UsageError as error:
        sys.exit(f"Error: {error}")
    main.main(args=arguments, prog_name="prep-corpus")


if __name__ == "__main__":
    launch()
