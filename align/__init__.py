"""Pure functions from audio and text to cut utterances: audio, text, acoustic models, Viterbi, cutting.

The public face is forced alignment of one recording with its text:

    >>> from pathlib import Path
    >>> from prep_corpus.align import align_file
    >>> word = align_file("talk.opus", Path("talk.txt")).words[0]
    >>> word.text, word.start_seconds < word.end_seconds, word.score > 0
    ('Alice', True, True)

Names are imported when they are first asked for: the errors and the version need no library at all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prep_corpus.align.aligned_file import AlignedFile, AlignedWord
    from prep_corpus.align.aligner import Aligner, align_file
    from prep_corpus.align.errors import PrepCorpusError, RecordingError, UsageError
    from prep_corpus.align.text.normalize import TextOptions

__version__ = "0.1.0"

__all__ = [
    "AlignedFile",
    "AlignedWord",
    "Aligner",
    "PrepCorpusError",
    "RecordingError",
    "TextOptions",
    "UsageError",
    "__version__",
    "align_file",
]

_HOMES = {
    "AlignedFile": "aligned_file",
    "AlignedWord": "aligned_file",
    "Aligner": "aligner",
    "align_file": "aligner",
    "PrepCorpusError": "errors",
    "RecordingError": "errors",
    "UsageError": "errors",
    "TextOptions": "text.normalize",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = f"{__name__}.{_HOMES[name]}"
    try:
        return getattr(import_module(home), name)
    except ModuleNotFoundError as error:
        if error.name is None or not home.startswith(error.name):
            raise
        raise ModuleNotFoundError(
            f"{name} needs the whole: pip install prep-corpus (this is prep-corpus-reader alone)",
            name=error.name,
        ) from error


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
