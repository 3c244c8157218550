"""Bands and guide must cover the same ground; what does not is told with both footprints."""

import itertools

import numpy as np
import pytest
import rasterio

from cube_makers import NORTH_UP, TURNED, UTM, values_of
from imfuse.cubes import (
    ArrayCube,
    CubeDescription,
    Georeference,
    footprint_notes,
    footprint_scale,
    fused_description,
)
from imfuse.errors import SizeMismatchError

ESRI = rasterio.CRS.from_epsg(32633).to_wkt(version="WKT1_ESRI")
OTHER = rasterio.CRS.from_epsg(32632).to_wkt()


def cube(name: str, size: tuple[int, int], transform: tuple[float, ...] | None, crs: str | None = UTM) -> ArrayCube:
    place = None if transform is None else Georeference(crs, transform)
    return ArrayCube(values_of(1, *size), name, CubeDescription(georeference=place))


def scaled(transform: tuple[float, ...], scale: float, dx: float = 0, dy: float = 0) -> tuple[float, ...]:
    """Of pixels ``scale`` times larger, shifted by so many of them."""
    a, b, c, d, e, f = transform
    return (
        a * scale,
        b * scale,
        c + scale * (a * dx + b * dy),
        d * scale,
        e * scale,
        f + scale * (d * dx + e * dy),
    )


def test_corners_and_pixels_are_inverse() -> None:
    place = Georeference(None, TURNED)
    for column, row in itertools.product((-3.5, 0, 17), (0, 2.25, 100)):
        assert place.pixel(*place.at(column, row)) == pytest.approx((column, row), abs=1e-9)
    assert place.pixel_size == pytest.approx((np.hypot(8.66, 5), np.hypot(8.66, 5)))
    assert Georeference(None, NORTH_UP).footprint(30, 20) == (500_000, 5_499_700, 500_200, 5_500_000)
    fine = place.rescaled(5)
    np.testing.assert_allclose(fine.corners(50, 100), place.corners(10, 20), rtol=1e-14)


@pytest.mark.parametrize("transform", [NORTH_UP, TURNED, (10.0, 0, 5, 0, 10.0, 7)])
@pytest.mark.parametrize("scale", [2, 3, 8])
def test_whole_scales_of_one_ground_are_found(transform: tuple[float, ...], scale: int) -> None:
    guide = cube("guide", (7 * scale, 9 * scale), transform)
    for crs, shift in ((UTM, 0.0), (ESRI, 0.02), (None, -0.02)):
        low = cube("low", (7, 9), scaled(transform, scale, shift, shift), crs)
        assert footprint_scale(low, guide) == scale
        assert fused_description(low, guide, scale).georeference == guide.description.georeference
        assert bool(footprint_notes(low, guide)) == (crs is None)


def test_sizes_alone_are_compared_where_no_ground_is_known() -> None:
    plain, placed = cube("a.npy", (10, 12), None), cube("b.tif", (30, 36), NORTH_UP)
    assert footprint_scale(plain, placed) == 3
    (note,) = footprint_notes(plain, placed)
    assert note.startswith("a.npy: has no georeference: that it covers the ground of b.tif")
    assert "sizes alone were compared" in note
    assert fused_description(plain, placed, 3).georeference == placed.description.georeference
    low, guide = cube("b.tif", (10, 12), NORTH_UP), cube("a.png", (30, 36), None)
    expected = Georeference(UTM, (10 / 3, 0, 500_000, 0, -10 / 3, 5_500_000))
    assert fused_description(low, guide, footprint_scale(low, guide)).georeference == expected
    assert footprint_notes(plain, cube("c", (20, 24), None)) == ()
    # A reference system that the guide alone does not name is the bands'.
    bare = cube("d", (20, 24), scaled(NORTH_UP, 0.5), None)
    assert fused_description(low, bare, 2).georeference == Georeference(UTM, scaled(NORTH_UP, 0.5))


