"""The command line, the runners, and training.

The public face is a whole run from Python:

    >>> from prep_corpus.jobs import RunConfig, run_corpus
    >>> config = RunConfig(manifest="manifest.jsonl", out="my-run", max_wer=0.01)
    >>> config.formats
    ('parquet',)

`run_corpus(config)` then does what `prep-corpus run` does. Names are imported when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module

# Not of `typing`, which takes longer to import than all that stands before Ctrl-C is one line.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from prep_corpus.jobs.config import RunConfig
    from prep_corpus.jobs.runs.from_python import run_corpus
    from prep_corpus.pipeline.outcome import RunOutcome

__all__ = ["RunConfig", "RunOutcome", "run_corpus"]

_HOMES = {
    "RunConfig": "prep_corpus.jobs.config",
    "RunOutcome": "prep_corpus.pipeline.outcome",
    "run_corpus": "prep_corpus.jobs.runs.from_python",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
