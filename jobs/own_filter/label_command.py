"""The command `label`: parses and calls."""

from __future__ import annotations

import click


@click.command("label")
@click.argument("folder", metavar="RUN")
@click.argument("transcripts", nargs=-1, required=True, metavar="TRANSCRIPTS...")
@click.option("--out", required=True, metavar="FILE.jsonl", help="File that the labels are written to.")
@click.option(
    "--good-wer",
    type=float,
    default=0.05,
    show_default=True,
    help="Highest word error rate of all utterances that are called good, taken together.",
)
@click.option(
    "--sample",
    metavar="DIR",
    help="Folder that `prep-corpus sample` wrote, for the weights.  [default: where the first transcripts lie]",
)
@click.option(
    "--unintelligible",
    type=click.Choice(["wrong", "skip"]),
    default="wrong",
    show_default=True,
    help="What becomes of an utterance that at least half of the listeners could not understand: every word counts "
    "as wrong, or the utterance is left out.",
)
@click.option(
    "--skip-unknown", is_flag=True, help="Leave out transcripts of utterances that RUN does not have."
)
@click.option("--force", is_flag=True, help="Replace FILE.jsonl.")
@click.option("--quiet", "-q", is_flag=True, help="Print errors and warnings only.")
def label_command(
    folder: str,
    transcripts: tuple[str, ...],
    out: str,
    good_wer: float,
    sample: str | None,
    unintelligible: str,
    skip_unknown: bool,
    force: bool,
    quiet: bool,
) -> None:
    """Judge utterances of the finished run RUN by what people heard in them.

    TRANSCRIPTS are exports of the listening page, several of them, or files of id and text (.jsonl, .csv, .tsv). Both
    texts are normalised alike and compared word by word; the labels go to one file, which `fit-filter` takes.
    """
    from prep_corpus.align.errors import UsageError
    from prep_corpus.jobs.runs.opened import open_run
    from prep_corpus.jobs.screen.logs import say_beginning
    from prep_corpus.jobs.start.early import check_file_out
    from prep_corpus.pipeline.finished.sample_files import read_heard, read_weights
    from prep_corpus.pipeline.storage import files

    if not 0 < good_wer < 1:
        raise UsageError(f"--good-wer is a share between 0 and 1, such as 0.05; not {good_wer}")
    _ = open_run(folder).published
    check_file_out(out)
    if files.exists(out) and not force:
        raise UsageError(f"--out {out} is there already; --force replaces it, or choose another name")
    heard = read_heard(transcripts)
    if sample is not None:
        read_weights(sample, ())
    say_beginning(f"reading {folder}", quiet=quiet)
    from prep_corpus.jobs.own_filter.labelling import LabelOptions, execute

    options = LabelOptions(
        run=folder,
        transcripts=transcripts,
        heard=heard,
        out=out,
        good_wer=good_wer,
        sample=sample,
        skip_unintelligible=unintelligible == "skip",
        skip_unknown=skip_unknown,
    )
    execute(options, quiet=quiet)
