"""Emit: decode, mix, resample, window, run the model; the one stage that wants a GPU."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from threading import Semaphore
from typing import TYPE_CHECKING

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.pvalue import PCollection
from apache_beam.utils.shared import Shared
from numpy.typing import NDArray

from prep_corpus.align.audio import decode as audio
from prep_corpus.align.audio.levels import LevelMeter, Levels, block_samples
from prep_corpus.align.errors import DeadLetter, InputChanged
from prep_corpus.align.heap import give_back_memory
from prep_corpus.align.model.columns import columns_used, needs_columns
from prep_corpus.align.model.emissions import Emitter, FloatArray, HalfArray, WindowOptions
from prep_corpus.align.model.models import LoadedModel, ModelInfo, load_judge, load_model, one_thread_a_call
from prep_corpus.align.text.normalize import TextOptions, normalize
from prep_corpus.filters.judge_evidence import TimedWords, letters_in_common, reading_of
from prep_corpus.pipeline.abreast import AbreastDoFn
from prep_corpus.pipeline.inputs.bundles import ProbedRecording, read_bundle, read_bundle_seconds
from prep_corpus.pipeline.inputs.decoding import decoded
from prep_corpus.pipeline.progress import BOARD, StageProgress
from prep_corpus.pipeline.stage_frame import BundleTally, bundle_stage, model_of
from prep_corpus.pipeline.stages.dead_letters import dead_letter
from prep_corpus.pipeline.storage.digests import digest_of
from prep_corpus.pipeline.storage.stage_store import StageRef, Store
from prep_corpus.pipeline.watched import Watched

if TYPE_CHECKING:
    import torch

VERSION = 2
EMIT, JUDGE = "emit", "judge"
CHUNK_FRAMES = 1024
MOST_ARRAY_BYTES = (1 << 31) - 1
"""Of an array of Arrow, whose positions have 31 bits."""
GPU_CALLS = 2
"""Model calls at a time on a GPU: one runs while the results of the other are copied back."""
GPU_BUNDLES = 8
"""Bundles under way at a time beside a GPU, at most: a long recording is decoded by one thread alone."""

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("n_samples", pa.int64()),
        ("n_frames", pa.int64()),
        ("chunk", pa.int32()),
        ("log_probs", pa.binary()),
        # Of the whole recording, in its first chunk alone.
        ("levels", pa.binary()),
    ]
)


@dataclass(frozen=True, kw_only=True)
class EmitOptions:
    """What emit reads of the configuration.

    Attributes:
        model: name of the model, as `load_model` takes it.
        device: where it runs.
        windows: windows and batches.
        text: decides which symbols a bundle's transcripts use; read for large vocabularies alone.
        threads: no part of the result. Model calls at a time; beside a GPU, threads that decode.
        model_digest: the digest that the model must still have; not checked where empty.
        stage: under which name emissions are stored: those of a judge are apart, and hold every column.
        accelerator: the hint that asks the engine for a GPU beside each worker; no part of the result.
    """

    model: str
    device: str
    windows: WindowOptions
    text: TextOptions
    threads: int
    model_digest: str = ""
    stage: str = EMIT
    accelerator: str = "type:nvidia-tesla-t4;count:1;install-nvidia-driver"

    @property
    def on_gpu(self) -> bool:
        """Whether the model runs on a GPU."""
        return self.device.startswith("cuda")

    @property
    def bundles_at_once(self) -> int:
        """Bundles under way at a time; without a GPU, small ones alone."""
        return max(1, min(self.threads, GPU_BUNDLES) if self.on_gpu else self.threads)


def bundle_symbols(bundle: list[ProbedRecording], info: ModelInfo, options: TextOptions) -> set[str]:
    """The symbols that a bundle's transcripts use."""
    used: set[str] = set()
    for probed in bundle:
        for version in probed.recording.versions:
            normalized = normalize(
                version.text,
                alphabet=info.alphabet,
                language=probed.recording.language,
                has_spaces=info.has_spaces,
                options=options.for_script(version.is_script),
            )
            used.update(info.symbols_of(normalized))
    return used


def emit_bundle(store: Store, bundle_digest: str, model: LoadedModel, options: EmitOptions) -> StageRef:
    """Make, or find, the emissions of a bundle."""
    bundle = read_bundle(store, bundle_digest)
    info = model.info
    reduced, columns = info, None
    if options.stage == EMIT:
        used = bundle_symbols(bundle, info, options.text) if needs_columns(info) else set[str]()
        reduced, columns = columns_used(info, used)
    windows, place = options.windows.fitting(model.context_seconds), kind_of_place(model, model.device)
    digest = emissions_digest(options.stage, bundle, reduced, windows, place)
    return bundle_stage(
        store,
        options.stage,
        (bundle_digest, bundle),
        digest,
        lambda tally: _emit(store, bundle_digest, digest, bundle, model, options, reduced, columns, tally),
        # It is counted while it is decoded.
        counts_audio=False,
        tells_failures=options.stage == EMIT,
    )


