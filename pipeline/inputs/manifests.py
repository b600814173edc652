"""Reading manifests: every entry ends as a recording or as a dead letter, in bounded memory.

Accepted: NeMo-style JSON lines (also tarred), Lhotse cuts (`lhotse_cuts.py`), CSV and TSV, all of them also gzipped;
a folder of audio files with transcripts of the same name beside them; a Kaldi data directory (`kaldi.py`); tars of
WebDataset and Lhotse Shar (`tars.py`); and a data set on disk (`datasets_on_disk.py`).
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from prep_corpus.align.errors import (
    DeadLetter,
    DuplicateId,
    EntryInvalid,
    InternalError,
    RecordingError,
    TranscriptMissing,
    UsageError,
)
from prep_corpus.align.language_tags import UNKNOWN_LANGUAGE
from prep_corpus.align.recordings import DEFAULT_LANGUAGE, Entry, Recording, parse_entry
from prep_corpus.align.secret_words import uri_without_secrets
from prep_corpus.align.transcripts.formats import ENDINGS
from prep_corpus.pipeline.apart.attempts import parsing
from prep_corpus.pipeline.apart.parsing import Parser
from prep_corpus.pipeline.inputs.forms import (
    LANGUAGE_TAG,
    by_names_alone,
    form_of,
    is_dataset,
    no_manifest,
    parts_of,
    refuse_other_json,
)
from prep_corpus.pipeline.inputs.kaldi import is_kaldi, kaldi_entries
from prep_corpus.pipeline.inputs.lhotse_cuts import cut_entries, is_cut
from prep_corpus.pipeline.inputs.lines import as_entry, decode_line, open_plain, read_lines, table_entries
from prep_corpus.pipeline.inputs.tars import TarredAudio, shar_entries, shar_shards, webdataset_entries
from prep_corpus.pipeline.inputs.texts import characters_of, read_speaker_spans, read_versions
from prep_corpus.pipeline.storage import files

STAGE = "manifest"
_SEPARATORS = re.compile(r"[\s_.-]+")
_MOST_COMPARED = 2000
"""Transcripts among which one that was meant is looked for."""
AUDIO_FILE_ENDINGS = frozenset(
    {
        ".wav",
        ".flac",
        ".ogg",
        ".oga",
        ".opus",
        ".mp3",
        ".m4a",
        ".mp4",
        ".webm",
        ".aac",
        ".aif",
        ".aiff",
        ".sph",
    }
)

# An entry as its reader finds it: its name in messages, and either its fields or what is wrong with it.
FoundEntry = tuple[str, Mapping[str, Any] | RecordingError]


def read_manifest(
    uri: str,
    *,
    language: str = DEFAULT_LANGUAGE,
    only: Sequence[str] = (),
    may_lack_text: bool = False,
) -> Iterator[Recording | DeadLetter]:
    """Read a manifest in order.

    Args:
        uri: a file or folder, local or of a file system that Beam knows.
        language: language of the entries that state none.
        only: tags of the languages that are wanted, `UNKNOWN_LANGUAGE` among them for dead letters; all where empty.
        may_lack_text: whether a recording without a transcript is right; its text is then empty.

    Returns:
        One recording or dead letter an entry.

    Raises:
        UsageError: there is no manifest, or it is in no form that is accepted. Raised by the call itself.
    """
    found, join = _open(uri, may_lack_text)
    entries = _recordings(found, join, language, may_lack_text)
    return (one for one in entries if language_of(one) in only) if only else entries


def language_of(entry: Recording | DeadLetter) -> str:
    """The tag of a recording's language; of a dead letter it is not known."""
    return entry.language if isinstance(entry, Recording) else UNKNOWN_LANGUAGE


def _open(uri: str, may_lack_text: bool) -> tuple[Iterator[FoundEntry], Callable[[str], str]]:
    """The entries of a manifest, and what makes their paths absolute."""
    form = form_of(uri)
    folder_join = partial(files.resolve, files.join(uri, "manifest"))
    if form == "folder":
        if is_kaldi(uri):
            return kaldi_entries(uri, may_lack_text=may_lack_text), folder_join
        audio, names = _listing(uri)
        if any(os.path.splitext(name)[0] in names for name in audio):
            return _pair_entries(uri, audio, names, may_lack_text), folder_join
        packed = _packed_entries(files.absolute(uri), may_lack_text)
        if packed is None and audio and may_lack_text:
            return _pair_entries(uri, audio, names, may_lack_text), folder_join
        if packed is None:
            raise no_manifest(uri, audio, names)
        return packed, folder_join
    join = partial(files.resolve, uri)
    if form == "tar":
        return webdataset_entries(parts_of(uri), may_lack_text=may_lack_text), join
    if form == "parquet":
        parts = parts_of(uri)
        folder = parts[0].rpartition("/")[0]
        return _dataset_entries(folder, [part[len(folder) + 1 :] for part in parts], may_lack_text), join
    if form == "json":
        with open_plain(uri) as file:
            refuse_other_json(uri, file.read(4096))
        return _json_entries(uri), join
    return table_entries(uri, "," if form == "csv" else "\t", may_lack_text=may_lack_text), join


