"""The entry of the Dataflow Flex Template: its launcher's parameters, as `submit dataflow` takes them.

    launcher    --manifest=gs://... --gpu=l4 --project=... --template_location=... --labels=...
    command     submit dataflow gs://... --gpu l4 --project ... --detach --from-template -- --template_location=...

The launcher submits the job itself, from the file that Beam leaves at --template_location.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from prep_corpus.align.errors import UsageError

OPTIONS = {
    "out": "--out",
    "gpu": "--gpu",
    "workers": "--workers",
    "machine_type": "--machine-type",
    "disk_gb": "--disk-gb",
    "threads": "--threads",
    "model": "--model",
    "filter": "--filter",
    "max_wer": "--max-wer",
    "cut": "--cut",
    "language": "--language",
    "noise": "--noise",
    "noise_fraction": "--noise-fraction",
    "shard_mb": "--shard-mb",
    "seed": "--seed",
    "max_failed": "--max-failed",
}
"""Parameters of the template that are options of the command with one value."""

LISTS = {"formats": "--format", "splits": "--split"}
"""Parameters of the template that hold values for an option that may be repeated, with commas between."""

FROM_LAUNCHER = {
    "project": "--project",
    "region": "--region",
    "temp_location": "--temp",
    "sdk_container_image": "--image",
    "service_account_email": "--service-account",
    "subnetwork": "--subnetwork",
}
"""What the launcher is given beside the parameters, and the command must know."""

# What `submit dataflow` says itself; of two, Beam would take the launcher's.
_ALREADY_SAID = frozenset({*FROM_LAUNCHER, "runner", "staging_location"})


def command_line(arguments: Sequence[str]) -> list[str]:
    """The arguments of `prep-corpus` for those that a template's launcher gives.

    Args:
        arguments: of the form --name=value, or --name for a flag.

    Raises:
        UsageError: the manifest is missing, or an argument has another form.
    """
    manifest = ""
    own: list[str] = []
    beam: list[str] = []
    for argument in arguments:
        name, equals, value = argument.removeprefix("--").partition("=")
        if not argument.startswith("--"):
            raise UsageError(f"a template's parameters have the form --name=value, not {argument!r}")
        if name == "manifest":
            manifest = value
        elif name in OPTIONS or name in FROM_LAUNCHER:
            own += [{**OPTIONS, **FROM_LAUNCHER}[name], value]
        elif name in LISTS:
            own += [word for part in value.split(",") for word in (LISTS[name], part.strip())]
        elif name not in _ALREADY_SAID:
            beam.append(f"--{name}={value}" if equals else f"--{name}")
    if not manifest:
        raise UsageError("the template needs the parameter manifest")
    return ["submit", "dataflow", manifest, *own, "--detach", "--from-template", "--", *beam]


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