def emissions_digest(
    stage: str, bundle: list[ProbedRecording], info: ModelInfo, windows: WindowOptions, runs_on: str
) -> str:
    """The name of a bundle's emissions.

    Args:
        stage: under which they are stored.
        bundle: its recordings.
        info: the model with the columns that the emissions hold.
        windows: fitting for the model.
        runs_on: as `kind_of_place` gives it.
    """
    return digest_of(
        stage,
        VERSION,
        audio.VERSION,
        [probed.audio_identity for probed in bundle],
        info.digest,
        asdict(windows),
        runs_on,
        list(info.vocabulary),
    )


def kind_of_place(model: LoadedModel, device: str) -> str:
    """Where a model's numbers are its own: the runtime, or the kind of device.

    Args:
        model: loaded here.
        device: on which it is run, here or elsewhere.
    """
    if device.startswith("cuda"):
        # What runs a model without torch on this machine's CPU does not on a GPU.
        return (model.runtime if model.device.startswith("cuda") else "") or "cuda"
    # What torch makes keeps the name that it had before there was another runtime.
    return model.runtime or "cpu"


def _emit(
    store: Store,
    bundle_digest: str,
    digest: str,
    bundle: list[ProbedRecording],
    model: LoadedModel,
    options: EmitOptions,
    reduced: ModelInfo,
    columns: NDArray[np.int64] | None,
    tally: BundleTally,
) -> StageRef:
    n_samples = [0] * len(bundle)
    block = block_samples(model.info.sample_rate_hz)
    meters = [LevelMeter(block) for _ in bundle]
    letters: dict[int, DeadLetter] = {}

    def counted(index: int) -> Iterator[FloatArray]:
        for block_N in meters[index].through(decoded(bundle[index], model.info.sample_rate_hz)):
            n_samples[index] += len(block_N)
            BOARD.add(options.stage, StageProgress(audio_seconds=len(block_N) / model.info.sample_rate_hz))
            yield block_N

    def on_error(index: int, error: Exception) -> None:
        letters[index] = dead_letter(options.stage, bundle[index], error, n_samples[index])
        tally.done()

    emitter = Emitter[int](
        model,
        options.windows,
        columns=columns,
        threads=GPU_CALLS if options.on_gpu else options.threads,
        decoders=max(1, options.threads // options.bundles_at_once) if options.on_gpu else 0,
    )
    emitted: dict[int, HalfArray] = {}
    for index, log_probs_TC in emitter.emit(((i, counted(i)) for i in range(len(bundle))), on_error):
        emitted[index] = log_probs_TC
        tally.done()
    tables = [
        chunk_table(
            bundle[index].recording.id, n_samples[index], emitted[index], meters[index].finish().tobytes()
        )
        for index in sorted(emitted)
    ]
    return store.write(
        options.stage,
        bundle_digest,
        digest,
        pa.concat_tables([SCHEMA.empty_table(), *tables]),
        notes={"model": reduced.to_notes()},
        dead_letters=[letters[index] for index in sorted(letters)],
        row_group_rows=256,
    )


def chunk_table(id_: str, n_samples: int, log_probs_TC: HalfArray, levels: bytes) -> pa.Table:
    """The rows of one recording, whose emissions are taken as they lie in memory: of a long one, a copy is much.

    Args:
        id_: of the recording.
        n_samples: decoded.
        log_probs_TC: its emissions.
        levels: how loud it is.
    """
    log_probs_TC = np.ascontiguousarray(log_probs_TC)
    chunks = -(-len(log_probs_TC) // CHUNK_FRAMES)
    frame_bytes = log_probs_TC[:1].nbytes
    together = max(1, MOST_ARRAY_BYTES // (CHUNK_FRAMES * frame_bytes))
    columns = []
    for first in range(0, chunks, together):
        part_TC = log_probs_TC[first * CHUNK_FRAMES : (first + together) * CHUNK_FRAMES]
        count = -(-len(part_TC) // CHUNK_FRAMES)
        places = np.minimum(np.arange(count + 1) * CHUNK_FRAMES * frame_bytes, part_TC.nbytes).astype(
            np.int32
        )
        buffers = [None, pa.py_buffer(places), pa.py_buffer(part_TC.reshape(-1).view(np.uint8))]
        columns.append(pa.Array.from_buffers(pa.binary(), count, buffers))
    return pa.table(
        {
            "id": pa.array([id_] * chunks, pa.string()),
            "n_samples": pa.array([n_samples] * chunks, pa.int64()),
            "n_frames": pa.array([len(log_probs_TC)] * chunks, pa.int64()),
            "chunk": pa.array(range(chunks), pa.int32()),
            "log_probs": pa.chunked_array(columns, pa.binary()),
            "levels": pa.array([levels, *[None] * chunks][:chunks], pa.binary()),
        },
        schema=SCHEMA,
    )


@dataclass(frozen=True, kw_only=True)
class EmittedRecording:
    """The emissions of one recording, read back.

    Attributes:
        n_samples: samples decoded.
        log_probs_TC: float16.
        levels: how loud it is, block by block.
    """

    n_samples: int
    log_probs_TC: HalfArray
    levels: Levels


def read_emissions(store: Store, ref: StageRef) -> tuple[ModelInfo, dict[str, EmittedRecording]]:
    """The emissions of a bundle by recording id, and the model whose columns they hold."""
    info = model_of(store.read(ref, columns=[]).notes)
    arrays: dict[str, HalfArray] = {}
    filled: dict[str, int] = {}
    n_samples: dict[str, int] = {}
    levels: dict[str, Levels] = {}
    block = block_samples(info.sample_rate_hz)
    for table in store.row_groups(ref):
        for id_, samples, n_frames, data, loudness in zip(
            table.column("id").to_pylist(),
            table.column("n_samples").to_pylist(),
            table.column("n_frames").to_pylist(),
            table.column("log_probs"),
            table.column("levels"),
        ):
            if id_ not in arrays:
                arrays[id_] = np.empty((n_frames, len(info.vocabulary)), np.float16)
                n_samples[id_] = samples
            chunk_TC = np.frombuffer(data.as_buffer(), np.float16).reshape(-1, len(info.vocabulary))
            at = filled.get(id_, 0)
            arrays[id_][at : at + len(chunk_TC)] = chunk_TC
            filled[id_] = at + len(chunk_TC)
            if loudness.is_valid:
                levels[id_] = Levels.of(np.frombuffer(loudness.as_buffer(), np.uint8).copy(), block)
    pa.default_memory_pool().release_unused()
    give_back_memory()
    emitted: dict[str, EmittedRecording] = {}
    for id_, log_probs_TC in arrays.items():
        assert filled[id_] == len(log_probs_TC), "chunks are of whole recordings"
        log_probs_TC.flags.writeable = False
        emitted[id_] = EmittedRecording(
            n_samples=n_samples[id_], log_probs_TC=log_probs_TC, levels=levels[id_]
        )
    return info, emitted


def judged_words(store: Store, ref: StageRef | None, info: ModelInfo) -> dict[str, TimedWords]:
    """What the judge hears in each recording, by its id.

    Args:
        store: of the run.
        ref: what the judge sees in the bundle; None where the run has none.
        info: of the model that is judged.
    """
    if ref is None:
        return {}
    judge, emitted = read_emissions(store, ref)
    letters = letters_in_common(info, judge)
    return {id_: reading_of(one.log_probs_TC, judge, letters) for id_, one in emitted.items()}


class _EmitBundle(AbreastDoFn):
    def __init__(self, root: str, options: EmitOptions) -> None:
        # Beside a GPU bundles of any size are decoded while others wait for it.
        super().__init__(options.stage, options.bundles_at_once, math.inf if options.on_gpu else None)
        self._store = Store(root)
        self._options = options
        self._shared = Shared()

    def setup(self) -> None:
        super().setup()
        self._model = self._shared.acquire(self._load, tag=(self._options.model, self._options.device))
        if not self._model.runtime:
            one_thread_a_call()

    def _load(self) -> LoadedModel:
        load, noun = (load_judge, "judge") if self._options.stage == JUDGE else (load_model, "model")
        model = load(self._options.model, self._options.device)
        wanted = self._options.model_digest
        if wanted and model.info.digest != wanted:
            raise InputChanged(
                f"the {noun} must be what it was when the run began (digest {wanted}), and {self._options.model} is "
                f"another now ({model.info.digest}); put it back, or give the same command again"
            )
        return taking_turns(model, GPU_CALLS) if self._options.on_gpu else model

    def process(self, bundle_digest: str) -> Iterator[StageRef]:
        options, on_gpu = self._options, self._options.on_gpu

        def make(threads: int) -> StageRef:
            own = options if on_gpu else replace(options, threads=threads)
            return emit_bundle(self._store, bundle_digest, self._model, own)

        yield from self.made(read_bundle_seconds(self._store, bundle_digest), make)


def taking_turns(model: LoadedModel, calls: int) -> LoadedModel:
    """The same model, run by so many threads at a time; the others wait."""
    turn = Semaphore(calls)

    def run(waveforms_BN: torch.Tensor) -> torch.Tensor:
        with turn:
            return model.run(waveforms_BN)

    return replace(model, run=run)


class Emit(beam.PTransform):
    """Bundle digests -> references to their emissions, on GPU workers where there are some."""

    def __init__(self, root: str, options: EmitOptions, progress: str | None = None) -> None:
        super().__init__()
        self._root, self._options, self._progress = root, options, progress

    def expand(self, bundles: PCollection[str]) -> PCollection[StageRef]:
        """One reference per bundle."""
        watched: beam.PTransform = beam.ParDo(Watched(self._progress))
        emitted: beam.PTransform = beam.ParDo(_EmitBundle(self._root, self._options))
        if self._options.device.startswith("cuda"):
            # Both: a step without the hint would run, and report, elsewhere.
            hints = {"accelerator": self._options.accelerator, "min_ram": "16GB"}
            watched, emitted = watched.with_resource_hints(**hints), emitted.with_resource_hints(**hints)
        return bundles | "WatchEmit" >> watched | "EmitBundles" >> emitted