def _packed_entries(uri: str, may_lack_text: bool) -> Iterator[FoundEntry] | None:
    """The entries of a folder that other tools packed: Lhotse Shar, a data set on disk, WebDataset; None of another."""
    prefix = uri.rstrip("/") + "/"
    names = [path[len(prefix) :] for path in files.list_files(uri) if path.startswith(prefix)]
    if shards := shar_shards(names):
        return shar_entries(uri, shards)
    if is_dataset(names):
        return _dataset_entries(uri, names, may_lack_text)
    tars = [files.join(uri, *name.split("/")) for name in sorted(names) if name.endswith(".tar")]
    return webdataset_entries(tars, may_lack_text=may_lack_text) if tars else None


def _dataset_entries(folder: str, names: list[str], may_lack_text: bool) -> Iterator[FoundEntry]:
    # Brings pyarrow, which no other manifest needs.
    from prep_corpus.pipeline.inputs.datasets_on_disk import dataset_entries, tables_of

    return dataset_entries(folder, tables_of(folder, names), may_lack_text=may_lack_text)


def _recordings(
    found: Iterator[FoundEntry], join: Callable[[str], str], language: str, may_lack_text: bool
) -> Iterator[Recording | DeadLetter]:
    """Check entries, read their transcripts, and reject what breaks a rule."""
    seen = _SeenIds()
    with parsing() as parser:
        for name, fields, wrong in _single(found):
            yield _recording(name, fields, wrong, join, language, seen, parser, may_lack_text)


def _recording(
    name: str,
    fields: Mapping[str, Any],
    wrong: RecordingError | None,
    join: Callable[[str], str],
    language: str,
    seen: _SeenIds,
    parser: Parser,
    may_lack_text: bool,
) -> Recording | DeadLetter:
    """Check one entry and read its transcripts."""
    entry: Entry | None = None
    try:
        if wrong is not None:
            raise wrong
        entry = parse_entry(fields, join=join, name=name, language=language, may_lack_text=may_lack_text)
        for uri in (entry.audio_uri, entry.text_uri or "", *entry.other_text_uris, entry.rttm_uri or ""):
            if (harmless := uri_without_secrets(uri)) != uri:
                raise EntryInvalid(
                    f"{name}: recording {entry.id!r}: a path must not hold a user name, password or token, which every "
                    f"file of the run would show, as {harmless} does not; how stores are entered belongs into the "
                    "environment"
                )
            if not files.is_supported(uri):
                raise EntryInvalid(f"{name}: {files.unsupported(uri)}")
        seen.add(entry.id, name)
        recording = entry.recording(
            *read_versions(entry, name, parser, may_lack_text=may_lack_text),
            read_speaker_spans(entry, name, parser),
        )
    except RecordingError as error:
        return DeadLetter(
            stage=STAGE,
            recording_id=entry.id if entry is not None else name,
            reason=error.reason,
            message=str(error),
            read_characters=_characters(fields, join, parser),
        )
    except (OSError, UsageError):
        raise
    except Exception as error:
        # No line of a manifest stops a run, whatever stands in it.
        return DeadLetter(
            stage=STAGE,
            recording_id=entry.id if entry is not None else name,
            reason=InternalError.reason,
            message=str(internal_error(name, error)),
            read_characters=_characters(fields, join, parser),
        )
    return recording


def internal_error(name: str, error: Exception) -> InternalError:
    """What a defect leaves of an entry: where it happened."""
    return InternalError(f"{name}: " + "".join(traceback.format_exception(error)).strip())


def _characters(fields: Mapping[str, Any], join: Callable[[str], str], parser: Parser) -> int:
    """Characters of the transcripts of a rejected entry, as far as they can be had."""
    try:
        return characters_of(fields, join, parser)
    except (OSError, UsageError):
        raise
    except Exception:
        return 0


def _single(
    found: Iterator[FoundEntry],
) -> Iterator[tuple[str, Mapping[str, Any], RecordingError | None]]:
    """(place, entry as it was found, what is wrong with it), one a recording: a cut may be several."""
    for name, fields in found:
        if isinstance(fields, RecordingError):
            yield name, {}, fields
        elif not is_cut(fields):
            yield name, fields, None
        else:
            try:
                parts = cut_entries(fields, name)
            except RecordingError as error:
                yield name, fields, error
            except Exception as error:
                yield name, fields, internal_error(name, error)
            else:
                for part in parts:
                    yield name, part, None


