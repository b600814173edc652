"""Audio in tars: WebDataset, tarred NeMo manifests and Lhotse Shar as manifest entries.

No member is unpacked: a recording's audio is a span of the tar, and names of members are keys, never paths.
"""

from __future__ import annotations

import json
import os
import re
import tarfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from prep_corpus.align.errors import AudioMissing, EntryInvalid, RecordingError
from prep_corpus.align.transcripts.formats import ENDINGS
from prep_corpus.align.transcripts.recognisers import may_hold_text
from prep_corpus.pipeline.inputs.lines import TEXT_KEYS, decode_line, read_lines, told
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.parts import bytes_uri

Found = tuple[str, Mapping[str, Any] | RecordingError]

AUDIO_ENDINGS = frozenset(
    {"wav", "flac", "mp3", "ogg", "oga", "opus", "m4a", "mp4", "webm", "aac", "aiff", "sph"}
)
MOST_MEMBER_TEXT_BYTES = 16 << 20
_SHAR_CUTS = re.compile(r"cuts\.(\d+)\.jsonl(?:\.gz)?")
_REPEATED = re.compile(r"-sub\d+(?=\.[^.]*$)")
_MOST_INDEXED = 8
"""Tars whose members are known at a time."""


class Member(NamedTuple):
    """A regular file in a tar.

    Attributes:
        name: its name there.
        start, end: half-open span of the tar's bytes.
    """

    name: str
    start: int
    end: int


def tar_members(uri: str) -> Iterator[Member]:
    """The regular files of a tar, in order; their content is passed over.

    Raises:
        EntryInvalid: it is compressed, or no tar, or breaks off.
    """
    with files.open_binary(uri) as file:
        try:
            with tarfile.open(fileobj=file, mode="r:") as archive:
                while (member := archive.next()) is not None:
                    # It would keep all members.
                    archive.members = []  # type: ignore[attr-defined]
                    if member.isreg() and not member.issparse():
                        yield Member(member.name, member.offset_data, member.offset_data + member.size)
        except (tarfile.TarError, ValueError, OverflowError) as error:
            raise EntryInvalid(
                f"{uri}: a tar of audio must be whole and not compressed, so that its members are spans of it; {error}"
            ) from error


def webdataset_entries(uris: list[str], *, may_lack_text: bool = False) -> Iterator[Found]:
    """The samples of WebDataset tars: audio, and a text (.txt) or a JSON object with one, under one key.

    A key ends at the first dot of the member's own name, as WebDataset has it.

    Args:
        uris: the tars.
        may_lack_text: whether a sample without a text is right, but for one whose text is in a format that is not read
            there.
    """
    for uri in uris:
        try:
            yield from _samples(uri, may_lack_text)
        except EntryInvalid as error:
            yield os.path.basename(uri), error


def _samples(uri: str, may_lack_text: bool) -> Iterator[Found]:
    stem = os.path.basename(uri).removesuffix(".tar")
    sample: dict[str, Member] = {}
    key = None
    for member in tar_members(uri):
        folder, _, base = member.name.rpartition("/")
        name, _, ending = base.partition(".")
        own = f"{folder}/{name}" if folder else name
        if own != key and sample:
            yield _sample(uri, f"{stem}/{key}", sample, may_lack_text)
            sample = {}
        key = own
        sample[ending.lower()] = member
    if sample:
        yield _sample(uri, f"{stem}/{key}", sample, may_lack_text)


def _sample(uri: str, key: str, sample: Mapping[str, Member], may_lack_text: bool) -> Found:
    place = f"{os.path.basename(uri)}:{key}"
    audio = next((one for ending, one in sample.items() if ending.rpartition(".")[2] in AUDIO_ENDINGS), None)
    if audio is None:
        return place, AudioMissing(
            f"{place}: a sample must have audio, this one has {', '.join(sorted(sample))}"
        )
    fields: dict[str, Any] = {}
    unread = any(f".{ending.rpartition('.')[2]}" in ENDINGS for ending in sample.keys() - {"json", "txt"})
    try:
        for ending, read in (("json", json.loads), ("txt", lambda text: {"text": text.strip()})):
            if ending in sample:
                value = read(_text(uri, sample[ending], place))
                if isinstance(value, dict):
                    fields |= told(value)
                    unread = unread or may_hold_text(value)
    except (ValueError, RecursionError) as error:
        return place, EntryInvalid(f"{place}: its text must be UTF-8 or a JSON object; {error}")
    except EntryInvalid as error:
        return place, error
    if "text" not in fields and (unread or not may_lack_text):
        return place, EntryInvalid(
            f"{place}: a sample must have a text: KEY.txt, or KEY.json with one of {', '.join(TEXT_KEYS)}; it has "
            f"{', '.join(sorted(sample))}; captions, SMIL and other formats are read beside the audio in a folder, or "
            "where a manifest names them: unpack the tar"
        )
    return place, {**fields, "id": key, "audio_filepath": bytes_uri(uri, audio.start, audio.end)}


