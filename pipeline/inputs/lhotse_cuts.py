"""Lhotse cuts (JSON lines, also gzipped) as manifest entries: one recording per cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prep_corpus.align.errors import EntryInvalid, damage_in_words

_KINDS = frozenset({"MonoCut", "MultiCut", "MixedCut", "PaddingCut", "Cut"})

# Lhotse's recipes write languages by name; the rules for numbers go by tag.
_LANGUAGES = {
    "arabic": "ar", "catalan": "ca", "chinese": "zh", "czech": "cs", "danish": "da", "dutch": "nl", "english": "en",
    "finnish": "fi", "french": "fr", "german": "de", "hebrew": "he", "hungarian": "hu", "indonesian": "id",
    "italian": "it", "japanese": "ja", "kazakh": "kk", "korean": "ko", "mandarin": "zh", "norwegian": "no",
    "persian": "fa", "polish": "pl", "portuguese": "pt", "romanian": "ro", "russian": "ru", "spanish": "es",
    "swedish": "sv", "thai": "th", "turkish": "tr", "ukrainian": "uk", "vietnamese": "vi",
}  # fmt: skip


def language_tag(written: str) -> str:
    """The tag of a language that may be written by its name."""
    return _LANGUAGES.get(written.lower(), written)


def is_cut(fields: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a Lhotse cut and no manifest entry."""
    kind = fields.get("type")
    return "audio_filepath" not in fields and (
        (isinstance(kind, str) and kind in _KINDS) or "supervisions" in fields
    )


def cut_entries(fields: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """A cut as manifest entries; the times of its supervisions are a check, as those of subtitles are.

    One entry, but for a cut of several channels whose supervisions name theirs: each channel that has text is one,
    with the channel's number behind its id, and is aligned with its own text.

    Args:
        fields: the fields as Lhotse writes them.
        name: name of the line in messages.

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
        return [_entry(part, name) for part in _by_channel(fields)]
    except (KeyError, TypeError, AttributeError, ValueError, IndexError, ArithmeticError) as error:
        raise EntryInvalid(
            f"{name}: a cut must be as Lhotse writes it, with recording, start, duration, channel and supervisions; "
            f"{damage_in_words(error)}"
        ) from error


def cut_texts(fields: Mapping[str, Any]) -> list[str]:
    """The texts of a cut's supervisions, whatever else is wrong with it."""
    supervisions = fields.get("supervisions")
    texts = [
        _text(one)
        for one in (supervisions if isinstance(supervisions, list) else ())
        if isinstance(one, Mapping)
    ]
    return [text.strip() for text in texts if text.strip()]


def _text(supervision: Mapping[str, Any]) -> str:
    """The text of a supervision; of several in its custom fields, as Libriheavy has them, the first."""
    text = supervision.get("text")
    custom = supervision.get("custom")
    if not text and isinstance(custom, Mapping):
        texts = custom.get("texts")
        text = texts[0] if isinstance(texts, list) and texts else custom.get("text")
    return text if isinstance(text, str) else ""


def _by_channel(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The cut of each channel that has text of its own; the cut itself where its text is of all its channels."""
    channels = fields["channel"]
    if not isinstance(channels, list) or len(channels) < 2:
        return [fields]
    said = [one for one in fields.get("supervisions") or () if _text(one).strip()]
    of_channel: dict[int, list[Mapping[str, Any]]] = {}
    for one in said:
        channel = one.get("channel", channels)
        named = channel if isinstance(channel, list) else [channel]
        if len(named) != 1:
            return [fields]
        of_channel.setdefault(int(named[0]), []).append(one)
    return [
        {
            **fields,
            "id": f"{fields['id']}-{channel}" if len(of_channel) > 1 else fields["id"],
            "channel": channel,
            "supervisions": of_channel[channel],
        }
        for channel in sorted(of_channel)
    ] or [fields]


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
    said = [each for each in fields.get("supervisions") or () if _text(each).strip()]
    entry["segments"] = [
        {
            "start": float(each["start"]),
            "end": float(each["start"]) + float(each["duration"]),
            "text": _text(each),
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
            f"{sorted(wanted)}, the file {channels}; one MonoCut per channel is another way"
        )
    return source["source"], None
