"""Recordings whose transcript is refused whole: the model reads them as those without one, and the refusal is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from prep_corpus.align.errors import (
    DeadLetter,
    Infeasible,
    TranscriptEmpty,
    TranscriptUnsayable,
)
from prep_corpus.pipeline.inputs.bundles import ProbedRecording
from prep_corpus.pipeline.progress import BOARD, StageProgress
from prep_corpus.pipeline.stage_frame import NotMade, is_finding
from prep_corpus.pipeline.storage.digests import digest_of
from prep_corpus.pipeline.storage.stage_store import StageRef, Store

VERSION = 1

TEXT_REFUSALS = (TranscriptEmpty.reason, TranscriptUnsayable.reason, Infeasible.reason)
"""Of refusals that say nothing of the audio."""

_NOTE = "refused"


@dataclass(frozen=True, kw_only=True)
class RefusedTranscript:
    """A recording whose transcript is refused.

    Attributes:
        probed: the recording, as one without a transcript.
        letter: why it is refused.
        n_frames: frames of its emissions.
    """

    probed: ProbedRecording
    letter: DeadLetter
    n_frames: int


def with_refused(store: Store, alignments: StageRef) -> StageRef:
    """Alignments in which recordings with a refused transcript are some without one, and no dead letters.

    Args:
        store: of the run.
        alignments: as `align` makes them; given back where none is refused.

    Raises:
        NotMade: they do not stand, where nothing is to be made.
    """
    if not alignments.failed:
        return alignments
    stage = store.read(alignments)
    refused = [letter for letter in stage.dead_letters if letter.reason in TEXT_REFUSALS]
    if not refused:
        return alignments
    tell(refused)
    digest = digest_of("align", "refused", VERSION, alignments.content)
    found = store.find("align", alignments.bundle, digest)
    if found is not None:
        return found
    if is_finding():
        raise NotMade("align")
    emissions = StageRef(*stage.notes["emissions"])
    heard = store.read(emissions, ["id", "n_frames"]).table.to_pylist()
    frames = {row["id"]: row["n_frames"] for row in heard}
    notes = [{"letter": asdict(letter), "n_frames": frames[letter.recording_id]} for letter in refused]
    return store.write(
        "align",
        alignments.bundle,
        digest,
        stage.table,
        notes={**stage.notes, _NOTE: notes},
        dead_letters=[letter for letter in stage.dead_letters if letter.reason not in TEXT_REFUSALS],
    )


def tell(refused: Sequence[DeadLetter]) -> None:
    """Take them from what the board counts as rejected."""
    for letter in refused:
        BOARD.add("align", StageProgress(failed=-1, reasons={letter.reason: -1}))


def refused_ids(notes: Mapping[str, Any]) -> frozenset[str]:
    """The recordings with a refused transcript, by the notes of the alignments' file."""
    return frozenset(note["letter"]["recording_id"] for note in notes.get(_NOTE, ()))


def refused_of(
    notes: Mapping[str, Any], bundle: Sequence[ProbedRecording], only: frozenset[str] | None = None
) -> Iterator[RefusedTranscript]:
    """The recordings with a refused transcript, by the notes of the alignments' file.

    Args:
        notes: of the file.
        bundle: the recordings.
        only: ids of the recordings that are wanted; all where None.
    """
    by_id = {probed.recording.id: probed for probed in bundle}
    for note in notes.get(_NOTE, ()):
        letter = DeadLetter(**note["letter"])
        if only is None or letter.recording_id in only:
            probed = by_id[letter.recording_id]
            bare = replace(probed.recording, text="", source=None, others=())
            yield RefusedTranscript(
                probed=replace(probed, recording=bare), letter=letter, n_frames=note["n_frames"]
            )


class ReadRefused(beam.PTransform):
    """References to alignments -> the same, where recordings with a refused transcript are some without one."""

    def __init__(self, root: str) -> None:
        super().__init__()
        self._store = Store(root)

    def expand(self, alignments: PCollection[StageRef]) -> PCollection[StageRef]:
        """One reference per bundle."""
        store = self._store
        return alignments | "WithRefused" >> beam.Map(lambda ref: with_refused(store, ref))
