"""What the name of a manifest or of a noise bank leads to, told before any audio or transcript is read."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Mapping, Set
from fnmatch import fnmatchcase
from typing import Literal

from prep_corpus.align.errors import UsageError
from prep_corpus.align.secret_words import uri_without_secrets
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.documents import told_as_damage

ACCEPTED_MANIFESTS = (
    "JSON lines of entries or of Lhotse cuts (.jsonl, .json, .ndjson, .manifest), CSV (.csv), TSV (.tsv), each also "
    "with .gz, a folder of audio files each with a transcript of the same name (.txt, .srt, .vtt, .json, "
    ".TextGrid, .eaf and the like), a Kaldi data directory with wav.scp and text, WebDataset (.tar, or a folder of "
    "them), Lhotse Shar, a tarred NeMo manifest beside its tars, or a data set on disk (.parquet, or a folder of "
    "them, or of Arrow by save_to_disk)"
)
EXTENSIONS = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".mp4", ".webm")
"""Of clips in a folder of noise."""
_JSON_ENDINGS = (".jsonl", ".json", ".ndjson", ".manifest")
LANGUAGE_TAG = re.compile(r"\.[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})?$")
"""At the end of a name without its ending: `talk.en`."""
_MANIFEST_ENDINGS = (*_JSON_ENDINGS, ".csv", ".tsv")
_OF_SUPERVISIONS = frozenset({"recording_id", "start", "duration"})
_OF_RECORDINGS = frozenset({"sources", "sampling_rate", "num_samples"})

_OF_SPLIT = re.compile(r"([\w.-]+)-\d{5}-of-\d{5}(?:-[0-9a-f]+)?\.parquet")
"""As the library `datasets` names them: data/train-00000-of-00002.parquet."""

SAVED_STATE = "state.json"
"""What `save_to_disk` of the library datasets writes beside its Arrow files."""

Form = Literal["folder", "csv", "tsv", "json", "tar", "parquet"]

_FORMS_OF_PARTS: dict[str, Form] = {".tar": "tar", ".parquet": "parquet"}


def form_of(uri: str) -> Form:
    """The form of a manifest.

    Args:
        uri: a file or folder, local or of a file system that Beam knows.

    Raises:
        UsageError: there is none, or it is in no form that is accepted.
    """
    if (harmless := uri_without_secrets(uri)) != uri:
        raise UsageError(
            f"{harmless}: a manifest's address must not hold a user name, password or token, which files of the "
            "run would show; how stores are entered belongs into the environment"
        )
    if not files.is_supported(uri):
        raise UsageError(files.unsupported(uri))
    if (
        "*" in uri.rpartition("/")[2]
        and (form := _FORMS_OF_PARTS.get(os.path.splitext(uri.lower())[1]))
        and parts_of(uri)
    ):
        return form
    if _is_folder(uri):
        return "folder"
    if not files.exists(uri):
        raise UsageError(f"{uri}: there is no such manifest; accepted are {ACCEPTED_MANIFESTS}")
    ending = os.path.splitext(uri.lower().removesuffix(".gz"))[1]
    if ending == ".csv":
        return "csv"
    if ending == ".tsv":
        return "tsv"
    if ending in _JSON_ENDINGS:
        return "json"
    if ending == ".tar":
        return "tar"
    if uri.lower().endswith(".parquet"):
        return "parquet"
    raise UsageError(
        f"{uri}: the ending {ending!r} names no known form of manifest; accepted are {ACCEPTED_MANIFESTS}"
    )


def parts_of(pattern: str) -> list[str]:
    """The files of a folder that a name with `*` means, or the one file of this name; absolute, in order."""
    place = files.absolute(pattern)
    folder, _, name = place.rpartition("/")
    if "*" not in name:
        return [place]
    found = ((path, *path.rpartition("/")[::2]) for path in files.list_files(folder))
    return sorted(path for path, inside, own in found if inside == folder and fnmatchcase(own, name))


def splits_of(uri: str) -> dict[str, str]:
    """The splits of a data set's folder of Parquet files, with the pattern of the files of each; none of one split."""
    if not files.is_local(uri) or not os.path.isdir(uri):
        return {}
    found: dict[str, str] = {}
    for path in sorted(files.list_files(uri)):
        folder, _, name = path.rpartition("/")
        if split := _OF_SPLIT.fullmatch(name):
            found.setdefault(split[1], files.join(folder, f"{split[1]}-*.parquet"))
    return found if len(found) > 1 else {}


def _is_folder(uri: str) -> bool:
    if files.is_local(uri):
        return os.path.isdir(uri)
    # Object stores know no folders: it is one if something lies under it, and nothing at its own name.
    return not files.exists(uri) and any(True for _ in files.list_files(uri))


