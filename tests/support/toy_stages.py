"""A small corpus in the toy language, taken through every stage by the pure functions, bundle by bundle."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
from support import toy

from prep_corpus.align.errors import DeadLetter
from prep_corpus.align.model.emissions import WindowOptions
from prep_corpus.align.model.models import load_model
from prep_corpus.align.text.normalize import TextOptions
from prep_corpus.augment.plan import NoiseOptions
from prep_corpus.filters.linear import load_filter
from prep_corpus.pipeline.graph import GraphOptions
from prep_corpus.pipeline.inputs.bundles import write_bundle
from prep_corpus.pipeline.inputs.manifests import read_manifest
from prep_corpus.pipeline.inputs.noise import open_bank
from prep_corpus.pipeline.inputs.probe import FingerprintCache, probe_all
from prep_corpus.pipeline.stages.align import align_bundle
from prep_corpus.pipeline.stages.close import CloseOptions
from prep_corpus.pipeline.stages.cut_recording import SegmentOptions
from prep_corpus.pipeline.stages.emit import EmitOptions, emit_bundle
from prep_corpus.pipeline.stages.measure import measure_bundle
from prep_corpus.pipeline.stages.plan import PlanOptions
from prep_corpus.pipeline.stages.segment import segment_bundle
from prep_corpus.pipeline.stages.write import WriteOptions
from prep_corpus.pipeline.storage.stage_store import StageRef, Store

MODEL = "support.toy:acoustic_model"
K_FRAMES = 12
EARLY = DeadLetter(
    stage="probe",
    recording_id="gone",
    reason="audio-missing",
    message="gone: there is no such file",
    decoded_samples=0,
    read_characters=0,
)


@dataclass(frozen=True, kw_only=True)
class ToyStages:
    """What each stage gave for each bundle, in order.

    Attributes:
        options: of the whole graph; `work` is the folder of the stage files.
        bundles: digests.
        emitted, aligned, measured, segmented: references.
    """

    options: GraphOptions
    bundles: tuple[str, ...]
    emitted: tuple[StageRef, ...]
    aligned: tuple[StageRef, ...]
    measured: tuple[StageRef, ...]
    segmented: tuple[StageRef, ...]

    def without(self, folder: Path, stages: Iterable[str]) -> GraphOptions:
        """The options for a copy of the store in which some stages have yet to be done."""
        work = folder / "work"
        shutil.copytree(self.options.work, work, ignore=shutil.ignore_patterns(*stages))
        return placed(self.options, folder)


def placed(options: GraphOptions, folder: Path) -> GraphOptions:
    """The same options for another run folder; its list of bundles is a copy."""
    work = folder / "work"
    return replace(
        options,
        work=str(work),
        bundles_uri=str(work / "bundles" / Path(options.bundles_uri).name),
        k_uri=str(work / "k.json"),
        close=replace(options.close, out=str(folder)),
    )


def graph_options(folder: Path, bundles: Iterable[str]) -> GraphOptions:
    """Of a run in a folder, whose filter stands there already; writes the list of bundles."""
    listing = folder / "work" / "bundles" / "list.txt"
    listing.parent.mkdir(parents=True, exist_ok=True)
    listing.write_text("\n".join(bundles))
    text = TextOptions()
    return GraphOptions(
        work=str(folder / "work"),
        bundles_uri=str(listing),
        k_frames=None,
        k_uri=str(folder / "work" / "k.json"),
        target_samples=3.0 * toy.SAMPLE_RATE_HZ,
        retune=False,
        max_failed=0.5,
        threads=1,
        emit=EmitOptions(model=MODEL, device="cpu", windows=WindowOptions(), text=text, threads=1),
        segment=SegmentOptions(
            cut="words",
            filter=load_filter(folder / "filter.json"),
            word_threshold=0.0,
            utterance_threshold=0.0,
            min_seconds=2.5,
            max_seconds=20.0,
            padding_seconds=0.2,
            text=text,
            config_digest="toy",
        ),
        plan=PlanOptions(
            seed=1, order="shuffle", splits=(("train", 1.0),), split_by="auto", shard_bytes=100_000
        ),
        write=WriteOptions(
            formats=("parquet",),
            noise=NoiseOptions(fraction=0.5),
            noise_uri=None,
            rooms_uri=None,
            voices=(),
            bank_digest=open_bank(None, toy.SAMPLE_RATE_HZ).digest,
            seed=1,
            sample_rate_hz=toy.SAMPLE_RATE_HZ,
        ),
        close=CloseOptions(
            out=str(folder),
            entries=5,
            early_letters=(EARLY,),
            sample_rate_hz=toy.SAMPLE_RATE_HZ,
            settings={"seed": 1},
            model_digest="toy",
            config_digest="toy",
            seed=1,
        ),
    )


def run_stages(folder: Path) -> ToyStages:
    """Three recordings that can be used and one that is silent, each a bundle of its own."""
    manifest = toy.write_corpus(folder, recordings=3, sentences=4)
    toy.write_filter(folder / "filter.json")
    soundfile.write(folder / "silent.wav", np.zeros(toy.SAMPLE_RATE_HZ), toy.SAMPLE_RATE_HZ)
    with manifest.open("a") as file:
        file.write(json.dumps({"audio_filepath": "silent.wav", "text": "nobody"}) + "\n")
    store = Store(str(folder / "work"))
    bundles: list[str] = []
    for probed in probe_all(read_manifest(str(manifest)), FingerprintCache(str(folder / "cache.json"))):
        assert not isinstance(probed, DeadLetter)
        bundles.append(write_bundle(store, [probed]).bundle)
    options = graph_options(folder, bundles)
    model = load_model(MODEL)
    emitted = [emit_bundle(store, digest, model, options.emit) for digest in bundles]
    aligned = [align_bundle(store, ref, options.segment.text, 1) for ref in emitted]
    return ToyStages(
        options=options,
        bundles=tuple(bundles),
        emitted=tuple(emitted),
        aligned=tuple(aligned),
        measured=tuple(measure_bundle(store, ref, options.segment) for ref in aligned),
        segmented=tuple(segment_bundle(store, ref, options.segment, K_FRAMES, 1) for ref in aligned),
    )
