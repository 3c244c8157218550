"""``imfuse demo``: the built-in scenes, fused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from imfuse import load
from imfuse.data.samples import infrared_pair, near_infrared_pair
from imfuse.io import check_output, save_image
from imfuse.outputs import make_folder
from imfuse.sheet import Cell, contact_sheet


@dataclass(frozen=True, slots=True)
class DemoPair:
    """A pair of the demo: the name of its files, what its first source is, and the pictures."""

    name: str
    kind: str
    infrared: NDArray[Any]
    visible: NDArray[Any]


def demo_pairs(seed: int) -> Iterator[DemoPair]:
    """The pairs that are fused: thermal counts of 16 bits as cameras give them, and near infrared."""
    street = infrared_pair("street", seed=seed)
    yield DemoPair("street", "thermal", street.infrared16, street.visible)
    garden = near_infrared_pair("garden", seed=seed)
    yield DemoPair("garden", "near infrared", garden.infrared, garden.visible)


def run_demo(folder: Path, *, overwrite: bool, seed: int = 0) -> None:
    """Fuse the built-in scenes and write sources, results and ``sheet.png`` into ``folder``.

    Raises:
        OutputError: the folder cannot be made, or holds pictures of an earlier demo and ``overwrite`` is not set.
    """
    console = Console()
    make_folder(folder)
    sheet = folder / "sheet.png"
    check_output(sheet, overwrite)
    fuser = load("auif")
    rows = []
    for pair in demo_pairs(seed):
        console.print(f"fusing the {pair.name} scene: {pair.kind} + visible", markup=False)
        result = fuser.fuse([pair.infrared, pair.visible])
        save_image(folder / f"{pair.name}-infrared.png", pair.infrared, overwrite=overwrite)
        save_image(folder / f"{pair.name}-visible.png", pair.visible, overwrite=overwrite)
        result.save(folder / f"{pair.name}-fused.png", overwrite=overwrite)
        for note in result.report.notes:
            console.print(f"  · {note}", markup=False, highlight=False, soft_wrap=True)
        rows.append([Cell(pair.kind, _shown(pair.infrared)), Cell("visible", pair.visible)])
        rows[-1].append(Cell(f"fused by {fuser.name}", np.asarray(result.image)))
    save_image(sheet, contact_sheet(rows), overwrite=overwrite)
    console.print(f"{sheet}: sources and results side by side", markup=False, highlight=False, soft_wrap=True)


def _shown(picture: NDArray[Any]) -> NDArray[Any]:
    """Counts of a few hundred levels, stretched so that a person sees them on the sheet."""
    if picture.dtype == np.uint8:
        return picture
    low, high = float(picture.min()), float(picture.max())
    return ((picture - low) / max(high - low, 1.0)).astype(np.float32)
