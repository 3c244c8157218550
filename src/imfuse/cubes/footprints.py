"""Whether bands and guide cover the same ground, and what follows for the result."""

from __future__ import annotations

import math
import shlex
from dataclasses import replace

from imfuse.cubes.cube import Cube, CubeDescription
from imfuse.cubes.georeference import Georeference
from imfuse.errors import SizeMismatchError

TOLERANCE = 0.05
"""How far the corners of both footprints may be from each other, in pixels of the bands: less than sensors' own bands
are apart (a tenth of a pixel is a good registration), and more than headers lose by rounding."""


def footprint_scale(low: Cube, guide: Cube) -> int:
    """How many pixels of the guide a pixel of the bands is wide.

    Where both have a georeference, the corners of their footprints must agree within ``TOLERANCE``, in one reference
    system; in any case the guide's size must be a whole multiple of the bands', the same one on both sides.

    Args:
        low: the bands.
        guide: finer than they are.

    Raises:
        SizeMismatchError: they do not fit; the message tells both footprints, and what to do.
    """
    misfit = _swapped(low, guide) or _ground_misfit(low, guide)
    scale = round(guide.height / low.height)
    if misfit is None and (guide.height, guide.width) != (scale * low.height, scale * low.width):
        misfit = "the guide's size must be the same whole multiple of the bands' on both sides", _advice(low, guide)
    if misfit is None and scale < 2:
        misfit = "the guide is not finer than the bands: there is nothing to sharpen", "give the bands first"
    if misfit is not None:
        words, advice = misfit
        raise SizeMismatchError(
            f"{low.name}: has {low.width}×{low.height} pixels and its guide {guide.width}×{guide.height}: {words}. "
            f"Bands: {footprint_text(low)}. Guide {guide.name}: {footprint_text(guide)}. What to do: {advice}"
        )
    return scale


def footprint_notes(low: Cube, guide: Cube) -> tuple[str, ...]:
    """What :func:`footprint_scale` could not compare, for the report."""
    places = low.description.georeference, guide.description.georeference
    if places == (None, None):
        return ()
    for cube, place, other in ((low, places[0], guide), (guide, places[1], low)):
        if place is None:
            return (
                f"{cube.name}: has no georeference: that it covers the ground of {other.name} is taken for granted, "
                "sizes alone were compared",
            )
    if None in (places[0] and places[0].crs, places[1] and places[1].crs) and places[0] != places[1]:
        return (f"{low.name}, {guide.name}: not both name a reference system; coordinates alone were compared",)
    return ()


def fused_description(low: Cube, guide: Cube, scale: int) -> CubeDescription:
    """What travels with the sharpened bands: all that the bands have, on the guide's pixels.

    The georeference is the guide's; the bands' own, rescaled, where the guide has none; a reference system that only
    one of both names is taken from it.
    """
    place, own = guide.description.georeference, low.description.georeference
    if place is None:
        place = own and own.rescaled(scale)
    elif place.crs is None and own is not None:
        place = replace(place, crs=own.crs)
    return replace(low.description, georeference=place)


def footprint_text(cube: Cube) -> str:
    """A cube's place for a message: reference system, bounds, pixels (width × height), size of a pixel."""
    pixels = f"{cube.width}×{cube.height} pixels"
    place = cube.description.georeference
    if place is None:
        return f"{pixels}, no georeference"
    left, bottom, right, top = (_number(value) for value in place.footprint(cube.height, cube.width))
    wide, tall = (f"{value:.8g}" for value in place.pixel_size)
    _, b, _, d, e, _ = place.transform
    turned = ", turned" if b or d else ", south up" if e > 0 else ""
    return f"{_crs_name(place)}, x {left} … {right}, y {bottom} … {top}, {pixels} of {wide}×{tall}{turned}"


def _swapped(low: Cube, guide: Cube) -> tuple[str, str] | None:
    """Words and advice for a guide that is coarser than the bands: on the ground where both lie there, else in pixels.

    Left to the other checks, it would be told to resample the coarse picture.
    """
    place, finer = low.description.georeference, guide.description.georeference
    if place is not None and finer is not None:
        if not _same_crs(place.crs, finer.crs):
            return None
        coarser = all(g > 1.5 * b for b, g in zip(place.pixel_size, finer.pixel_size, strict=True))
    else:
        coarser = guide.height < low.height and guide.width < low.width
    if not coarser:
        return None
    order = f"{shlex.quote(guide.name)} {shlex.quote(low.name)}"
    return "the guide is coarser than the bands", f"are the two swapped? Give the bands first, then the guide: {order}"


