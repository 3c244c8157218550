"""The scenes by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from imfuse.data.samples.card import Scene
from imfuse.data.samples.garden import garden
from imfuse.data.samples.street import street
from imfuse.data.samples.table import table
from imfuse.errors import UsageError

_BUILDERS: dict[str, Callable[[int], Scene]] = {"street": street, "garden": garden, "table": table}

SCENES: tuple[str, ...] = tuple(_BUILDERS)
"""Names of the scenes."""


def describe(name: str, height: int, width: int, seed: int) -> Scene:
    """The description of a scene; also checks the size that it will be drawn at.

    Raises:
        UsageError: if the scene is unknown or the size is not positive.
    """
    if name not in _BUILDERS:
        raise UsageError(f"there is no sample scene {name!r}; choose one of {', '.join(SCENES)}")
    if height < 1 or width < 1:
        raise UsageError(f"a picture of {height} x {width} pixels cannot be drawn; both must be at least 1")
    return _BUILDERS[name](seed)


def generator(seed: int, use: int) -> np.random.Generator:
    """Random numbers for one use within one seed."""
    return np.random.default_rng((seed & 0xFFFFFFFF, use))
