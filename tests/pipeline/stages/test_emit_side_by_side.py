"""Several bundles beside a GPU, here with threads alone: the same emissions, all of them, and errors that surface."""

from __future__ import annotations

import sys
import types
from dataclasses import replace
from pathlib import Path
from unittest import mock

import apache_beam as beam
import pytest
import torch
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from support.toy import ToneModel, write_corpus

from prep_corpus.align.errors import DeadLetter, InputChanged, UsageError
from prep_corpus.align.model.emissions import WindowOptions
from prep_corpus.align.model.models import load_model
from prep_corpus.align.text.normalize import TextOptions
from prep_corpus.jobs.screen.causes import cause_of
from prep_corpus.pipeline.inputs.bundles import write_bundle
from prep_corpus.pipeline.inputs.manifests import read_manifest
from prep_corpus.pipeline.inputs.probe import FingerprintCache, probe_all
from prep_corpus.pipeline.stages.emit import (
    EMIT,
    JUDGE,
    Emit,
    EmitOptions,
    _EmitBundle,
    emit_bundle,
    taking_turns,
)
from prep_corpus.pipeline.storage.stage_store import Store

MODEL = "support.toy:acoustic_model"
OPTIONS = EmitOptions(model=MODEL, device="cpu", windows=WindowOptions(), text=TextOptions(), threads=3)


def _bundles(folder: Path, root: str) -> list[str]:
    manifest = write_corpus(folder, recordings=5, sentences=2)
    cache = FingerprintCache(str(folder / "fingerprints.json"))
    found = []
    for probed in probe_all(read_manifest(str(manifest)), cache):
        assert not isinstance(probed, DeadLetter)
        found.append(write_bundle(Store(root), [probed]).bundle)
    return found


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[3]))


def test_bundles_side_by_side_give_what_one_after_the_other_gives(tmp_path: Path) -> None:
    digests = _bundles(tmp_path / "corpus", str(tmp_path / "one"))
    model = load_model(MODEL)
    wanted = [emit_bundle(Store(str(tmp_path / "one")), digest, model, OPTIONS) for digest in digests]
    root = str(tmp_path / "many")
    assert _bundles(tmp_path / "corpus", root) == digests
    with (
        mock.patch.object(EmitOptions, "bundles_at_once", 3),
        beam.Pipeline(runner=FnApiRunner()) as pipeline,
    ):
        refs = pipeline | beam.Create(digests) | Emit(root, OPTIONS) | beam.Map(tuple)
        assert_that(refs, equal_to([tuple(ref) for ref in wanted]))


def test_an_error_of_one_bundle_stops_the_pipeline(tmp_path: Path) -> None:
    root = str(tmp_path / "store")
    digests = [*_bundles(tmp_path / "corpus", root), "no such bundle"]
    with (
        mock.patch.object(EmitOptions, "bundles_at_once", 3),
        pytest.raises(Exception, match="no such bundle"),
        beam.Pipeline(runner=FnApiRunner()) as pipeline,
    ):
        pipeline | beam.Create(digests) | Emit(root, OPTIONS)


class Failing(ToneModel):
    """Fails on more audio than it is tried with when it is loaded."""

    def forward(self, waveforms_BN: torch.Tensor) -> torch.Tensor:
        if waveforms_BN.shape[1] > 2 * self.sample_rate_hz:
            raise RuntimeError("no such\n  operator")
        return super().forward(waveforms_BN)


@pytest.mark.parametrize(("stage", "option"), [(EMIT, "--model"), (JUDGE, "--judge")])
def test_a_model_that_fails_on_audio_is_named(
    stage: str, option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("failing_model")
    vars(module)["make"] = lambda device: Failing()
    monkeypatch.setitem(sys.modules, "failing_model", module)
    root = str(tmp_path / "store")
    digests = _bundles(tmp_path / "corpus", root)[:1]
    options = replace(OPTIONS, model="failing_model:make", stage=stage, threads=1)
    with (
        pytest.raises(Exception, match="operator") as raised,
        beam.Pipeline(runner=FnApiRunner()) as pipeline,
    ):
        pipeline | beam.Create(digests) | Emit(root, options)
    assert cause_of(raised.value).line() == (
        f"{option} failing_model:make failed on audio: RuntimeError: no such operator; mend or replace that model, "
        "then give the same command again (--debug shows where)"
    )
    with pytest.raises(InputChanged, match=f"the {option.strip('-')} must be what it was when the run began"):
        _EmitBundle(root, replace(options, model_digest="another")).setup()
    vars(module).clear()
    with pytest.raises(UsageError, match=f"^{option} failing_model:make"):
        _EmitBundle(root, options).setup()


def test_a_model_that_takes_turns_runs_so_many_calls_at_a_time() -> None:
    model = load_model(MODEL)
    turns = taking_turns(model, 1)
    waveforms_BN = torch.zeros(1, model.info.sample_rate_hz)
    torch.testing.assert_close(turns.run(waveforms_BN), model.run(waveforms_BN))
    assert turns.info is model.info
