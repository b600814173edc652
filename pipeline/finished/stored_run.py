"""A finished run's stored results, read back without a model: its settings, segments, alignments and emissions.

Bundle by bundle, so that no more than one bundle's emissions are held at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prep_corpus.align.errors import UsageError
from prep_corpus.align.model.models import ModelInfo
from prep_corpus.align.text.normalize import TextOptions
from prep_corpus.pipeline.inputs.bundles import ProbedRecording, read_bundle
from prep_corpus.pipeline.run_files import OUTCOME_NAME
from prep_corpus.pipeline.shards.manifest import RunManifest
from prep_corpus.pipeline.stage_frame import emissions_of, read_model
from prep_corpus.pipeline.stages.align import AlignedRecording, read_alignments
from prep_corpus.pipeline.stages.emit import EmittedRecording, read_emissions
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.documents import read_document, read_used
from prep_corpus.pipeline.storage.stage_store import StageRef, Store


@dataclass(frozen=True, kw_only=True)
class StoredAlignments:
    """A corpus whose emissions and alignments are stored, of a run that may still go on.

    Attributes:
        folder: path or URI of the run folder.
        store: store of its stage files.
        text_options: how its transcripts were normalised.
        alignments: one reference per bundle.
    """

    folder: str
    store: Store
    text_options: TextOptions
    alignments: tuple[StageRef, ...]


@dataclass(frozen=True, kw_only=True)
class FinishedRun(StoredAlignments):
    """A run that has ended and whose stage files are there.

    Attributes:
        published: its manifest.
        outcome: outcome.json, as it stands.
        segments: one reference per bundle, without the bundle's name.
    """

    published: RunManifest
    outcome: Mapping[str, Any]
    segments: tuple[StageRef, ...]

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings that shaped the run, by the names of `RunConfig`."""
        return self.published.config

    @property
    def k_frames(self) -> int:
        """The shortest pause that was cut at."""
        return int(self.outcome["k_frames"])


@dataclass(frozen=True, kw_only=True)
class StoredRecording:
    """One recording's stored results.

    Attributes:
        info: description of the model whose columns the emissions hold.
        aligned: the alignment.
        emitted: the emissions.
    """

    info: ModelInfo
    aligned: AlignedRecording
    emitted: EmittedRecording


def stored_results(folder: str, published: RunManifest, text: TextOptions) -> FinishedRun:
    """The stage files of a finished run.

    Args:
        folder: folder of the run.
        published: its manifest.
        text: how its transcripts were normalised.

    Raises:
        UsageError: they are gone.
    """
    store = Store(files.join(folder, "work"))
    used = read_used(folder)
    try:
        outcome = read_document(files.join(folder, OUTCOME_NAME))
    except FileNotFoundError as error:
        raise _gone(folder) from error
    if used is None:
        raise _gone(folder)
    names = [name.partition("/") for name in used]
    alignments = tuple(_reference(store, folder, "align", d) for stage, _, d in names if stage == "align")
    segments = tuple(_reference(store, folder, "segment", d) for stage, _, d in names if stage == "segment")
    if not segments:
        raise _gone(folder)
    return FinishedRun(
        folder=folder,
        published=published,
        outcome=outcome,
        store=store,
        text_options=text,
        alignments=alignments,
        segments=segments,
    )


def _gone(folder: str) -> UsageError:
    return UsageError(
        f"{folder}: the stage files of a finished run are needed, and they are not all under {folder}/work; "
        "was this folder made by `export`, or emptied by `clean --all`? Name the run that aligned the audio"
    )


def _reference(store: Store, folder: str, stage: str, digest: str) -> StageRef:
    """A stage's result, final or with internal errors; which bundle it belongs to is not asked."""
    found = store.find(stage, "", digest)
    if found is not None:
        return found
    if files.exists(store.uri(stage, digest, ".retry.parquet")):
        return StageRef(stage, "", digest, "", False, 0)
    raise _gone(folder)


@dataclass(frozen=True, kw_only=True)
class StoredBundle:
    """One bundle of a corpus whose alignments are stored.

    Attributes:
        run: it belongs to.
        alignments, emissions: references to its results.
        recordings: every recording of the run, failed ones included.
    """

    run: StoredAlignments
    alignments: StageRef
    emissions: StageRef
    recordings: tuple[ProbedRecording, ...]

    def model(self) -> ModelInfo:
        """The model whose columns its emissions hold."""
        return read_model(self.run.store, self.emissions)

    def read(self, wanted: frozenset[str]) -> Iterator[StoredRecording]:
        """The recordings of these ids that were aligned, in order.

        Raises:
            UsageError: another version of this program wrote the files.
        """
        store, options = self.run.store, self.run.text_options
        info, emitted = read_emissions(store, self.emissions)
        bundle = list(self.recordings)
        try:
            found = list(read_alignments(store, self.alignments, bundle, info, options, wanted))
        except KeyError as error:
            raise UsageError(
                f"{self.run.folder}: stage files must be of this version of prep-corpus, and these lack {error}; give "
                "the same `prep-corpus run` again, which makes anew what has changed"
            ) from error
        for aligned in found:
            yield StoredRecording(info=info, aligned=aligned, emitted=emitted[aligned.probed.recording.id])


def stored_bundles(run: StoredAlignments) -> Iterator[StoredBundle]:
    """The bundles of a corpus, one after the other."""
    for alignments in run.alignments:
        emissions = emissions_of(run.store, alignments)
        recordings = tuple(read_bundle(run.store, emissions.bundle))
        yield StoredBundle(run=run, alignments=alignments, emissions=emissions, recordings=recordings)


def segment_rows(run: FinishedRun, columns: list[str]) -> Iterator[dict[str, Any]]:
    """The rows of the segment table, kept and dropped, bundle by bundle.

    Args:
        run: a finished run.
        columns: names of `segment_rows.SCHEMA`.
    """
    for segments in run.segments:
        yield from run.store.read(segments, columns).table.to_pylist()
