"""Reading the transcripts of manifest entries: from the entry itself, or from the files that it names."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from prep_corpus.align.errors import (
    RecordingError,
    TranscriptEmpty,
    TranscriptMalformed,
    TranscriptMissing,
)
from prep_corpus.align.recordings import Entry
from prep_corpus.align.speakers.rttm import ENDING, SpeakerSpan
from prep_corpus.align.transcripts.formats import PLAIN
from prep_corpus.align.transcripts.overlays import smil
from prep_corpus.align.transcripts.pieces import EVERYTHING, Selection
from prep_corpus.align.transcripts.versions import TranscriptSource, Version, segments_source, timed_text
from prep_corpus.pipeline.apart.parsing import Parser
from prep_corpus.pipeline.inputs.lhotse_cuts import cut_texts, is_cut
from prep_corpus.pipeline.storage import files

MOST_TRANSCRIPT_BYTES = 256 << 20
"""The text of a thousand hours has a fifth of that."""


def read_versions(
    entry: Entry, name: str, parser: Parser, *, may_lack_text: bool = False
) -> tuple[list[Version], list[str]]:
    """The transcripts of an entry that can be read, and what is wrong with the others.

    Args:
        entry: checked.
        name: name of the entry in messages.
        parser: of transcript files.
        may_lack_text: whether there may be none, or empty ones alone.

    Returns:
        At least one transcript. Of several with the same text one is enough, that with cue times if there is one.
        An empty one where there is none.

    Raises:
        RecordingError: none can be read; that of the first.
    """
    shown = f"{name}: recording {entry.id!r}"
    if entry.text is not None:
        source = segments_source(entry.cues) if entry.cues else None
        found = [Version(text=entry.text, source=source)]
        found += [Version(text=text) for text in entry.other_texts]
        wrong: list[RecordingError] = []
    else:
        found, wrong = [], []
        for uri in (entry.text_uri or "", *entry.other_text_uris):
            try:
                version = read_version(uri, parser, shown=shown, selection=entry.selection)
            except RecordingError as error:
                wrong.append(error)
            else:
                found.append(
                    replace(version, source=version.source or TranscriptSource(name=uri, format=PLAIN))
                )
    full: dict[str, Version] = {}
    for version in found:
        known = full.get(version.text)
        if not version.text.strip():
            what = f"; there is no text in {version.name}" if version.name else ""
            wrong.append(TranscriptEmpty(f"{shown}: the transcript must not be empty{what}"))
        elif known is None or (_cues(version) and not _cues(known)):
            full[version.text] = version
    if not full and may_lack_text and all(isinstance(error, TranscriptEmpty) for error in wrong):
        return [Version(text="")], []
    if not full:
        raise wrong[0]
    return list(full.values()), [str(error) for error in wrong]


def read_version(uri: str, parser: Parser, *, shown: str, selection: Selection = EVERYTHING) -> Version:
    """The transcript in a file.

    Args:
        uri: the file.
        parser: of transcript files.
        shown: manifest line and recording, for messages.
        selection: which part of the file.

    Raises:
        RecordingError: there is no such file, or it is not of its format. I/O errors go on up.
    """
    try:
        size_bytes = files.size(uri)
        if size_bytes > MOST_TRANSCRIPT_BYTES:
            raise TranscriptMalformed(
                f"{shown}: a transcript has at most {MOST_TRANSCRIPT_BYTES >> 20} MiB, {uri} has {size_bytes >> 20}"
            )
        data = files.read_bytes(uri)
    except OSError as error:
        if not files.is_absent(error):
            raise
        raise TranscriptMissing(f"{shown}: there must be a transcript at {uri}: {error}") from error
    # The message names the place, the ending the format: so the place ends as the file does.
    place = f"{shown}: {uri}"
    documents = _documents(uri, data, parser, place)
    return parser.parse(data, place=place, name=uri, selection=selection, documents=documents)


def _documents(uri: str, data: bytes, parser: Parser, place: str) -> dict[str, bytes]:
    """The files that a transcript's text stands in, by their paths from its folder.

    Raises:
        RecordingError: one is not there or stands elsewhere, or all are too large. I/O errors go on up.
    """
    folder = os.path.dirname(uri) if files.is_local(uri) else uri.rpartition("/")[0]
    found: dict[str, bytes] = {}
    left_bytes = MOST_TRANSCRIPT_BYTES - len(data)
    documents = parser.documents_of(data, place=place, up=smil.MOST_UP)
    up = smil.folders_up(folder, documents, files.exists)
    if any(document.startswith("../" * (up + 1)) for document in documents):
        documents = parser.documents_of(data, place=place, up=up)
    for document, line in documents.items():
        named = f"{place}: line {line}"
        if files.is_local(uri):
            smil.check_below(folder, document, place=named, up=up)
        try:
            size_bytes = files.size(smil.place_of(folder, document))
            left_bytes -= size_bytes
            if left_bytes < 0:
                raise TranscriptMalformed(
                    f"{named}: a transcript has at most {MOST_TRANSCRIPT_BYTES >> 20} MiB with the documents that it "
                    f"names, and {document} has {size_bytes >> 20}"
                )
            found[document] = files.read_bytes(smil.place_of(folder, document))
        except OSError as error:
            if not files.is_absent(error):
                raise
            raise smil.absent(document, error, place=named) from error
    return found


def read_speaker_spans(entry: Entry, name: str, parser: Parser) -> tuple[SpeakerSpan, ...]:
    """Who speaks when in an entry's audio: by the RTTM file that it names, or one of its name beside audio or text.

    Beside files that are not on a disk none is looked for.

    Args:
        entry: checked.
        name: name of the entry in messages.
        parser: of RTTM files.

    Raises:
        RecordingError: the file that is named is not there, or one is not of its format.
    """
    shown = f"{name}: recording {entry.id!r}"
    uri = entry.rttm_uri
    if uri is None:
        places = (entry.audio_uri, *(one for one in (entry.text_uri, *entry.other_text_uris) if one))
        beside = (os.path.splitext(place)[0] + ENDING for place in places if files.is_local(place))
        uri = next((place for place in beside if os.path.isfile(place)), None)
    if uri is None:
        return ()
    try:
        size_bytes = files.size(uri)
        if size_bytes > MOST_TRANSCRIPT_BYTES:
            raise TranscriptMalformed(
                f"{shown}: an RTTM file has at most {MOST_TRANSCRIPT_BYTES >> 20} MiB, {uri} has {size_bytes >> 20}"
            )
        content = files.read_bytes(uri)
    except OSError as error:
        if not files.is_absent(error):
            raise
        raise TranscriptMissing(f"{shown}: there must be an RTTM file at {uri}: {error}") from error
    return parser.parse_speakers(content, place=f"{shown}: {uri}", recordings=entry.selection.recordings)


def characters_of(fields: Mapping[str, Any], join: Callable[[str], str], parser: Parser) -> int:
    """Characters of the transcripts of an entry that was rejected: they are read too, so that the ledger has them.

    Args:
        fields: the entry as found; nothing is known of it.
        join: makes a path of the manifest absolute.
        parser: of transcript files.
    """
    if is_cut(fields):
        return len("\n".join(cut_texts(fields)))
    text, paths = fields.get("text"), fields.get("text_filepath")
    texts = [one for one in (text if isinstance(text, list) else [text]) if isinstance(one, str)]
    if any(texts) or paths in (None, "", []):
        if not texts and "segments" in fields:
            try:
                texts = [timed_text(fields["segments"], "")[0]]
            except RecordingError:
                texts = []
        return sum(map(len, texts))
    count = 0
    for path in paths if isinstance(paths, list) else [paths]:
        if isinstance(path, str) and path and "\0" not in path and files.is_supported(join(path)):
            try:
                count += len(read_version(join(path), parser, shown="").text)
            except RecordingError:
                continue
    return count


def _cues(version: Version) -> bool:
    return version.source is not None and bool(version.source.cues)
