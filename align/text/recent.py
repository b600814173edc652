"""Normalised texts that several stages need one after the other, kept as long as there is room."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from prep_corpus.align.text.normalize import NormalizedText, TextOptions, normalize

KEPT_CHARACTERS = 1 << 19
"""Of texts that are kept: some ten hours of speech, about 10 MB."""

_Key = tuple[str, frozenset[str], str, bool, TextOptions]


class RecentTexts:
    """Normalises texts, and gives those that it has normalised lately once more.

    Args:
        most_characters: characters of all texts that are kept; the least recently used go first.
    """

    def __init__(self, most_characters: int = KEPT_CHARACTERS) -> None:
        self._most = most_characters
        self._held = 0
        self._lock = Lock()
        self._texts: OrderedDict[_Key, NormalizedText] = OrderedDict()

    def normalized(
        self, text: str, *, alphabet: frozenset[str], language: str, has_spaces: bool, options: TextOptions
    ) -> NormalizedText:
        """What `normalize` gives."""
        key = (text, alphabet, language, has_spaces, options)
        with self._lock:
            found = self._texts.get(key)
            if found is not None:
                self._texts.move_to_end(key)
                return found
        made = normalize(text, alphabet=alphabet, language=language, has_spaces=has_spaces, options=options)
        with self._lock:
            if key not in self._texts and len(text) <= self._most:
                self._texts[key] = made
                self._held += len(text)
                while self._held > self._most:
                    (oldest, *_), _ = self._texts.popitem(last=False)
                    self._held -= len(oldest)
        return made
