"""What a cube of bands is: values that are read and written window by window, and what travels with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from imfuse.cubes.georeference import Georeference
from imfuse.io.window import Window

TAKEN = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64")
"""The types of values that cubes have."""


@dataclass(frozen=True, slots=True)
class CubeDescription:
    """What travels with the values of a cube.

    Attributes:
        names: of the bands, None for one without.
        nodata: the value of pixels that hold nothing, the same in all bands; it may be NaN.
        georeference: where the pixels lie.
        wavelengths: of the bands' centres, in ``wavelength_unit``; empty where they are not all known.
        wavelength_unit: as the file writes it ("Nanometers", "Micrometers").
        scales: with ``offsets``, the physical quantity is scale · value + offset, per band; empty for 1.
        offsets: empty for 0.
        colours: what the bands show ("red", "nir", "undefined"), as GDAL names it; empty where it is not known.
        tags: other facts about the whole, by name.
        band_tags: other facts about each band; empty without.
        header: fields of an ENVI header that say more (``fwhm``, ``bbl``), their names with underscores.
    """

    names: tuple[str | None, ...] = ()
    nodata: float | None = None
    georeference: Georeference | None = None
    wavelengths: tuple[float, ...] = ()
    wavelength_unit: str | None = None
    scales: tuple[float, ...] = ()
    offsets: tuple[float, ...] = ()
    colours: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    band_tags: tuple[Mapping[str, str], ...] = ()
    header: Mapping[str, str] = field(default_factory=dict)

    @property
    def nanometres(self) -> tuple[float, ...]:
        """The wavelengths in nm; empty where neither their unit nor their values tell what they are in."""
        values, unit = self.wavelengths, (self.wavelength_unit or "").strip().lower()
        if unit in ("nm", "nanometers", "nanometres", "nanometer", "nanometre"):
            return values
        micrometres = unit in ("um", "µm", "μm", "micrometers", "micrometres", "microns", "micrometer", "micrometre")
        if micrometres or (values and min(values) >= 0.2 and max(values) <= 20):
            return tuple(1000 * value for value in values)
        return values if values and min(values) >= 200 else ()


class Cube(Protocol):
    """A cube of bands that is read by windows; a context manager that closes it.

    Attributes:
        name: what messages call it: its path, or ``"source 2"`` for an array.
        height: rows.
        width: columns.
        bands: how many.
        dtype: one of ``TAKEN``.
        description: names, nodata, georeference and the like; ``names`` has an entry for each band.
        curved: whether the values lie under the sRGB curve, as those of RGB pictures of 8 bits do.
        block: rows and columns of the parts that the file is read in: windows of whole blocks read nothing twice.
        notes: what the reader left out or took otherwise than the file says, each with the name, for the report.
    """

    name: str
    height: int
    width: int
    bands: int
    dtype: np.dtype[Any]
    description: CubeDescription
    curved: bool
    block: tuple[int, int]
    notes: tuple[str, ...]

    def read(self, window: Window) -> NDArray[Any]:
        """The window's values, (bands, height, width) in ``dtype``; not to be written to.

        Raises:
            SourceError: the file is damaged, or the window is not inside the cube.
        """

    def close(self) -> None:
        """Let go of the file."""

    def __enter__(self) -> Self:
        """The cube itself."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""


class CubeWriter(Protocol):
    """A cube that is written by windows, each pixel once; a context manager, inside of which alone it can be written.

    On a clean exit the file appears whole under its name; on an error nothing is left.

    Attributes:
        name: what messages call it.
        height: rows.
        width: columns.
        bands: how many.
        dtype: what ``write`` takes.
        block: rows and columns of the parts that the file is written in: windows of whole blocks write nothing twice.
        notes: what the format does not hold of the description, each with the name, for the report.
    """

    name: str
    height: int
    width: int
    bands: int
    dtype: np.dtype[Any]
    block: tuple[int, int]
    notes: tuple[str, ...]

    def write(self, window: Window, values: NDArray[Any]) -> None:
        """Put ``values`` (bands, height, width) at ``window``.

        Raises:
            OutputError: it cannot be written.
            ValueError: shape, dtype or place do not fit.
        """

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit, or abort on an error."""


def is_curved(dtype: np.dtype[Any], bands: int) -> bool:
    """Whether values of this kind, in a format of sensors or in memory, are taken for an RGB picture under sRGB."""
    return dtype == np.uint8 and bands == 3