@pytest.mark.parametrize(
    ("low", "guide", "words"),
    [
        ((10, 12), (41, 48), ["12×10 pixels and its guide 48×41", "same whole multiple", "guide to 4 times", "48×40"]),
        ((10, 12), (40, 36), ["same whole multiple"]),
        ((10, 12), (10, 12), ["there is nothing to sharpen"]),
        (
            (10, 12),
            (4, 4),
            ["coarser than the bands", "are the two swapped? Give the bands first", "guide.png low.npy"],
        ),
    ],
)
def test_sizes_that_do_not_fit(low: tuple[int, int], guide: tuple[int, int], words: list[str]) -> None:
    with pytest.raises(SizeMismatchError) as error:
        footprint_scale(cube("low.npy", low, None), cube("guide.png", guide, None))
    for word in (*words, "no georeference", "What to do: "):
        assert word in str(error.value)


def test_misfit_on_the_ground_prints_both_footprints() -> None:
    guide = cube("guide.tif", (40, 48), NORTH_UP)
    cases = [
        (scaled(NORTH_UP, 4, 0.5), UTM, "corners are up to 0.5 pixels of the bands apart"),
        (scaled(NORTH_UP, 4.02), UTM, "corners are up to"),
        (scaled(NORTH_UP, 4), OTHER, "different reference systems"),
        ((40, 0, 500_000, 0, 40, 5_499_600), UTM, "north up and the other south up"),
        (scaled(TURNED, 4), UTM, "make both upright"),
        (scaled(NORTH_UP, 4, 100), UTM, "these do not overlap"),
    ]
    for transform, crs, words in cases:
        with pytest.raises(SizeMismatchError) as error:
            footprint_scale(cube("low.tif", (10, 12), transform, crs), guide)
        text = str(error.value)
        assert words in text
        assert "Guide guide.tif: EPSG:32633, x 500000 … 500480, y 5499600 … 5500000, 48×40 pixels of 10×10" in text
        assert ("Bands: EPSG:32632" if crs == OTHER else "Bands: EPSG:32633") in text
        assert "\n" not in text


def test_a_swapped_pair_is_told_so_and_not_to_be_resampled() -> None:
    bands, guide = cube("low.tif", (10, 12), scaled(NORTH_UP, 4)), cube("my guide.tif", (40, 48), NORTH_UP)
    with pytest.raises(
        SizeMismatchError, match=r"swapped\? Give the bands first, then the guide: low\.tif 'my guide"
    ) as error:
        footprint_scale(guide, bands)
    assert "gdalwarp" not in str(error.value)
    # A fine guide of a small piece of ground has fewer pixels than the bands, and is no swap.
    with pytest.raises(SizeMismatchError, match=r"-ts 4 4 -r cubic 'a piece\.tif'"):
        footprint_scale(cube("low.tif", (40, 48), scaled(NORTH_UP, 4)), cube("a piece.tif", (4, 4), NORTH_UP))


def test_the_advice_makes_them_fit() -> None:
    """Half a pixel apart, as Landsat's are: bands cut to what the guide covers, the guide put onto their pixels."""
    low, guide = cube("low.tif", (10, 12), scaled(NORTH_UP, 4, -0.5, 0.5)), cube("guide.tif", (40, 48), NORTH_UP)
    with pytest.raises(SizeMismatchError) as error:
        footprint_scale(low, guide)
    assert "gdal_translate -srcwin 1 0 11 9 low.tif bands_cut.tif" in str(error.value)
    assert "gdalwarp -te 500020 5499620 500460 5499980 -ts 44 36 -r cubic guide.tif guide_fitted.tif" in str(
        error.value
    )
    cut = cube("bands.tif", (9, 11), scaled(NORTH_UP, 4, 0.5, 0.5))
    warped = cube("guide.tif", (36, 44), (10, 0, 500_020, 0, -10, 5_499_980))
    assert footprint_scale(cut, warped) == 4
