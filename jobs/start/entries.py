"""What the manifest of a config holds, as every command that works as a run reads it."""

from __future__ import annotations

from collections.abc import Iterator

from prep_corpus.align.errors import DeadLetter
from prep_corpus.align.recognition.sources import READ_ALL
from prep_corpus.align.recordings import Recording
from prep_corpus.jobs.config import RunConfig
from prep_corpus.pipeline.inputs.manifests import read_manifest


def manifest_entries(config: RunConfig) -> Iterator[Recording | DeadLetter]:
    """The recordings and dead letters of a config's manifest, in order.

    Raises:
        UsageError: there is no manifest, or it is in no form that is accepted. Raised by the call itself.
    """
    return read_manifest(
        config.manifest,
        language=config.language,
        only=config.only_languages,
        may_lack_text=config.read == READ_ALL,
    )
