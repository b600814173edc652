"""An ONNX graph through ONNX Runtime (extra [onnx]), whoever wrote it: waveforms or features in, log-probs out.

    graph = OnnxGraph("model.onnx", device="cpu")    # a path, or the bytes of a graph without files beside it
    graph.takes                                      # "waveforms" [B, N], or "features" [B, T, F] or [B, F, T]
    log_probs_BTC = graph(waveforms_BN)              # torch tensors in and out, natural logarithms

`align/model/onnx_folder.py` adds what an aligner must know of a model of others (token list, features, proofs). A model
whose facts are known, as the bundled one's are, needs this alone: keep its attributes and call the graph.

On a CPU each call has one thread and the same bytes each time, as a call of torch has here; calls may run side by side.
The layout of the output is measured, not believed: the axis that grows with the input is time, the one that grows with
the rows is rows. A graph that takes one row at a time, or whose rows disturb each other, is called row by row.

Legend: B rows, N samples, T frames, F features, C symbols.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prep_corpus.align.errors import UsageError

_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}
_SAME = 0.05
"""Most by which a log-prob of a row may change with the rows beside it, in nats."""


class OnnxGraph:
    """A graph of one real input, with lengths or a mask beside it where it wants them, and log-probs as its output.

    Args:
        graph: path of the file, or its bytes.
        device: "cpu", "cuda" or "cuda:N".
        name: of the model, for messages.

    Raises:
        UsageError: ONNX Runtime is missing, has no such device, cannot open the graph, or its inputs are others.
    """

    def __init__(self, graph: str | Path | bytes, device: str = "cpu", *, name: str = "") -> None:
        self.name = name or (str(graph) if not isinstance(graph, bytes) else "an ONNX graph")
        self._session = _session(graph, device, self.name)
        inputs = self._session.get_inputs()
        real = [one for one in inputs if one.type in ("tensor(float)", "tensor(float16)", "tensor(double)")]
        if not real or len(real[0].shape) not in (2, 3):
            shown = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
            raise UsageError(
                f"--model {self.name}: its first real input must be waveforms [B, N] or features [B, T, F], not {shown}"
            )
        self._main = real[0]
        self._others = [one for one in inputs if one is not real[0]]
        for one in self._others:
            if one.type not in _DTYPES or len(one.shape) not in (1, 2):
                raise UsageError(
                    f"--model {self.name}: beside {self._main.name} it may take lengths [B] or a mask [B, T], "
                    f"not {one.name} {one.type} {one.shape}"
                )
        self.takes = "waveforms" if len(self._main.shape) == 2 or self._main.shape[1] == 1 else "features"
        self.time_axis = 1 if self.takes == "waveforms" or self.feature_axis == 2 else 2
        self._row_by_row = self._main.shape[0] == 1
        self._axes: tuple[int, int, int] | None = None
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)

    @property
    def feature_axis(self) -> int | None:
        """Which axis of the input holds the features, where its shape says so."""
        fixed = [axis for axis in (1, 2) if isinstance(self._main.shape[axis], int)]
        return fixed[0] if len(fixed) == 1 else None

    def __call__(self, inputs: Tensor) -> Tensor:
        """Waveforms [B, N], or features as the graph takes them -> [B, T, C] natural log-probs."""
        given = inputs.detach().cpu().numpy()
        if self._axes is None:
            self._axes = self._measure(given)
        if self._row_by_row and len(given) > 1:
            outputs = np.concatenate([self._turned(given[at : at + 1]) for at in range(len(given))])
        else:
            outputs = self._turned(given)
        return _log_probs(torch.from_numpy(outputs).to(inputs.device))

    def _turned(self, given: NDArray[Any]) -> NDArray[np.float32]:
        assert self._axes is not None
        return np.ascontiguousarray(self._run(given).transpose(self._axes), np.float32)

    def _run(self, given: NDArray[Any]) -> NDArray[Any]:
        main: NDArray[Any] = given.astype(_DTYPES[self._main.type])
        rows, length = given.shape[0], given.shape[self.time_axis]
        if len(self._main.shape) == 3 and main.ndim == 2:
            main = main[:, None, :]
        feeds = {self._main.name: main}
        for one in self._others:
            shape = (rows,) if len(one.shape) == 1 else (rows, length)
            feeds[one.name] = np.full(shape, length if len(one.shape) == 1 else 1, _DTYPES[one.type])
        try:
            outputs = self._session.run(None, feeds)
        except Exception as error:  # the library raises nothing narrower
            shown = " ".join(str(error).split())[:300]
            raise UsageError(
                f"--model {self.name}: rows and length of its input must be free, and {list(main.shape)} fails: {shown}"
            ) from error
        found = next((one for one in outputs if one.ndim == 3 and one.dtype.kind == "f"), None)
        if found is None:
            shapes = [list(getattr(one, "shape", ())) for one in outputs]
            raise UsageError(f"--model {self.name}: one output must be [B, T, C] log-probs, not {shapes}")
        return np.asarray(found)

    def _measure(self, given: NDArray[Any]) -> tuple[int, int, int]:
        """The axes of rows, time and symbols in the output, from rows of noise of two lengths; sets `_row_by_row`."""
        random = np.random.default_rng(0)
        length = given.shape[self.time_axis]

        def noise(rows: int, parts: int) -> NDArray[np.float32]:
            shape = [rows, *given.shape[1:]]
            shape[self.time_axis] = length * parts
            return (0.01 * random.standard_normal(shape)).astype(np.float32)

        one, two = self._run(noise(1, 1)), self._run(noise(1, 2))
        grown = [at for at in range(3) if one.shape[at] != two.shape[at]]
        single = [at for at in range(3) if one.shape[at] == 1 and at not in grown]
        if len(grown) != 1 or not single:
            raise UsageError(
                f"--model {self.name}: its output must grow with its input in one axis, and is {list(one.shape)} and "
                f"{list(two.shape)} for {length} and {2 * length}"
            )
        rows_axis = single[0]
        axes = (rows_axis, grown[0], 3 - rows_axis - grown[0])
        if not self._row_by_row:
            self._row_by_row = not self._rows_agree(noise(3, 1), axes)
        return axes

    def _rows_agree(self, rows: NDArray[np.float32], axes: tuple[int, int, int]) -> bool:
        """Whether a row has the same log-probs alone and beside others."""
        alone = self._run(rows[1:2]).transpose(axes)
        try:
            beside = self._run(rows).transpose(axes)
        except UsageError:
            return False
        if beside.shape[0] != len(rows) or beside.shape[1:] != alone.shape[1:]:
            return False
        pair = [
            _log_probs(torch.from_numpy(np.ascontiguousarray(x, np.float32))) for x in (beside[1:2], alone)
        ]
        return bool((pair[0] - pair[1]).clamp_min(-20).abs().max() < _SAME)


def _log_probs(outputs_BTC: Tensor) -> Tensor:
    """Natural log-probs of what may be probabilities, logits or log-probs."""
    sums_BT = outputs_BTC.sum(2)
    if bool((outputs_BTC >= 0).all()) and bool(((sums_BT - 1).abs() < 1e-3).all()):
        return outputs_BTC.clamp_min(1e-30).log()
    return outputs_BTC.log_softmax(2)


def _session(graph: str | Path | bytes, device: str, name: str) -> Any:
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--model {name}: ONNX models need the extra: pip install 'prep-corpus[onnx]'"
        ) from error
    kind, _, number = device.partition(":")
    provider: Any = "CPUExecutionProvider"
    if kind == "cuda":
        if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            raise UsageError(
                f"--device {device}: this ONNX Runtime has no CUDA; pip install onnxruntime-gpu, or use --device cpu"
            )
        provider = ("CUDAExecutionProvider", {"device_id": int(number or 0)})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            graph if isinstance(graph, bytes) else str(graph), options, providers=[provider]
        )
    except Exception as error:  # the library raises nothing narrower
        shown = " ".join(str(error).split())[:300]
        raise UsageError(f"--model {name}: ONNX Runtime cannot open it: {shown}") from error
