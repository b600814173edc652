"""Everything that can go wrong, as one tree.

    PrepCorpusError
    ├── StageFileDamaged      a stored file is not what was written; an OSError too
    ├── InputChanged          the noise or the model is not what it was when the run began
    ├── ModelFailed           a model raised while it ran on audio
    ├── UsageError            a wrong option, config file or manifest as a whole: exit code 2
    │   └── DocumentDamaged       a document of a run is not what was written; `check` tells it as a problem
    └── RecordingError        one recording cannot go on: it becomes a dead letter, the others go on
        ├── EntryInvalid          entry-invalid          the manifest entry breaks a rule
        ├── DuplicateId           duplicate-id
        ├── IdUnsafe              id-unsafe              the id could leave a folder, or is unprintable
        ├── AudioMissing          audio-missing
        ├── AudioUnreadable       audio-unreadable       no decoder can open it
        ├── AudioTruncated        audio-truncated        it breaks off before its stated end
        ├── AudioEmpty            audio-empty            no samples
        ├── AudioTooShort         audio-too-short        shorter than one frame of the model
        ├── AudioSilent           audio-silent
        ├── ChannelsCancel        channels-cancel        one channel is another inverted
        ├── AudioNotFinite        audio-not-finite       NaN or infinity among the samples
        ├── DurationMismatch      duration-mismatch      decoded length against the stated one
        ├── DecoderFailed         decoder-failed         a decoder crashed, hung or ate the memory on it
        ├── SourceChanged         source-changed         the audio is not what it was when the run began
        ├── TranscriptMissing     transcript-missing
        ├── TranscriptNotUtf8     transcript-not-utf8
        ├── TranscriptMalformed   transcript-malformed   not of the format that its name says
        ├── ParserFailed          parser-failed          parsing it crashed, hung or ate the memory
        ├── TranscriptEmpty       transcript-empty
        ├── TranscriptUnsayable   transcript-unsayable   over half of it is outside the model's alphabet
        ├── Infeasible            transcript-too-long    more tokens than frames
        └── InternalError         internal-error         a defect of this program, with its traceback

Every message states the rule, both values, and which recording.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar

from prep_corpus.align.secret_words import without_secrets


class PrepCorpusError(Exception):
    """Root of the tree."""


class UsageError(PrepCorpusError):
    """The command was asked for something it cannot do; nothing was started."""


class DocumentDamaged(UsageError):
    """A document of a run folder is not what was written; the message names it."""


class InputChanged(PrepCorpusError):
    """What the whole run depends on, its noise or its model, is not what it was when the run began."""


class ModelFailed(PrepCorpusError):
    """A model, which may be anybody's code, raised while it ran; the message names it."""


class StageFileDamaged(PrepCorpusError, OSError):
    """A stored file of a run is not what was written; it has been set aside, and the next run makes it again.

    An OSError, since it is the fault of the storage and of no recording.
    """


class StageFileGone(StageFileDamaged, FileNotFoundError):
    """A stored file of a run is not there any more, though it was found before."""


class RecordingError(PrepCorpusError):
    """One recording cannot be processed.

    Attributes:
        reason: the slug of the class.
        decoded_samples: samples decoded before it was raised, at the model's rate; set by decoding.
    """

    reason: ClassVar[str] = "internal-error"
    decoded_samples: int = 0


class EntryInvalid(RecordingError):
    """A manifest entry breaks a rule."""

    reason = "entry-invalid"


class DuplicateId(RecordingError):
    """Two manifest entries share an id."""

    reason = "duplicate-id"


class IdUnsafe(RecordingError):
    """An id could leave the output folder or cannot be printed."""

    reason = "id-unsafe"


class AudioMissing(RecordingError):
    """The audio file is not there."""

    reason = "audio-missing"


class AudioUnreadable(RecordingError):
    """No decoder can open the file as audio."""

    reason = "audio-unreadable"


class AudioTruncated(RecordingError):
    """The audio breaks off before its stated end."""

    reason = "audio-truncated"


class AudioEmpty(RecordingError):
    """The file holds no samples."""

    reason = "audio-empty"


class AudioTooShort(RecordingError):
    """The recording is shorter than one frame of the model."""

    reason = "audio-too-short"


class AudioSilent(RecordingError):
    """The recording is silent from end to end."""

    reason = "audio-silent"


class ChannelsCancel(RecordingError):
    """The mean of the channels keeps nearly nothing of them: one is another inverted."""

    reason = "channels-cancel"


class AudioNotFinite(RecordingError):
    """There is a NaN or an infinity among the samples."""

    reason = "audio-not-finite"


class DurationMismatch(RecordingError):
    """The decoded length differs by more than 1 % from the one stated."""

    reason = "duration-mismatch"


class DecoderFailed(RecordingError):
    """A process that decoded the recording alone crashed, took too long or wanted too much memory."""

    reason = "decoder-failed"


class SourceChanged(RecordingError):
    """The audio is not what it was when the run began; nothing that was made from it is kept."""

    reason = "source-changed"


class TranscriptMissing(RecordingError):
    """The transcript file is not there."""

    reason = "transcript-missing"


class TranscriptNotUtf8(RecordingError):
    """The transcript is not UTF-8."""

    reason = "transcript-not-utf8"


class TranscriptMalformed(RecordingError):
    """The transcript's file is not of the format that its name says, or holds no text for the recording."""

    reason = "transcript-malformed"


class ParserFailed(RecordingError):
    """A process that parsed the transcript alone crashed, took too long or wanted too much memory."""

    reason = "parser-failed"


class TranscriptEmpty(RecordingError):
    """The transcript holds nothing that could be said."""

    reason = "transcript-empty"


class TranscriptUnsayable(RecordingError):
    """Over half of the transcript's letters are outside the model's alphabet."""

    reason = "transcript-unsayable"


class Infeasible(RecordingError):
    """The transcript has more tokens than the recording has frames for."""

    reason = "transcript-too-long"


class InternalError(RecordingError):
    """An exception that nobody foresaw, wrapped with its traceback."""

    reason = "internal-error"


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """One rejected recording, with what the ledgers need of it; no URI in it has a user name or password.

    Attributes:
        stage: the stage that rejected it.
        recording_id: its id, or the manifest line where it has none.
        reason: the slug of the error's class.
        message: the rule, both values and the recording's name.
        decoded_samples: samples decoded before it was rejected, at the model's rate.
        read_characters: characters of its transcript.
    """

    stage: str
    recording_id: str
    reason: str
    message: str
    decoded_samples: int = 0
    read_characters: int = 0

    def __post_init__(self) -> None:
        for name in ("recording_id", "message"):
            object.__setattr__(self, name, without_secrets(getattr(self, name)))


def damage_in_words(error: Exception) -> str:
    """What is wrong with a document on which JSON, or the code that takes its values, gave up."""
    if isinstance(error, json.JSONDecodeError):
        return f"it is no JSON from line {error.lineno}, column {error.colno} on"
    if isinstance(error, UnicodeDecodeError):
        return f"it is no text: byte {error.start} is no UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, KeyError) and error.args and isinstance(error.args[0], str):
        return f"it has no {error.args[0]!r}"
    return "its values are not of the kinds that are written there"
