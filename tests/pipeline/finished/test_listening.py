from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from prep_corpus.pipeline.finished.listening_page import minutes, page, peaks

HOSTILE = "</script><script>alert(1)</script><!-- \u2028 {{ 7 * 7 }} & \"'"


class _Elements(HTMLParser):
    """Every start tag with its attributes, and the text inside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag
        if tag in self.inside:
            self.inside[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in self.inside:
            self.inside[self._open][-1] += data


def _page(text: str = "hello", listeners: int = 2) -> str:
    clips = [
        {"id": f"{text}-{number}", "src": f"clips/000{number}.flac", "seconds": 40.0, "text": text, "language": "en",
         "peaks": "0z"}
        for number in range(3)
    ]  # fmt: skip
    return page(digest="d" * 32, listeners=listeners, clips=clips, parts=[(1, 2), (1,), (2,)])


def test_texts_from_data_stay_texts() -> None:
    elements = _Elements(_page(HOSTILE))
    data, script = elements.inside["script"]
    assert json.loads(data)["clips"][0]["text"] == HOSTILE
    assert "alert(1)" not in script
    assert sum(tag == "script" for tag, _ in elements.tags) == 2


def test_the_policy_allows_the_pages_own_script_and_style_alone() -> None:
    elements = _Elements(_page())
    (policy,) = [a["content"] for tag, a in elements.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"

    def hashed(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert rules["script-src"] == hashed(elements.inside["script"][1])
    assert rules["style-src"] == hashed(elements.inside["style"][0])
    assert "unsafe" not in policy
    assert set(rules) == {
        *("default-src", "script-src", "style-src", "media-src", "img-src", "base-uri", "form-action"),
    }


def test_nothing_is_loaded_from_elsewhere_and_nothing_needs_what_the_policy_forbids() -> None:
    text = _page()
    for tag, attributes in _Elements(text).tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, attributes)
    assert not re.search(r"https?://", text)
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|sendBeacon|innerHTML|eval|import)\s*\(", text)
    assert "innerHTML" not in text


def test_parts_are_offered_where_several_listen() -> None:
    text = _page()
    assert "shared among 2 people" in text
    assert "Part 1 of 2: 2 clips, 1 minute<" in text
    alone = _page(listeners=1)
    assert "shared among" not in alone
    assert '<div id="part-field" hidden>' in alone


def test_peaks_show_the_shape_of_a_clip() -> None:
    samples = np.concatenate([np.zeros(800), 0.25 * np.ones(400), -np.ones(400)]).astype(np.float32)
    assert peaks(samples, 4) == "00iz"
    assert peaks(np.zeros(10, np.float32), 4) == "0000"
    assert len(peaks(np.ones(3, np.float32), 160)) == 3
    assert len(peaks(np.ones(12345, np.float32), 160)) == 160


@pytest.mark.parametrize(("seconds", "shown"), [(3, "1 minute"), (89, "1 minute"), (91, "2 minutes")])
def test_lengths_for_people(seconds: float, shown: str) -> None:
    assert minutes(seconds) == shown
