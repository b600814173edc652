"""Windows cover a recording without gap or padding, and batches do not depend on threads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prep_corpus.align.errors import AudioTooShort, UsageError
from prep_corpus.align.heap import give_back_memory
from prep_corpus.align.model.emissions import Emitter, Shelf, WindowOptions, windows
from prep_corpus.align.model.models import LoadedModel, ModelInfo

STRIDE = 4


def blocks_of(samples: np.ndarray, size: int) -> Iterator[np.ndarray]:
    for start in range(0, len(samples), size):
        yield samples[start : start + size]


def frame_means() -> LoadedModel:
    """A model whose frame t holds the mean of its samples: two columns, so the place of each frame can be read."""

    def run(waveforms_BN: torch.Tensor) -> torch.Tensor:
        frames_BT = waveforms_BN.unfold(1, STRIDE, STRIDE).mean(2)
        return torch.stack((frames_BT, torch.zeros_like(frames_BT)), dim=2)

    info = ModelInfo(
        sample_rate_hz=4,
        stride_samples=STRIDE,
        vocabulary=("a", "<blank>"),
        blank=1,
        word_delimiter=None,
        case="lower",
        digest="means",
    )
    return LoadedModel(info=info, run=run, device="cpu")


@settings(max_examples=200, deadline=None)
@given(
    n_samples=st.integers(STRIDE, 600),
    block=st.integers(1, 300),
    window=st.integers(5, 30),
    context=st.integers(0, 2),
)
def test_windows_start_on_strides_and_cover_every_whole_frame(
    n_samples: int, block: int, window: int, context: int
) -> None:
    samples = np.arange(n_samples, dtype=np.float32)
    cut = list(
        windows(
            blocks_of(samples, block),
            window_samples=window * STRIDE,
            context_samples=context * STRIDE,
            stride_samples=STRIDE,
        )
    )
    covered = 0
    for index, piece in enumerate(cut):
        assert piece.start_samples % STRIDE == 0
        np.testing.assert_array_equal(
            piece.samples_N, samples[piece.start_samples : piece.start_samples + len(piece.samples_N)]
        )
        assert piece.first == (index == 0)
        assert piece.last == (index == len(cut) - 1)
        kept_from = piece.start_samples + (0 if piece.first else context * STRIDE)
        assert kept_from <= covered
        covered = piece.start_samples + len(piece.samples_N) - (0 if piece.last else context * STRIDE)
    assert covered == n_samples // STRIDE * STRIDE


def test_a_recording_under_one_stride_names_both_lengths() -> None:
    with pytest.raises(AudioTooShort, match="at least 4 samples long, not 3"):
        list(windows([np.zeros(3, np.float32)], window_samples=16, context_samples=4, stride_samples=STRIDE))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("n_samples", [STRIDE, 31, 160, 161, 1003])
def test_stitched_frames_stand_where_their_samples_stand(n_samples: int, threads: int) -> None:
    samples = np.arange(n_samples, dtype=np.float32) / 8
    other = np.full(77, -1, np.float32)
    emitter = Emitter[str](
        frame_means(), WindowOptions(window_seconds=40, context_seconds=4, batch_rows=3), threads=threads
    )
    sources = [("one", blocks_of(samples, 50)), ("two", blocks_of(other, 50))]
    emitted = dict(emitter.emit(sources, on_error=lambda key, error: pytest.fail(f"{key}: {error}")))
    whole = samples[: n_samples // STRIDE * STRIDE].reshape(-1, STRIDE).mean(1)
    np.testing.assert_array_equal(emitted["one"][:, 0], whole.astype(np.float16))
    assert emitted["two"].shape == (77 // STRIDE, 2)


def test_a_recording_that_breaks_off_takes_no_other_with_it() -> None:
    def broken() -> Iterator[np.ndarray]:
        yield np.zeros(400, np.float32)
        raise ValueError("broke off")

    errors: dict[str, str] = {}
    emitter = Emitter[str](frame_means(), WindowOptions(window_seconds=40, context_seconds=4, batch_rows=2))
    good = np.ones(400, np.float32)
    sources = [("bad", broken()), ("good", blocks_of(good, 100)), ("short", iter([np.zeros(1, np.float32)]))]
    emitted = dict(emitter.emit(sources, on_error=lambda key, error: errors.update({key: str(error)})))
    assert list(emitted) == ["good"]
    assert (emitted["good"][:, 0] == 1).all()
    assert errors == {
        "bad": "broke off",
        "short": "a recording must be at least 4 samples long, not 1",
    }


@pytest.mark.parametrize("runtime", ["", "arrays 1"])
def test_left_out_columns_are_held_by_their_maximum(runtime: str) -> None:
    def run(waveforms_BN: Any) -> Any:
        log_probs_BTC = torch.tensor([[-1.0, -2.0, -3.0, -4.0]]).expand(len(waveforms_BN), 5, 4)
        return log_probs_BTC.numpy() if runtime else log_probs_BTC

    info = ModelInfo(
        sample_rate_hz=4,
        stride_samples=STRIDE,
        vocabulary=("a", "b", "c", "<blank>"),
        blank=3,
        word_delimiter=None,
        case="lower",
        digest="x",
    )
    model = LoadedModel(info=info, run=run, device="cpu", runtime=runtime)
    emitter = Emitter[str](model, WindowOptions(), columns=np.array([0, 3]))
    ((_, log_probs),) = emitter.emit([("one", [np.zeros(20, np.float32)])], on_error=lambda *_: None)
    np.testing.assert_array_equal(log_probs[0], np.array([-1, -4, -2], np.float16))
    assert info.reduced(frozenset("a")).vocabulary == ("a", "<blank>", "<other>")


def test_a_window_must_be_longer_than_its_context() -> None:
    with pytest.raises(UsageError, match=r"window \(4 s\) must be longer than twice the context \(2 s\)"):
        WindowOptions(window_seconds=4, context_seconds=2)


def test_a_batch_that_is_too_large_for_the_gpu_is_halved_and_so_are_those_after_it() -> None:
    means = frame_means()
    seen: list[int] = []

    def run(waveforms_BN: torch.Tensor) -> torch.Tensor:
        seen.append(len(waveforms_BN))
        if len(waveforms_BN) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return means.run(waveforms_BN)

    model = LoadedModel(info=means.info, run=run, device="cpu")
    options = WindowOptions(window_seconds=40, context_seconds=4, batch_rows=8)
    samples = np.arange(1600, dtype=np.float32) / 8
    results = [
        list(Emitter[str](one, options).emit([("one", blocks_of(samples, 50))], on_error=_raise))
        for one in (means, model)
    ]
    np.testing.assert_array_equal(results[0][0][1], results[1][0][1])
    assert seen[:4] == [8, 4, 2, 2]
    assert max(seen[4:]) == 2


def test_one_window_that_does_not_fit_is_an_error() -> None:
    def run(waveforms_BN: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    model = LoadedModel(info=frame_means().info, run=run, device="cpu")
    with pytest.raises(torch.OutOfMemoryError):
        list(Emitter[str](model, WindowOptions()).emit([("one", [np.zeros(160, np.float32)])], _raise))


@pytest.mark.parametrize("decoders", [1, 4])
def test_decoding_ahead_changes_nothing(decoders: int) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield np.zeros(400, np.float32)
        raise ValueError("broke off")

    def sources() -> list[tuple[str, Iterator[np.ndarray]]]:
        random = np.random.default_rng(0)
        lengths = random.integers(4, 900, 30).tolist()
        found = [(str(n), blocks_of(np.full(n, n, np.float32), 50)) for n in lengths]
        return [*found[:9], ("bad", broken()), *found[9:]]

    options = WindowOptions(window_seconds=40, context_seconds=4, batch_rows=3)
    outcomes = []
    for count in (0, decoders):
        errors: list[str] = []
        emitter = Emitter[str](frame_means(), options, decoders=count)
        emitted = list(
            emitter.emit(sources(), lambda key, error, kept=errors: kept.append(f"{key}: {error}"))
        )
        outcomes.append(([(key, log_probs.tolist()) for key, log_probs in emitted], errors))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][1] == ["bad: broke off"]


def _raise(key: str, error: Exception) -> None:
    raise error


def test_batches_are_larger_on_a_gpu_and_those_of_a_cpu_are_the_default() -> None:
    assert WindowOptions.for_device("cpu") == WindowOptions()
    assert WindowOptions.for_device("cuda:1").batch_rows == WindowOptions.for_device("cuda").batch_rows == 32


def test_what_is_kept_is_the_same_and_stands_apart() -> None:
    shelf = Shelf()
    random = np.random.default_rng(0)
    given = [random.random((frames, 29)).astype(np.float16) for frames in (0, 1, 700, 90_000, 3)]
    kept = [shelf.keep(array_TC) for array_TC in given]
    for array_TC, there_TC in zip(given, kept):
        assert np.array_equal(array_TC, there_TC)
        assert there_TC.size == 0 or there_TC.base is not None
    give_back_memory()
    assert np.array_equal(given[2], kept[2])
