"""Fused pictures on disk: made by a model, or taken over from another program; always PNG."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imfuse.bench.memory import PeakMemory
from imfuse.data.whole import read_whole
from imfuse.errors import SourceError
from imfuse.io import save_image
from imfuse.io.naming import shown

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


def fuse_picture(fuser: Fuser, sources: Sequence[Path], target: Path, stretch: bool | None = None) -> Made:
    """Fuse, measure time and memory of that, and save losslessly in the depth of the source that carries the detail.

    Args:
        fuser: the model.
        sources: of one scene.
        target: where the picture goes.
        stretch: whether the result of a bracket is stretched; None as the model has it.

    Raises:
        ImfuseError: it cannot be fused or saved.
    """
    with PeakMemory(str(fuser.device)) as peak:
        result = fuser.fuse(sources, stretch=stretch)
    target.parent.mkdir(parents=True, exist_ok=True)
    notes = result.save(target, overwrite=True)
    report = result.report
    return Made(report.height, report.width, report.seconds, peak.mib, (*report.notes, *notes))


def take_picture(path: Path, target: Path) -> Made:
    """Save another program's picture as PNG, pixel by pixel as it is decoded: 8 bits or 16, without alpha.

    Raises:
        SourceError: it cannot be read.
        OutputError: it cannot be saved, as pictures of more than three bands.
    """
    pixels = read_whole(path)
    notes: tuple[str, ...] = ()
    if pixels.dtype != np.uint8:
        inside = np.clip(np.nan_to_num(pixels), 0.0, 1.0)
        notes = () if np.array_equal(inside, pixels) else (f"{shown(path)}: values outside 0 … 1 clipped",)
        pixels = np.rint(inside * 65535).astype(np.uint16)
    target.parent.mkdir(parents=True, exist_ok=True)
    notes += save_image(target, pixels, overwrite=True)
    return Made(pixels.shape[0], pixels.shape[1], notes=notes)


def missing(contender: str, folder: Path | None, scene: str) -> SourceError:
    """The error of a scene that the other program's folder lacks."""
    return SourceError(f"{folder}: {contender} has no picture whose name without its ending is {scene!r}")
