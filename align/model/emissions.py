"""From samples to emissions: windows with context on both sides, batched, stitched, kept as float16.

Legend: N samples, T frames, C classes, B rows of a batch. A window of W samples keeps only its middle;
`context` is what is thrown away on each side, except at the recording's own ends:

    window 0   [==========----)
    window 1          (----==========----)
    window 2                     (----==========]     starts at floor((N - W) / stride) * stride
               = kept   - context

All starts are multiples of the stride: a window out of phase changes the result.
"""

from __future__ import annotations

import mmap
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from prep_corpus.align.errors import AudioTooShort, UsageError
from prep_corpus.align.heap import give_back_memory
from prep_corpus.align.model.ahead import ahead
from prep_corpus.align.model.models import LoadedModel

if TYPE_CHECKING:
    import torch

FloatArray = NDArray[np.float32]
HalfArray = NDArray[np.float16]
Key = TypeVar("Key", bound=Hashable)


CPU_BATCH_ROWS, GPU_BATCH_ROWS = 4, 32
_SHELF_BYTES = 4 << 20
_TRIM_SECONDS = 1800
"""Audio between two times that free memory is given back: so much that it costs less than a hundredth."""
HELD_BLOCKS = 64
"""Decoded blocks of each recording that may wait for the model: some minutes of audio."""


@dataclass(frozen=True, kw_only=True)
class WindowOptions:
    """How recordings are cut into windows for the model.

    Attributes:
        window_seconds: length of a window.
        context_seconds: context on each side, thrown away after the model; at least 2 s.
        batch_rows: windows in one model call; part of the result, since sums change with the shape.
    """

    window_seconds: float = 30.0
    context_seconds: float = 2.0
    batch_rows: int = CPU_BATCH_ROWS

    def __post_init__(self) -> None:
        if self.context_seconds < 0 or self.window_seconds <= 2 * self.context_seconds:
            raise UsageError(
                f"the window ({self.window_seconds} s) must be longer than twice the context ({self.context_seconds} s)"
            )
        if self.batch_rows < 1:
            raise UsageError(f"batch_rows must be at least 1, not {self.batch_rows}")

    @classmethod
    def for_device(cls, device: str) -> WindowOptions:
        """The windows of every command on a device, so that all of them find the same emissions."""
        return cls(batch_rows=GPU_BATCH_ROWS if device.startswith("cuda") else CPU_BATCH_ROWS)

    def fitting(self, context_seconds: float) -> WindowOptions:
        """The same with at least this context, and windows so long that at most a fifth is thrown away for it."""
        if context_seconds <= self.context_seconds:
            return self
        window_seconds = max(self.window_seconds, 10 * context_seconds)
        return replace(self, context_seconds=context_seconds, window_seconds=window_seconds)

    def in_samples(self, sample_rate_hz: int, stride_samples: int) -> tuple[int, int]:
        """(window, context) in samples, rounded to whole strides."""
        window = max(1, round(self.window_seconds * sample_rate_hz / stride_samples)) * stride_samples
        context = round(self.context_seconds * sample_rate_hz / stride_samples) * stride_samples
        return window, context


@dataclass(frozen=True, kw_only=True)
class Window:
    """One row for the model.

    Attributes:
        start_samples: where it starts in the recording, a multiple of the stride.
        samples_N: its samples, float32.
        first: whether it is the recording's first.
        last: whether it is the recording's last.
    """

    start_samples: int
    samples_N: FloatArray
    first: bool
    last: bool


