"""Fused pictures on disk: made by a model, or taken over from another program; always PNG."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imfuse.bench.memory import PeakMemory
from imfuse.errors import SourceError
from imfuse.io import open_source, save_image
from imfuse.io.arrays import FULL_RANGES
from imfuse.io.window import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imfuse.fuser import Fuser


@dataclass(frozen=True)
class Made:
    """A picture that is on disk now: its size, what it took, and what was done."""

    height: int
    width: int
    seconds: float | None = None
    peak_memory_mib: float | None = None
    notes: tuple[str, ...] = ()


def fuse_picture(fuser: Fuser, sources: Sequence[Path], target: Path) -> Made:
    """Fuse, measure time and memory of that, and save losslessly in the depth of the source that carries the detail.

    Raises:
        ImfuseError: it cannot be fused or saved.
    """
    with PeakMemory(str(fuser.device)) as peak:
        result = fuser.fuse(sources)
    target.parent.mkdir(parents=True, exist_ok=True)
    notes = result.save(target, overwrite=True)
    report = result.report
    return Made(report.height, report.width, report.seconds, peak.mib, (*report.notes, *notes))


def take_picture(path: Path, target: Path) -> Made:
    """Save another program's picture as PNG, pixel by pixel as it is decoded; alpha is left out.

    Raises:
        SourceError: it cannot be read.
        OutputError: it cannot be saved, as pictures of more than three bands.
    """
    source = open_source(path)
    pixels: NDArray[Any] = source.read(Window(0, 0, source.height, source.width))
    if source.full_range != FULL_RANGES[source.dtype.name]:
        low, high = source.full_range
        pixels = ((pixels.astype(np.float64) - low) / (high - low)).astype(np.float32)
    target.parent.mkdir(parents=True, exist_ok=True)
    notes = save_image(target, pixels, overwrite=True)
    return Made(source.height, source.width, notes=(*source.notes, *notes))


def missing(contender: str, folder: Path | None, scene: str) -> SourceError:
    """The error of a scene that the other program's folder lacks."""
    return SourceError(f"{folder}: {contender} has no picture whose name without its ending is {scene!r}")
