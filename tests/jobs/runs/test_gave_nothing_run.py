"""A run names the recordings that gave nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from support import toy
from support.runs import run_here


def test_the_wrong_text_and_a_silent_channel_are_named_at_the_end(tmp_path: Path) -> None:
    toy.write_filter(tmp_path / "filter.json")
    manifest = toy.write_corpus(tmp_path, recordings=4, sentences=4)
    (tmp_path / "talk1.txt").write_text("zig zag zoo buzz fizz jazz quiz " * 12)
    noise_N = np.random.default_rng(0).normal(0, 1e-3, 20 * toy.SAMPLE_RATE_HZ)
    soundfile.write(tmp_path / "talk2.flac", noise_N, toy.SAMPLE_RATE_HZ)
    said = run_here(manifest, tmp_path / "run", "--max-failed", "0.5").output
    named = [line for line in said.splitlines() if "gave no utterance" in line]
    assert [line.partition(" gave")[0] for line in named] == ["talk1", "talk2"], said
    assert "is not said" in named[0] or "is not its text" in named[0], named
    assert "a silent channel, or the wrong track?" in named[1], named
