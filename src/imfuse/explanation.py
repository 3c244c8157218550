"""What an algorithm saw: named arrays, a folder of pictures, and one annotated sheet."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imfuse.io import check_output, save_image
from imfuse.io.window import Window
from imfuse.outputs import make_folder
from imfuse.sheet import Cell, contact_sheet

if TYPE_CHECKING:
    from imfuse.networks.protocol import Kind, Part

SHEET = "sheet.png"
_DISPLAYED = 99.9


class Explanation(Mapping[str, NDArray[np.float32]]):
    """The parts of one fusion by name, each (H, W) float32, in the order of the algorithm.

    Attributes:
        model: the model's name.
        rule: its fusion rule or rules.
        notes: what was done to the sources before.
        titles: of each part, in words.
        kinds: of each part: ``picture`` (black 0, white 1), ``weight`` (0…1), ``map`` (any values), ``signed`` (any
            values, of which 0 is nothing) or ``feature`` (the same, on a scale of its own).
        groups: row and column of each part on the sheet.
        shape: height and width of every part.
    """

    def __init__(self, height: int, width: int, model: str, rule: str | None, notes: Sequence[str]) -> None:
        self.shape = height, width
        self.model, self.rule, self.notes = model, rule, tuple(notes)
        self.titles: dict[str, str] = {}
        self.kinds: dict[str, Kind] = {}
        self.groups: dict[str, tuple[str, str]] = {}
        self._arrays: dict[str, NDArray[np.float32]] = {}

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def write(self, name: str, part: Part, window: Window, pixels: NDArray[np.float32]) -> None:
        """Take one window of a part."""
        if name not in self._arrays:
            self._arrays[name] = np.empty(self.shape, np.float32)
            self.titles[name], self.kinds[name] = part.title, part.kind
            self.groups[name] = part.row, part.column
        self._arrays[name][window.slices] = pixels

    def displayed(self, name: str) -> tuple[NDArray[np.float32], str]:
        """A part as a picture in [0, 1], and in words what black and white stand for.

        Maps of one column are shown on one scale, so that sources and result can be compared; features of codes that
        have nothing to do with one another are not.
        """
        low, high = self._bounds(name)
        shown = np.clip((self[name] - low) / (high - low), 0, 1)
        return shown.astype(np.float32), f"{low:.3g} … {high:.3g}"

    def _bounds(self, name: str) -> tuple[float, float]:
        kind = self.kinds[name]
        if kind in ("picture", "weight"):
            return 0.0, 1.0
        column = self.groups[name][1]
        alike = [other for other in self if self.groups[other][1] == column and self.kinds[other] == kind]
        values = [self[other] for other in (alike if kind != "feature" else [name])]
        low = min(float(np.percentile(value, 100 - _DISPLAYED)) for value in values)
        high = max(float(np.percentile(value, _DISPLAYED)) for value in values)
        if kind in ("signed", "feature"):
            high = max(abs(low), abs(high))
            low = -high
        return (low, high) if low < high else (low - 0.5, low + 0.5)

    def sheet(self, cell_width: int = 320) -> NDArray[np.uint8]:
        """All parts on one sheet (H, W, 3): a row per source and one for the result, a column per kind of part."""
        columns = list(dict.fromkeys(column for _, column in self.groups.values()))
        rows = []
        for row in dict.fromkeys(row for row, _ in self.groups.values()):
            cells: list[Cell | None] = [None] * len(columns)
            for name in self:
                if self.groups[name][0] == row:
                    cells[columns.index(self.groups[name][1])] = self._cell(name)
            rows.append(cells)
        title = f"{self.model}, fusion rule {self.rule}: what each source gave" if self.rule else self.model
        return contact_sheet(rows, cell_width, title=title)

    def _cell(self, name: str) -> Cell:
        image, words = self.displayed(name)
        caption = self.titles[name]
        if self.kinds[name] == "weight":
            caption += f", mean {self[name].mean():.2f}"
        elif self.kinds[name] != "picture":
            caption += f"  ({words})"
        return Cell(caption, image)

    def save(self, folder: str | os.PathLike[str], *, overwrite: bool = False, values: bool = False) -> list[Path]:
        """Write ``NAME.png`` for every part and ``sheet.png``.

        Args:
            folder: where to; it is made if it is not there.
            overwrite: replace files that are there; values of an earlier explanation that are not written anew are
                removed, so that the folder holds one.
            values: write every part's own values too, as 32-bit ``NAME.tif``.

        Returns:
            The paths, the sheet first.

        Raises:
            OutputError: a file exists and ``overwrite`` is not set, or cannot be written.
        """
        paths = part_paths(Path(folder), self, values=values)
        make_folder(Path(folder))
        for path in paths:
            check_output(path, overwrite)
        for path in paths:
            save_image(path, self._file(path), overwrite=overwrite)
        if overwrite:
            for path in set(part_paths(Path(folder), self, values=True)) - set(paths):
                path.unlink(missing_ok=True)
        return paths

    def _file(self, path: Path) -> NDArray[Any]:
        if path.name == SHEET:
            return self.sheet()
        return self[path.stem] if path.suffix == ".tif" else _to_8_bits(self.displayed(path.stem)[0])


def part_paths(folder: Path, names: Iterable[str], *, values: bool = False) -> list[Path]:
    """The files that an explanation of these parts is saved to, the sheet first."""
    endings = (".png", ".tif") if values else (".png",)
    return [folder / SHEET, *(folder / f"{name}{ending}" for name in names for ending in endings)]


def _to_8_bits(unit: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(unit * 255).astype(np.uint8)
