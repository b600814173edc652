"""Encoded utterances of the run before: the same samples of the same audio have the same bytes.

A changed filter keeps most utterances as they were. What is missing, damaged or of other audio is encoded again.

Shapes: N samples.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO

import soundfile

from prep_corpus.align.audio import decode as audio
from prep_corpus.align.audio.levels import Levels
from prep_corpus.augment.mix import is_silent
from prep_corpus.pipeline.inputs.bundles import ProbedRecording
from prep_corpus.pipeline.inputs.decoding import decoded_spans
from prep_corpus.pipeline.shards.clips import ClipDamaged, read_record
from prep_corpus.pipeline.shards.encoding import encode_audio
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.digests import digest_of
from prep_corpus.pipeline.storage.stage_store import Store

NOTE = "clips"
"""The note of a segment stage that says what its clips are made of."""


class EarlierLost(Exception):
    """An earlier clip is not what its table says; its recording is done without."""


def clips_identity(bundle: Iterable[ProbedRecording], sample_rate: str, model_hz: int) -> str:
    """All that decides the bytes of the clip of an utterance of a bundle, beside its place.

    Args:
        bundle: the recordings.
        sample_rate: at which rate clips are, of `SegmentOptions`.
        model_hz: rate of the model, by which places are named.
    """
    library = soundfile.__libsndfile_version__
    return digest_of(
        "clips", audio.VERSION, library, [probed.audio_identity for probed in bundle], sample_rate, model_hz
    )


@dataclass(kw_only=True)
class EarlierClips:
    """The clips of an earlier segment stage of the same bundle; closed at the end of the block.

    Attributes:
        digest: of that stage.
        places: offset and length of each clip by the id of its utterance.
    """

    digest: str
    places: dict[str, tuple[int, int]]
    _file: BinaryIO
    _lock: threading.Lock

    @classmethod
    def find(cls, store: Store, bundle_digest: str, digest: str | None, identity: str) -> EarlierClips | None:
        """Open them, where they stand and are of the same audio.

        Args:
            store: of the run.
            bundle_digest: the bundle.
            digest: of its segments in the run before; None where there is none.
            identity: see `clips_identity`.
        """
        if digest is None:
            return None
        try:
            ref = store.find("segment", bundle_digest, digest)
            if ref is None:
                return None
            stage = store.read(ref, ["id", "kept", "clip_offset", "clip_bytes"])
            if stage.notes.get(NOTE) != identity:
                return None
            file = files.open_binary(store.uri("segment", digest, ".clips"))
        except OSError:
            return None
        rows = stage.table.filter(stage.table["kept"]).to_pylist()
        places = {row["id"]: (row["clip_offset"], row["clip_bytes"]) for row in rows}
        return cls(digest=digest, places=places, _file=file, _lock=threading.Lock())

    def read(self, id_: str, start: int, rate_hz: int) -> tuple[bytes, int]:
        """The FLAC of an utterance, and its samples.

        Args:
            id_: one of `places`.
            start: where it begins, in samples at `rate_hz`.
            rate_hz: rate of the clip.

        Raises:
            EarlierLost: it is not what was written.
        """
        offset, n_bytes = self.places[id_]
        try:
            with self._lock:
                fields, flac = read_record(self._file, offset=offset, n_bytes=n_bytes, digest=self.digest)
        except (ClipDamaged, OSError) as error:
            raise EarlierLost(str(error)) from error
        if (fields["id"], fields["start_sample"], fields["sample_rate_hz"]) != (id_, start, rate_hz):
            raise EarlierLost(f"{id_} was expected, not {fields['id']} at {fields['start_sample']}")
        return flac, fields["end_sample"] - start

    def __enter__(self) -> EarlierClips:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def encoded_clips(
    probed: ProbedRecording,
    wanted: Sequence[tuple[str, tuple[int, int]]],
    rate_hz: int,
    levels: Levels | None,
    earlier: EarlierClips | None,
    *,
    may_lack: int,
) -> Generator[tuple[bytes, int] | None, None, None]:
    """The FLAC of each utterance with the number of its samples, or None of a silent one; decoded where it is new.

    Args:
        probed: the recording.
        wanted: ids and half-open spans of samples at `rate_hz`, in order.
        rate_hz: rate of the clips.
        levels: see `decoded_spans`.
        earlier: what may be taken over.
        may_lack: see `slices`.

    Raises:
        EarlierLost: an earlier clip is damaged.
        EOFError, RecordingError: see `decoded_spans`.
    """
    known = {} if earlier is None else earlier.places
    new = [span for id_, span in wanted if id_ not in known]
    with closing(decoded_spans(probed, rate_hz, new, levels, may_lack=may_lack)) as samples:
        for id_, (start, _) in wanted:
            if earlier is not None and id_ in known:
                yield earlier.read(id_, start, rate_hz)
                continue
            clip_N = next(samples)
            yield None if is_silent(clip_N, rate_hz) else (encode_audio(clip_N, rate_hz), len(clip_N))
