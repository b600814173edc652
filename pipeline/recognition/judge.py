"""A second model that reads the same speech, and what its emissions on the machine that starts a run are found by."""

from __future__ import annotations

from dataclasses import dataclass

from prep_corpus.align.model.emissions import WindowOptions
from prep_corpus.align.model.models import ModelInfo


@dataclass(frozen=True, kw_only=True)
class JudgeOptions:
    """The judge of a run.

    Attributes:
        info: of the judge.
        windows: fitting for it.
        runs_on: the kind of device, or the runtime.
    """

    info: ModelInfo
    windows: WindowOptions
    runs_on: str
