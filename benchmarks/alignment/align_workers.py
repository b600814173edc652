"""One aligner, one problem, one process: time, peak memory and path, written as JSON and an array.

    python align_workers.py NAME FOLDER

FOLDER holds log_probs.npy (float16 [T, C], blank 0) and tokens.npy (int32 [L]). Imports, conversion to the
aligner's own types, and a first call on a hundred frames are not timed.

Legend: T frames, C classes, L tokens.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Prepared = Callable[[], Any]
Result = dict[str, Any]


def _ours(log_probs_TC: Any, tokens_L: Any, detours: bool) -> tuple[Prepared, Callable[[Any], Result]]:
    from prep_corpus.align.viterbi.viterbi import DEFAULT_DETOURS, align

    costs = DEFAULT_DETOURS if detours else None

    def run() -> Any:
        return align(log_probs_TC, tokens_L, blank=0, delimiter=1, detours=costs)

    return run, lambda found: {
        "starts": found.starts_L,
        "score": found.score_nats,
        "skipped": found.skipped_L,
    }


def _starts_of(path_T: Any, tokens_L: Any) -> Any:
    """First frame of each run of one symbol that is not the blank."""
    begins = np.flatnonzero((path_T != 0) & (np.append(0, path_T[:-1]) != path_T))
    assert np.array_equal(path_T[begins], tokens_L), "the path must spell the text"
    return begins


def _path_result(path_T: Any, log_probs_TC: Any, tokens_L: Any) -> Result:
    score = float(log_probs_TC[np.arange(len(path_T)), path_T].astype(np.float64).sum())
    return {"starts": _starts_of(path_T, tokens_L), "score": score}


def _torchaudio(log_probs_TC: Any, tokens_L: Any) -> tuple[Prepared, Callable[[Any], Result]]:
    import torch
    import torchaudio.functional

    torch.set_num_threads(1)
    emission = torch.from_numpy(log_probs_TC.astype(np.float32))[None]
    targets = torch.from_numpy(tokens_L)[None]
    run = lambda: torchaudio.functional.forced_align(emission, targets, blank=0)[0][0].numpy()  # noqa: E731
    return run, lambda path: _path_result(path, log_probs_TC, tokens_L)


def _ctc_forced_aligner(log_probs_TC: Any, tokens_L: Any) -> tuple[Prepared, Callable[[Any], Result]]:
    # The package imports its own network code; the aligner alone is what is measured.
    home = Path(str(importlib.util.find_spec("ctc_forced_aligner").submodule_search_locations[0]))  # type: ignore[union-attr,index]
    spec = importlib.util.spec_from_file_location("ctc_aligner", home / "ctc_aligner.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    emission, targets = log_probs_TC.astype(np.float32)[None], tokens_L.astype(np.int64)[None]
    run = lambda: module.align_sequences(emission, targets, 0)[0][0]  # noqa: E731
    return run, lambda path: _path_result(path, log_probs_TC, tokens_L)


def _ctc_segmentation(log_probs_TC: Any, tokens_L: Any) -> tuple[Prepared, Callable[[Any], Result]]:
    import ctc_segmentation

    config = ctc_segmentation.CtcSegmentationParameters()
    config.blank = 0
    config.index_duration = 1.0
    config.char_list = [str(c) for c in range(log_probs_TC.shape[1])]
    text, _ = ctc_segmentation.prepare_token_list(config, [tokens_L.astype(np.int64)])
    emission = log_probs_TC.astype(np.float32)
    run = lambda: ctc_segmentation.ctc_segmentation(config, emission, text)[0]  # noqa: E731
    # The first two entries are its own: start of text, and a blank. It has no CTC path whose score could be told.
    return run, lambda timings: {
        "starts": np.rint(timings[2 : 2 + len(tokens_L)]).astype(np.int64),
        "score": None,
    }


def _hirschberg_viterbi(
    log_probs_TC: Any, tokens_L: Any, method: str, **settings: Any
) -> tuple[Prepared, Callable[[Any], Result]]:
    import hirschberg_viterbi
    import torch

    torch.set_num_threads(1)
    emission = torch.from_numpy(log_probs_TC.astype(np.float32))[None]
    targets = torch.from_numpy(tokens_L.astype(np.int32))[None]
    align = getattr(hirschberg_viterbi, method)
    run = lambda: align(emission, targets, blank=0, **settings)[0][0].numpy()  # noqa: E731
    return run, lambda path: _path_result(path, log_probs_TC, tokens_L)


# The pruned variant wants a bound below the share of the text that is right.
SURE_SHARE = 0.8

ALIGNERS: dict[str, Callable[[Any, Any], tuple[Prepared, Callable[[Any], Result]]]] = {
    "ours": lambda e, t: _ours(e, t, detours=False),
    "ours, detours": lambda e, t: _ours(e, t, detours=True),
    "ctc-forced-aligner": _ctc_forced_aligner,
    "ctc-forced-aligner, wide": _ctc_forced_aligner,
    "torchaudio": _torchaudio,
    "ctc-segmentation": _ctc_segmentation,
    "hirschberg-viterbi": lambda e, t: _hirschberg_viterbi(e, t, "hirschberg_viterbi"),
    "hirschberg-viterbi, pruned": lambda e, t: _hirschberg_viterbi(
        e, t, "pruned_hirschberg_viterbi", accuracy=SURE_SHARE
    ),
}


def main(name: str, folder: Path) -> None:
    """Run one aligner and write result.json and starts.npy beside the problem."""
    log_probs_TC, tokens_L = np.load(folder / "log_probs.npy"), np.load(folder / "tokens.npy")
    prepare = ALIGNERS[name]
    prepare(log_probs_TC[:400], tokens_L[:40])[0]()
    run, read = prepare(log_probs_TC, tokens_L)
    start, cpu = time.perf_counter(), time.process_time()
    found = run()
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = read(found)
    np.save(folder / "starts.npy", result.pop("starts"))
    skipped = result.pop("skipped", None)
    np.save(folder / "skipped.npy", np.zeros(len(tokens_L), bool) if skipped is None else skipped)
    result |= {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mb": peak / 1000}
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
