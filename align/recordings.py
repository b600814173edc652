"""A recording, and the rules that its manifest entry must keep."""

from __future__ import annotations

import math
import posixpath
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from prep_corpus.align.entry_values import check_unicode, given_keys, number_of, shown, strings_of, text_of
from prep_corpus.align.errors import EntryInvalid, IdUnsafe
from prep_corpus.align.language_tags import is_known
from prep_corpus.align.secret_words import uri_without_secrets
from prep_corpus.align.speakers.rttm import SpeakerSpan, shifted
from prep_corpus.align.transcripts.pieces import EVERYTHING, Cue, Selection
from prep_corpus.align.transcripts.versions import TranscriptSource, Version, timed_text

MAX_ID_BYTES = 512
DEFAULT_LANGUAGE = "en"

# Keys that a manifest entry may hold; any other key is ignored.
ENTRY_KEYS = (
    "audio_filepath",
    "text",
    "text_filepath",
    "segments",
    "text_recording",
    "text_channel",
    "text_tier",
    "rttm_filepath",
    "id",
    "offset",
    "duration",
    "speaker",
    "lang",
    "channel",
    "track",
)

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")
_DRIVE = re.compile(r"^[A-Za-z]:[/\\]")
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One recording with its transcript.

    Attributes:
        id: unique in a manifest, safe as the path of a file; see `check_id`.
        audio_uri: where the audio is; absolute, or as the manifest's folder makes it.
        text: the transcript, as found; empty where there is none.
        offset_seconds: where in the audio file the recording starts.
        duration_seconds: its length, where the manifest states it.
        sliced: the manifest gave an offset, so `duration_seconds` is a length to take out of the file. Where
            it gave none, `duration_seconds` states the length of the whole file, and decoding checks it.
        speaker: who speaks, where known.
        language: a tag such as "en".
        channel: the one channel to take, counted from 0; the mean of all where None.
        track: of several audio tracks, its number from 0 or its language; the default one where None.
        source: where `text` comes from; None for plain text of the manifest's own.
        others: further transcripts of the same audio, of which the alignment chooses one; see `version`.
        lost: what became of those that could not be read, one message each.
        speaker_spans: who speaks when, as an RTTM file says, in the order of their starts; none without one.

    Raises:
        IdUnsafe, EntryInvalid: see `check_id` and `check_span`.
    """

    id: str
    audio_uri: str
    text: str
    offset_seconds: float = 0.0
    duration_seconds: float | None = None
    sliced: bool = False
    speaker: str | None = None
    language: str = DEFAULT_LANGUAGE
    channel: int | None = None
    track: str | None = None
    source: TranscriptSource | None = None
    others: tuple[Version, ...] = ()
    lost: tuple[str, ...] = ()
    speaker_spans: tuple[SpeakerSpan, ...] = ()

    def __post_init__(self) -> None:
        check_id(self.id)
        if not self.audio_uri:
            raise EntryInvalid(f"recording {self.id!r}: the path of its audio is empty")
        check_span(
            offset_seconds=self.offset_seconds,
            duration_seconds=self.duration_seconds,
            channel=self.channel,
            name=f"recording {self.id!r}",
        )
        if self.offset_seconds > 0 and not self.sliced:
            object.__setattr__(self, "sliced", True)

    @property
    def versions(self) -> tuple[Version, ...]:
        """All transcripts, `text` first."""
        return (Version(text=self.text, source=self.source), *self.others)

    def version(self, number: int) -> Recording:
        """The same recording with another of its transcripts as `text`, the rest as `others`.

        Args:
            number: place in `versions`.
        """
        if number == 0:
            return self
        versions = self.versions
        chosen, rest = versions[number], versions[:number] + versions[number + 1 :]
        return replace(self, text=chosen.text, source=chosen.source, others=rest)

    @property
    def read_characters(self) -> int:
        """Characters of all its transcripts, as the ledger counts them."""
        return len(self.text) + sum(len(version.text) for version in self.others)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A manifest entry whose form is right, its transcript not read yet.

    Attributes:
        text: the transcript where the entry holds it, else None.
        text_uri: the file that holds the transcript, else None. One of the two is given, or `text` is empty.
        other_texts: further transcripts of the same audio, where the entry holds a list of them.
        other_text_uris: further files, likewise.
        selection: which part of such a file is meant.
        cues: cues of `text`, where the entry gives it in timed segments.
        rttm_uri: the file that says who speaks when, where the entry names one.
        The others are as in `Recording`.
    """

    id: str
    audio_uri: str
    text: str | None
    text_uri: str | None
    offset_seconds: float
    duration_seconds: float | None
    sliced: bool
    speaker: str | None
    language: str
    channel: int | None
    other_texts: tuple[str, ...] = ()
    other_text_uris: tuple[str, ...] = ()
    selection: Selection = EVERYTHING
    cues: tuple[Cue, ...] = ()
    rttm_uri: str | None = None
    track: str | None = None

    def recording(
        self, versions: Sequence[Version], lost: Sequence[str] = (), speaker_spans: Sequence[SpeakerSpan] = ()
    ) -> Recording:
        """The recording, with its transcripts at hand.

        Args:
            versions: at least one.
            lost: what became of those that could not be read.
            speaker_spans: who speaks when in the audio file.
        """
        return Recording(
            id=self.id,
            audio_uri=self.audio_uri,
            text=versions[0].text,
            source=versions[0].source,
            others=tuple(versions[1:]),
            lost=tuple(lost),
            speaker_spans=shifted(speaker_spans, self.offset_seconds),
            offset_seconds=self.offset_seconds,
            duration_seconds=self.duration_seconds,
            sliced=self.sliced,
            speaker=self.speaker,
            language=self.language,
            channel=self.channel,
            track=self.track,
        )


