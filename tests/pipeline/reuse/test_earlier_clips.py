"""An utterance that was encoded by the run before is taken over where it is the same, and made anew where it is not."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from support import toy
from support.toy_stages import K_FRAMES, MODEL, graph_options

from prep_corpus.align.errors import DeadLetter
from prep_corpus.align.model.models import load_model
from prep_corpus.pipeline.graph import GraphOptions
from prep_corpus.pipeline.inputs.bundles import write_bundle
from prep_corpus.pipeline.inputs.manifests import read_manifest
from prep_corpus.pipeline.inputs.probe import FingerprintCache, probe_all
from prep_corpus.pipeline.reuse.earlier_clips import NOTE, EarlierClips
from prep_corpus.pipeline.stages.align import align_bundle
from prep_corpus.pipeline.stages.emit import emit_bundle
from prep_corpus.pipeline.stages.segment import segment_bundle
from prep_corpus.pipeline.storage.stage_store import StageRef, Store


@pytest.fixture
def cut(tmp_path: Path) -> tuple[GraphOptions, StageRef, StageRef]:
    """A recording's options, alignments, and segments, as a run before left them."""
    samples, said = toy.recording(3, 6)
    soundfile.write(tmp_path / "talk.flac", samples, toy.SAMPLE_RATE_HZ)
    text = " ".join(" ".join(words) for words in said)
    (tmp_path / "manifest.jsonl").write_text(json.dumps({"audio_filepath": "talk.flac", "text": text}))
    toy.write_filter(tmp_path / "filter.json")
    (probed,) = probe_all(
        read_manifest(str(tmp_path / "manifest.jsonl")), FingerprintCache(str(tmp_path / "cache.json"))
    )
    assert not isinstance(probed, DeadLetter)
    store = Store(str(tmp_path / "work"))
    digest = write_bundle(store, [probed]).bundle
    options = graph_options(tmp_path, [digest])
    aligned = align_bundle(
        store, emit_bundle(store, digest, load_model(MODEL), options.emit), options.segment.text, 1
    )
    first = segment_bundle(store, aligned, options.segment, K_FRAMES, 1)
    return options, aligned, first


def again(cut: tuple[GraphOptions, StageRef, StageRef], store: Store, *, with_earlier: bool) -> bytes:
    """The clips of the same cuts under other settings."""
    options, aligned, first = cut
    other = replace(options.segment, config_digest="another")
    made = segment_bundle(store, aligned, other, K_FRAMES, 1, None, first.digest if with_earlier else None)
    assert made.failed == 0
    assert made.digest != first.digest
    return Path(store.uri("segment", made.digest, ".clips")).read_bytes()


def other_store(store: Store, name: str) -> Store:
    shutil.copytree(store.root, Path(store.root).with_name(name))
    return Store(str(Path(store.root).with_name(name)))


def test_the_same_utterances_are_taken_over_without_the_audio(
    cut: tuple[GraphOptions, StageRef, StageRef], tmp_path: Path
) -> None:
    store = Store(cut[0].work)
    anew, damaged, half = (other_store(store, name) for name in ("anew", "damaged", "half"))
    wanted = again(cut, anew, with_earlier=False)
    clips = Path(damaged.uri("segment", cut[2].digest, ".clips"))
    data = bytearray(clips.read_bytes())
    data[-100] ^= 1
    clips.write_bytes(data)
    assert again(cut, damaged, with_earlier=True) == wanted
    Path(half.uri("segment", cut[2].digest, ".clips")).write_bytes(data[: len(data) // 2])
    assert again(cut, half, with_earlier=True) == wanted
    (tmp_path / "talk.flac").unlink()
    assert again(cut, store, with_earlier=True) == wanted


def test_clips_of_other_audio_or_gone_are_not_taken(cut: tuple[GraphOptions, StageRef, StageRef]) -> None:
    store, (_, aligned, first) = Store(cut[0].work), cut
    identity = store.read(first, columns=[]).notes[NOTE]
    found = EarlierClips.find(store, aligned.bundle, first.digest, identity)
    assert found is not None
    with found:
        assert len(found.places) > 3
    assert EarlierClips.find(store, aligned.bundle, first.digest, "other audio") is None
    assert EarlierClips.find(store, aligned.bundle, "0" * 32, identity) is None
    Path(store.uri("segment", first.digest, ".clips")).unlink()
    assert EarlierClips.find(store, aligned.bundle, first.digest, identity) is None
