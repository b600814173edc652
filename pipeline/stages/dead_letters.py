"""The dead letter of a recording that an exception stopped."""

from __future__ import annotations

import traceback

from prep_corpus.align.errors import DeadLetter, RecordingError
from prep_corpus.pipeline.inputs.bundles import ProbedRecording


def dead_letter(stage: str, probed: ProbedRecording, error: Exception, decoded_samples: int) -> DeadLetter:
    """The row for a recording that an exception stopped; I/O errors are no fault of the recording and go on up."""
    if isinstance(error, OSError):
        raise error
    if isinstance(error, RecordingError):
        reason, message = error.reason, str(error)
        if probed.recording.id not in message:
            message = f"{probed.recording.id}: {message}"
    else:
        reason = "internal-error"
        message = f"{probed.recording.id}: " + "".join(traceback.format_exception(error)).strip()
    return DeadLetter(
        stage=stage,
        recording_id=probed.recording.id,
        reason=reason,
        message=message,
        decoded_samples=decoded_samples,
        read_characters=probed.recording.read_characters,
    )