def check_id(recording_id: str) -> None:
    """Refuse an id that could leave a folder when used as a path, or that cannot be printed.

    "book/chapter1" is a good id: "/" between names makes folders.

    Raises:
        IdUnsafe: it is empty, over 512 bytes, absolute, or holds a control character, a backslash, or an
            empty, "." or ".." name between slashes.
    """
    shown = ascii(recording_id if len(recording_id) <= 80 else recording_id[:77] + "...")
    if not recording_id.strip():
        raise IdUnsafe(f"id {shown}: an id must not be empty")
    # The first test is the fast one; it also finds spaces of other kinds, which may stand.
    if not recording_id.isprintable() and any(
        unicodedata.category(character) in _UNPRINTABLE for character in recording_id
    ):
        raise IdUnsafe(f"id {shown}: an id must not hold control or invisible characters")
    size = len(recording_id.encode())
    if size > MAX_ID_BYTES:
        raise IdUnsafe(f"id {shown}: an id may have {MAX_ID_BYTES} bytes, this one has {size}")
    if "\\" in recording_id:
        raise IdUnsafe(f"id {shown}: an id must not hold a backslash")
    if recording_id.startswith("/") or _DRIVE.match(recording_id) or _SCHEME.match(recording_id):
        raise IdUnsafe(f"id {shown}: an id must be relative, not an absolute path or a URI")
    for part in recording_id.split("/"):
        if part in ("", ".", ".."):
            raise IdUnsafe(
                f"id {shown}: the name {part!r} between slashes could lead out of the output folder"
            )


def check_span(
    *, offset_seconds: float, duration_seconds: float | None, channel: int | None, name: str
) -> None:
    """Refuse times and channels that no audio file can have.

    Raises:
        EntryInvalid: the offset is negative or not finite, the duration not over 0 or not finite, or the
            channel is negative.
    """
    if not (math.isfinite(offset_seconds) and offset_seconds >= 0):
        raise EntryInvalid(f"{name}: offset must be at least 0 seconds, it is {offset_seconds}")
    if duration_seconds is not None and not (math.isfinite(duration_seconds) and duration_seconds > 0):
        whole = (
            "" if math.isfinite(duration_seconds) else " and have an end; leave it out where it is not known"
        )
        raise EntryInvalid(f"{name}: duration must be over 0 seconds{whole}, it is {duration_seconds}")
    if channel is not None and channel < 0:
        raise EntryInvalid(f"{name}: channel must be at least 0, it is {channel}")


def default_id(
    audio_filepath: str, *, offset: float | None, channel: int | None, track: str | None = None
) -> str:
    """The id of an entry that states none: its audio path without extension, its offset, track and channel.

    The leading slash of an absolute path, the scheme, user name and password of a URI, and names that lead upwards are
    left out.

    Args:
        audio_filepath: the path in the manifest's own spelling.
        offset: seconds, as the manifest gives it.
        channel: the channel that the manifest names.
        track: the track that it names.

    Returns:
        For example "book/chapter1", or "book/chapter1-12.5" for the part that starts at 12.5 s.
    """
    path = _SCHEME.sub("", uri_without_secrets(audio_filepath).replace("\\", "/"))
    parts = [part for part in _DRIVE.sub("", path).split("/") if part not in ("", ".", "..")]
    stem = posixpath.splitext("/".join(parts))[0]
    if offset is not None:
        stem += f"-{offset:.6f}".rstrip("0").rstrip(".")
    if track is not None:
        stem += f"-track{track}"
    return stem if channel is None else f"{stem}-channel{channel}"


