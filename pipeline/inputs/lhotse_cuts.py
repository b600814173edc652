"""Lhotse cuts (JSON lines, also gzipped) as manifest entries: one recording a cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prep_corpus.align.errors import EntryInvalid

_KINDS = frozenset({"MonoCut", "MultiCut", "MixedCut", "PaddingCut", "Cut"})

# Lhotse's recipes write languages by name; the rules for numbers go by tag.
_LANGUAGES = {
    "arabic": "ar", "catalan": "ca", "chinese": "zh", "czech": "cs", "danish": "da", "dutch": "nl", "english": "en",
    "finnish": "fi", "french": "fr", "german": "de", "hebrew": "he", "hungarian": "hu", "indonesian": "id",
    "italian": "it", "japanese": "ja", "kazakh": "kk", "korean": "ko", "mandarin": "zh", "norwegian": "no",
    "persian": "fa", "polish": "pl", "portuguese": "pt", "romanian": "ro", "russian": "ru", "spanish": "es",
    "swedish": "sv", "thai": "th", "turkish": "tr", "ukrainian": "uk", "vietnamese": "vi",
}  # fmt: skip


def is_cut(fields: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a Lhotse cut and no manifest entry."""
    return "audio_filepath" not in fields and (fields.get("type") in _KINDS or "supervisions" in fields)


def cut_entry(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A cut as a manifest entry; the times of its supervisions are a check, as those of subtitles are.

    Args:
        fields: as Lhotse writes it.
        name: of the line in messages.

    Raises:
        EntryInvalid: its audio is not a part of one file, or it is not as Lhotse writes it.
    """
    kind = fields.get("type", "MonoCut")
    if kind not in ("MonoCut", "MultiCut", "Cut"):
        raise EntryInvalid(
            f"{name}: a cut must be a MonoCut or a MultiCut, this one is a {kind}: its audio is made by mixing. Write "
            "it to files first (`CutSet.save_audios` does)"
        )
    try:
        return _entry(fields, name)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise EntryInvalid(
            f"{name}: a cut must be as Lhotse writes it, with recording, start, duration, channel and supervisions; "
            f"{type(error).__name__}: {error}"
        ) from error


def cut_texts(fields: Mapping[str, Any]) -> list[str]:
    """The texts of a cut's supervisions, whatever else is wrong with it."""
    supervisions = fields.get("supervisions")
    texts = [
        one.get("text")
        for one in (supervisions if isinstance(supervisions, list) else ())
        if isinstance(one, Mapping)
    ]
    return [text.strip() for text in texts if isinstance(text, str) and text.strip()]


def _entry(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    recording, start, duration = fields["recording"], float(fields["start"]), float(fields["duration"])
    for transform in recording.get("transforms") or ():
        changed = transform["name"] if isinstance(transform, Mapping) else str(transform)
        if changed != "Resample":
            raise EntryInvalid(
                f"{name}: a cut's audio must be its file's, but it is changed by {changed}; write it to files first "
                "(`CutSet.save_audios` does), or take the cuts from before the change"
            )
    path, channel = _audio(recording["sources"], fields["channel"], name)
    entry = {"id": fields["id"], "audio_filepath": path, "channel": channel}
    whole = abs(start) < 1e-6 and abs(duration - float(recording["duration"])) < 1e-3
    entry |= {"duration": duration} if whole else {"offset": round(start, 9), "duration": round(duration, 9)}
    said = [each for each in fields.get("supervisions") or () if (each.get("text") or "").strip()]
    entry["segments"] = [
        {
            "start": float(each["start"]),
            "end": float(each["start"]) + float(each["duration"]),
            "text": each["text"],
            "speaker": each.get("speaker"),
        }
        for each in said
    ]
    if not said:
        entry["text"] = ""
    speakers = {each.get("speaker") for each in said}
    languages = {each.get("language") for each in said}
    if len(speakers) == 1:
        entry["speaker"] = speakers.pop()
    if len(languages) == 1:
        language = languages.pop()
        entry["lang"] = _LANGUAGES.get(str(language).lower(), language)
    return entry


def _audio(sources: list[Mapping[str, Any]], channel: int | list[int], name: str) -> tuple[str, int | None]:
    """The file that holds a cut's channels, and the one channel in it, or None for the mean of all."""
    wanted = set(channel if isinstance(channel, list) else [channel])
    source = next((each for each in sources if wanted & set(each["channels"])), None)
    if source is None:
        raise EntryInvalid(
            f"{name}: the cut's channel {channel} must be among those of its recording's sources"
        )
    if source["type"] not in ("file", "url"):
        refused = (
            "; commands are not run: write its output to a file first" if source["type"] == "command" else ""
        )
        raise EntryInvalid(
            f"{name}: a recording's source must be of type file, this one is a {source['type']}{refused}"
        )
    channels = list(source["channels"])
    if len(wanted) == 1:
        return source["source"], channels.index(wanted.pop())
    if wanted != set(channels):
        raise EntryInvalid(
            f"{name}: a cut of several channels must have all those of one file, which are mixed: it has "
            f"{sorted(wanted)}, the file {channels}; one MonoCut a channel is another way"
        )
    return source["source"], None
