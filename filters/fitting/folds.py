"""Which cases are held out together: speakers or recordings, and what has something in common with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prep_corpus.align.errors import UsageError


def fold_of(groups: Sequence[str], folds: int) -> dict[str, int]:
    """The fold of each group: sorted groups dealt out in turn.

    Args:
        groups: names, repeated ones count once.
        folds: at most this many.

    Raises:
        UsageError: fewer than two groups, so that nothing can be held out.
    """
    names = sorted(set(groups))
    if len(names) < 2:
        raise UsageError(
            f"a filter is cross-validated over speakers or recordings: at least 2, not {len(names)}"
        )
    return {name: place % min(folds, len(names)) for place, name in enumerate(names)}


def folds_apart(groups: Sequence[str], folds: int, apart: Mapping[str, int]) -> list[int]:
    """The fold of each name of `groups`: that of `apart`, or dealt out where it has not two for them.

    Args:
        groups: the group of each case.
        folds: at most this many where they are dealt out.
        apart: the fold of each group, where some groups have something in common.
    """
    found = [apart.get(group, -1) for group in groups]
    if len(set(found)) > 1 and min(found) >= 0:
        return found
    dealt = fold_of(groups, folds)
    return [dealt[group] for group in groups]
