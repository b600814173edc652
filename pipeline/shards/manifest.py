"""manifest.json: the shards of a finished run, written last; readers trust it alone.

    {"kind": "prep-corpus run", "version": 1,
     "created_by": {"libsndfile": "...", "prep-corpus": "0.1.0", "pyarrow": "..."},
     "seed": 0, "sample_rate_hz": 16000, "model_digest": "...", "config_digest": "...", "config": {...},
     "splits": {"train": {"utterances": 812, "seconds": 5684.2}},
     "formats": {"parquet": [{"path": "data/train-00000-of-00001.parquet", "split": "train", "utterances":
     812,
                              "seconds": 5684.2, "bytes": 91234567, "blake2b": "..."}]},
     "ledgers": {...}, "seal": "..."}

Paths are relative to the manifest. No time and no machine's name is in it: the same run gives the same bytes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib.metadata import version
from typing import Any

from prep_corpus.align.errors import DocumentDamaged, UsageError, damage_in_words

MANIFEST_KIND = "prep-corpus run"
MANIFEST_VERSION = 1
SEAL = "seal"
"""Name of the field that proves the others; manifests of earlier versions have none."""
_FORMATS = ("parquet", "tfrecord", "webdataset", "shar")
_KINDS = {
    "created_by": dict,
    "seed": int,
    "sample_rate_hz": int | None,
    "model_digest": str,
    "config_digest": str | None,
    "config": dict,
    "ledgers": dict,
}


@dataclass(frozen=True, kw_only=True)
class ShardEntry:
    """One file of a shard; Shar has two to a shard, the other formats one.

    Attributes:
        format: "parquet", "tfrecord", "webdataset" or "shar".
        path: relative to the manifest, with forward slashes.
        split: name of the split.
        utterances: number of utterances in the shard.
        seconds: seconds of audio in the shard.
        n_bytes: size of the file.
        digest: digest of the file's content, as `sinks.DigestingFile` makes it.
    """

    format: str
    path: str
    split: str
    utterances: int
    seconds: float
    n_bytes: int
    digest: str

    def __post_init__(self) -> None:
        parts = self.path.split("/")
        if ".." in parts or "" in parts or ":" in parts[0] or "\\" in self.path:
            raise UsageError(f"a shard's path must stay inside the run folder: {self.path!r}")
        if not self.path.isprintable():
            raise UsageError(f"a shard's path must be printable: {self.path!r}")
        if self.utterances < 0 or self.n_bytes < 0:
            raise UsageError(
                f"counts must not be negative: {self.utterances} rows, {self.n_bytes} bytes in {self.path!r}"
            )

    @property
    def counts(self) -> bool:
        """False for the second file of a shard, so that nothing is counted twice."""
        return not (self.format == "shar" and self.path.endswith(".tar"))


@dataclass(frozen=True, kw_only=True)
class RunManifest:
    """All that a finished run publishes.

    Attributes:
        created_by: versions on which the bytes depend: prep-corpus, libsndfile, pyarrow.
        seed: seed of every random choice.
        sample_rate_hz: rate of all audio, where the writer gave it.
        model_digest: the acoustic model.
        config_digest: the configuration, where the writer gave it.
        config: the configuration itself.
        shards: shards of all formats, each format's ordered by path.
        ledgers: where all samples and characters went.
    """

    created_by: Mapping[str, str]
    seed: int
    sample_rate_hz: int | None
    model_digest: str
    config_digest: str | None
    config: Mapping[str, Any]
    shards: tuple[ShardEntry, ...]
    ledgers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats that there are shards of."""
        return tuple(dict.fromkeys(shard.format for shard in self.shards))

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that there are shards of."""
        return tuple(dict.fromkeys(shard.split for shard in self.shards))

    def of(self, shard_format: str, split: str | None = None) -> tuple[ShardEntry, ...]:
        """The files of a format, of one split or of all."""
        return tuple(
            shard
            for shard in self.shards
            if shard.format == shard_format and (split is None or shard.split == split)
        )


def versions() -> dict[str, str]:
    """The versions that a run's bytes depend on."""
    import pyarrow as pa
    import soundfile as sf

    return {
        "libsndfile": str(sf.__libsndfile_version__),
        "prep-corpus": version("prep-corpus"),
        "pyarrow": str(pa.__version__),
    }


