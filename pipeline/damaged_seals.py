"""Documents whose seal cannot be found, since its name is what is damaged."""

from __future__ import annotations

from typing import Any


def holds_a_damaged_seal(content: dict[str, Any], name: str, characters: int) -> bool:
    """Whether a value of an object without a seal has been one, whose name is damaged.

    Args:
        content: the object.
        name: what a seal is called.
        characters: of a seal.
    """
    return any(
        len(key) == len(name) and isinstance(value, str) and len(value) == characters
        for key, value in content.items()
    )
