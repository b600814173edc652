"""What a run says of itself in two places says the same: totals, ledgers, rates, digests, ids, scores and noise."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator

from prep_corpus.align.errors import PrepCorpusError, UsageError
from prep_corpus.align.recognition.sources import KEPT_ENTRIES
from prep_corpus.pipeline.damaged_seals import holds_a_damaged_seal
from prep_corpus.pipeline.ledgers import Ledgers
from prep_corpus.pipeline.shards.manifest import SEAL, RunManifest, seal_of, split_totals
from prep_corpus.pipeline.shards.rows import Utterance, utterance_id

_NUMBERS = ("ctc_cost", "ctc_cost_per_frame", "ctc_cost_per_token", "frames_per_token", "score")

_TOLERANCE = 1e-3
_LOWEST_RATE_HZ = 1000

# (slug, message)
Finding = tuple[str, str]


def manifest_findings(content: bytes, run: RunManifest) -> Iterator[Finding]:
    """Where a manifest contradicts itself.

    Args:
        content: the bytes of manifest.json.
        run: the parsed manifest.json.
    """
    stated = json.loads(content).get("splits", {})
    try:
        counted = split_totals(run.shards)
    except UsageError:
        # Told elsewhere: the formats differ.
        return
    if stated != counted:
        yield (
            "count-mismatch",
            f"splits hold what their shards hold: {stated} stated, {counted} in the shards",
        )
    if not run.ledgers:
        return
    try:
        ledgers = Ledgers.from_json(run.ledgers)
        ledgers.check("the manifest")
    except PrepCorpusError as error:
        yield "ledger-mismatch", str(error)
        return
    except (KeyError, TypeError, ValueError) as error:
        yield "ledger-mismatch", f"ledgers are numbers by name: {error!r}"
        return
    utterances = int(sum(one["utterances"] for one in counted.values()))
    in_ledger = ledgers.counts.get("utterances", 0)
    if in_ledger != utterances:
        yield (
            "ledger-mismatch",
            f"the ledger counts the utterances: {in_ledger} in it, {utterances} in the shards",
        )
    if run.sample_rate_hz:
        kept = sum(one["seconds"] for one in counted.values())
        seconds = sum(ledgers.samples.get(entry, 0) for entry in KEPT_ENTRIES) / run.sample_rate_hz
        # Seconds of a split are rounded to milliseconds, and edges at another rate to its samples.
        rounding = utterances / _LOWEST_RATE_HZ if _keeps_rates(run) else 0.0
        if abs(seconds - kept) > 0.001 * (1 + len(counted)) + rounding:
            message = f"the ledger counts the seconds kept: {seconds:.3f} in it, {kept:.3f} in the shards"
            yield "ledger-mismatch", message


def seal_finding(content: bytes) -> str | None:
    """What is wrong with a manifest in which nothing else is: it is not what was written. None where it is."""
    document = json.loads(content)
    stated, found = document.get(SEAL), seal_of(document)
    if stated is None and holds_a_damaged_seal(document, SEAL, len(found)):
        return f"a manifest names its seal {SEAL!r}: this one has {sorted(document)}"
    if stated is None or stated == found:
        return None
    return f"a manifest is what was written: its seal is {stated!r}, and that of what it says now {found!r}"


def _keeps_rates(run: RunManifest) -> bool:
    """Whether clips have the rate of their file, and ids and ledgers that of the model."""
    return run.config.get("sample_rate") == "source"


def _is_placed(row: Utterance, model_rate_hz: int) -> bool:
    """Whether an id of samples at the model's rate is of a row at another."""
    found = re.fullmatch(r"(.*)-(\d{9,})-(\d{9,})", row.id, re.S)
    if found is None or found[1] != row.recording_id or not model_rate_hz:
        return False
    start, end = (int(found[at]) * row.sample_rate_hz // model_rate_hz for at in (2, 3))
    return start == row.start_sample and 0 <= end - row.end_sample <= 1 + row.sample_rate_hz // model_rate_hz


def row_findings(row: Utterance, run: RunManifest) -> Iterator[Finding]:
    """Where an utterance contradicts itself or its run."""
    keeps_rates = _keeps_rates(run)
    wanted = utterance_id(row.recording_id, row.start_sample, row.end_sample)
    if row.id != wanted and not (keeps_rates and _is_placed(row, run.sample_rate_hz or 0)):
        yield "id-mismatch", f"an id is of its recording and samples: {wanted} by those, {row.id} in the row"
    for name, stated in (
        ("sample_rate_hz", None if keeps_rates else run.sample_rate_hz),
        ("model_digest", run.model_digest),
        ("config_digest", run.config_digest),
    ):
        found = getattr(row, name)
        if stated is not None and found != stated:
            yield "run-mismatch", f"{name} is the run's: {stated} in the manifest, {found} in the row"
    for name in _NUMBERS:
        value = getattr(row, name)
        if value is None or not math.isfinite(value):
            yield "score-invalid", f"{name} is a finite number: it is {value}"
    if not row.text.strip() or not row.text_normalized.strip():
        yield (
            "text-empty",
            f"an utterance has text: it has {row.text!r}, {row.text_normalized!r} in the alphabet",
        )
    characters = sum(map(len, row.text_normalized.split()))
    if row.characters != characters:
        yield (
            "text-mismatch",
            f"characters are those of the text: {characters} in it, {row.characters} in the row",
        )
    at = 0.0
    for word in row.word_times or ():
        # In float32, as TFRecord has them.
        inside = at - _TOLERANCE <= word.start <= word.end <= row.duration + _TOLERANCE
        if not inside or not 0 <= word.score <= 1:
            yield (
                "word-times-invalid",
                f"words follow one another inside their utterance, with scores of 0 to 1: {word} after {at} s of "
                f"{row.duration} s",
            )
            break
        at = word.end
    if row.noise is not None:
        try:
            plan = json.loads(row.noise)
            sound = isinstance(plan, dict) and math.isfinite(row.snr_db or 0.0)
        except ValueError:
            sound = False
        if not sound:
            yield (
                "noise-mismatch",
                f"noise is a JSON object beside a finite snr_db: {row.noise[:80]!r}, {row.snr_db}",
            )
