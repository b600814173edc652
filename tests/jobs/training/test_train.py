"""Training end to end on a minute of the demo corpus's speech."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.models import load_model
from prep_corpus.align.model.network import NetworkConfig, load
from prep_corpus.jobs.training.english import SpeechSet
from prep_corpus.jobs.training.manifest_rows import ManifestRow
from prep_corpus.jobs.training.material import read_source
from prep_corpus.jobs.training.packing import Disturbance
from prep_corpus.jobs.training.prepare import manifest_speech, prepare, shard_speech
from prep_corpus.jobs.training.train import Trainer, train
from prep_corpus.jobs.training.train_config import Phase, TrainConfig, learning_rate

DEMO = Path(__file__).resolve().parents[3] / "demo"
TINY = NetworkConfig(hidden=48, mel_bands=32, convolution_blocks=1, recurrent_layers=1)


@pytest.fixture(scope="module")
def minute(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of single sentences from the demo corpus, about a minute."""
    folder = tmp_path_factory.mktemp("minute")
    lines = []
    for line in (DEMO / "truth.jsonl").read_text().splitlines()[:2]:
        truth = json.loads(line)
        samples_N, rate_hz = soundfile.read(DEMO / "audio" / f"{truth['id']}.opus", dtype="float32")
        for index, sentence in enumerate(truth["sentences"][:6]):
            name = f"{truth['id']}-{index}.flac"
            start, end = (int(sentence[key] * rate_hz) for key in ("start", "end"))
            soundfile.write(folder / name, samples_N[start:end], rate_hz)
            lines.append(
                json.dumps({"audio_filepath": name, "text": sentence["text"], "speaker": truth["id"]})
            )
    (folder / "manifest.jsonl").write_text("\n".join(lines))
    return folder / "manifest.jsonl"


