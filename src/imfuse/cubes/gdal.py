"""GDAL through rasterio: how it is asked, and how its facts about a cube are described."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from imfuse.cubes.cube import CubeDescription
from imfuse.errors import MissingExtraError

CACHE_BYTES = 64 << 20
"""Blocks that GDAL may keep while imfuse reads or writes; without a word it takes a twentieth of the memory."""

WAVELENGTH, WAVELENGTH_UNIT = "wavelength", "wavelength_units"
_DERIVED = re.compile(r"STATISTICS_.*|Band_\d+|AREA_OR_POINT|wavelength_units|TIFFTAG_(XRES|YRES|RESOL|SOFT).*")
_MICROMETRES = "CENTRAL_WAVELENGTH_UM"


def rasterio_for(feature: str) -> Any:
    """The module rasterio.

    Args:
        feature: what needs it, for the message.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import rasterio
    except ImportError as error:
        raise MissingExtraError(feature, "geo") from error
    return rasterio


@contextmanager
def bounded(rasterio: Any) -> Iterator[None]:
    """GDAL with a small cache, and without files of its own beside those that it writes."""
    with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES, GDAL_PAM_ENABLED="NO"):
        yield


@contextmanager
def without_georeference(rasterio: Any) -> Iterator[None]:
    """For files that may have none: readers tell that in their own notes, instead of a warning on every file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        yield


def described(
    names: Sequence[str | None],
    tags: Mapping[str, str],
    band_tags: Sequence[Mapping[str, str]],
    header: Mapping[str, str] | None = None,
    **facts: Any,
) -> CubeDescription:
    """A description from GDAL's tags: wavelengths found among them, and without those that would be false of a result.

    Statistics, resolution and program are facts of the file alone; names and units that GDAL derives from a header of
    ENVI come again when it is written.

    Args:
        names: of the bands.
        tags: of the whole.
        band_tags: of each band.
        header: the fields of an ENVI header.
        facts: further fields of the description.
    """
    wavelengths, unit = _wavelengths(band_tags)
    own = {WAVELENGTH, WAVELENGTH_UNIT, _MICROMETRES}
    kept = [
        {key: value for key, value in band.items() if key not in own and not _DERIVED.fullmatch(key)}
        for band in band_tags
    ]
    return CubeDescription(
        names=tuple(name or None for name in names),
        wavelengths=wavelengths,
        wavelength_unit=unit,
        tags={key: value for key, value in tags.items() if not _DERIVED.fullmatch(key)},
        band_tags=tuple(kept) if any(kept) else (),
        header={key: value for key, value in (header or {}).items() if key not in _STRUCTURE},
        **facts,
    )


def band_items(description: CubeDescription, band: int) -> dict[str, str]:
    """The tags of a band, its wavelength among them."""
    items = dict(description.band_tags[band]) if description.band_tags else {}
    if description.wavelengths:
        items[WAVELENGTH] = f"{description.wavelengths[band]:.10g}"
        if description.wavelength_unit:
            items[WAVELENGTH_UNIT] = description.wavelength_unit
    return items


def _wavelengths(band_tags: Sequence[Mapping[str, str]]) -> tuple[tuple[float, ...], str | None]:
    for key, unit in ((WAVELENGTH, None), (_MICROMETRES, "Micrometers")):
        try:
            values = tuple(float(band[key]) for band in band_tags)
        except (KeyError, ValueError):
            continue
        if values and all(math.isfinite(value) for value in values):
            return values, unit or band_tags[0].get(WAVELENGTH_UNIT)
    return (), None


_STRUCTURE = frozenset(
    {
        *("description", "samples", "lines", "bands", "header_offset", "file_type", "file_compression", "data_type"),
        *("interleave", "byte_order", "band_names", "wavelength", "wavelength_units", "data_ignore_value"),
        *("data_gain_values", "data_offset_values", "map_info", "projection_info", "coordinate_system_string"),
        *("x_start", "y_start", "pixel_size", "geo_points", "rpc_info"),
    }
)
"""Fields of an ENVI header that are written anew, or that would be false of another grid of pixels."""
