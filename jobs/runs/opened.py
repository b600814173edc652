"""How every command that works on what a run left opens its folder: export, report, sample, label, fit-filter, ...

A part is read when it is first asked for, so that a run which has not ended serves those that need less, and what
takes seconds to import is imported by those that need it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from prep_corpus.align.errors import UsageError
from prep_corpus.jobs.config import SETTINGS, RunConfig, config_of
from prep_corpus.jobs.settings import SEED, SHARDS
from prep_corpus.pipeline.outcome import RunOutcome, read_outcome, refuse_run_by_language
from prep_corpus.pipeline.run_files import MANIFEST_NAME, MARKER, OUTCOME_NAME
from prep_corpus.pipeline.shards.manifest import RunManifest, parse_manifest
from prep_corpus.pipeline.storage import files
from prep_corpus.pipeline.storage.documents import read_document, read_used, told_as_damage

if TYPE_CHECKING:
    from prep_corpus.pipeline.finished.stored_run import FinishedRun
    from prep_corpus.pipeline.storage.stage_store import Store


@dataclass(frozen=True, kw_only=True)
class OpenRun:
    """The folder of a run, whatever state it is in.

    Attributes:
        folder: path or URI.
    """

    folder: str

    @property
    def store(self) -> Store:
        """Its stage files."""
        from prep_corpus.pipeline.storage.stage_store import Store

        return Store(files.join(self.folder, "work"))

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The settings that it was begun with, by the names of `RunConfig`.

        Raises:
            UsageError: the folder holds no run.
        """
        marker = files.join(self.folder, MARKER)
        if not files.exists(marker):
            raise UsageError(f"{self.folder} holds no run of prep-corpus: there is no {MARKER}")
        with told_as_damage(marker):
            settings: Mapping[str, Any] = dict(read_document(marker)["settings"])
        return settings

    @cached_property
    def config(self) -> RunConfig:
        """The same as a config; settings that an earlier version did not know have their defaults.

        Raises:
            UsageError: the folder holds no run.
        """
        with told_as_damage(files.join(self.folder, MARKER)):
            return config_of(self.settings, out=self.folder)

    @cached_property
    def published(self) -> RunManifest:
        """Its manifest.

        Raises:
            UsageError: the run has not come to its end, or its manifest cannot be read.
        """
        self.refuse_unfinished()
        uri = files.join(self.folder, MANIFEST_NAME)
        return parse_manifest(files.read_bytes(uri), name=uri)

    @property
    def is_published(self) -> bool:
        """Whether it has ever come to its end."""
        return files.exists(files.join(self.folder, MANIFEST_NAME))

    def refuse_unfinished(self) -> None:
        """See that the run has come to its end.

        Raises:
            UsageError: it has not.
        """
        if not self.is_published:
            raise UsageError(
                f"{self.folder}: a finished run has a {MANIFEST_NAME}, and there is none here; "
                "let `prep-corpus run` come to its end first"
            )

    def check_has_clips(self) -> None:
        """See that it is a run whose utterances can be written anew.

        Raises:
            UsageError: it has not come to its end, or an export wrote it, which keeps no clips.
        """
        if self.published.config.get("exported"):
            raise UsageError(
                f"{self.folder} was written by `export`, which leaves the clips where they are; export the run that it "
                "came from"
            )

    @cached_property
    def published_config(self) -> RunConfig:
        """The config of what is published.

        Raises:
            UsageError: the run has not come to its end, or its manifest holds settings that no run has.
        """
        with told_as_damage(files.join(self.folder, MANIFEST_NAME)):
            return config_of(self.published.config)

    def values_of_export(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values of an export's options, with those of the run on which they depend.

        Args:
            values: by the names of the settings; a `split_read` of None is the run's.

        Raises:
            UsageError: the run has not come to its end, or keeps no clips.
        """
        self.check_has_clips()
        made = self.published_config
        given = values.get("split_read")
        parted = made.split_read if given is None else given
        return {**values, "cut": made.cut, "read": made.read, "split_read": parted}

    def config_of_export(self, config: RunConfig) -> RunConfig:
        """An export's config: what shapes shards is its own, how recordings became utterances is the run's.

        Raises:
            UsageError: the run has not come to its end, keeps no clips, or has the export's own folder.
        """
        self.check_has_clips()
        if files.join(config.out, "") == files.join(self.folder, ""):
            raise UsageError("--out must be another folder than the run's own, whose shards stay as they are")
        own = {one.name: getattr(config, one.name) for one in SETTINGS if one.group in (SHARDS, SEED)}
        # Babble is made of source audio, which an export does not touch.
        return replace(
            self.published_config,
            manifest=config.manifest,
            out=config.out,
            beam_options=config.beam_options,
            babble=False,
            **own,
        )

    @cached_property
    def outcome(self) -> RunOutcome:
        """How it ended.

        Raises:
            UsageError: it has not ended.
        """
        if not files.exists(files.join(self.folder, OUTCOME_NAME)):
            raise UsageError(
                f"{self.folder}: a run that has ended has an {OUTCOME_NAME}, and there is none here"
            )
        return read_outcome(self.folder)

    @cached_property
    def used(self) -> frozenset[str] | None:
        """The stage files that the last run to end used, as STAGE/DIGEST; None where none has ended."""
        used = read_used(self.folder)
        return None if used is None else frozenset(used)

    def used_of(self, stage: str) -> list[str]:
        """The digests of the files of one stage that it used, in order."""
        names = (name.partition("/") for name in sorted(self.used or ()))
        return [digest for of, _, digest in names if of == stage]

    def stored(self) -> FinishedRun:
        """Its stage files, as those that fit filters or draw samples read them.

        Raises:
            UsageError: the run has not come to its end, or its stage files are gone.
        """
        published = self.published
        # Refused by now, where it can be: what reads stage files takes seconds to import.
        from prep_corpus.jobs.runs.stage_options import text_options
        from prep_corpus.pipeline.finished.stored_run import stored_results

        return stored_results(self.folder, published, text_options(self.published_config))


def open_run(folder: str) -> OpenRun:
    """The run in a folder.

    Raises:
        UsageError: the folder's store cannot be reached, or holds a run by language, whose parts are to be named.
    """
    files.check_place(folder)
    refuse_run_by_language(folder)
    return OpenRun(folder=folder)