@pytest.fixture(scope="module")
def prepared(minute: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared") / "minute"
    (seconds,) = prepare(manifest_speech(str(minute), 16_000), folder, network=TINY, teacher=None)
    assert 45 < seconds < 90
    return folder


def config(prepared: Path, out: Path, steps: int) -> TrainConfig:
    return TrainConfig(
        sources=((prepared, 1.0),),
        held_out=(prepared,),
        out=out,
        network=TINY,
        minutes=0,
        steps=steps,
        phases=(Phase(begins=0.0, rows=4, row_seconds=16.0, distil=0.5, ctc=0.8),),
        peak_rate=5e-3,
        mixed_precision=False,
        disturbance=Disturbance(noise_share=0.2, time_masks=0, band_masks=0),
    )


def test_loss_falls_and_the_model_is_one_that_the_main_job_takes(prepared: Path, tmp_path: Path) -> None:
    points = []
    train(replace(config(prepared, tmp_path, 60), validate_seconds=0.1), points.append)
    assert points[-1].step == 60
    assert np.isfinite([point.ctc for point in points]).all()
    assert points[-1].ctc < 0.75 * points[0].ctc
    assert len((tmp_path / "curve.jsonl").read_text().splitlines()) == len(points)
    loaded = load_model(str(tmp_path))
    assert loaded.info.stride_samples == 640
    assert loaded.info.vocabulary[loaded.info.blank] == "<blank>"


_RUN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
import torch
torch.set_num_threads(1)
from test_train import config
from dataclasses import replace
from prep_corpus.jobs.training.train import train
train(replace(config(Path(sys.argv[1]), Path(sys.argv[2]), 100_000), checkpoint_seconds=0.0))
"""


def test_a_killed_run_goes_on_from_its_checkpoint(prepared: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _RUN, str(prepared), str(tmp_path), str(Path(__file__).parent)]
    process = subprocess.Popen(command)
    checkpoint = tmp_path / "checkpoint.safetensors"
    deadline = time.monotonic() + 600
    while not checkpoint.is_file() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    trainer = Trainer(config(prepared, tmp_path, 100_000))
    assert trainer.resume()
    done = trainer.state.step
    assert done >= 1
    trainer.step()
    assert trainer.state.step == done + 1


def test_a_resumed_run_ends_where_an_undisturbed_one_does(prepared: Path, tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        whole = Trainer(config(prepared, tmp_path, 6))
        for _ in range(6):
            whole.step()
        first = Trainer(config(prepared, tmp_path, 6))
        for _ in range(3):
            first.step()
        first.write_checkpoint()
        second = Trainer(config(prepared, tmp_path, 6))
        assert second.resume()
        for _ in range(3):
            second.step()
    finally:
        torch.set_num_threads(threads)
    for name, tensor in whole.network.state_dict().items():
        torch.testing.assert_close(
            second.network.state_dict()[name], tensor, msg=lambda m, n=name: f"{n}: {m}"
        )


def test_preparation_is_resumed_and_refuses_another_front_end(minute: Path, tmp_path: Path) -> None:
    list(prepare(manifest_speech(str(minute), 16_000), tmp_path, network=TINY, teacher=None))
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert list(prepare(manifest_speech(str(minute), 16_000), tmp_path, network=TINY, teacher=None)) == []
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    with pytest.raises(UsageError, match="use another folder"):
        list(
            prepare(
                manifest_speech(str(minute), 16_000),
                tmp_path,
                network=replace(TINY, mel_bands=40),
                teacher=None,
            )
        )


def test_a_teacher_is_asked_for_the_models_own_symbols(prepared: Path, minute: Path, tmp_path: Path) -> None:
    train(config(prepared, tmp_path / "teacher", 1))
    teacher = load_model(str(tmp_path / "teacher"))
    list(prepare(manifest_speech(str(minute), 16_000), tmp_path / "taught", network=TINY, teacher=teacher))
    for example in read_source(tmp_path / "taught").examples:
        assert example.teacher_SC is not None
        assert example.teacher_SC.shape == (len(example.energies_MF) // 4, 29)
        np.testing.assert_allclose(np.exp(example.teacher_SC.astype(np.float32)).sum(1), 1, atol=0.02)


def test_shards_of_a_run_are_read(tmp_path: Path) -> None:
    from support.planted_run import sample_rows, write_run

    rows = sample_rows(6)
    write_run(tmp_path, {"train": [rows]}, formats=("parquet",))
    speech = list(shard_speech(str(tmp_path), "train", 16_000))
    assert [one.name for one in speech] == [row.id for row in rows]
    assert [one.text for one in speech] == [row.text_normalized for row in rows]
    assert [len(one.samples()) for one in speech] == [row.samples for row in rows]


def test_the_rate_rises_to_its_peak_and_falls_to_almost_nothing(prepared: Path, tmp_path: Path) -> None:
    settings = config(prepared, tmp_path, 100)
    rates = [learning_rate(p, settings) for p in (0.0, 0.025, 0.05, 0.5, 1.0)]
    assert rates[0] < rates[1] < rates[2] == pytest.approx(settings.peak_rate)
    assert rates[2] > rates[3] > rates[4] > 0
    assert rates[4] < 0.01 * settings.peak_rate


def test_a_tenth_is_held_out_by_name() -> None:
    rows = [
        ManifestRow(
            audio_uri="", text=f"{i:012b}".replace("0", "a ").replace("1", "b"), speaker=f"speaker {i}"
        )
        for i in range(2000)
    ]
    for rule in ("speakers", "prompts"):
        kept = [row for row in rows if SpeechSet(name="s", held_out=rule).holds_out(row)]
        assert 150 < len(kept) < 260
    named = SpeechSet(name="s", held_out="speaker 3,speaker 44")
    assert [row.speaker for row in rows if named.holds_out(row)] == ["speaker 3", "speaker 44"]
    assert not any(SpeechSet(name="s").holds_out(row) for row in rows)


def test_phases_follow_each_other(prepared: Path, tmp_path: Path) -> None:
    phases = (
        Phase(begins=0.0, rows=2, row_seconds=4.0, distil=1.0, ctc=0.0),
        Phase(begins=0.5, rows=2, row_seconds=8.0, distil=0.0, ctc=1.0),
    )
    trainer = Trainer(replace(config(prepared, tmp_path, 4), phases=phases))
    for _ in range(2):
        trainer.step()
    assert np.isnan(trainer.validate(1).ctc)
    for _ in range(2):
        trainer.step()
    assert np.isfinite(trainer.validate(1).ctc)


def test_training_begins_with_the_weights_of_another_model(prepared: Path, tmp_path: Path) -> None:
    first = str(tmp_path / "first")
    train(config(prepared, Path(first), 2))
    settings = replace(config(prepared, tmp_path / "second", 2), start=first)
    begun = Trainer(settings).network.state_dict()
    for name, tensor in load(first).state_dict().items():
        torch.testing.assert_close(begun[name], tensor, msg=lambda m, n=name: f"{n}: {m}")
    with pytest.raises(UsageError, match="must have the shape"):
        Trainer(replace(settings, network=replace(TINY, hidden=40)))
    with pytest.raises(UsageError, match="there is no file"):
        Trainer(replace(settings, start=str(tmp_path / "nothing")))


@pytest.mark.parametrize("begins", [(), (0.1,), (0.0, 0.5, 0.5), (0.0, 0.6, 0.3)])
def test_phases_must_cover_the_run_in_order(
    prepared: Path, tmp_path: Path, begins: tuple[float, ...]
) -> None:
    phases = tuple(Phase(begins=b, rows=2, row_seconds=4.0, distil=1.0, ctc=0.0) for b in begins)
    with pytest.raises(UsageError, match="phases must begin at 0"):
        replace(config(prepared, tmp_path, 4), phases=phases)
