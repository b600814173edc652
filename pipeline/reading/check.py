"""Checking a finished run: everything that can be wrong with what a training job will read.

| slug                     | what is wrong                                                                |
|--------------------------|------------------------------------------------------------------------------|
| manifest-invalid         | there is no manifest, or it cannot be read or contradicts itself             |
| shard-missing            | a listed shard is not there                                                  |
| shard-truncated          | a shard breaks off                                                           |
| shard-corrupt            | a shard's bytes, or what is in it, are not what was written                  |
| shard-stale              | a shard of another run, at a listed place or beside the listed ones          |
| count-mismatch           | a shard has another number of utterances, or of seconds, than listed         |
| formats-differ           | two formats do not hold the same utterances in the same order                |
| audio-undecodable        | an utterance's audio cannot be decoded                                       |
| duration-mismatch        | audio, sample positions, seconds and rate do not agree                       |
| duplicate-id             | two utterances have one id                                                   |
| duplicate-audio          | two utterances have the same audio, byte for byte                            |
| overlap                  | two utterances hold the same samples of a recording                          |
| rate-impossible          | more or fewer characters per second than anybody says                          |
| leak-speaker             | a speaker is in two splits                                                   |
| leak-recording           | a recording is in two splits                                                 |
| ledger-mismatch          | the ledgers do not add up, or not to what the shards hold                    |
| id-mismatch              | an id is not of its recording and samples                                    |
| run-mismatch             | a row's rate, model or configuration is not the run's                        |
| score-invalid            | a score or feature is no finite number                                       |
| text-empty               | an utterance has no text                                                     |
| text-mismatch            | a row's number of characters is not that of its text                         |
| word-times-invalid       | words are not in order inside their utterance, or a score is none             |
| noise-mismatch           | noise and its signal-to-noise ratio do not agree                             |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from prep_corpus.align.errors import UsageError
from prep_corpus.pipeline.reading.consistency import manifest_findings, row_findings, seal_finding
from prep_corpus.pipeline.reading.reader import decode_audio
from prep_corpus.pipeline.reading.run_folder import (
    RunFolder,
    ShardCorrupt,
    ShardError,
    open_run,
    verify_shard,
)
from prep_corpus.pipeline.reading.shard_rows import shard_rows
from prep_corpus.pipeline.reading.whole_corpus import WholeCorpus
from prep_corpus.pipeline.run_files import MANIFEST_NAME
from prep_corpus.pipeline.shards.manifest import RunManifest, ShardEntry, split_totals
from prep_corpus.pipeline.shards.rows import Utterance

# Fast auctioneers reach 25 characters per second; a syllabary or Han text has fewer for the same speech.
MOST_CHARACTERS_PER_SECOND = 35.0
FEWEST_CHARACTERS_PER_SECOND = 0.5
# Half a sample at 8 kHz is the most that rounding seconds to float32 and back may cost in an hour-long
# recording.
_TOLERANCE_SECONDS = 1e-3


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        slug: which kind, see the table above; stable.
        where: the shard's path, or the utterance's id.
        message: the rule and both values.
    """

    slug: str
    where: str
    message: str


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """What checking found.

    Attributes:
        problems: empty where all is well.
        shards: files that were checked.
        utterances: number of utterances of the first format.
        seconds: seconds of audio in them.
    """

    problems: tuple[Problem, ...]
    shards: int
    utterances: int
    seconds: float


@dataclass(kw_only=True)
class _Shard:
    """What was found in one shard."""

    utterances: int = 0
    seconds: float = 0.0
    content: str = ""


def check_run(uri: str, *, decode: bool = True) -> CheckReport:
    """Check a finished run.

    Args:
        uri: its folder or its manifest.json.
        decode: decode all audio too; without it the rest is checked.
    """
    try:
        run = open_run(uri)
    except (UsageError, OSError) as error:
        told = str(error) if isinstance(error, UsageError) else f"{MANIFEST_NAME} cannot be read: {error}"
        problem = Problem(slug="manifest-invalid", where=uri, message=told)
        return CheckReport(problems=(problem,), shards=0, utterances=0, seconds=0.0)
    with run.open(MANIFEST_NAME) as file:
        content = bytes(file.read())
    problems = list(_manifest_problems(run.manifest, run.path(MANIFEST_NAME), content))
    formats = run.manifest.formats
    found: dict[tuple[str, str, int], _Shard] = {}
    corpus = WholeCorpus()
    utterances, seconds = 0, 0.0
    for shard_format in formats:
        for path in run.unlisted(shard_format):
            message = (
                f"a run's folder must hold only the shards that its manifest lists: {path} is not listed"
            )
            problems.append(Problem(slug="shard-stale", where=path, message=message))
        first = shard_format == formats[0]
        for split in run.manifest.splits:
            for index, files in enumerate(_shards(run.manifest, shard_format, split)):
                broken = list(_file_problems(run, files))
                problems += broken
                if broken:
                    continue
                shard = found[shard_format, split, index] = _Shard()
                problems += _row_problems(run, files, shard, corpus if first else None, decode=decode)
                if first:
                    utterances, seconds = utterances + shard.utterances, seconds + shard.seconds
    problems += _format_problems(run.manifest, found)
    by_speaker = run.manifest.config.get("split_by") != "recording"
    for slug, where, message in corpus.problems(by_speaker=by_speaker):
        problems.append(Problem(slug=slug, where=where, message=message))
    if (unsealed := seal_finding(content)) is not None:
        # First, for it may be what the others come from.
        problems.insert(0, Problem(slug="manifest-invalid", where=run.path(MANIFEST_NAME), message=unsealed))
    return CheckReport(
        problems=tuple(problems), shards=len(run.manifest.shards), utterances=utterances, seconds=seconds
    )


