"""The corpus of a run before its graph: the manifest read, probed and cut into bundles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console

from prep_corpus.align.errors import DeadLetter, UsageError
from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.screen import display
from prep_corpus.jobs.screen.plain_text import counted, some_of
from prep_corpus.jobs.screen.printing import print_line, print_warning
from prep_corpus.jobs.start.entries import manifest_entries
from prep_corpus.pipeline.apart.attempts import Guard
from prep_corpus.pipeline.inputs.bundles import ProbedRecording, bundle_digest, cut_bundles, write_bundle
from prep_corpus.pipeline.inputs.forms import splits_of
from prep_corpus.pipeline.inputs.manifests import texts_without_audio
from prep_corpus.pipeline.inputs.noise import pick_voices
from prep_corpus.pipeline.inputs.probe import FingerprintCache, probe_all
from prep_corpus.pipeline.run_files import STATUS_NAME
from prep_corpus.pipeline.shards.published import keys_of
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.digests import digest_of
from prep_corpus.pipeline.storage.stage_store import Store


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A manifest, read, probed and bundled.

    Attributes:
        bundles: digests, in order.
        bundle_seconds: expected audio in each.
        recordings: recordings in the bundles.
        dead_letters: what the manifest and the probe rejected.
        voices: recordings to make babble of, where that is asked for.
        keys: keys of the recordings in the bundles (`published.py`).
    """

    bundles: tuple[str, ...]
    bundle_seconds: tuple[float, ...]
    recordings: int
    dead_letters: tuple[DeadLetter, ...]
    voices: tuple[ProbedRecording, ...] = ()
    keys: bytes = b""

    @property
    def entries(self) -> int:
        """Manifest entries, good and bad."""
        return self.recordings + len(self.dead_letters)

    @property
    def audio_seconds(self) -> float:
        """Expected audio."""
        return sum(self.bundle_seconds)


def probed_bundles(
    config: RunConfig,
    cache: FingerprintCache,
    letters: list[DeadLetter],
    *,
    guard: Guard | None = None,
    on_progress: Callable[[int], None] = lambda count: None,
) -> Iterator[list[ProbedRecording]]:
    """Read and probe a manifest, bundle by bundle.

    Args:
        config: names the manifest.
        cache: of fingerprints, which is added to.
        letters: list to which those that are rejected are added.
        guard: rejects the recordings that ended a run before.
        on_progress: is told how many were probed.
    """

    def good() -> Iterator[ProbedRecording]:
        entries = manifest_entries(config)
        for entry in probe_all(entries, cache, on_progress=on_progress, guard=guard):
            if isinstance(entry, DeadLetter):
                letters.append(entry)
            else:
                yield entry

    return cut_bundles(good())


def read_corpus(config: RunConfig, store: Store | None, console: Console | None) -> Corpus:
    """Read and probe a manifest, and put its bundles into the store; where none is given, nothing is written.

    Raises:
        UsageError: the manifest is empty or cannot be read.
    """
    cache_uri = files.join(config.work, "fingerprints.json")
    cache = FingerprintCache(cache_uri)
    letters: list[DeadLetter] = []
    guard = Guard(config.work, read_only=store is None)

    probing = display.Probing(files.join(config.out, STATUS_NAME)) if store else None
    if probing is not None:
        probing.note(0)

    def note(probed: int) -> None:
        print_line(console, f"probed {counted(probed, 'recording')}")
        if probing is not None:
            probing.note(probed)

    digests: list[str] = []
    seconds: list[float] = []
    recordings = 0
    keys = bytearray()
    voices: tuple[ProbedRecording, ...] = ()
    for bundle in probed_bundles(config, cache, letters, guard=guard, on_progress=note):
        if config.babble:
            voices = pick_voices([*voices, *bundle], config.seed)
        recordings += len(bundle)
        keys += keys_of(probed.recording.id for probed in bundle)
        seconds.append(sum(probed.seconds for probed in bundle))
        digests.append(write_bundle(store, bundle).digest if store else bundle_digest(bundle))
    if store:
        cache.save()
    warn_of_manifest(config.manifest, console)
    if not recordings and not letters:
        raise UsageError(f"{config.manifest}: the manifest is empty")
    return Corpus(
        bundles=tuple(digests),
        bundle_seconds=tuple(seconds),
        recordings=recordings,
        dead_letters=tuple(letters),
        voices=voices,
        keys=bytes(keys),
    )


def restore_bundles(config: RunConfig, store: Store) -> None:
    """Put the bundles of a manifest into the store again, as far as their files are damaged or gone."""
    cache = FingerprintCache(files.join(config.work, "fingerprints.json"))
    for bundle in probed_bundles(config, cache, [], guard=Guard(config.work, read_only=True)):
        write_bundle(store, bundle)


def write_bundle_list(config: RunConfig, corpus: Corpus) -> str:
    """Put the digests of the bundles where the graph reads them; returns the URI."""
    listing = "\n".join(corpus.bundles).encode()
    uri = files.join(config.work, "bundles", f"list-{digest_of(corpus.bundles)}.txt")
    files.write_atomic(uri, lambda file: file.write(listing), replace=True)
    return uri


def warn_of_manifest(manifest: str, console: Console | None) -> None:
    """Name texts of a folder without audio beside them, and splits that are joined; nothing without a console."""
    if console is not None and (alone := texts_without_audio(manifest)):
        told = counted(len(alone), "text")
        print_warning(console, f"{told} without an audio file of the same name: {some_of(alone)}")
    if console is not None and (splits := splits_of(manifest)):
        name, pattern = list(splits.items())[-1]
        told = f"its splits {', '.join(splits)} are taken together; '{pattern}' would be {name} alone"
        print_warning(console, f"{manifest}: {told}")
