"""The page on which people listen and type: one file that opens from the disk and asks no network for anything.

The clips lie beside it as files, so that a page of a thousand clips opens at once. Its content security policy
names the page's own script and style by their hashes, and allows nothing else but sound from the same folder.

Legend: N samples.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files as package_files
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

PEAKS = 160
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def peaks(samples_N: NDArray[np.floating], count: int = PEAKS) -> str:
    """The shape of a clip: its loudest samples in `count` stretches, a digit of base 36 each.

    Args:
        samples_N: at least one.
        count: stretches; fewer where there are fewer samples.
    """
    edges = np.linspace(0, len(samples_N), min(count, len(samples_N)) + 1).astype(np.int64)
    loudest = np.maximum.reduceat(np.abs(samples_N), edges[:-1])
    # The root shows quiet speech beside loud.
    levels = np.sqrt(loudest / max(float(loudest.max()), 1e-9))
    return "".join(_DIGITS[round(35 * level)] for level in levels.tolist())


def page(
    *, digest: str, listeners: int, clips: Sequence[Mapping[str, Any]], parts: Sequence[Sequence[int]]
) -> str:
    """The whole page.

    Args:
        digest: digest of the sample; what is typed is kept under it.
        listeners: people who share the work.
        clips: `id`, `src` (path relative to the page), `seconds`, `text`, `language`, `peaks`, in the order in
            which they are heard.
        parts: numbers of the listeners who hear each clip, counted from 1.
    """
    style = _part("listening.css")
    script = "\n".join(_part(f"listening_{name}.js") for name in ("state", "page", "sound", "keys"))
    shown = {
        "digest": digest,
        "listeners": listeners,
        "clips": [{**clip, "parts": list(heard_by)} for clip, heard_by in zip(clips, parts)],
    }
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(_part("listening.html")).render(
        policy=_policy(script, style),
        style=Markup(style),
        script=Markup(script),
        sample=_json(shown),
        count=len(clips),
        minutes=minutes(sum(clip["seconds"] for clip in clips)),
        listeners=listeners,
        parts=[_part_facts(number, clips, parts) for number in range(1, listeners + 1)],
    )


def minutes(seconds: float) -> str:
    """A length for people to read."""
    whole = max(round(seconds / 60), 1)
    return f"{whole} minute{'' if whole == 1 else 's'}"


def _part_facts(
    number: int, clips: Sequence[Mapping[str, Any]], parts: Sequence[Sequence[int]]
) -> dict[str, Any]:
    own = [clip["seconds"] for clip, heard_by in zip(clips, parts) if number in heard_by]
    return {"number": number, "clips": len(own), "minutes": minutes(sum(own))}


def _part(name: str) -> str:
    return package_files("prep_corpus.pipeline.finished").joinpath(name).read_text(encoding="utf-8")


def _json(value: object) -> Markup:
    """JSON for a script element: nothing in it can end the element or start a comment."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _policy(script: str, style: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "media-src 'self' file:",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
