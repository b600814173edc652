"""`prep-corpus submit dataflow`: parses, checks, calls."""

from __future__ import annotations

from typing import Any

import click

from prep_corpus.jobs.submit.command import SUBMIT_EXIT_CODES, engine_options, launch


@click.command("dataflow", epilog=SUBMIT_EXIT_CODES)
@engine_options(
    (
        click.option("--project", required=True, metavar="ID", help="Google Cloud project."),
        click.option(
            "--region", required=True, help="Region, such as europe-west4; the GPU must be offered there."
        ),
        click.option(
            "--image",
            default="",
            help="Container image of the workers, with prep-corpus and the model inside; must be given.",
        ),
        click.option(
            "--temp",
            metavar="gs://...",
            help="Folder for what Dataflow stages.  [default: work/dataflow in --out]",
        ),
        click.option(
            "--workers",
            type=click.IntRange(1),
            default=8,
            show_default=True,
            help="Highest number of workers with a GPU, and of workers without.",
        ),
        click.option(
            "--gpu",
            metavar="NAME",
            help="Run the model on one GPU per worker: t4, l4, a100, a100-80gb, h100, or Dataflow's own TYPE or "
            "TYPE:MACHINE.  [default: CPUs alone]",
        ),
        click.option(
            "--machine-type",
            default="n2-standard-4",
            show_default=True,
            help="Machine type of workers without a GPU.",
        ),
        click.option(
            "--disk-gb",
            type=click.IntRange(1),
            default=50,
            show_default=True,
            help="Size of a worker's boot disk, in GB.",
        ),
        click.option("--service-account", metavar="EMAIL", help="Service account that the workers act as."),
        click.option(
            "--subnetwork",
            metavar="PATH",
            help="Subnetwork of the workers, such as regions/REGION/subnetworks/NAME.",
        ),
        click.option(
            "--private",
            is_flag=True,
            help="Give workers no public address; this needs Private Google Access.",
        ),
        click.option(
            "--endpoint", metavar="URL", help="Address of Dataflow's API, where it is another.", hidden=True
        ),
        click.option(
            "--from-template",
            is_flag=True,
            help="Dataflow itself submits, and makes the checks.",
            hidden=True,
        ),
    )
)
def dataflow_command(ctx: click.Context, /, **settings: Any) -> None:
    """Run MANIFEST on Google Cloud Dataflow as one job, and write shards to URI.

    MANIFEST, audio, noise and URI are on gs:// or s3://. This machine reads the manifest and the headers of the
    audio; with --detach it may go away then. Options after -- go to Apache Beam.
    """
    from prep_corpus.jobs.submit.dataflow import Dataflow
    from prep_corpus.pipeline.storage import files

    engine = Dataflow(
        project=settings["project"],
        region=settings["region"],
        image=settings["image"],
        temp=settings["temp"] or files.join(settings["out"], "work", "dataflow"),
        workers=settings["workers"],
        gpu=settings["gpu"],
        machine_type=settings["machine_type"],
        disk_gb=settings["disk_gb"],
        service_account=settings["service_account"],
        subnetwork=settings["subnetwork"],
        public_ips=not settings["private"],
        endpoint=settings["endpoint"],
        from_template=settings["from_template"],
    )
    launch(ctx, engine, settings)
