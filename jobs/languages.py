"""One run of recordings in several languages, each with a model, a filter, a ledger and shards of its own.

--model de=NAME --model en=NAME     by the manifest's `lang`, without --only-language
--model FOLDER                      whose languages have adapters of their own, as MMS has them

OUT/de/  OUT/en/                    a run folder each
OUT/languages.json                  which language is where, and how it ended
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console

from prep_corpus.align.errors import UsageError
from prep_corpus.align.language_tags import UNKNOWN_LANGUAGE, one_spelling, primary_of, three_letters
from prep_corpus.align.model.naming import adapters_of
from prep_corpus.jobs.config import RunConfig
from prep_corpus.jobs.cutting_settings import models_by_language
from prep_corpus.jobs.screen.logs import say_beginning
from prep_corpus.jobs.screen.plain_text import counted
from prep_corpus.jobs.screen.printing import print_line
from prep_corpus.jobs.start.early import check_early
from prep_corpus.jobs.start.entries import manifest_entries
from prep_corpus.pipeline.inputs.manifests import language_of
from prep_corpus.pipeline.run_files import LANGUAGES_NAME, MANIFEST_NAME, OUTCOME_NAME
from prep_corpus.pipeline.storage import files


@dataclass(frozen=True, kw_only=True)
class LanguagePart:
    """The recordings of a run that one model hears.

    Attributes:
        key: name of the part's folder.
        tags: of its recordings, as the manifest has them.
        recordings: how many.
        model, filter, read_filter: as for a run of its own.
    """

    key: str
    tags: tuple[str, ...]
    recordings: int
    model: str
    filter: str | None
    read_filter: str | None


def execute_by_language(
    config: RunConfig, *, dry_run: bool, force: bool, quiet: bool, with_report: bool
) -> int:
    """Run language by language, and say how each went; returns the highest exit code.

    Raises:
        UsageError: a language of the manifest has no model.
    """
    parts = parts_of(config)
    for part in parts:
        # All of them, before the first is begun.
        check_early(config_of_part(config, part, first=part is parts[0]), force=force, claims=True)
    say_beginning(f"reading {config.manifest}", quiet=quiet)
    from prep_corpus.jobs.runs import run

    console = Console(stderr=True, quiet=quiet)
    codes = []
    for part in parts:
        print_line(console, f"{part.key}: {counted(part.recordings, 'recording')}, model {part.model}")
        own = config_of_part(config, part, first=part is parts[0])
        codes.append(run.execute(own, dry_run=dry_run, force=force, quiet=quiet, with_report=with_report))
    if not dry_run:
        text = json.dumps([_entry(config, part, code) for part, code in zip(parts, codes)], indent=1) + "\n"
        uri = files.join(config.out, LANGUAGES_NAME)
        files.write_atomic(uri, lambda file: file.write(text.encode()), replace=True)
    return max(codes)


def parts_of(config: RunConfig) -> list[LanguagePart]:
    """Which recordings go to which model, in the order of the parts' names.

    Raises:
        UsageError: a language of the manifest has no model.
    """
    counts = Counter(language_of(one) for one in manifest_entries(config))
    broken = counts.pop(UNKNOWN_LANGUAGE, 0)
    if not counts:
        raise UsageError(f"{config.manifest}: no recording can be read, and {broken} entries are rejected")
    models = models_by_language(config.model)
    if set(models) == {""}:
        models = {tag: f"{config.model}@{tag}" for tag in adapters_of(config.model)}
    filters = _filters_of(config.filter, "--filter", models)
    read_filters = _filters_of(config.read_filter, "--read-filter", models)
    chosen = {tag: _best(tag, models) for tag in counts}
    without = sorted(tag for tag, key in chosen.items() if key is None)
    if without:
        shown = ", ".join(f"{tag} ({counted(counts[tag], 'recording')})" for tag in without)
        raise UsageError(
            f"every language of {config.manifest} needs a model, and {shown} has none; there are models for "
            f"{_listed(models)}. Add --model {without[0]}=NAME, or leave it out with --only-language"
        )
    parts = []
    for key in sorted({key for key in chosen.values() if key is not None}):
        tags = tuple(sorted(tag for tag, one in chosen.items() if one == key))
        parts.append(
            LanguagePart(
                key=key or "others",
                tags=tags,
                recordings=sum(counts[tag] for tag in tags),
                model=models[key],
                filter=filters.get(key, filters.get("")),
                read_filter=read_filters.get(key, read_filters.get("")),
            )
        )
    return parts


def _filters_of(given: str | None, option: str, models: Mapping[str, str]) -> dict[str, str]:
    """The filters of an option by the keys of the models; "" is the key of the one for all others.

    Raises:
        UsageError: one is of a language without a model.
    """
    if given is None:
        return {}
    spelled = {one_spelling(key): key for key in models}
    filters = models_by_language(given, option)
    for tag, name in filters.items():
        if tag and one_spelling(tag) not in spelled:
            raise UsageError(
                f"{option} {tag}={name}: a filter by language needs the --model of its language, and there are models "
                f"for {_listed(models)}"
            )
    return {spelled[one_spelling(tag)] if tag else tag: name for tag, name in filters.items()}


def _listed(models: Mapping[str, str]) -> str:
    names = sorted(key or "all others" for key in models)
    return ", ".join(names[:20]) + (" ..." if len(names) > 20 else "")


def config_of_part(config: RunConfig, part: LanguagePart, *, first: bool) -> RunConfig:
    """The config of a part: a run of its own.

    Entries that break a rule, whose language is not known, are rejected in the first part where all are wanted.
    """
    broken = (UNKNOWN_LANGUAGE,) if first and not config.only_languages else ()
    return replace(
        config,
        model=part.model,
        filter=part.filter,
        read_filter=part.read_filter,
        only_languages=(*part.tags, *broken),
        out=files.join(config.out, part.key),
    )


def _best(tag: str, models: Mapping[str, str]) -> str | None:
    """The key of a language's model: the tag itself, its language, its three letters, else the model of all others."""
    wanted = (tag, tag.lower(), primary_of(tag), three_letters(tag))
    by_three = {three_letters(key): key for key in models if key and primary_of(key) == key.lower()}
    found = next((key for key in wanted if key in models), by_three.get(three_letters(tag)))
    return found if found is not None else ("" if "" in models else None)


def _entry(config: RunConfig, part: LanguagePart, code: int) -> dict[str, Any]:
    out = files.join(config.out, part.key)
    outcome: dict[str, Any] = {}
    if files.exists(files.join(out, OUTCOME_NAME)):
        outcome = json.loads(files.read_bytes(files.join(out, OUTCOME_NAME)))
    return {
        "folder": part.key,
        "languages": list(part.tags),
        "model": part.model,
        "recordings": part.recordings,
        "utterances": outcome.get("utterances", 0),
        "exit_code": code,
        "published": files.exists(files.join(out, MANIFEST_NAME)),
    }
