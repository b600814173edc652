"""Whether a run has nothing to do, told without Beam, torch or a model.

A run that has published leaves a note of all that it was made of and of every file that it left, with size and times.
Where the same command finds all of it as it was, what is published is what it would publish. Whatever differs, or
cannot be told so cheaply (a model that is code, a folder in an object store), is left to the run, which finds what
stands by the digests of its stages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from prep_corpus.align.errors import DeadLetter
from prep_corpus.jobs.config import RunConfig, settings_of
from prep_corpus.jobs.start.corpus import probed_bundles
from prep_corpus.pipeline.inputs.bundles import bundle_digest
from prep_corpus.pipeline.inputs.forms import clip_uris
from prep_corpus.pipeline.inputs.probe import FingerprintCache
from prep_corpus.pipeline.outcome import RunOutcome, read_outcome
from prep_corpus.pipeline.run_files import (
    MANIFEST_NAME,
    REPORT_PAGE_NAME,
    SEGMENTS_NAME,
    STANDING_NAME,
    STATUS_NAME,
)
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.digests import digest_of
from prep_corpus.pipeline.storage.documents import read_used
from prep_corpus.pipeline.storage.sealed_json import read_json, write_json

_FOLDERS = ("align", "augment", "filters", "jobs", "pipeline")
_LIBRARIES = ("av", "numba", "numpy", "pyarrow", "soundfile", "soxr", "torch", "onnxruntime")
# What another run of the same tries again.
_TRIED_AGAIN = frozenset({"internal-error", "source-changed", "decoder-failed"})
# Written while a run goes on, or after it, and no part of what it publishes.
_PASSING = (STATUS_NAME, REPORT_PAGE_NAME, STANDING_NAME, ".prep-corpus.lock", "report/", "work/attempts/")
_CACHE_NAME = "fingerprints.json"


def program_digest() -> str:
    """Stands for the program itself: its files, its models and filters, and the libraries that do its sums."""
    hasher = hashlib.blake2b(digest_size=16)
    root = Path(__file__).resolve().parents[2]
    for folder in _FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".py", ".json", ".safetensors", ".onnx", ".html", ".css", ".js"):
                hasher.update(f"{path.relative_to(root)}\0".encode())
                hasher.update(path.read_bytes())
    for library in _LIBRARIES:
        try:
            hasher.update(f"{library} {version(library)}\0".encode())
        except PackageNotFoundError:
            hasher.update(f"{library} is not there\0".encode())
    return hasher.hexdigest()


def _facts(uri: str) -> list[Any]:
    facts = files.identity(uri)
    return [facts.size_bytes, facts.modified_ns, facts.changed_ns, facts.checksum]


def _named_files(name: str | None) -> list[Any] | None:
    """What a model's or filter's name leads to: nothing, a bundled one, or files; None where it is neither."""
    if name is None or not Path(name).exists():
        # A bundled one is part of the program; anything else is code or lies in another place.
        return [name] if name is None or name.isidentifier() else None
    path = Path(name)
    paths = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    return [[str(one), _facts(str(one))] for one in paths]


def _made_of(config: RunConfig) -> list[Any] | None:
    """All that a run is made of but its corpus, as JSON takes it; None where it cannot be told cheaply.

    Raises:
        UsageError: there is no noise where the config says so.
    """
    # Beside a model's one file lie others, which its own form alone knows.
    model = None if Path(config.model).is_file() else _named_files(config.model)
    filters = [_named_files(name) for name in (config.filter, config.read_filter)]
    # So is a judge's.
    judge = None if Path(config.judge or "").is_file() else _named_files(config.judge)
    if model is None or None in filters or judge is None or config.retune or config.beam_options:
        return None
    noise = [
        [uri, _facts(uri)]
        for place, option in ((config.noise, "--noise"), (config.rooms, "--rooms"))
        if place is not None
        for uri in clip_uris(place, option=option)
    ]
    return [program_digest(), settings_of(config), config.max_failed, model, judge, filters, noise]


def _left(out: str) -> dict[str, list[Any]]:
    """Every file of a run's folder that belongs to what it publishes or to its stages, with its facts."""
    names = (uri.removeprefix(out.rstrip("/") + "/") for uri in files.list_files(out))
    return {
        name: _facts(files.join(out, name))
        for name in names
        if not name.startswith(_PASSING) and name != f"work/{_CACHE_NAME}"
    }


def _corpus_parts(config: RunConfig, cache: FingerprintCache) -> Iterator[str]:
    """The digests of the bundles, then that of what was rejected."""
    letters: list[DeadLetter] = []
    for bundle in probed_bundles(config, cache, letters):
        yield bundle_digest(bundle)
    yield rejected_digest(letters)


def rejected_digest(letters: list[DeadLetter]) -> str:
    """Stands for what the manifest and the probe rejected."""
    return digest_of([asdict(letter) for letter in letters])


def note_standing(config: RunConfig, bundles: tuple[str, ...], letters: tuple[DeadLetter, ...]) -> None:
    """Leave word of a run that has just published, by whoever holds its folder.

    Args:
        config: settings of the run.
        bundles: digests of its bundles, in order.
        letters: what the manifest and the probe rejected.
    """
    if not files.is_local(config.out) or _TRIED_AGAIN & read_outcome(config.out).reasons.keys():
        return
    made_of = _made_of(config)
    left = _left(config.out)
    if made_of is not None and not _has_leftovers(config.out, left):
        note = {
            "made_of": digest_of(made_of),
            "corpus": [*bundles, rejected_digest(list(letters))],
            "left": left,
        }
        write_json(files.join(config.out, STANDING_NAME), note)


def _has_leftovers(out: str, left: Mapping[str, object]) -> bool:
    """Whether a stage is to be tried again; where it is the judge, no dead letter says so."""
    names = [f"work/{name}" for name in read_used(out) or ()]
    return any(f"{name}.retry.parquet" in left and f"{name}.parquet" not in left for name in names)


def standing_outcome(config: RunConfig, *, with_report: bool) -> RunOutcome | None:
    """How the run ended that has left all that this command would make, or None where there is something to do.

    Args:
        config: settings of the run.
        with_report: whether report.html is asked for.

    Raises:
        UsageError: the manifest cannot be read, or there is no noise.
    """
    if not files.is_local(config.out) or not files.exists(files.join(config.out, MANIFEST_NAME)):
        return None
    reported = (REPORT_PAGE_NAME, SEGMENTS_NAME) if with_report else ()
    if not all(files.exists(files.join(config.out, name)) for name in reported):
        return None
    note = read_json(files.join(config.out, STANDING_NAME))
    if note is None or note["made_of"] != digest_of(_made_of(config)):
        return None
    try:
        if any(_facts(files.join(config.out, name)) != facts for name, facts in note["left"].items()):
            return None
    except FileNotFoundError:
        return None
    cache = FingerprintCache(files.join(config.work, _CACHE_NAME))
    expected = iter(note["corpus"])
    if any(part != next(expected, None) for part in _corpus_parts(config, cache)):
        return None
    return None if next(expected, None) is not None else read_outcome(config.out)