class _SeenIds:
    """Ids seen so far as 16-byte digests, with the place of each first one."""

    def __init__(self) -> None:
        self._places: dict[bytes, str] = {}

    def add(self, recording_id: str, name: str) -> None:
        """Note an id.

        Raises:
            DuplicateId: it was noted before.
        """
        digest = hashlib.blake2b(recording_id.encode(), digest_size=16).digest()
        first = self._places.setdefault(digest, name)
        if first is not name:
            raise DuplicateId(
                f"{name}: an id must be unique, but {recording_id!r} is the id of {first} too, which is kept"
            )


def _json_entries(uri: str) -> Iterator[FoundEntry]:
    tars = TarredAudio(uri)
    for line in read_lines(uri):
        if not line.data.strip():
            continue
        try:
            text = decode_line(line)
            fields = json.loads(text)
        except RecordingError as error:
            yield line.name, error
            continue
        except (ValueError, RecursionError) as error:
            yield line.name, EntryInvalid(f"{line.name}: a line must be one JSON object; {error}")
            continue
        if isinstance(fields, dict):
            yield line.name, tars.placed(as_entry(fields), line.name)
        else:
            kind = type(fields).__name__
            yield (
                line.name,
                EntryInvalid(f"{line.name}: a line must be one JSON object, this one is a {kind}"),
            )


_ABOUT_A_CORPUS = frozenset(
    (
        "readme",
        "license",
        "licence",
        "copying",
        "notice",
        "changelog",
        "changes",
        "authors",
        "citation",
        "speakers",
    )
)
_ENDINGS_OF_DATA = frozenset((".json", ".tsv", ".xml", ".html", ".htm"))


def texts_without_audio(uri: str) -> list[str]:
    """Texts of a folder of pairs that no audio file has beside it, relative to the folder; of another manifest none.

    What only describes a corpus, as README.md does, is no text; nor are files of endings that other data has as well,
    such as stats.json, unless an audio file of the folder has its text in such a one.
    """
    if form_of(uri) != "folder" or is_kaldi(uri):
        return []
    audio, texts = _listing(uri)
    stems = {os.path.splitext(name)[0] for name in audio}
    if stems.isdisjoint(texts):
        return []
    used = {_ending(name) for stem, names in texts.items() if stem in stems for name in names}
    return sorted(
        name
        for stem, names in texts.items()
        if stem not in stems and os.path.basename(stem).casefold() not in _ABOUT_A_CORPUS
        for name in names
        if _ending(name) in used or _ending(name) not in _ENDINGS_OF_DATA
    )


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _listing(uri: str) -> tuple[list[str], dict[str, list[str]]]:
    """Audio files under a folder, and texts by stem; relative to it."""
    prefix = uri.rstrip("/") + "/"
    audio: list[str] = []
    texts: dict[str, list[str]] = {}
    for path in files.list_files(uri):
        if not path.startswith(prefix):
            continue
        stem, ending = os.path.splitext(path[len(prefix) :])
        if ending.lower() in AUDIO_FILE_ENDINGS:
            audio.append(stem + ending)
        elif ending.lower() in ENDINGS:
            texts.setdefault(stem, []).append(stem + ending)
    stems = {os.path.splitext(name)[0] for name in audio}
    for stem in [stem for stem in texts if stem not in stems]:
        # `talk.en.vtt` belongs to `talk`, as those who download subtitles name them.
        base = LANGUAGE_TAG.sub("", stem)
        if base in stems:
            texts.setdefault(base, []).extend(texts.pop(stem))
    return audio, texts if stems & texts.keys() else by_names_alone(stems, texts)


def _near_miss(stem: str, texts: dict[str, list[str]]) -> str:
    """A transcript that may have been meant, as words for a message."""
    if len(texts) > _MOST_COMPARED:
        return ""
    plain = {_SEPARATORS.sub(" ", other.casefold()): other for other in texts}
    near = difflib.get_close_matches(_SEPARATORS.sub(" ", stem.casefold()), list(plain), n=1, cutoff=0.75)
    return f"; is {texts[plain[near[0]]][0]} meant?" if near else ""


def _pair_entries(
    uri: str, audio: list[str], texts: dict[str, list[str]], may_lack_text: bool
) -> Iterator[FoundEntry]:
    order = list(ENDINGS)
    for name in audio:
        place = files.join(uri, name)
        beside = texts.get(os.path.splitext(name)[0])
        if beside is not None:
            beside = sorted(beside, key=lambda text: (order.index(os.path.splitext(text)[1].lower()), text))
            yield place, {"audio_filepath": name, "text_filepath": beside}
        elif may_lack_text:
            yield place, {"audio_filepath": name}
        else:
            yield (
                place,
                TranscriptMissing(
                    f"{place}: a transcript of the same name must be beside it ({', '.join(ENDINGS)})"
                    f"{_near_miss(os.path.splitext(name)[0], texts)}"
                ),
            )
