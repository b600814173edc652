"""The forms in which a segment's text may be written."""

from __future__ import annotations

CLEAN, WRITTEN, NORMALIZED = "clean", "written", "normalized"
TEXT_STYLES = (CLEAN, WRITTEN, NORMALIZED)
"""How words are written: what is said, on one line; the transcript's own characters; what the model reads."""