def parse_entry(
    entry: Mapping[str, Any],
    *,
    join: Callable[[str], str],
    name: str,
    language: str = DEFAULT_LANGUAGE,
    may_lack_text: bool = False,
) -> Entry:
    """Read one manifest entry.

    Args:
        entry: keys as in `ENTRY_KEYS`; other keys are ignored. Values are JSON values or, from CSV, strings;
            None and the empty string count as not given, except for `text`.
        join: makes a path of the manifest absolute.
        name: name of the entry in messages, such as "manifest.jsonl:3".
        language: language of an entry that states none.
        may_lack_text: whether an entry without a transcript is right; its text is then empty.

    Returns:
        The entry, checked.

    Raises:
        EntryInvalid: a key is missing or its value has the wrong type or range.
        IdUnsafe: see `check_id`.
    """
    audio = text_of(entry, "audio_filepath", name)
    if audio is None:
        raise EntryInvalid(f"{name}: an entry needs audio_filepath, this one has {given_keys(entry)}")
    offset = number_of(entry, "offset", name)
    duration = number_of(entry, "duration", name)
    channel = _channel(entry, name)
    check_span(offset_seconds=offset or 0.0, duration_seconds=duration, channel=channel, name=name)
    texts, paths, cues = _transcripts(entry, name, may_lack_text=may_lack_text)
    rttm = text_of(entry, "rttm_filepath", name)
    track = _track(entry, name)
    recording_id = text_of(entry, "id", name)
    if recording_id is None:
        recording_id = default_id(audio, offset=offset, channel=channel, track=track)
    try:
        check_id(recording_id)
    except IdUnsafe as error:
        raise IdUnsafe(f"{name}: {error}") from error
    return Entry(
        id=recording_id,
        audio_uri=join(audio),
        text=texts[0] if texts else None,
        text_uri=None if texts else join(paths[0]),
        other_texts=tuple(texts[1:]),
        other_text_uris=tuple(join(path) for path in paths[1:]),
        selection=_selection(entry, audio, recording_id, channel, name),
        cues=cues,
        rttm_uri=None if rttm is None else join(rttm),
        offset_seconds=offset or 0.0,
        duration_seconds=duration,
        sliced=offset is not None,
        speaker=text_of(entry, "speaker", name),
        language=_language(entry, name) or language,
        channel=channel,
        track=track,
    )


def _track(entry: Mapping[str, Any], name: str) -> str | None:
    """Number or language of an audio track."""
    track = text_of(entry, "track", name)
    if track is not None and not (track.isascii() and track.isdecimal()) and not is_known(track):
        raise EntryInvalid(
            f"{name}: track must be a whole number counted from 0, or a language such as en or fra, it is {track!r}"
        )
    return track


def _language(entry: Mapping[str, Any], name: str) -> str | None:
    tag = text_of(entry, "lang", name)
    if tag is not None and not is_known(tag):
        raise EntryInvalid(
            f"{name}: lang must be a language tag that begins with ISO 639, such as en, de-AT or swh; it is {tag!r}"
        )
    return tag


def _transcripts(
    entry: Mapping[str, Any], name: str, *, may_lack_text: bool
) -> tuple[list[str], list[str], tuple[Cue, ...]]:
    """Texts, or else paths, of which one is given at least; and the cues of the one text made of segments."""
    text = entry.get("text")
    given = [text] if isinstance(text, str) else text
    if given is not None and not (isinstance(given, list) and all(isinstance(one, str) for one in given)):
        raise EntryInvalid(f"{name}: text must be a string, or a list of strings, it is {shown(text)}")
    texts: list[str] = given or []
    paths = strings_of(entry, "text_filepath", name)
    if not any(texts) and paths:
        return [], paths, ()
    for one in texts:
        check_unicode(one, "text", name)
    if texts:
        return texts, [], ()
    if not entry.get("segments") and may_lack_text:
        return [""], [], ()
    if entry.get("segments") == []:
        raise EntryInvalid(
            f"{name}: segments must hold a piece of text at least, it is an empty list; give text or text_filepath"
        )
    if entry.get("segments"):
        joined, cues = timed_text(entry["segments"], name)
        check_unicode(joined, "segments", name)
        return [joined], [], cues
    raise EntryInvalid(
        f"{name}: an entry needs text, text_filepath or segments, this one has {given_keys(entry)}"
    )


def _selection(
    entry: Mapping[str, Any], audio: str, recording_id: str, channel: int | None, name: str
) -> Selection:
    """Which part of a transcript's file is meant: as the entry says, else the one named like the recording."""
    stated = text_of(entry, "text_recording", name)
    stem = posixpath.splitext(posixpath.basename(audio.replace("\\", "/")))[0]
    return Selection(
        recordings=(stated,) if stated is not None else (recording_id, stem),
        channel=text_of(entry, "text_channel", name),
        channel_index=channel,
        tiers=tuple(strings_of(entry, "text_tier", name)),
        strict=stated is not None,
    )


def _channel(entry: Mapping[str, Any], name: str) -> int | None:
    number = number_of(entry, "channel", name, "a whole number counted from 0")
    if number is None:
        return None
    if not number.is_integer():
        raise EntryInvalid(f"{name}: channel must be a whole number counted from 0, it is {number}")
    return int(number)
