"""Reading and checking finished runs.

    >>> from prep_corpus.pipeline.reading import decode_audio, read_utterances
    >>> for utterance in read_utterances("run"):
    ...     samples_N, rate_hz = decode_audio(utterance)
    ...     assert len(samples_N) == round(utterance.duration * rate_hz)

Names are imported when they are first asked for. Reading Parquet needs pyarrow, soundfile and numpy; the loaders for
PyTorch need torch, and checking TFRecord files needs protobuf and google-crc32c.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from prep_corpus.align import __version__

if TYPE_CHECKING:
    from prep_corpus.align.errors import PrepCorpusError, UsageError
    from prep_corpus.pipeline.reading.check import CheckReport, Problem, check_run
    from prep_corpus.pipeline.reading.length_batches import Batching
    from prep_corpus.pipeline.reading.reader import Reader, ReadOptions, decode_audio, read_utterances
    from prep_corpus.pipeline.reading.run_folder import (
        RunFolder,
        ShardCorrupt,
        ShardError,
        ShardMissing,
        ShardStale,
        ShardTruncated,
        StaleShardWarning,
        open_run,
    )
    from prep_corpus.pipeline.reading.torch_reader import TorchBatch, UtteranceDataset, UtteranceLoader
    from prep_corpus.pipeline.shards.rows import Utterance

__all__ = [
    "Batching",
    "CheckReport",
    "PrepCorpusError",
    "Problem",
    "ReadOptions",
    "Reader",
    "RunFolder",
    "ShardCorrupt",
    "ShardError",
    "ShardMissing",
    "ShardStale",
    "ShardTruncated",
    "StaleShardWarning",
    "TorchBatch",
    "UsageError",
    "Utterance",
    "UtteranceDataset",
    "UtteranceLoader",
    "__version__",
    "check_run",
    "decode_audio",
    "open_run",
    "read_utterances",
]

_HOMES = {
    "prep_corpus.align.errors": ("PrepCorpusError", "UsageError"),
    "prep_corpus.pipeline.reading.check": ("CheckReport", "Problem", "check_run"),
    "prep_corpus.pipeline.reading.length_batches": ("Batching",),
    "prep_corpus.pipeline.reading.reader": ("ReadOptions", "Reader", "decode_audio", "read_utterances"),
    "prep_corpus.pipeline.reading.run_folder": (
        "RunFolder",
        "ShardCorrupt",
        "ShardError",
        "ShardMissing",
        "ShardStale",
        "ShardTruncated",
        "StaleShardWarning",
        "open_run",
    ),
    "prep_corpus.pipeline.reading.torch_reader": ("TorchBatch", "UtteranceDataset", "UtteranceLoader"),
    "prep_corpus.pipeline.shards.rows": ("Utterance",),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