def _text(uri: str, member: Member, place: str) -> str:
    size = member.end - member.start
    if size > MOST_MEMBER_TEXT_BYTES:
        raise EntryInvalid(
            f"{place}: a text may have {MOST_MEMBER_TEXT_BYTES} bytes, {member.name!r} has {size}"
        )
    return files.read_bytes(bytes_uri(uri, member.start, member.end)).decode("utf-8")


class TarredAudio:
    """The tars beside a NeMo manifest whose entries name their shard (`shard_id`).

    Args:
        manifest: path or URI of the manifest.
    """

    def __init__(self, manifest: str) -> None:
        here = files.resolve(manifest, "")
        self._folders = (here, files.resolve(manifest, os.path.join("..", "")))
        self._indices: OrderedDict[str, dict[str, Member] | RecordingError] = OrderedDict()
        self._tars: dict[int, str | None] = {}

    def placed(self, fields: Mapping[str, Any], name: str) -> Mapping[str, Any] | RecordingError:
        """An entry with its audio in its tar; as it is where it names no shard, or there is no tar of this number."""
        shard, path = fields.get("shard_id"), fields.get("audio_filepath")
        if not isinstance(shard, int) or isinstance(shard, bool) or not isinstance(path, str):
            return fields
        tar = self._tar(shard)
        if tar is None:
            return fields
        members = self._index(tar)
        if isinstance(members, RecordingError):
            return members
        base = path.rpartition("/")[2]
        for wanted in (path, base, _REPEATED.sub("", base)):
            if wanted in members:
                member = members[wanted]
                stem = os.path.splitext(base)[0]
                return {
                    "id": f"{shard}/{stem}",
                    **fields,
                    "audio_filepath": bytes_uri(tar, member.start, member.end),
                }
        return AudioMissing(f"{name}: {path!r} must be in {tar}, which has no member of this name")

    def _tar(self, shard: int) -> str | None:
        if shard not in self._tars:
            places = (f"{folder.rstrip('/')}/audio_{shard}.tar" for folder in self._folders)
            self._tars[shard] = next((place for place in places if files.exists(place)), None)
        return self._tars[shard]

    def _index(self, tar: str) -> dict[str, Member] | RecordingError:
        if tar not in self._indices:
            try:
                self._indices[tar] = {member.name: member for member in tar_members(tar)}
            except EntryInvalid as error:
                self._indices[tar] = error
            while len(self._indices) > _MOST_INDEXED:
                self._indices.popitem(last=False)
        self._indices.move_to_end(tar)
        return self._indices[tar]


def shar_shards(names: list[str]) -> list[tuple[str, str]]:
    """The shards of a folder that Lhotse Shar wrote: its cuts and its recordings, by their names."""
    there = set(names)
    found = []
    for name in sorted(names):
        folder, _, base = name.rpartition("/")
        cuts = _SHAR_CUTS.fullmatch(base)
        if cuts:
            recordings = f"{folder}/recording.{cuts[1]}.tar" if folder else f"recording.{cuts[1]}.tar"
            if recordings in there:
                found.append((name, recordings))
    return found


def shar_entries(folder: str, shards: list[tuple[str, str]]) -> Iterator[Found]:
    """The cuts of Shar, each with its audio in the tar beside it."""
    for cuts, recordings in shards:
        tar = files.join(folder, *recordings.split("/"))
        try:
            audio = {
                os.path.splitext(member.name)[0]: member
                for member in tar_members(tar)
                if member.name.rpartition(".")[2].lower() in AUDIO_ENDINGS
            }
        except EntryInvalid as error:
            yield recordings, error
            continue
        for line in read_lines(files.join(folder, *cuts.split("/"))):
            try:
                cut = json.loads(decode_line(line))
                member = audio.get(str(cut["id"]))
                if member is None:
                    raise AudioMissing(f"{line.name}: the audio of cut {cut['id']!r} must be in {recordings}")
                yield line.name, _in_tar(cut, bytes_uri(tar, member.start, member.end))
            except RecordingError as error:
                yield line.name, error
            except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
                yield (
                    line.name,
                    EntryInvalid(f"{line.name}: a line must be a cut, as Lhotse writes it; {error!r}"),
                )


def _in_tar(cut: dict[str, Any], uri: str) -> dict[str, Any]:
    """A cut whose recording is all of a file: Shar holds what the cut was cut from it."""
    recording = cut["recording"]
    channels = recording.get("channel_ids") or recording["sources"][0]["channels"]
    source = {"type": "file", "channels": channels, "source": uri}
    return {
        **cut,
        "start": 0.0,
        "recording": {**recording, "sources": [source], "duration": cut["duration"], "transforms": None},
    }
