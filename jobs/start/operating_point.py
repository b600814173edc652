"""Which filter a run uses, and which thresholds stand for the word error rate asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prep_corpus.align.errors import UsageError
from prep_corpus.align.recognition.sources import READ_NOTHING
from prep_corpus.filters.curve import OperatingPoint
from prep_corpus.filters.documents import document_text
from prep_corpus.filters.linear import BUNDLED_FILTERS, Filter, bundled_filter, parse_filter
from prep_corpus.filters.recognition import (
    BUNDLED_RECOGNITION_FILTERS,
    RecognitionFilter,
    bundled_recognition_filter,
    parse_recognition,
)
from prep_corpus.jobs.config import DEFAULT_MAX_WER, RunConfig
from prep_corpus.jobs.screen.printing import print_warning
from prep_corpus.pipeline.run_files import FILTER_NAME
from prep_corpus.pipeline.storage import files

if TYPE_CHECKING:
    from rich.console import Console

    from prep_corpus.align.model.models import ModelInfo

NEAREST = "nearest"
"""In place of a filter: the bundled one of the model whose frames are most alike."""


class NoFilter(UsageError):
    """No filter was fitted for the model, and none is named."""


def check_filter(config: RunConfig) -> None:
    """Refuse what can be told of the filter before the model is known.

    Raises:
        UsageError: there is no such filter, or it cannot promise the word error rate asked for.
    """
    fitted = _named_filter(config.filter)
    if fitted is None and config.model in BUNDLED_FILTERS:
        # Each bundled model's own filter has its name.
        fitted = bundled_filter(config.model)
    if fitted is not None and config.max_wer is not None:
        fitted.point(config.max_wer, cut=config.cut)


def check_read(config: RunConfig) -> None:
    """Refuse to keep what a bundled model hears where it is not known how far to trust it, before the model is loaded.

    Raises:
        UsageError: nothing can be promised of it, or not the word error rate asked for.
    """
    if config.read_filter is not None:
        _ = _read_filter(config.read_filter)
    if config.read != READ_NOTHING and config.model in BUNDLED_FILTERS:
        _ = recognition_points(config, recognition_filter(config, bundled_filter(config.model).model_digest))


def recognition_filter(config: RunConfig, model_digest: str) -> RecognitionFilter:
    """The filter of what a model hears.

    Raises:
        UsageError: nothing can be promised of what this model hears.
    """
    if config.read_filter is not None:
        given = _read_filter(config.read_filter)
        if not given.fits(model_digest):
            raise UsageError(
                f"--read-filter {config.read_filter} was fitted for another model than {config.model}: it promises "
                "nothing of what this one reads"
            )
        if given.is_judged != (config.judge is not None):
            needs = (
                "a judge: name one with --judge MODEL" if given.is_judged else "no judge: leave --judge out"
            )
            raise UsageError(f"--read-filter {config.read_filter} was fitted for reading with {needs}")
        return given
    fitted = bundled_recognition_filter(model_digest, judged=config.judge is not None)
    if fitted is None:
        raise UsageError(
            f"--read {config.read} keeps what a model hears only where it is known how far to trust it, and that is "
            f"known of {', '.join(BUNDLED_RECOGNITION_FILTERS)} alone, not of {config.model}; "
            "leave --read out, name a model that has such a filter, or give this one of its own with --read-filter "
            "FILE.json, which `fit-filter --read-out FILE.json` makes of a run without --read (docs/own-filter.md)"
        )
    return fitted


def recognition_points(
    config: RunConfig, fitted: RecognitionFilter
) -> tuple[OperatingPoint, OperatingPoint | None]:
    """The thresholds for the word error rate asked for, without a text and with one.

    Raises:
        UsageError: no so low a word error rate can be promised of recordings without a text.
    """
    asked = config.max_wer or DEFAULT_MAX_WER
    alone = fitted.alone.point(asked)
    if fitted.with_text is None:
        return alone, None
    try:
        return alone, fitted.with_text.point(asked)
    except UsageError:
        return alone, None


def expected(point: OperatingPoint) -> str:
    """What an operating point keeps, in words."""
    return (
        f"{point.kept_share:.0%} of the spoken words at {point.wer:.2%} wrong (at most {point.wer_upper:.2%})"
    )


def reading_line(config: RunConfig, model_digest: str) -> str:
    """What reading is expected to keep, in a line; empty where nothing is read."""
    if config.read == READ_NOTHING:
        return ""
    point, _ = recognition_points(config, recognition_filter(config, model_digest))
    return f"--read {config.read}: expected to keep, of recordings without a text, {expected(point)}"


def _named_filter(name: str | None) -> Filter | None:
    if name is None or name == NEAREST:
        return None
    if name in BUNDLED_FILTERS:
        return bundled_filter(name)
    return parse_filter(_text_of(name, "--filter"), name)


def _read_filter(name: str) -> RecognitionFilter:
    return parse_recognition(_text_of(name, "--read-filter"), f"--read-filter {name}")


def _text_of(name: str, option: str) -> str:
    """What a filter's file holds, on a disk or an object store.

    Raises:
        UsageError: it is not there, or no text.
    """
    if files.is_local(name):
        return document_text(Path(name), option)
    try:
        return files.read_bytes(name).decode()
    except OSError as error:
        raise UsageError(f"{option} {name}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{option} {name}: a filter is UTF-8, and byte {error.start} is not") from error


def open_filter(config: RunConfig, info: ModelInfo, console: Console | None) -> Filter:
    """The filter asked for, the bundled one of the model, or the one that the run in the folder has fitted itself.

    Raises:
        NoFilter: there is none for the model.
        UsageError: the filter asked for cannot be read.
    """
    found = filter_at_hand(config, info, console)
    own_uri = files.join(config.out, FILTER_NAME)
    if found is None and files.exists(own_uri):
        own = parse_filter(files.read_bytes(own_uri).decode("utf-8", "replace"), own_uri)
        found = own if own.fits(info.digest) else None
    if found is None:
        raise NoFilter(
            f"no filter was fitted for the model {config.model}: `prep-corpus run` fits one on the corpus itself, and "
            "`fit-filter` on a finished run; name it with --filter, or --filter nearest for that of another model, "
            "which promises nothing"
        )
    return found


def filter_at_hand(config: RunConfig, info: ModelInfo, console: Console | None) -> Filter | None:
    """The filter asked for, or the bundled one that was made for the model; None where there is neither.

    Raises:
        UsageError: the filter asked for cannot be read.
    """
    fitted = _named_filter(config.filter)
    if fitted is not None:
        if not fitted.fits(info.digest):
            print_warning(
                console,
                f"warning: the filter {config.filter} was fitted for another model: its word error rates may not hold",
            )
        return fitted
    bundled = [bundled_filter(name) for name in BUNDLED_FILTERS]
    exact = [fitted for fitted in bundled if fitted.fits(info.digest)]
    if exact:
        return exact[0]
    if config.filter is None:
        return None
    nearest = min(bundled, key=lambda fitted: abs(fitted.frame_seconds - info.frame_seconds))
    print_warning(
        console,
        f"warning: no bundled filter was fitted for the model {config.model}; one for another model with frames of "
        f"{1000 * nearest.frame_seconds:.0f} ms is used, and its word error rates may not hold",
    )
    return nearest


def operating_point(config: RunConfig, fitted: Filter, console: Console | None) -> OperatingPoint:
    """The thresholds for the word error rate asked for; without one, the nearest to 1 % that can be reached."""
    if config.max_wer is not None:
        return fitted.point(config.max_wer, cut=config.cut)
    try:
        return fitted.point(DEFAULT_MAX_WER, cut=config.cut)
    except UsageError:
        best = min(point.wer_upper for point in fitted.level(config.cut).curve)
        print_warning(
            console,
            f"the filter cannot promise {DEFAULT_MAX_WER:.0%} wrong words; {best:.2%} is its best",
        )
        return fitted.point(best, cut=config.cut)