def clip_uris(uri: str, *, option: str) -> list[str]:
    """The clips of a folder (in all its folders), or those that a JSON-lines manifest names, sorted.

    Args:
        uri: folder or manifest.
        option: the flag that named it, for messages.

    Raises:
        UsageError: there are none.
    """
    if uri.endswith(".jsonl"):
        if not files.exists(uri):
            raise UsageError(f"{option} {uri}: there is no such manifest")
        with told_as_damage(f"{option} {uri}", "each line is a JSON object with audio_filepath"):
            lines = files.read_bytes(uri).decode().splitlines()
            entries = [json.loads(line) for line in lines if line.strip()]
            found = [files.resolve(uri, entry["audio_filepath"]) for entry in entries]
    else:
        found = [path for path in files.list_files(uri) if path.lower().endswith(EXTENSIONS)]
    if not found:
        raise UsageError(
            f"{option} {uri}: no clips there; it must be a folder of {', '.join(EXTENSIONS)}, or a .jsonl"
        )
    return sorted(found)


def refuse_other_json(uri: str, start: bytes) -> None:
    """Refuse what is JSON, but no lines of entries.

    Args:
        uri: of the file.
        start: its first bytes.

    Raises:
        UsageError: it is an array, or what Lhotse writes beside its cuts.
    """
    start = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"["):
        raise UsageError(
            f"{uri}: a JSON manifest must hold one object per line, this one is an array; "
            "`jq -c '.[]'` turns one into the other"
        )
    try:
        first = json.loads(start.partition(b"\n")[0])
    except (ValueError, RecursionError):
        return
    if not isinstance(first, dict) or "audio_filepath" in first:
        return
    for keys, name in ((_OF_SUPERVISIONS, "supervisions"), (_OF_RECORDINGS, "recordings")):
        if keys <= first.keys():
            raise UsageError(
                f"{uri}: of Lhotse cuts are taken, and these are {name}; `lhotse cut simple -r recordings.jsonl.gz "
                "-s supervisions.jsonl.gz cuts.jsonl.gz` makes cuts of recordings and supervisions"
            )


def no_manifest(folder: str, audio: list[str], texts: Mapping[str, list[str]]) -> UsageError:
    """What is said of a folder that is no manifest, with what may have been meant.

    Args:
        folder: path or URI.
        audio: the audio files in it.
        texts: the texts in it by their names without ending.
    """
    prefix = folder.rstrip("/") + "/"
    names = sorted(path[len(prefix) :] for path in files.list_files(folder) if path.startswith(prefix))
    kaldi = [name for name in names if name.rpartition("/")[2] == "wav.scp"]
    likely = [
        name for name in names if os.path.splitext(name.lower().removesuffix(".gz"))[1] in _MANIFEST_ENDINGS
    ]
    meant = ""
    if kaldi:
        meant = f"{files.join(folder, *kaldi[0].split('/')[:-1])} may be meant, which has wav.scp; "
    elif likely:
        shown = ", ".join(likely[:3]) + (f" and {len(likely) - 3} more" if len(likely) > 3 else "")
        meant = f"a file in it may be the manifest: {shown}; "
    elif audio and texts:
        meant = (
            f"it has {len(audio)} audio and {sum(map(len, texts.values()))} text files of other names, and "
            f"`prep-corpus pair {folder} {folder} --out pairs.jsonl` finds which text is said where; "
        )
    elif audio:
        meant = f"it has {len(audio)} audio files and no text, which run --read all takes; "
    return UsageError(
        f"{folder}: the folder holds no pairs of audio and text; {meant}accepted are {ACCEPTED_MANIFESTS}"
    )


def by_names_alone(stems: Set[str], texts: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Texts by the audio files of their names in other folders (audio/talk.mp3, text/talk.en.vtt).

    Args:
        stems: paths of the audio files without their endings; a name that two of them have finds no text.
        texts: by their own paths without endings; those that belong to none stay as they are.
    """
    names = Counter(stem.rpartition("/")[2] for stem in stems)
    places = {stem.rpartition("/")[2]: stem for stem in stems}
    found: dict[str, list[str]] = {}
    for stem, of_stem in texts.items():
        base = stem.rpartition("/")[2]
        base = base if base in names else LANGUAGE_TAG.sub("", base)
        found.setdefault(places[base] if names[base] == 1 else stem, []).extend(of_stem)
    return found


def is_dataset(names: list[str]) -> bool:
    """Whether the files of a folder are a data set: states of `save_to_disk`, or Parquet files."""
    return any(name.rpartition("/")[2] == SAVED_STATE or name.endswith(".parquet") for name in names)