def _ground_misfit(low: Cube, guide: Cube) -> tuple[str, str] | None:
    """What is wrong on the ground, and what to do; None if nothing, or if one of both has no place."""
    place, finer = low.description.georeference, guide.description.georeference
    if place is None or finer is None:
        return None
    if not _same_crs(place.crs, finer.crs):
        return "they are in different reference systems", _advice(low, guide)
    a, b, _, d, e, _ = place.transform
    ga, gb, _, gd, ge, _ = finer.transform
    if (a * e - b * d) * (ga * ge - gb * gd) < 0:
        return "one of them has north up and the other south up", _advice(low, guide)
    corners = [place.pixel(*corner) for corner in finer.corners(guide.height, guide.width)]
    wanted = ((0, 0), (low.width, 0), (low.width, low.height), (0, low.height))
    off = max(math.dist(corner, own) for corner, own in zip(corners, wanted, strict=True))
    if not off <= TOLERANCE:
        words = f"they do not cover the same ground: corners are up to {off:.3g} pixels of the bands apart"
        return f"{words} (at most {TOLERANCE} are taken)", _advice(low, guide)
    return None


def _advice(low: Cube, guide: Cube) -> str:
    """Commands that make them fit."""
    place, finer = low.description.georeference, guide.description.georeference
    scale = _nearest_scale(low, guide)
    if place is None or finer is None:
        return (
            f"crop both to the same ground, then resample the guide to {scale} times the bands' pixels, "
            f"{scale * low.width}×{scale * low.height}"
        )
    a, b, _, d, e, _ = place.transform
    if b or d or a < 0 or e > 0:
        return "make both upright and north up first: gdalwarp IN.tif OUT.tif"
    rows, columns, first = low.height, low.width, ""
    if _same_crs(place.crs, finer.crs):
        corners = [place.pixel(*corner) for corner in finer.corners(guide.height, guide.width)]
        left, right = _inside([x for x, _ in corners], low.width)
        top, bottom = _inside([y for _, y in corners], low.height)
        if left >= right or top >= bottom:
            return "choose pictures of the same ground; these do not overlap"
        rows, columns = bottom - top, right - left
        if (rows, columns) != (low.height, low.width):
            first = f"gdal_translate -srcwin {left} {top} {columns} {rows} {shlex.quote(low.name)} bands_cut.tif, then "
            (x, y) = place.at(left, top)
            place = replace(place, transform=(a, b, x, d, e, y))
    bounds = " ".join(_number(value) for value in place.footprint(rows, columns))
    target = f" -t_srs {_crs_name(place)}" if place.crs and not _same_crs(place.crs, finer.crs) else ""
    size = f"{columns * scale} {rows * scale}"
    return f"{first}gdalwarp{target} -te {bounds} -ts {size} -r cubic {shlex.quote(guide.name)} guide_fitted.tif"


def _inside(edges: list[float], size: int) -> tuple[int, int]:
    """The first and one past the last whole pixel of ``size`` that lie between two edges."""
    return max(math.ceil(min(edges) - TOLERANCE), 0), min(math.floor(max(edges) + TOLERANCE), size)


def _nearest_scale(low: Cube, guide: Cube) -> int:
    place, finer = low.description.georeference, guide.description.georeference
    if place is not None and finer is not None and _same_crs(place.crs, finer.crs):
        return max(round(place.pixel_size[0] / finer.pixel_size[0]), 2)
    return max(round(guide.width / low.width), 2)


def _same_crs(one: str | None, other: str | None) -> bool:
    """Whether two systems are the same, also where one is written without names of an authority, as by ENVI.

    One that is not told may be any.
    """
    if one is None or other is None or one == other:
        return True
    try:
        from rasterio.crs import CRS
        from rasterio.errors import CRSError
    except ImportError:  # given by hand
        return False
    try:
        first, second = CRS.from_wkt(one), CRS.from_wkt(other)
        return bool(first == second or (first.to_dict() and first.to_dict() == second.to_dict()))
    except CRSError:
        return False


def _crs_name(place: Georeference) -> str:
    """``EPSG:32633`` where it is one of these, else the name that the text has."""
    if place.crs is None:
        return "no reference system"
    try:
        from rasterio.crs import CRS

        code = CRS.from_wkt(place.crs).to_epsg()
        if code:
            return f"EPSG:{code}"
    except Exception:  # a name for a message: without rasterio, or of a damaged text
        pass
    return place.crs.partition('"')[2].partition('"')[0] or place.crs[:40]


def _number(value: float) -> str:
    """With the digits that coordinates have."""
    return f"{value:.12g}"
