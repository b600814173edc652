"""The public aligner gives what the stages of the pipeline give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from support import toy

from prep_corpus.align import Aligner, TextOptions
from prep_corpus.align.errors import DeadLetter
from prep_corpus.align.model.emissions import WindowOptions
from prep_corpus.align.model.models import load_model
from prep_corpus.pipeline.inputs.bundles import write_bundle
from prep_corpus.pipeline.inputs.manifests import read_manifest
from prep_corpus.pipeline.inputs.probe import FingerprintCache, probe_all
from prep_corpus.pipeline.stages.align import align_bundle, read_alignments
from prep_corpus.pipeline.stages.emit import EmitOptions, emit_bundle, read_emissions
from prep_corpus.pipeline.storage.stage_store import Store

MODEL = "support.toy:acoustic_model"


def test_one_recording_in_memory_is_aligned_as_by_the_stages(tmp_path: Path) -> None:
    manifest = toy.write_corpus(tmp_path, recordings=1, sentences=12, seed=3)
    store, text = Store(str(tmp_path / "store")), TextOptions()
    (probed,) = probe_all(read_manifest(str(manifest)), FingerprintCache(str(tmp_path / "fingerprints.json")))
    assert not isinstance(probed, DeadLetter)
    options = EmitOptions(model=MODEL, device="cpu", windows=WindowOptions(), text=text, threads=1)
    emissions = emit_bundle(store, write_bundle(store, [probed]).bundle, load_model(MODEL), options)
    info, _ = read_emissions(store, emissions)
    (wanted,) = read_alignments(store, align_bundle(store, emissions, text, 1), [probed], info, text)

    found = Aligner(MODEL, device="cpu").align(tmp_path / "talk0.flac", tmp_path / "talk0.txt")
    assert found.info == info
    np.testing.assert_array_equal(found.aligned.alignment.starts_L, wanted.alignment.starts_L)
    np.testing.assert_array_equal(found.aligned.alignment.ends_L, wanted.alignment.ends_L)
    np.testing.assert_array_equal(found.aligned.evidence_WF, wanted.evidence_WF)
    assert found.aligned.alignment.untranscribed == wanted.alignment.untranscribed
    assert not all(word.is_said for word in found.words)
    assert len(found.words) == len(wanted.words)
