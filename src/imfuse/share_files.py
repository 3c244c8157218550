"""The files that show which source won where: an index map, its legend, and the weight map of every source."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imfuse.io import Metadata, atomic_path, check_output, remove_dead_parts
from imfuse.io.naming import shown, writing

if TYPE_CHECKING:
    from imfuse.source_shares import SourceShares

NAMES_KEY = "imfuse-sources"
"""Key of the text in a map's PNG file that holds the sources' names as a JSON array."""

_LONGEST, _ROW, _MARGIN, _TEXT = 960, 22, 12, 13


@dataclass(frozen=True, slots=True)
class ShareFiles:
    """Where the shares of a result go.

    Attributes:
        map: the index map, a PNG with a palette in which pixel value k stands for source k, counted from 0.
        legend: the map beside the names of the sources and what each of them won.
        weights: the weight map of every source in their order, gray, black 0 and white 1.
    """

    map: Path | None = None
    legend: Path | None = None
    weights: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them."""
        return tuple(path for path in (self.map, self.legend, *self.weights) if path is not None)

    @property
    def words(self) -> tuple[str, ...]:
        """Where they are, a line for each kind."""
        words = []
        if self.map and self.legend:
            words.append(f"which source won: {shown(self.map)}; its colours: {shown(self.legend)}")
        if self.weights:
            words.append(f"weight of every source: {shown(self.weights[0].parent)}{os.sep}")
        return tuple(words)


def share_files(output: Path, sources: Sequence[Path], *, save_map: bool, weights: bool, many: bool) -> ShareFiles:
    """The files for a result.

    A single ``sharp.png`` has ``sharp.map.png`` and ``sharp.map-legend.png`` beside it, and weights in the folder
    ``sharp.weights``. In the folder of ``many`` results they have folders of their own, so that results and maps do
    not mix: ``maps/sharp.png``, ``map-legends/sharp.png``, ``weights/sharp/``.
    """
    stem, beside = output.stem, output.parent
    places = (
        (beside / "maps" / f"{stem}.png", beside / "map-legends" / f"{stem}.png", beside / "weights" / stem)
        if many
        else (beside / f"{stem}.map.png", beside / f"{stem}.map-legend.png", beside / f"{stem}.weights")
    )
    names = source_names(sources) if weights else ()
    found = tuple(places[2] / f"{name}.png" for name in names)
    return ShareFiles(places[0], places[1], found) if save_map else ShareFiles(weights=found)


def source_names(sources: Sequence[Path]) -> tuple[str, ...]:
    """Names that tell sources apart, also where a file system takes no notice of case: by preference their stems.

    Where these are the same, as in folders of one picture each, those of their folders; else numbered stems.
    """
    for names in ([path.stem for path in sources], [path.resolve().parent.name for path in sources]):
        if all(names) and len({name.casefold() for name in names}) == len(names):
            return tuple(names)
    return tuple(f"{number}-{path.stem}" for number, path in enumerate(sources, start=1))


def check_share_files(files: ShareFiles, overwrite: bool) -> None:
    """Refuse early what cannot become files; folders that are not there yet will be made.

    Raises:
        OutputError: one of them exists and ``overwrite`` is not set, or cannot be written.
    """
    for path in files.paths:
        if path.parent.exists():
            check_output(path, overwrite)


@contextmanager
def saved_shares(
    files: ShareFiles, shares: SourceShares | None, sources: Sequence[Path], overwrite: bool
) -> Iterator[None]:
    """Write the files; they take their places after the body, which saves the result, or not at all.

    Raises:
        OutputError: one of them cannot be written.
    """
    from imfuse.io.png_write import write_png
    from imfuse.outputs import make_folder

    with ExitStack() as stack:

        def part_of(path: Path) -> Path:
            make_folder(path.parent)
            remove_dead_parts(path.parent, path.name)
            part = stack.enter_context(atomic_path(path, overwrite))
            stack.enter_context(writing(shown(path)))
            return part

        if shares is not None:
            names = [shown(name) for name in source_names(sources)]
            if files.map is not None:
                write_index_map(part_of(files.map), shares.winner, names)
            if files.legend is not None:
                write_png(part_of(files.legend), legend(shares, names), Metadata())
            if shares.weights is not None:
                for path, weight in zip(files.weights, shares.weights, strict=True):
                    write_png(part_of(path), weight, Metadata())
        yield


def write_index_map(path: Path, winner: NDArray[np.uint8], names: Sequence[str]) -> None:
    """Write indices (H, W) of so many sources as a PNG with a palette, which holds their names as well."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    picture = Image.fromarray(winner)
    picture.putpalette(colours(len(names)).tobytes())
    text = PngInfo()
    text.add_itxt(NAMES_KEY, json.dumps(list(names), ensure_ascii=False))
    with path.open("wb") as file:
        picture.save(file, format="PNG", pnginfo=text)


def colours(count: int) -> NDArray[np.uint8]:
    """(count, 3) colours in the order of the sources, from dark violet to bright yellow.

    Viridis (S. van der Walt, N. Smith, 2015): equal steps look equal, in gray and to the colour-blind too.
    """
    import cv2

    places = np.rint(np.linspace(0, 255, count)).astype(np.uint8)
    return np.ascontiguousarray(cv2.applyColorMap(places[:, None], cv2.COLORMAP_VIRIDIS)[:, 0, ::-1], np.uint8)


def legend(shares: SourceShares, names: Sequence[str]) -> NDArray[np.uint8]:
    """The map, with the colour, the name and the part of the pixels of every source beside it: (H, W, 3)."""
    from PIL import Image, ImageDraw

    from imfuse.sheet import GROUND

    palette = colours(len(names))
    picture = _thumbnail(Image.fromarray(palette[shares.winner]))
    rows = max(picture.height // _ROW, 16)
    entries = [f"{name}  {part:.1%}" for name, part in zip(names, shares.fractions(), strict=True)]
    columns = [entries[start : start + rows] for start in range(0, len(entries), rows)]
    measure = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    widths = [max(measure.textlength(e, font_size=_TEXT) for e in column) + 2 * _ROW for column in columns]
    height = max(picture.height, len(columns[0]) * _ROW) + 2 * _MARGIN
    sheet = Image.new("RGB", (round(picture.width + sum(widths)) + 3 * _MARGIN, height), GROUND)
    sheet.paste(picture, (_MARGIN, _MARGIN))
    draw = ImageDraw.Draw(sheet)
    left = picture.width + 2 * _MARGIN
    for number, (column, width) in enumerate(zip(columns, widths, strict=True)):
        for row, entry in enumerate(column):
            top = _MARGIN + row * _ROW
            draw.rectangle((left, top, left + _TEXT, top + _TEXT), fill=tuple(palette[number * rows + row].tolist()))
            draw.text((left + _ROW, top - 1), entry, fill=(235, 235, 235), font_size=_TEXT)
        left += round(width)
    return np.asarray(sheet)


def _thumbnail(picture: Any) -> Any:
    """A map that is not larger than a sheet, and not so small that nothing is seen; colours are not mixed."""
    from PIL import Image

    scale = min(1.0, _LONGEST / max(picture.size))
    size = tuple(max(8, round(side * scale)) for side in picture.size)
    return picture.resize(size, Image.Resampling.NEAREST)