def manifest(
    entries: Iterable[ShardEntry],
    *,
    ledgers: Mapping[str, Any],
    settings: Mapping[str, Any],
    model_digest: str,
    seed: int,
    sample_rate_hz: int | None = None,
    config_digest: str | None = None,
) -> dict[str, Any]:
    """The JSON object of manifest.json; the entries may come in any order.

    Args:
        entries: every finished file.
        ledgers: where all samples and characters went.
        settings: the configuration.
        model_digest: digest of the acoustic model.
        seed: seed of the run.
        sample_rate_hz: rate of all audio.
        config_digest: digest of the configuration.

    Raises:
        UsageError: a file is listed twice, or formats hold different utterances.
    """
    shards = sorted(entries, key=lambda entry: (entry.format, entry.path))
    path, times = Counter(shard.path for shard in shards).most_common(1)[0] if shards else ("", 1)
    if times > 1:
        raise UsageError(f"a file must be listed once: {path!r} is listed {times} times")
    formats: dict[str, list[dict[str, Any]]] = {}
    for shard in shards:
        formats.setdefault(shard.format, []).append(_to_json(shard))
    document = {
        "kind": MANIFEST_KIND,
        "version": MANIFEST_VERSION,
        "created_by": versions(),
        "seed": seed,
        "sample_rate_hz": sample_rate_hz,
        "model_digest": model_digest,
        "config_digest": config_digest,
        "config": dict(settings),
        "splits": split_totals(shards),
        "formats": formats,
        "ledgers": dict(ledgers),
    }
    return {**document, SEAL: seal_of(document)}


def seal_of(document: Mapping[str, Any]) -> str:
    """The digest of all that a manifest says, which stands in it beside the rest."""
    content = json.dumps({key: document[key] for key in document if key != SEAL}, sort_keys=True)
    return blake2b(content.encode(), digest_size=8).hexdigest()


def parse_manifest(content: bytes, *, name: str) -> RunManifest:
    """A manifest from its file's content.

    Args:
        content: content of manifest.json.
        name: its path, for messages.

    Raises:
        UsageError: not such a manifest, or of another version.
    """
    try:
        columns = json.loads(content)
        if columns["kind"] != MANIFEST_KIND:
            raise UsageError(
                f"a run's manifest must be of the kind {MANIFEST_KIND!r}: {columns['kind']!r} in {name}"
            )
        if columns["version"] != MANIFEST_VERSION:
            raise UsageError(
                f"a manifest must have version {MANIFEST_VERSION}: {columns['version']!r} in {name}"
            )
        unknown = [one for one in columns["formats"] if one not in _FORMATS]
        if unknown:
            raise DocumentDamaged(
                f"a manifest's formats must be of {', '.join(_FORMATS)}: {unknown[0]!r} in {name}"
            )
        shards = tuple(
            _from_json(shard_format, entry)
            for shard_format, section in columns["formats"].items()
            for entry in section
        )
        return RunManifest(
            shards=shards, **{key: _of_kind(columns, key, kind) for key, kind in _KINDS.items()}
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DocumentDamaged(
            f"a run's manifest must be JSON with its documented fields, and {name} is damaged: {damage_in_words(error)}"
        ) from error


def split_totals(shards: Iterable[ShardEntry]) -> dict[str, dict[str, float]]:
    """Utterances and seconds of each split, which are the same in every format.

    Raises:
        UsageError: they are not.
    """
    sums: dict[str, dict[str, tuple[int, float]]] = {}
    for shard in shards:
        if shard.counts:
            utterances, seconds = sums.setdefault(shard.split, {}).get(shard.format, (0, 0.0))
            sums[shard.split][shard.format] = (utterances + shard.utterances, seconds + shard.seconds)
    totals: dict[str, dict[str, float]] = {}
    for split, by_format in sorted(sums.items()):
        if len({utterances for utterances, _ in by_format.values()}) > 1:
            raise UsageError(f"all formats must hold the same utterances: {by_format} in split {split!r}")
        utterances, seconds = next(iter(by_format.values()))
        totals[split] = {"utterances": utterances, "seconds": round(seconds, 3)}
    return totals


def _to_json(shard: ShardEntry) -> dict[str, Any]:
    return {
        "path": shard.path,
        "split": shard.split,
        "utterances": shard.utterances,
        "seconds": shard.seconds,
        "bytes": shard.n_bytes,
        "blake2b": shard.digest,
    }


def _from_json(shard_format: str, entry: Mapping[str, Any]) -> ShardEntry:
    return ShardEntry(
        format=shard_format,
        path=_of_kind(entry, "path", str),
        split=_of_kind(entry, "split", str),
        utterances=_of_kind(entry, "utterances", int),
        seconds=_of_kind(entry, "seconds", int | float),
        n_bytes=_of_kind(entry, "bytes", int),
        digest=_of_kind(entry, "blake2b", str),
    )


def _of_kind(fields: Mapping[str, Any], name: str, kind: Any) -> Any:
    """A field.

    Raises:
        KeyError: there is none.
        TypeError: it is of another kind.
    """
    value = fields[name]
    if not isinstance(value, kind):
        raise TypeError(f"{name} is of another kind: {value!r}")
    return value
