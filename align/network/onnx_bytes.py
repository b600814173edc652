"""Writing an ONNX graph without the library: nodes, weights and a free shape, in the wire format of protobuf.

Only what the network needs is here. A message is a run of fields, each a key (number << 3 | kind) and a value:

    kind 0    a number, 7 bits a byte, lowest first
    kind 2    a length and so many bytes: a text, an array, a message
    kind 5    four bytes: a float

Source: onnx.proto3 of ONNX 1.16 (IR version 8), opset 17.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

IR_VERSION, OPSET = 8, 17
_TYPES = {np.dtype(np.float32): 1, np.dtype(np.int64): 7}
_FLOAT, _INT, _STRING, _INTS = 1, 2, 3, 7

Attribute = float | int | str | Sequence[int]


def _varint(value: int) -> bytes:
    # Negative numbers are written as 64 bits.
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(key: int, value: int) -> bytes:
    return _varint(key << 3) + _varint(value)


def _bytes(key: int, value: bytes) -> bytes:
    return _varint(key << 3 | 2) + _varint(len(value)) + value


def _text(key: int, value: str) -> bytes:
    return _bytes(key, value.encode())


def _attribute(name: str, value: Attribute) -> bytes:
    head = _text(1, name)
    if isinstance(value, float):
        return head + _varint(2 << 3 | 5) + struct.pack("<f", value) + _number(20, _FLOAT)
    if isinstance(value, int):
        return head + _number(3, value) + _number(20, _INT)
    if isinstance(value, str):
        return head + _text(4, value) + _number(20, _STRING)
    return head + b"".join(_number(8, one) for one in value) + _number(20, _INTS)


def _tensor(name: str, array: NDArray[np.float32] | NDArray[np.int64]) -> bytes:
    dims = b"".join(_number(1, size) for size in array.shape)
    data = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    return dims + _number(2, _TYPES[array.dtype]) + _text(8, name) + _bytes(9, data)


def _value_info(name: str, shape: Sequence[int | str]) -> bytes:
    dims = b"".join(_bytes(1, _text(2, d) if isinstance(d, str) else _number(1, d)) for d in shape)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, 1) + _bytes(2, dims)))


@dataclass
class GraphWriter:
    """Collects the nodes of a graph in the order in which they run."""

    _nodes: list[bytes] = field(default_factory=list)
    _weights: dict[str, bytes] = field(default_factory=dict)

    def weight(self, name: str, array: NDArray[np.float32] | NDArray[np.int64]) -> str:
        """Add an array that nodes may name; returns its name."""
        self._weights[name] = _tensor(name, array)
        return name

    def add(self, kind: str, inputs: Sequence[str], output: str, **attributes: Attribute) -> str:
        """Add a node; returns the name of its output. An input that is left out is ""."""
        node = b"".join(_text(1, name) for name in inputs) + _text(2, output) + _text(4, kind)
        self._nodes.append(
            node + b"".join(_bytes(5, _attribute(name, value)) for name, value in attributes.items())
        )
        return output

    def model(
        self, inputs: Mapping[str, Sequence[int | str]], outputs: Mapping[str, Sequence[int | str]]
    ) -> bytes:
        """The whole model; a dimension that is a word is free."""
        graph = b"".join(_bytes(1, node) for node in self._nodes) + _text(2, "network")
        graph += b"".join(_bytes(5, tensor) for tensor in self._weights.values())
        graph += b"".join(_bytes(11, _value_info(name, shape)) for name, shape in inputs.items())
        graph += b"".join(_bytes(12, _value_info(name, shape)) for name, shape in outputs.items())
        opset = _text(1, "") + _number(2, OPSET)
        return _number(1, IR_VERSION) + _text(2, "prep-corpus") + _bytes(7, graph) + _bytes(8, opset)
