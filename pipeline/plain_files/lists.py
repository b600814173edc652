"""The lists beside plain audio files, from the rows of all parts of a split; those of packed samples: `packed.py`.

    nemo/train.jsonl                                     one JSON object per line, paths relative to the file
    nemo/audio/train-00000-0123456789abcdef/KEY.flac
    kaldi/train/{wav.scp,text,utt2spk,spk2utt,utt2dur}   sorted in C order, paths absolute
    kaldi/audio/train-00000-0123456789abcdef/KEY.wav

Source: NeMo, "Preparing Custom ASR Data"; Kaldi, "Data preparation".
"""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from tempfile import TemporaryFile
from typing import IO, Any, Literal

PlainFormat = Literal["nemo", "kaldi", "whisper"]

_NO_NAME = re.compile("[^A-Za-z0-9_]")
_MOST_OPEN = 200
"""Files that are merged at once."""


@dataclass(frozen=True, kw_only=True)
class PlainRow:
    """An utterance whose audio stands in a file of its own.

    Attributes:
        key: its id as a name that is safe everywhere.
        id: its id.
        audio: its file, relative to the folder of the format.
        duration: seconds.
        text: what is said, as the run's text style writes it.
        text_normalized: the same in the model's alphabet.
        speaker: who speaks, where that is known.
        recording_id: the recording it was cut from.
        language: its tag.
    """

    key: str
    id: str
    audio: str
    duration: float
    text: str
    text_normalized: str
    speaker: str | None
    recording_id: str
    language: str

    def to_line(self) -> bytes:
        """As one line of a part."""
        return json.dumps(asdict(self), ensure_ascii=False).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> PlainRow:
        """The row whose line this is."""
        return cls(**json.loads(line))


def nemo_line(row: PlainRow) -> bytes:
    """The line of a NeMo manifest."""
    fields: dict[str, Any] = {
        "audio_filepath": row.audio,
        "duration": row.duration,
        "text": row.text,
        "lang": row.language,
        "id": row.id,
    }
    if row.speaker is not None:
        fields["speaker"] = row.speaker
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def kaldi_speaker(row: PlainRow) -> str:
    """The name of the speaker in Kaldi's lists; the recording's where nobody is named.

    Letters, digits and "_" stay and all else becomes "=XX". An utterance's name is the speaker's, "-", and its key, and
    "-" sorts before all of these, so that lists have the same order by utterance and by speaker, as Kaldi demands.
    """
    name = row.speaker if row.speaker is not None else row.recording_id
    return _NO_NAME.sub(lambda found: "".join(f"={byte:02X}" for byte in found[0].encode()), name)


def kaldi_utterance(row: PlainRow) -> str:
    """The name of an utterance in Kaldi's lists."""
    return f"{kaldi_speaker(row)}-{row.key}"


def kaldi_order(line: bytes) -> bytes:
    """What parts are sorted by for Kaldi: the name of the utterance, byte by byte."""
    return kaldi_utterance(PlainRow.from_line(line)).encode()


def kaldi_lists(rows: Iterable[PlainRow], audio_folder: str, open_list: Callable[[str], IO[bytes]]) -> None:
    """Write the lists of a split.

    Args:
        rows: in the order of `kaldi_order`.
        audio_folder: absolute path or URI of the folder that `PlainRow.audio` is relative to.
        open_list: opens a list by its name.
    """
    lists = {name: open_list(name) for name in ("wav.scp", "text", "utt2spk", "spk2utt", "utt2dur")}
    before = None
    for row in rows:
        speaker, utterance = kaldi_speaker(row), kaldi_utterance(row)
        for name, value in (
            ("wav.scp", f"{audio_folder}/{row.audio}"),
            ("text", " ".join(row.text.split())),
            ("utt2spk", speaker),
            ("utt2dur", f"{row.duration:.6f}".rstrip("0").rstrip(".")),
        ):
            lists[name].write(f"{utterance} {value}\n".encode())
        if speaker != before:
            lists["spk2utt"].write(speaker.encode() if before is None else f"\n{speaker}".encode())
            before = speaker
        lists["spk2utt"].write(f" {utterance}".encode())
    if before is not None:
        lists["spk2utt"].write(b"\n")


def merged(parts: Iterable[Callable[[], IO[bytes]]], key: Callable[[bytes], bytes]) -> Iterator[bytes]:
    """The lines of many sorted files in order, few files open at once.

    Args:
        parts: opens each of them.
        key: what they are sorted by.
    """
    openers = list(parts)
    held: list[IO[bytes]] = []
    try:
        while len(openers) > _MOST_OPEN:
            several, openers = openers[:_MOST_OPEN], openers[_MOST_OPEN:]
            spool: IO[bytes] = TemporaryFile()  # noqa: SIM115
            held.append(spool)
            spool.writelines(_merged_few(several, key))
            spool.seek(0)
            openers.append(lambda spool=spool: spool)  # type: ignore[misc]
        yield from _merged_few(openers, key)
    finally:
        for spool in held:
            spool.close()


def _merged_few(openers: list[Callable[[], IO[bytes]]], key: Callable[[bytes], bytes]) -> Iterator[bytes]:
    opened = [opener() for opener in openers]
    try:
        yield from heapq.merge(*opened, key=key)
    finally:
        for file in opened:
            file.close()
