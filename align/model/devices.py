"""Where a model runs: torch is asked only where there may be a GPU."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

from prep_corpus.align.errors import UsageError

# NVIDIA's driver, the same under WSL, and AMD's.
_GPU_DEVICES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")


def check_device(device: str) -> None:
    """Raise UsageError for a GPU that is not there (torch itself would say so much later)."""
    kind, _, number = device.partition(":")
    if kind not in ("cpu", "cuda") or (number and not number.isdigit()):
        raise UsageError(f"--device is cpu, cuda or cuda:N, and not {device!r}")
    if kind == "cpu":
        return
    if find_spec("torch") is None:
        raise UsageError(
            f"--device {device} needs torch: pip install 'prep-corpus[torch]'; or use --device cpu"
        )
    if not _may_have_gpu() or not _has_gpu():
        raise UsageError(f"--device {device}: this machine has no usable GPU; use --device cpu")
    import torch

    if number and int(number) >= torch.cuda.device_count():
        raise UsageError(f"--device {device}: GPUs count from 0, and there are {torch.cuda.device_count()}")


def default_device() -> str:
    """ "cuda" where a GPU is usable, else "cpu"."""
    return "cuda" if find_spec("torch") is not None and _may_have_gpu() and _has_gpu() else "cpu"


def _may_have_gpu() -> bool:
    """Whether it is worth the seconds that torch takes to be asked: on Linux a GPU is a device of the kernel's."""
    return sys.platform != "linux" or any(map(os.path.exists, _GPU_DEVICES))


def _has_gpu() -> bool:
    import torch

    return bool(torch.cuda.is_available())
