"""The command `models`: parses and prints."""

from __future__ import annotations

import click


@click.command("models")
@click.option("--language", metavar="TAG", help="List those that know this language, such as de.")
def models_command(language: str | None) -> None:
    """List the bundled model and public checkpoints that suit this pipeline.

    Each with its languages, licence, tokens, length of a frame and size, and with the command that fetches it. Nothing
    is downloaded; what counts is the card of the checkpoint.
    """
    from prep_corpus.align.errors import UsageError
    from prep_corpus.align.language_tags import is_known, primary_of
    from prep_corpus.align.model.naming import BUNDLED_MODELS
    from prep_corpus.jobs.public_models import PUBLIC_MODELS

    if language is not None and not is_known(language):
        raise UsageError(f"--language takes a language tag, such as de or en-GB; not {language!r}")
    wanted = None if language is None else primary_of(language)
    if wanted in (None, "en"):
        for name in BUNDLED_MODELS:
            click.echo(
                f"{name}\n  en; Apache-2.0; characters; 40 ms frames; bundled, with a filter of its own\n"
                f"  prep-corpus run ... --model {name}"
            )
    for model in PUBLIC_MODELS:
        if wanted is None or model.speaks(wanted):
            size = f"{model.megabytes / 1000:.1f} GB"
            facts = (
                ", ".join(model.languages),
                model.licence,
                model.tokens,
                f"{model.frame_ms} ms frames",
                size,
            )
            click.echo(f"{model.name}\n  {'; '.join((*facts, *([model.note] if model.note else [])))}")
            click.echo(f"  {model.how} && prep-corpus run ... --model {model.folder}")
    click.echo(
        "\nA model without a filter of its own has one fitted on the corpus itself. Also: folders with model.onnx and "
        "its token list, and module:factory (docs/models.md)."
    )
