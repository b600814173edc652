"""`prep-corpus submit ENGINE`: the same run on a cluster; parses, checks, calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from prep_corpus.jobs.options import CONFIG, RUN, Options, run_config, toml_option, with_options

if TYPE_CHECKING:
    from prep_corpus.jobs.submit.portable import WorkerPlace
    from prep_corpus.jobs.submit.submission import Engine

SUBMIT_EXIT_CODES = """
\b
Exit codes:
  0    done, or with --detach: submitted
  1    the job failed, was cancelled, or could not be followed
  2    wrong usage, or a check did not hold; nothing was started
  3    done, but some recordings met internal errors: see dead-letters.jsonl
  4    more recordings failed than --max-failed allows; nothing was published
  130  interrupted; the job goes on
"""

_OUT = click.option(
    "--out",
    required=True,
    metavar="URI",
    help="Run folder that all workers can write to; a run in it is resumed.",
)

SUBMISSION: Options = (
    click.option(
        "--threads",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="Number of threads of each worker for one bundle of audio.",
    ),
    click.option("--name", help="Name of the job.  [default: prep-corpus-USER]"),
    click.option(
        "--detach",
        is_flag=True,
        help="Return when the job has started; `prep-corpus status` tells how it goes.",
    ),
    click.option(
        "--force",
        is_flag=True,
        help="Write into a folder that holds no run, or replace a run of other settings.",
    ),
    click.option("--quiet", "-q", is_flag=True, help="Print errors and warnings only."),
)
"""How a job is sent off."""

PLACE: Options = (
    click.option("--image", help="Container image of the workers, with prep-corpus and the model inside."),
    click.option(
        "--worker-pool",
        metavar="HOST:PORT",
        help="Address of a pool of running workers, as the engine's machines know it, in place of an image.",
    ),
    click.option(
        "--worker-command",
        metavar="PATH",
        help="Program that the engine's machines start for a worker, in place of an image, such as Beam's boot.",
    ),
    click.option("--gpu", is_flag=True, help="Run the model on the GPU that each worker's machine has."),
)
"""Where Python workers come from."""


def engine_options(*groups: Options) -> Any:
    """The options of one engine's command: its own first, then those of a submission and of a run."""
    profile = toml_option(
        "--profile", "File of the cluster's settings by flag name; flags on the command line win."
    )
    run_options = (profile, CONFIG, RUN)

    def decorate(command: Any) -> Any:
        command = click.pass_context(command)
        command = click.argument("beam_options", nargs=-1, type=click.UNPROCESSED)(command)
        command = with_options(*groups, SUBMISSION, *run_options)(command)
        return click.argument("manifest")(_OUT(command))

    return decorate


def launch(ctx: click.Context, engine: Engine, settings: dict[str, Any]) -> None:
    """Make every check that takes seconds; then submit, follow, and exit."""
    from prep_corpus.jobs.screen.logs import say_beginning
    from prep_corpus.jobs.start.early import check_values
    from prep_corpus.jobs.submit.checks import check_before

    config = run_config(
        settings,
        manifest=settings["manifest"],
        out=settings["out"],
        device="cpu" if engine.accelerator is None else "cuda",
        workers=settings["threads"],
        beam_options=tuple(settings["beam_options"]),
    )
    check_values(config)
    check_before(config, engine.name, engine.sees_local_files, engine.check)
    say_beginning(f"reading {config.manifest}", quiet=settings["quiet"])
    from prep_corpus.jobs.submit.submission import Submission, default_name, submit

    submission = Submission(
        name=settings["name"] or default_name(),
        detach=settings["detach"],
        force=settings["force"],
        quiet=settings["quiet"],
    )
    ctx.exit(submit(config, engine, submission))


@click.group("submit")
def submit_command() -> None:
    """Run on a cluster: the same work as `run`, on Flink, Dataflow or another engine of Apache Beam."""


def _place(settings: dict[str, Any]) -> WorkerPlace:
    from prep_corpus.jobs.submit.portable import WorkerPlace

    return WorkerPlace(
        image=settings["image"], pool=settings["worker_pool"], command=settings["worker_command"]
    )


@submit_command.command("flink", epilog=SUBMIT_EXIT_CODES)
@engine_options(
    (
        click.option(
            "--master",
            required=True,
            metavar="HOST:PORT",
            help="Address of the job manager's REST interface.",
        ),
        click.option(
            "--workers",
            type=click.IntRange(1),
            default=1,
            show_default=True,
            help="Number of slots that the job takes.",
        ),
        *PLACE,
        click.option(
            "--jar",
            metavar="PATH",
            help="Beam's job server for this Flink version.  [default: from Maven Central]",
        ),
        click.option(
            "--retries",
            type=click.IntRange(0),
            default=5,
            show_default=True,
            help="How often the job starts again after a task manager is lost.",
        ),
    )
)
def flink_command(ctx: click.Context, /, **settings: Any) -> None:
    """Run MANIFEST on a Flink session cluster, and write shards to URI.

    The job goes to the job manager as one jar; this machine needs no Java. Paths without a scheme must lie on a
    disk that all task managers mount. Options after -- go to Apache Beam.
    """
    from prep_corpus.jobs.submit.flink import Flink

    engine = Flink(
        master=settings["master"],
        place=_place(settings),
        workers=settings["workers"],
        gpu=settings["gpu"],
        jar=settings["jar"],
        retries=settings["retries"],
    )
    launch(ctx, engine, settings)


@submit_command.command("portable", epilog=SUBMIT_EXIT_CODES)
@engine_options(
    (
        click.option(
            "--endpoint",
            required=True,
            metavar="HOST:PORT",
            help="Address of the job service, such as Beam's for Spark.",
        ),
        click.option(
            "--artifact-endpoint",
            metavar="HOST:PORT",
            help="Address of the artifact service, where it is another.",
        ),
        *PLACE,
    )
)
def portable_command(ctx: click.Context, /, **settings: Any) -> None:
    """Run MANIFEST on any engine with a Beam job service, such as Spark, and write shards to URI.

    Paths without a scheme must lie on a disk that all workers mount. Options after -- go to Apache Beam.
    """
    from prep_corpus.jobs.submit.portable import Portable

    engine = Portable(
        endpoint=settings["endpoint"],
        artifact_endpoint=settings["artifact_endpoint"],
        place=_place(settings),
        gpu=settings["gpu"],
    )
    launch(ctx, engine, settings)
