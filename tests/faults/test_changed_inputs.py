"""What was fingerprinted and aligned is what is cut and mixed; stage files are proven when they are read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.program import Place, run_words, shards, with_entries
from support.toy import SAMPLE_RATE_HZ, ToneModel, recording


@contextmanager
def kept(path: Path) -> Iterator[bytes]:
    """A file that is as it was, its times too, when the block ends."""
    content, facts = path.read_bytes(), path.stat()
    try:
        yield content
    finally:
        path.write_bytes(content)
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def write_weights(path: Path, scale: float) -> Path:
    """Write the weights of the toy model, or weaker ones, as `stored_toy` reads them."""
    np.save(path, scale * ToneModel().waves.numpy())  # type: ignore[operator]
    return path


def write_noise(path: Path, seed: int) -> None:
    samples_N = np.random.default_rng(seed).normal(0, 0.1, 3 * SAMPLE_RATE_HZ)
    soundfile.write(path, samples_N, SAMPLE_RATE_HZ, subtype="PCM_16")


def replaced_while_held(
    place: Place,
    at: str,
    out: Path,
    path: Path,
    other: bytes,
    *extra: str | Path,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run one recording; a file is another from a stage on, and as before for the next run.

    Neither run may publish what was made of both; what the second one publishes is as without the fault.
    """
    one = with_entries(place.manifest, "one", keep=(0,))
    words = run_words(one, out, "--quiet", *extra)
    wanted = out.with_name("wanted")
    place.run(wanted, *extra, manifest=one, environment=environment).is_well()
    with kept(path):
        with place.program.held(at, *words, environment=environment) as running:
            path.write_bytes(other)
        running.finish()
        assert shards(out) in ({}, shards(wanted)), "what was made of another file is published"
    place.run(out, *extra, manifest=one, environment=environment).is_well()
    assert shards(out) == shards(wanted), "what was made of another file is used for ever"
    place.program.do("check", out).is_well()


def test_a_source_replaced_between_alignment_and_cutting_is_not_cut(place: Place, tmp_path: Path) -> None:
    talk = place.manifest.with_name("talk0.flac")
    length = soundfile.info(talk).frames
    other_N, _ = recording(77, 12)
    soundfile.write(tmp_path / "other.flac", np.resize(other_N, length), SAMPLE_RATE_HZ)
    other = (tmp_path / "other.flac").read_bytes()
    replaced_while_held(place, "write:/work/align/", tmp_path / "run", talk, other)


def test_a_transcript_replaced_in_a_run_is_not_aligned(place: Place, tmp_path: Path) -> None:
    text = place.manifest.with_name("talk0.txt")
    other = b"Water river stone. " + text.read_bytes()
    replaced_while_held(place, "write:/work/emit/", tmp_path / "run", text, other)


def test_noise_replaced_in_a_run_is_not_mixed(place: Place, tmp_path: Path) -> None:
    noise = tmp_path / "noise"
    noise.mkdir()
    write_noise(tmp_path / "other.wav", 2)
    write_noise(noise / "a.wav", 1)
    other = (tmp_path / "other.wav").read_bytes()
    extra = ("--noise", noise, "--noise-fraction", "1")
    replaced_while_held(place, "write:/work/segment/", tmp_path / "run", noise / "a.wav", other, *extra)


def test_a_model_replaced_in_a_run_is_not_asked(place: Place, tmp_path: Path) -> None:
    weights = write_weights(tmp_path / "weights.npy", 1.0)
    other = write_weights(tmp_path / "other.npy", 0.5).read_bytes()
    extra, environment = ("--model", "stored_toy:acoustic_model"), {"TOY_WEIGHTS": str(weights)}
    out = tmp_path / "run"
    replaced_while_held(place, "write:/work/bundles/", out, weights, other, *extra, environment=environment)


def stage_file(out: Path, stage: str) -> Path:
    return min((out / "work" / stage).glob("*.parquet"))


@pytest.mark.parametrize("at", [0.2, 0.5])
def test_a_flipped_bit_of_a_stage_file_is_named_and_made_good(
    at: float, place: Place, tmp_path: Path
) -> None:
    out = place.copy(tmp_path / "run", "align", "measure", "segment", "write")
    path = stage_file(out, "emit")
    data = bytearray(path.read_bytes())
    data[int(at * len(data))] ^= 64
    path.write_bytes(data)
    done = place.run(out).is_well()
    assert place.has_good_ones(out)
    assert path.read_bytes() != data
    assert path.stem in done.told or path.name in done.told


def test_a_truncated_stage_file_is_named_in_one_line_and_made_again(place: Place, tmp_path: Path) -> None:
    out = place.copy(tmp_path / "run", "align", "measure", "segment", "write")
    path = stage_file(out, "emit")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    done = place.run(out).is_well()
    (line,) = done.lines
    assert path.stem in line
    assert place.has_good_ones(out)
