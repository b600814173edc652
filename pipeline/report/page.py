"""The page of a report: one HTML file, with everything in it and nothing to fetch.

What comes from data is escaped by Jinja, or stands in blocks of JSON that no browser runs, and the script puts
it in as text alone. The policy in the page lets in no script or style but its own, by their hashes, and no
connection at all.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from prep_corpus.align.recognition.sources import (
    KEPT_ENTRIES,
    KEPT_RECOGNISED,
    KEPT_REPAIRED,
    RECOGNISED,
    REPAIRED,
    TRANSCRIPT,
)
from prep_corpus.pipeline.report.model import Example, Report
from prep_corpus.pipeline.report.payload import payload

_HERE = Path(__file__).parent
_SCRIPTS = (
    "report_core.js",
    "report_player.js",
    "report_charts.js",
    "report_lists.js",
    "report_main.js",
)

MEANING = {
    "kept": "in an utterance of the shards",
    KEPT_REPAIRED: "in an utterance of the transcript with words that the model hears",
    KEPT_RECOGNISED: "in an utterance whose text is what the model hears",
    "pause": "neither speech nor part of a segment",
    "untranscribed": "speech that no text covers",
    "unspoken": "words that the audio does not say",
    "unsayable": "characters outside the model's alphabet",
    "stripped": "marks, labels and directions taken out by option",
    "dropped:too-short": "shorter than the minimum length, or a few letters away from the rest",
    "dropped:too-long": "longer than the maximum, with no pause to cut at",
    "dropped:inside-speech": "said, but between words that are not, with no pause to cut at; or part of a longer word",
    "dropped:overlapping-speech": "said while another speaker speaks",
    "dropped:not-heard": "the model hears too little of the text there",
    "dropped:low-score": "the utterance classifier does not trust the text",
    "dropped:speech-silent": "has no power to measure noise against",
}
_DOUBTFUL = (
    ("worst", "weakest words", "Utterances that hold the words with the least evidence."),
    ("borderline", "borderline", "Utterances whose score is only just over the threshold."),
    (
        REPAIRED,
        "kept, repaired texts",
        "The transcript with words that the model hears in the place of wrong ones.",
    ),
    (RECOGNISED, "kept, read by the model", "What the model hears where no text is trusted."),
)
_ORDER = ("rejected", "stripped", "unsayable", "pause", "untranscribed", "unspoken", "dropped")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One bar of a funnel: what is taken away, or at the ends what there is.

    Attributes:
        key: entry of the ledger.
        name, meaning: for people.
        kind: which colour.
        amount: the amount in its printed form.
        share: its share of the whole, 0 to 1.
        left: where the bar begins, 0 to 1.
    """

    key: str
    name: str
    meaning: str
    kind: str
    amount: str
    share: float
    left: float


