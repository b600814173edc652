"""Imports all that whole runs need; `processes` forks commands from a process that has imported this."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import torch
from support import signatures, toy

import prep_corpus.align
import prep_corpus.filters
import prep_corpus.jobs.cli
import prep_corpus.jobs.runs
import prep_corpus.jobs.screen
import prep_corpus.pipeline
from prep_corpus.align.viterbi.viterbi import align

assert signatures
_NEED_AN_EXTRA = ("prep_corpus.pipeline.storage.remote.gs", "prep_corpus.pipeline.storage.remote.s3")

for _package in (
    prep_corpus.align,
    prep_corpus.filters,
    prep_corpus.jobs.runs,
    prep_corpus.jobs.screen,
    prep_corpus.pipeline,
):
    for _found in pkgutil.walk_packages(_package.__path__, f"{_package.__name__}."):
        if _found.name not in _NEED_AN_EXTRA:
            importlib.import_module(_found.name)

# Kernels are read from their cache, or compiled, on their first use.
with torch.inference_mode():
    _samples_N, _ = toy.recording(seed=0, sentences=1)
    _log_probs_BTC = toy.acoustic_model()(torch.from_numpy(_samples_N)[None])
align(_log_probs_BTC[0].numpy(), np.arange(1, 6, dtype=np.int32), blank=toy.BLANK, delimiter=0)