def windows(
    blocks: Iterable[FloatArray], *, window_samples: int, context_samples: int, stride_samples: int
) -> Iterator[Window]:
    """Cut a recording, given in blocks, into windows, holding little more than one window.

    A recording shorter than a window is one window, without the tail under one stride.

    Args:
        blocks: float32 [N] each, in order.
        window_samples: W, a multiple of the stride.
        context_samples: context on each side, a multiple of the stride.
        stride_samples: samples per frame.

    Raises:
        AudioTooShort: the recording is shorter than one stride.
    """
    hop = window_samples - 2 * context_samples
    held_N: FloatArray = np.zeros(0, np.float32)
    held_start = next_start = total = 0
    pending: Window | None = None
    for block_N in blocks:
        total += len(block_N)
        held_N = np.concatenate((held_N, block_N))
        while next_start + window_samples <= total:
            if pending is not None:
                yield pending
            at = next_start - held_start
            pending = Window(
                start_samples=next_start,
                samples_N=held_N[at : at + window_samples].copy(),
                first=next_start == 0,
                last=False,
            )
            next_start += hop
        # The last window may reach back to one window and a stride before the end.
        drop = min(total - window_samples - stride_samples, next_start) - held_start
        if drop > 0:
            held_N, held_start = held_N[drop:], held_start + drop
    last_start = (total - window_samples) // stride_samples * stride_samples
    if pending is not None and last_start <= pending.start_samples:
        yield Window(
            start_samples=pending.start_samples, samples_N=pending.samples_N, first=pending.first, last=True
        )
        return
    if pending is not None:
        yield pending
    start = max(last_start, 0)
    length = min(window_samples, (total - start) // stride_samples * stride_samples)
    if length < stride_samples:
        raise AudioTooShort(f"a recording must be at least {stride_samples} samples long, not {total}")
    at = start - held_start
    yield Window(start_samples=start, samples_N=held_N[at : at + length].copy(), first=start == 0, last=True)


class Shelf:
    """Copies of arrays in pages of their own.

    Among the model's buffers, which come and go, what stays would keep the heap from shrinking: by 0.2 GB an hour of
    audio.
    """

    def __init__(self) -> None:
        self._pages: mmap.mmap | None = None
        self._used = 0

    def keep(self, array_TC: HalfArray) -> HalfArray:
        """The same array, there."""
        if self._pages is None or self._used + array_TC.nbytes > len(self._pages):
            self._pages, self._used = mmap.mmap(-1, max(_SHELF_BYTES, array_TC.nbytes)), 0
        kept_TC = np.frombuffer(self._pages, array_TC.dtype, array_TC.size, self._used).reshape(
            array_TC.shape
        )
        kept_TC[...] = array_TC
        self._used += array_TC.nbytes
        return kept_TC


@dataclass
class Stitcher:
    """Puts the windows' emissions of one recording together."""

    stride_samples: int
    context_samples: int
    shelf: Shelf = field(default_factory=Shelf)
    _pieces: list[tuple[int, HalfArray]] = field(default_factory=list)
    _ends: int = 0

    def add(self, window: Window, log_probs_TC: HalfArray) -> None:
        """Keep the middle of a window's [T, C] log-probs; windows come in any order."""
        start = window.start_samples // self.stride_samples
        context = self.context_samples // self.stride_samples
        limit = len(window.samples_N) // self.stride_samples
        from_frame = 0 if window.first else context
        to_frame = min(limit, len(log_probs_TC)) if window.last else limit - context
        self._pieces.append((start + from_frame, self.shelf.keep(log_probs_TC[from_frame:to_frame])))

    def join(self) -> HalfArray:
        """The recording's [T, C] float16 log-probs; where the last two windows overlap, the earlier one counts.

        The windows' own are let go one by one: those of a long recording take as much memory as the whole.
        """
        pieces = deque(sorted(self._pieces, key=lambda piece: piece[0]))
        self._pieces.clear()
        length = max(start + len(piece_TC) for start, piece_TC in pieces)
        joined_TC = np.empty((length, *pieces[0][1].shape[1:]), pieces[0][1].dtype)
        frames = 0
        while pieces:
            start, piece_TC = pieces.popleft()
            assert start <= frames, "windows leave no gap"
            end = max(frames, start + len(piece_TC))
            joined_TC[frames:end] = piece_TC[frames - start :]
            frames = end
        return joined_TC


@dataclass(frozen=True, kw_only=True)
class _Row(Generic[Key]):
    key: Key
    window: Window


class Emitter(Generic[Key]):
    """Runs a model over many recordings, windows of equal length batched across them.

    Which windows share a batch depends on the recordings and the options alone, never on threads, and each
    CPU call uses one thread: the bytes are the same with any number of threads on one type of CPU.

    Args:
        model: the loaded model.
        options: windows and batches.
        columns: indices of the vocabulary to keep, or None for all; with columns, a last one is added that
            holds the maximum over all symbols left out.
        threads: model calls at a time.
        decoders: recordings decoded at a time on threads ahead of the model; with 0 the calling thread decodes.
    """

    def __init__(
        self,
        model: LoadedModel,
        options: WindowOptions,
        *,
        columns: NDArray[np.int64] | None = None,
        threads: int = 1,
        decoders: int = 0,
    ) -> None:
        self._model = model
        self._columns = columns
        self._threads = threads
        self._decoders = decoders
        self._rows_that_fit = options.batch_rows
        self._batch_rows = options.batch_rows
        stride = model.info.stride_samples
        fitting = options.fitting(model.context_seconds)
        self._window, self._context = fitting.in_samples(model.info.sample_rate_hz, stride)

    def emit(
        self,
        recordings: Iterable[tuple[Key, Iterable[FloatArray]]],
        on_error: Callable[[Key, Exception], None],
    ) -> Iterator[tuple[Key, HalfArray]]:
        """Yield (key, [T, C] float16 log-probs) of each recording as soon as it is whole.

        Args:
            recordings: (key, blocks of float32 samples at the model's rate).
            on_error: called with the key of a recording whose blocks raise; the others go on.
        """
        stitchers: dict[Key, Stitcher] = {}
        shelf = Shelf()
        held_samples = 0
        expected: dict[Key, int] = {}
        done: dict[Key, int] = {}
        waiting: dict[int, list[_Row[Key]]] = {}
        running: deque[tuple[list[_Row[Key]], Future[list[HalfArray]]]] = deque()
        if self._decoders:
            recordings = ahead(recordings, threads=self._decoders, held=HELD_BLOCKS)

        def collect() -> Iterator[tuple[Key, HalfArray]]:
            rows, future = running.popleft()
            for row, log_probs_TC in zip(rows, future.result()):
                stitchers[row.key].add(row.window, log_probs_TC)
                done[row.key] = done.get(row.key, 0) + 1
            for key in dict.fromkeys(row.key for row in rows):
                if expected.get(key) == done[key]:
                    yield key, stitchers.pop(key).join()

        with ThreadPoolExecutor(self._threads) as pool:

            def submit(rows: list[_Row[Key]]) -> None:
                running.append((rows, pool.submit(self._run, [row.window.samples_N for row in rows])))

            for key, blocks in recordings:
                stitchers[key] = Stitcher(self._model.info.stride_samples, self._context, shelf)
                try:
                    # A recording enters no batch before all of it is known to decode, unless it is long.
                    for count, window in enumerate(self._windows(blocks), start=1):
                        held_samples += len(window.samples_N)
                        if held_samples > _TRIM_SECONDS * self._model.info.sample_rate_hz:
                            held_samples = 0
                            give_back_memory()
                        rows = waiting.setdefault(len(window.samples_N), [])
                        rows.append(_Row(key=key, window=window))
                        expected[key] = count if window.last else -1
                        if len(rows) == self._batch_rows:
                            submit(waiting.pop(len(window.samples_N)))
                        while len(running) > 2 * self._threads:
                            yield from collect()
                except Exception as error:
                    expected[key] = -1
                    on_error(key, error)
            for length in sorted(waiting):
                submit(waiting[length])
            while running:
                yield from collect()

    def _windows(self, blocks: Iterable[FloatArray]) -> Iterator[Window]:
        return windows(
            blocks,
            window_samples=self._window,
            context_samples=self._context,
            stride_samples=self._model.info.stride_samples,
        )

    def _run(self, rows: list[FloatArray]) -> list[HalfArray]:
        """Emissions of some windows; a batch that is too large for the GPU is halved, and so are those after it."""
        if self._model.runtime:
            return [self._half(row_TC) for row_TC in self._model.log_probs(np.stack(rows))]
        import torch

        fit = self._rows_that_fit
        if len(rows) > fit:
            return [half_TC for at in range(0, len(rows), fit) for half_TC in self._run(rows[at : at + fit])]
        try:
            # A device tells of errors where outputs are fetched.
            with torch.inference_mode(), self._model.named():
                batch_BN = torch.from_numpy(np.stack(rows)).to(self._model.device)
                log_probs_BTC = self._model.run_named(batch_BN).float()
                return [self._to_half(row_TC) for row_TC in log_probs_BTC]
        except torch.cuda.OutOfMemoryError:
            if len(rows) == 1:
                raise
        # Outside of the handler, where nothing holds the tensors of the failed call any more.
        del batch_BN
        torch.cuda.empty_cache()
        self._rows_that_fit = min(self._rows_that_fit, len(rows) // 2)
        return self._run(rows)

    def _half(self, log_probs_TC: FloatArray) -> HalfArray:
        if self._columns is not None:
            others_T1 = np.delete(log_probs_TC, self._columns, axis=1).max(
                axis=1, keepdims=True, initial=-1e4
            )
            log_probs_TC = np.concatenate((log_probs_TC[:, self._columns], others_T1), axis=1)
        return np.maximum(log_probs_TC, np.float32(-1e4)).astype(np.float16)

    def _to_half(self, log_probs_TC: torch.Tensor) -> HalfArray:
        import torch

        if self._columns is not None:
            kept_TC = log_probs_TC[:, torch.from_numpy(self._columns).to(log_probs_TC.device)]
            others_TC = log_probs_TC.index_fill(
                1, torch.from_numpy(self._columns).to(log_probs_TC.device), -1e4
            )
            log_probs_TC = torch.cat((kept_TC, others_TC.amax(1, keepdim=True)), dim=1)
        half_TC: HalfArray = log_probs_TC.clamp_min(-1e4).half().cpu().numpy()
        return half_TC
