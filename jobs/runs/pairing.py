"""`prep-corpus pair`: which of many texts is that of each recording, by what the model reads; a manifest of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from prep_corpus.jobs.options import Number

if TYPE_CHECKING:
    from prep_corpus.align.model.emissions import FloatArray
    from prep_corpus.align.model.models import LoadedModel
    from prep_corpus.align.sections.among_texts import TextFit
    from prep_corpus.align.sections.anchors import ReadLetters

STRETCHES = 5
"""A recording is read in so many places, evenly spread: its beginning may be the same as that of others."""


@click.command("pair")
@click.argument("recordings", metavar="RECORDINGS")
@click.argument("texts", metavar="TEXTS")
@click.option("--out", required=True, metavar="FILE", help="The manifest to write (.jsonl), path or URI.")
@click.option(
    "--model", default="english", show_default=True, metavar="NAME", help="Model that reads; as for run."
)
@click.option(
    "--device", type=click.Choice(["cpu", "cuda"]), help="Device of the model.  [default: the best there is]"
)
@click.option("--workers", type=click.IntRange(1), help="Number of threads.  [default: all cores]")
@click.option(
    "--minutes",
    type=Number(0.5),
    default=5.0,
    show_default=True,
    help="Audio of each recording that is read, in minutes.",
)
@click.option("--force", is_flag=True, help="Replace FILE.")
@click.option("--quiet", "-q", is_flag=True, help="Print errors and warnings only.")
def pair_command(
    recordings: str,
    texts: str,
    out: str,
    model: str,
    device: str | None,
    workers: int | None,
    minutes: float,
    force: bool,
    quiet: bool,
) -> None:
    """Find for each audio file in RECORDINGS the text in TEXTS that is said in it, whatever their names.

    Both are folders. The model reads some minutes of each recording, and the text that has the most of it is the
    recording's; several are named where they are versions of one text, as a chapter and its book are. Where no text
    fits, or several fit alike, the recording is told and left out. The manifest is one for run and align.
    """
    from prep_corpus.align.model.devices import check_device
    from prep_corpus.align.model.naming import check_name
    from prep_corpus.jobs.screen.logs import say_beginning
    from prep_corpus.jobs.screen.plain_text import counted
    from prep_corpus.jobs.start.early import check_file_out

    check_file_out(out)
    check_name(model)
    if device is not None:
        check_device(device)
    listed = _listed(recordings, texts, out, force=force)
    say_beginning(
        f"reading {counted(len(listed.recordings), 'recording')} and {counted(len(listed.texts), 'text')}",
        quiet=quiet,
    )
    from rich.console import Console

    from prep_corpus.align.errors import UsageError
    from prep_corpus.jobs.screen.printing import print_line, print_warning
    from prep_corpus.pipeline.storage import files

    console = Console(stderr=True, quiet=quiet)
    pairing = _Pairing(listed, model, device, workers or os.cpu_count() or 1, minutes)
    lines: list[str] = []
    for what, line in pairing.pairs(os.path.dirname(files.absolute(out))):
        if line is None:
            print_warning(console, what)
        else:
            print_line(console, what)
            lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    if not lines:
        raise UsageError(f"no recording of {recordings} has its text in {texts}; {out} is not written")
    files.write_atomic(out, lambda file: file.write("".join(lines).encode()), replace=force)
    whole = counted(len(listed.recordings), "recording")
    print_line(console, f"{len(lines)} of {whole} have their text in {out}")


@dataclass(frozen=True, kw_only=True)
class _Listed:
    """Absolute paths or URIs of what is to be paired."""

    recordings: tuple[str, ...]
    texts: tuple[str, ...]


def _listed(recordings: str, texts: str, out: str, *, force: bool) -> _Listed:
    """The files of both folders.

    Raises:
        UsageError: there are none, or the manifest must not be written there.
    """
    from prep_corpus.align.errors import UsageError
    from prep_corpus.align.transcripts.formats import ENDINGS
    from prep_corpus.pipeline.inputs.manifests import AUDIO_FILE_ENDINGS
    from prep_corpus.pipeline.storage import files

    if not out.endswith(".jsonl"):
        raise UsageError(f"--out is the manifest to write and must end in .jsonl; {out} does not")
    if files.exists(out) and not force:
        raise UsageError(f"{out} is there already; --force replaces it")
    found = []
    for folder, endings, what in ((recordings, AUDIO_FILE_ENDINGS, "audio"), (texts, ENDINGS, "text")):
        names = [name for name in files.list_files(folder) if os.path.splitext(name)[1].lower() in endings]
        if not names:
            raise UsageError(
                f"{folder} must be a folder with {what} files ({', '.join(sorted(endings))}), and has none"
            )
        found.append(tuple(files.absolute(name) for name in names))
    return _Listed(recordings=found[0], texts=found[1])


class _Pairing:
    """Pairs recordings with texts, one after the other."""

    def __init__(self, listed: _Listed, model: str, device: str | None, threads: int, minutes: float) -> None:
        from prep_corpus.align.model.devices import default_device
        from prep_corpus.align.model.models import load_model

        self._listed, self._threads, self._minutes = listed, threads, minutes
        self._model: LoadedModel = load_model(model, device or default_device())

    def pairs(self, folder: str) -> Iterator[tuple[str, dict[str, object] | None]]:
        """For each recording what is to be told, and its entry in a manifest in the folder, where it has one."""
        from prep_corpus.align.errors import RecordingError
        from prep_corpus.align.sections.among_texts import ManyTexts
        from prep_corpus.align.sections.anchors import ReadLetters
        from prep_corpus.jobs.screen.plain_text import counted, some_of

        names: list[str] = []
        contents: list[str] = []
        for name, told, content in self._read_texts():
            if content is None:
                yield told, None
                continue
            names.append(name)
            contents.append(content)
        known = ReadLetters.of((), self._model.info.vocabulary).known
        many = ManyTexts(contents, known)
        alone = dict.fromkeys(names)
        for recording in self._listed.recordings:
            try:
                read = self._read(recording)
            except RecordingError as error:
                yield f"{recording}: {error.reason}: {error}", None
                continue
            fit = many.fit(read)
            texts = [names[number] for number in fit.numbers]
            if not texts:
                yield _refusal(recording, fit, len(read.letters_G)), None
                continue
            for text in texts:
                alone.pop(text, None)
            paths = [_relative(text, folder) for text in texts]
            told = f"{recording}: {', '.join(texts)} ({fit.anchors} anchors; {fit.others} in other texts)"
            yield (
                told,
                {
                    "audio_filepath": _relative(recording, folder),
                    "text_filepath": paths if paths[1:] else paths[0],
                },
            )
        if alone:
            yield f"{counted(len(alone), 'text')} that no recording has: {some_of(list(alone))}", None

    def _read_texts(self) -> Iterator[tuple[str, str, str | None]]:
        """Name, what is wrong with it, and the plain text of each."""
        from prep_corpus.align.errors import RecordingError
        from prep_corpus.pipeline.apart.parsing import Parser
        from prep_corpus.pipeline.inputs.texts import read_version

        parser = Parser()
        try:
            for name in self._listed.texts:
                try:
                    yield name, "", read_version(name, parser, shown="pair").text
                except RecordingError as error:
                    yield name, f"{error.reason}: {error}", None
        finally:
            parser.close()

    def _read(self, recording: str) -> ReadLetters:
        """What the model reads in a recording's stretches, one after the other.

        Raises:
            RecordingError: the audio breaks a rule.
        """
        from prep_corpus.align.model.emissions import Emitter, WindowOptions
        from prep_corpus.align.sections.anchors import ReadLetters
        from prep_corpus.align.words.aligned_text import read_letters

        info = self._model.info
        emitter = Emitter[int](
            self._model, WindowOptions.for_device(self._model.device), threads=self._threads
        )
        stretches = self._stretches(recording)
        errors: list[Exception] = []
        emitted = dict(
            emitter.emit(
                ((number, [one]) for number, one in enumerate(stretches)),
                lambda _, error: errors.append(error),
            )
        )
        if errors:
            raise errors[0]
        read = [read_letters(emitted[number], info) for number in sorted(emitted)]
        return ReadLetters.joined(read)

    def _stretches(self, recording: str) -> list[FloatArray]:
        """The samples of evenly spread stretches of a recording, or of all of it where it is short."""
        import numpy as np

        from prep_corpus.align.audio.decode import decode, probe
        from prep_corpus.pipeline.storage import files

        rate = self._model.info.sample_rate_hz
        with files.open_binary(recording) as file:
            seconds = probe(file, name=recording).duration_seconds or 0.0
            wanted = _spread(round(seconds * rate), round(60 * self._minutes * rate))
            file.seek(0)
            found: list[list[FloatArray]] = [[] for _ in wanted]
            at = 0
            for block_N in decode(file, name=recording, sample_rate_hz=rate):
                for stretch, (start, end) in zip(found, wanted):
                    part_N = block_N[max(start - at, 0) : max(end - at, 0)]
                    if len(part_N):
                        stretch.append(part_N)
                at += len(block_N)
                if at >= wanted[-1][1]:
                    break
        return [np.concatenate(stretch) for stretch in found if sum(map(len, stretch)) >= rate]


def _spread(total: int, most: int) -> list[tuple[int, int]]:
    """Half-open spans of samples: all of a recording of known length, or evenly spread ones; else its beginning."""
    if total <= most:
        return [(0, most)]
    length = most // STRETCHES
    starts = [round((total - length) * number / (STRETCHES - 1)) for number in range(STRETCHES)]
    return [(start, start + length) for start in starts]


def _refusal(recording: str, fit: TextFit, letters: int) -> str:
    """Why a recording has no text."""
    from prep_corpus.align.sections.among_texts import fewest_anchors

    wanted = fewest_anchors(letters)
    if fit.anchors < wanted:
        why = f"no text fits; the best has {fit.anchors} anchors, and {wanted} are wanted"
    elif fit.others:
        why = f"several texts fit almost alike, with {fit.anchors} and {fit.others} anchors"
    else:
        why = f"too many texts fit alike, with {fit.anchors} anchors"
    return f"{recording}: {why}, of {letters} letters that are read"


def _relative(name: str, folder: str) -> str:
    """A path as a manifest in the folder names it: below it without the folder, else whole."""
    return name[len(folder) + 1 :] if name.startswith(f"{folder}/") else name
