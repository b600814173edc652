"""Hours of audio a second that reach a training loop: this reader against datasets and webdataset.

    python benchmarks/cost/bench_read.py [--hours 2.0] [--rounds 3] [--workers 1 2]

All read the same utterances from local disk through a PyTorch DataLoader, shuffled, decode in its workers with
soundfile, and hand over padded float32 batches of 16. datasets also with its own decoding, where torchcodec can be
imported. The readers take turns; the best round of each counts. A round is the second epoch of a loader, so that
starting workers and first opening the files are not in it; the line "first epoch" has both, and the digests of all
shards, for this reader.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from speech_clips import RATE_HZ, repeated, rows

from prep_corpus.pipeline.reading.length_batches import Batching
from prep_corpus.pipeline.reading.reader import ReadOptions
from prep_corpus.pipeline.reading.torch_reader import UtteranceLoader
from prep_corpus.pipeline.run_files import MANIFEST_NAME
from prep_corpus.pipeline.shards.manifest import ShardEntry, manifest
from prep_corpus.pipeline.shards.rows import Utterance
from prep_corpus.pipeline.shards.sinks import DigestingFile, Format, open_sink, shard_names, write_rows

BATCH = 16
SHARDS = 8
SHUFFLE_BUFFER = 512


def write_run(folder: Path, corpus: list[Utterance]) -> None:
    """A run of Parquet and WebDataset shards."""
    entries = []
    formats: tuple[Format, ...] = ("parquet", "webdataset")
    for index in range(SHARDS):
        for shard_format in formats:
            part = corpus[index::SHARDS]
            (path,) = shard_names(shard_format, "train", index, SHARDS)
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            with open(folder / path, "wb") as opened:
                file = DigestingFile(opened)
                count, samples = write_rows([open_sink(shard_format, [file])], part)
            entries.append(
                ShardEntry(
                    format=shard_format,
                    path=path,
                    split="train",
                    utterances=count,
                    seconds=samples / RATE_HZ,
                    n_bytes=file.bytes_written,
                    digest=file.hexdigest(),
                )
            )
    document = manifest(entries, ledgers={}, settings={}, model_digest="", seed=0)
    (folder / MANIFEST_NAME).write_text(json.dumps(document))


def collate(samples: list[Any]) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    """Pad a list of (samples, text)."""
    lengths = [len(one) for one, _ in samples]
    padded = torch.zeros(len(samples), max(lengths))
    for number, (one, _) in enumerate(samples):
        padded[number, : lengths[number]] = torch.from_numpy(one)
    return padded, torch.tensor(lengths), [text for _, text in samples]


def decode(data: bytes) -> np.ndarray:
    samples_N, _ = soundfile.read(io.BytesIO(data), dtype="float32")
    return samples_N


def ours(folder: Path, workers: int) -> Iterable[torch.Tensor]:
    loader = UtteranceLoader(
        str(folder),
        ReadOptions(shuffle=True, seed=1),
        Batching(utterances=BATCH, pool=SHUFFLE_BUFFER),
        workers=workers,
    )
    return Mapped(loader, lambda batch: batch.lengths_B)


class Mapped:
    """An iterable that can be gone through again, of something of each batch."""

    def __init__(self, batches: Iterable[Any], choose: Callable[[Any], torch.Tensor]) -> None:
        self._batches, self._choose = batches, choose

    def __iter__(self) -> Iterator[torch.Tensor]:
        return map(self._choose, self._batches)


def _from_bytes(row: dict[str, Any]) -> tuple[np.ndarray, str]:
    return decode(row["audio"]["bytes"]), row["text_normalized"]


def _from_decoder(row: dict[str, Any]) -> tuple[np.ndarray, str]:
    return row["audio"].get_all_samples().data[0].numpy(), row["text_normalized"]


class Rows(torch.utils.data.IterableDataset):
    """A streaming dataset with a function of each row, in the worker."""

    def __init__(self, dataset: Any, choose: Callable[[dict[str, Any]], tuple[np.ndarray, str]]) -> None:
        self.dataset, self.choose = dataset, choose

    def __iter__(self) -> Iterator[tuple[np.ndarray, str]]:
        return map(self.choose, self.dataset)


def datasets_soundfile(folder: Path, workers: int) -> Iterable[torch.Tensor]:
    from datasets import Audio, load_dataset

    streamed = load_dataset(
        "parquet", data_files=str(folder / "data" / "*.parquet"), split="train", streaming=True
    )
    streamed = streamed.cast_column("audio", Audio(decode=False)).select_columns(["audio", "text_normalized"])
    shuffled = streamed.shuffle(seed=1, buffer_size=SHUFFLE_BUFFER)
    return _loader(Rows(shuffled, _from_bytes), workers)


def datasets_torchcodec(folder: Path, workers: int) -> Iterable[torch.Tensor]:
    import torchcodec  # noqa: F401
    from datasets import load_dataset

    streamed = load_dataset(
        "parquet", data_files=str(folder / "data" / "*.parquet"), split="train", streaming=True
    )
    shuffled = streamed.select_columns(["audio", "text_normalized"]).shuffle(
        seed=1, buffer_size=SHUFFLE_BUFFER
    )
    return _loader(Rows(shuffled, _from_decoder), workers)


def _decode_sample(sample: dict[str, Any]) -> tuple[np.ndarray, str]:
    return decode(sample["flac"]), json.loads(sample["json"])["text_normalized"]


def webdataset_soundfile(folder: Path, workers: int) -> Iterable[torch.Tensor]:
    import webdataset

    shards = sorted(str(path) for path in (folder / "webdataset").glob("*.tar"))
    dataset = (
        webdataset.WebDataset(shards, shardshuffle=SHARDS, nodesplitter=webdataset.split_by_node)
        .shuffle(SHUFFLE_BUFFER)
        .map(_decode_sample)
    )
    return _loader(dataset, workers)


def _loader(dataset: Any, workers: int) -> Iterable[torch.Tensor]:
    loader = torch.utils.data.DataLoader(
        dataset, batch_size=BATCH, collate_fn=collate, num_workers=workers, persistent_workers=True
    )
    return Mapped(loader, lambda batch: batch[1])


def epoch(batches: Iterable[torch.Tensor], wanted_samples: int) -> float:
    """Wall seconds of one pass, which must bring every sample."""
    begin = time.perf_counter()
    samples = sum(int(lengths.sum()) for lengths in batches)
    seconds = time.perf_counter() - begin
    if samples != wanted_samples:
        raise RuntimeError(f"a pass brings all samples: {wanted_samples} written, {samples} read")
    return seconds


READERS = {
    "ours": ours,
    "datasets, soundfile": datasets_soundfile,
    "datasets, torchcodec": datasets_torchcodec,
    "webdataset, soundfile": webdataset_soundfile,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    torch.set_num_threads(1)
    corpus = repeated(rows(options.hours), options.hours)
    hours = sum(row.duration for row in corpus) / 3600
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_run(folder, corpus)
        samples = sum(row.samples for row in corpus)
        print(
            f"{hours:.2f} h in {len(corpus)} utterances; hours of audio a second, the best of {options.rounds}"
        )
        for workers in options.workers:
            best: dict[str, float] = {}
            first = math.inf
            for _ in range(options.rounds):
                for reader, make in READERS.items():
                    try:
                        batches = make(folder, workers)
                        opening = epoch(batches, samples)
                    except ImportError as error:
                        if reader not in best:
                            print(f"  {reader}: not installed ({error})")
                        continue
                    best[reader] = min(best.get(reader, math.inf), epoch(batches, samples))
                    if reader == "ours":
                        first = min(first, opening)
                    del batches
            print(f"workers {workers}: ours, first epoch {hours / first:.2f}")
            for reader, seconds in best.items():
                print(f"  {reader:24}{hours / seconds:8.2f} h/s")
            failed |= best["ours"] > min(seconds for reader, seconds in best.items())
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