def row_problems(row: Utterance, *, decode: bool = True) -> Iterator[Problem]:
    """What is wrong with one utterance by itself."""
    positions = (row.start_sample / row.sample_rate_hz, row.end_sample / row.sample_rate_hz)
    facts = (row.start, row.end, row.duration)
    wanted = (*positions, row.samples / row.sample_rate_hz)
    if not np.allclose(facts, wanted, rtol=1e-6, atol=_TOLERANCE_SECONDS):
        message = f"seconds must be those of the sample positions: {wanted} by samples, {facts} in the row"
        yield Problem(slug="duration-mismatch", where=row.id, message=message)
    rate = len(row.text_normalized) / wanted[2]
    if not FEWEST_CHARACTERS_PER_SECOND <= rate <= MOST_CHARACTERS_PER_SECOND:
        message = (
            f"people say {FEWEST_CHARACTERS_PER_SECOND:g} to {MOST_CHARACTERS_PER_SECOND:g} characters "
            f"per second: {len(row.text_normalized)} characters in {wanted[2]:.2f} s are {rate:.1f}"
        )
        yield Problem(slug="rate-impossible", where=row.id, message=message)
    if decode:
        try:
            samples_N, _ = decode_audio(row)
        except ShardCorrupt as error:
            slug = "duration-mismatch" if "samples, rate and channels" in str(error) else "audio-undecodable"
            yield Problem(slug=slug, where=row.id, message=str(error))
        else:
            if not np.isfinite(samples_N).all():
                yield Problem(
                    slug="audio-undecodable", where=row.id, message="audio must be finite: it holds NaN"
                )


def _manifest_problems(run: RunManifest, path: str, content: bytes) -> Iterator[Problem]:
    for slug, message in manifest_findings(content, run):
        yield Problem(slug=slug, where=path, message=message)
    try:
        split_totals(run.shards)
    except UsageError as error:
        yield Problem(slug="manifest-invalid", where=path, message=str(error))
    if not run.shards:
        yield Problem(
            slug="manifest-invalid", where=path, message="a finished run must have shards: 0 are listed"
        )


def _shards(run: RunManifest, shard_format: str, split: str) -> list[tuple[ShardEntry, ...]]:
    """The shards of a format and split in order, each with its files."""
    entries = run.of(shard_format, split)
    if shard_format != "shar":
        return [(entry,) for entry in entries]
    cuts = [entry for entry in entries if entry.counts]
    recordings = [entry for entry in entries if not entry.counts]
    return list(zip(cuts, recordings))


def _file_problems(run: RunFolder, files: tuple[ShardEntry, ...]) -> Iterator[Problem]:
    for entry in files:
        if (error := _error_of(run, entry)) is not None:
            yield Problem(slug=error.reason, where=entry.path, message=str(error))


def _error_of(run: RunFolder, entry: ShardEntry) -> ShardError | None:
    try:
        verify_shard(run, entry)
    except ShardError as error:
        return error
    return None


def _row_problems(
    run: RunFolder, files: tuple[ShardEntry, ...], shard: _Shard, corpus: WholeCorpus | None, *, decode: bool
) -> Iterator[Problem]:
    """Read a shard through; what was found is left in `shard` and `corpus`."""
    entry = files[0]
    content = blake2b(digest_size=16)
    try:
        for row in shard_rows(run, files):
            shard.utterances += 1
            shard.seconds += row.samples / row.sample_rate_hz
            content.update(f"{len(row.id)} {row.id} {len(row.audio)} ".encode())
            content.update(row.audio)
            if corpus is not None:
                corpus.add(row, entry.split)
                for slug, message in row_findings(row, run.manifest):
                    yield Problem(slug=slug, where=row.id, message=message)
                yield from row_problems(row, decode=decode)
    except ShardError as error:
        yield Problem(slug=error.reason, where=entry.path, message=str(error))
    shard.content = content.hexdigest()
    if shard.utterances != entry.utterances or abs(shard.seconds - entry.seconds) > 0.01:
        message = (
            f"a shard must hold what is listed: {entry.utterances} utterances of {entry.seconds:.3f} s listed, "
            f"{shard.utterances} of {shard.seconds:.3f} s found"
        )
        yield Problem(slug="count-mismatch", where=entry.path, message=message)


def _format_problems(run: RunManifest, found: dict[tuple[str, str, int], _Shard]) -> Iterator[Problem]:
    first, *others = run.formats or ("",)
    for shard_format in others:
        for split in run.splits:
            counts = [len(_shards(run, name, split)) for name in (first, shard_format)]
            if counts[0] != counts[1]:
                message = (
                    f"formats must have the same shards: {first} has {counts[0]}, {shard_format} {counts[1]}"
                )
                yield Problem(slug="formats-differ", where=split, message=message)
                continue
            for index, files in enumerate(_shards(run, shard_format, split)):
                one, other = found.get((first, split, index)), found.get((shard_format, split, index))
                if one is not None and other is not None and one.content != other.content:
                    message = f"formats must hold the same utterances: {first} and {shard_format} differ"
                    yield Problem(slug="formats-differ", where=files[0].path, message=message)