def clock(seconds: float) -> str:
    """Such as 1:02:03 or 4:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def funnel(entries: Mapping[str, int], whole_key: str, shown: Any) -> list[Step]:
    """A ledger as bars: the whole, each loss where the one before it ends, and what is kept.

    Args:
        entries: the ledger's entries.
        whole_key: "decoded" or "read".
        shown: writes an amount.
    """
    whole = entries.get(whole_key, 0)
    losses = [key for key, value in entries.items() if value and key not in (whole_key, *KEPT_ENTRIES)]
    losses.sort(key=lambda key: (_ORDER.index(key.partition(":")[0]), -entries[key], key))
    steps = [_step(whole_key, whole_key, whole, whole, 0.0, shown)]
    left = 1.0
    for key in losses:
        left -= entries[key] / max(whole, 1)
        steps.append(_step(key, key.partition(":")[0], entries[key], whole, max(left, 0.0), shown))
    below = sum(entries.get(key, 0) for key in KEPT_ENTRIES)
    for key in reversed(KEPT_ENTRIES):
        below -= entries.get(key, 0)
        if entries.get(key) or key == "kept":
            steps.append(_step(key, "kept", entries.get(key, 0), whole, below / max(whole, 1), shown))
    return steps


def _step(key: str, kind: str, value: int, whole: int, left: float, shown: Any) -> Step:
    name = key.replace(":", ": ").replace("-", " ")
    meaning = MEANING.get(key, "of recordings that could not be used" if kind == "rejected" else "")
    return Step(
        key=key,
        name=name,
        meaning=meaning,
        kind=kind,
        amount=shown(value),
        share=value / max(whole, 1),
        left=left,
    )


def page(report: Report) -> str:
    """The whole page of a report."""
    rate = max(report.sample_rate_hz, 1)
    samples, characters = report.ledgers["samples"], report.ledgers["characters"]
    style = _asset("uPlot.min.css") + _asset("report.css")
    library, script = _asset("uPlot.iife.min.js"), _script()
    kept = sum(samples.get(entry, 0) for entry in KEPT_ENTRIES)
    return _template().render(
        report=report,
        policy=_policy([library, script], style),
        style=Markup(style),
        library=Markup(library),
        script=Markup(script),
        payload=json_block(payload(report)),
        clips=[_base64(example) for example in report.examples],
        funnels=(
            ("Audio", "decoded", funnel(samples, "decoded", lambda value: clock(value / rate))),
            ("Text", "read", funnel(characters, "read", lambda value: f"{value:,}")),
        ),
        drops=_drops(report),
        doubtful=[one for one in _DOUBTFUL if any(example.group == one[0] for example in report.examples)],
        reads=any(row.text_source != TRANSCRIPT for row in report.segments),
        disagreeing=[check for check in report.checks if check.disagrees],
        kept_time=clock(kept / rate),
        decoded_time=clock(samples.get("decoded", 0) / rate),
        kept_share=kept / max(samples.get("decoded", 0), 1),
        counts=report.ledgers.get("counts", {}),
        settings=sorted((key, _setting(value)) for key, value in report.settings.items()),
        unlisted={
            "segments": report.segments_total - len(report.segments),
            "recordings": report.recordings_total - len(report.recordings),
            "letters": report.failed - len(report.letters),
        },
    )


def _drops(report: Report) -> list[dict[str, Any]]:
    """What was lost of which there are examples, or that the ledgers list; the largest first."""
    rate = max(report.sample_rate_hz, 1)
    samples, characters = report.ledgers["samples"], report.ledgers["characters"]
    listed = []
    for key in {*samples, *characters}:
        kind, _, reason = key.partition(":")
        if kind not in ("dropped", "untranscribed", "unspoken") or not (
            samples.get(key) or characters.get(key)
        ):
            continue
        group = reason or kind
        listed.append(
            {
                "group": group,
                "kind": kind,
                "name": group.replace("-", " "),
                "meaning": MEANING.get(key, ""),
                "seconds": samples.get(key, 0) / rate,
                "time": clock(samples[key] / rate) if samples.get(key) else "",
                "characters": characters.get(key, 0),
            }
        )
    return sorted(listed, key=lambda drop: (-drop["seconds"], -drop["characters"], drop["group"]))


def _setting(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _base64(example: Example) -> str:
    return base64.b64encode(example.sound).decode()


def json_block(value: object) -> Markup:
    """JSON that may stand inside a script element: nothing in it can end the element or begin a comment."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character, escaped in (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e")):
        text = text.replace(character, escaped)
    # Half a surrogate pair could not be written as UTF-8.
    return Markup(text.encode("utf-8", "replace").decode())


def _policy(scripts: Iterable[str], style: str) -> str:
    listed = " ".join(f"'{_digest(text)}'" for text in scripts)
    return (
        f"default-src 'none'; script-src {listed}; style-src '{_digest(style)}'; media-src blob: data:; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def _script() -> str:
    return '"use strict";\n(() => {\n' + "\n".join(_asset(name) for name in _SCRIPTS) + "\n})();\n"


@cache
def drawing_digest() -> str:
    """A digest of the files that draw the page."""
    return _digest(_asset("report_template.html") + _asset("report.css") + _script())


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(_asset("report_template.html"))
