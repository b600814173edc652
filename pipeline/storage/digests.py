"""Digests of plain values, by which results are named."""

from __future__ import annotations

import hashlib
import json


def digest_of(*parts: object) -> str:
    """32 hexadecimal digits that stand for JSON-like parts; floats by their shortest exact form."""
    return hashlib.blake2b(
        json.dumps(parts, sort_keys=True, ensure_ascii=True).encode(), digest_size=16
    ).hexdigest()
