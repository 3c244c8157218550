"""Natural order of names: ``frame2`` before ``frame10``."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"([0-9]+)")


def natural_key(name: str) -> tuple[tuple[str | int, ...], str]:
    """The key by which names sort as people read them: numbers by value, letters without regard to case.

    Names that differ only in case or leading zeros keep a fixed order of their own.
    """
    parts = _NUMBER.split(name)
    # Text and numbers alternate, text first, so that only like is compared with like.
    return tuple(int(part) if place % 2 else part.casefold() for place, part in enumerate(parts)), name
