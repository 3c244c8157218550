"""What is written comes back: values, ground and names, in every format, opened by other readers too."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import tifffile

from cube_makers import NORTH_UP, SHEARED, TURNED, UTM, by_windows, georeferenced, values_of, whole, windows, write
from imfuse.cubes import ArrayCubeWriter, CubeDescription, Georeference, create_cube, fused_description, open_cube
from imfuse.cubes.cube import TAKEN
from imfuse.errors import OutputError

FULL = CubeDescription(
    names=("blue, deep", None, "π"),
    nodata=-9999,
    wavelengths=(442.5, 560, 865.25),
    wavelength_unit="Nanometers",
    scales=(0.5, 1, 1e-4),
    offsets=(0, -0.1, 7),
    tags={"campaign": "a < b"},
    band_tags=({"gain": "high"}, {}, {}),
    header={"fwhm": "{1, 2, 3}"},
)


@pytest.mark.parametrize("ending", [".tif", ".img", ".npy"])
@pytest.mark.parametrize("dtype", TAKEN)
def test_values_come_back_in_every_type(tmp_path: Path, ending: str, dtype: str) -> None:
    values = values_of(3, 45, 61, dtype)
    if ending == ".img" and dtype == "int8":
        with pytest.raises(OutputError, match="ENVI does not hold int8"):
            write(tmp_path / f"a{ending}", values)
        return
    path = write(tmp_path / f"a{ending}", values)
    with open_cube(path) as cube:
        assert (cube.bands, cube.height, cube.width, cube.dtype) == (3, 45, 61, values.dtype)
        np.testing.assert_array_equal(by_windows(cube), values)
    assert sorted(one.name for one in tmp_path.iterdir()) == (["a.hdr", "a.img"] if ending == ".img" else [path.name])


@pytest.mark.parametrize("dtype", TAKEN)
def test_geotiff_of_every_type_is_gdals(tmp_path: Path, dtype: str) -> None:
    values = values_of(5, 45, 61, dtype)
    path = write(tmp_path / "a.tif", values, georeferenced())
    with rasterio.open(path) as file, open_cube(path) as cube:
        np.testing.assert_array_equal(file.read(), values)
        np.testing.assert_array_equal(by_windows(cube), values)
        assert file.block_shapes[0] == (48, 64)
        assert file.compression.name == "deflate"
        assert "alpha" not in [kind.name for kind in file.colorinterp]


@pytest.mark.parametrize(
    ("transform", "ending"),
    [
        (NORTH_UP, ".tif"),
        (TURNED, ".tif"),
        (SHEARED, ".tif"),
        ((1e-5, 0, 7.1, 0, 2e-5, 47), ".tif"),
        (NORTH_UP, ".dat"),
        (NORTH_UP, ".hdr"),
        (TURNED, ".img"),
    ],
)
def test_the_ground_stays_where_it_was(tmp_path: Path, transform: tuple[float, ...], ending: str) -> None:
    """Bands four times coarser than their guide: the result lies on the guide's pixels, to a hundredth of one."""
    shown = np.array(transform) * (4, 4, 1, 4, 4, 1)
    low_path = write(tmp_path / f"low{ending}", values_of(2, 9, 12, "int16"), georeferenced(tuple(shown)))
    guide_path = write(tmp_path / f"guide{ending}", values_of(1, 36, 48), georeferenced(transform))
    with open_cube(low_path) as low, open_cube(guide_path) as guide:
        description = fused_description(low, guide, 4)
        alone = low.description.georeference.rescaled(4)
    path = write(tmp_path / f"fused{ending}", values_of(2, 36, 48, "int16"), description)
    with rasterio.open(path.with_suffix(".img") if ending == ".hdr" else path) as file:
        back = np.linalg.inv(np.array([*transform, 0, 0, 1]).reshape(3, 3))
        # The bands' own place, rescaled, is that of a result whose guide has none.
        for found in (file.transform, (*alone.transform, 0, 0, 1)):
            moved = back @ np.array(found).reshape(3, 3)
            for corner in ((0, 0, 1), (48, 0, 1), (0, 36, 1), (48, 36, 1)):
                np.testing.assert_allclose(moved @ corner, corner, atol=0.01)
        assert file.crs == rasterio.CRS.from_epsg(32633)
        assert file.dtypes == ("int16", "int16")


def test_envi_refuses_what_its_header_does_not_express(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"do not express the geotransform .*write \.tif"):
        write(tmp_path / "a.img", values_of(2, 200, 200), georeferenced(SHEARED))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("ending", "place"), [(".tif", True), (".tif", False), (".img", True)])
def test_all_that_is_known_travels(tmp_path: Path, ending: str, place: bool) -> None:
    full = replace(FULL, georeference=Georeference(UTM, NORTH_UP)) if place else FULL
    path = write(tmp_path / f"a{ending}", values_of(3, 20, 30, "int16"), full)
    with open_cube(path) as cube:
        found = cube.description
    if ending == ".img":  # its lists are parted by commas
        assert found.names == ("blue deep", None, "π")
        widths = tuple({"FWHM_UM": f"0.00{width}"} for width in (1, 2, 3))
        full = replace(full, names=found.names, tags={}, band_tags=widths)
        assert rasterio.CRS.from_wkt(found.georeference.crs) == rasterio.CRS.from_epsg(32633)
        found = replace(found, georeference=full.georeference)
    assert found == full
    with rasterio.open(path) as file:
        assert file.nodata == -9999
        assert file.scales == full.scales
        assert [file.tags(band)["wavelength"] for band in (1, 2, 3)] == ["442.5", "560", "865.25"]
        assert file.descriptions[2].startswith("π")


def test_nodata_that_is_no_number_travels_and_what_no_type_holds_does_not(tmp_path: Path) -> None:
    for place in (None, Georeference(UTM, NORTH_UP)):
        description = CubeDescription(nodata=float("nan"), georeference=place)
        path = write(tmp_path / f"{place is None}.tif", values_of(1, 8, 8, "float32"), description)
        with open_cube(path) as cube:
            assert np.isnan(cube.description.nodata)
    writer = create_cube(tmp_path / "b.tif", 1, 8, 8, "uint8", CubeDescription(nodata=-1))
    assert "nodata -1 dropped: uint8 does not hold it" in writer.notes[0]
    writer = create_cube(tmp_path / "b.npy", 1, 8, 8, "int8", CubeDescription(nodata=-1))
    assert "holds values alone" in writer.notes[0]


def test_what_bands_show_is_kept_and_none_becomes_opacity(tmp_path: Path) -> None:
    description = replace(georeferenced(), colours=("blue", "green", "red", "nir"), names=("B", "G", "R", "N"))
    values = values_of(4, 40, 40, "uint8")
    path = write(tmp_path / "a.tif", values, description)
    with open_cube(path) as cube:
        assert cube.description == description
        np.testing.assert_array_equal(whole(cube), values)
    picture = write(tmp_path / "b.tif", values[:3], replace(georeferenced(), colours=("red", "green", "blue")))
    with open_cube(picture) as cube, rasterio.open(picture) as file:
        assert cube.curved
        assert [kind.name for kind in file.colorinterp] == ["red", "green", "blue"]


def test_plain_tiff_is_everyones(tmp_path: Path) -> None:
    values = values_of(31, 20, 30)
    path = write(tmp_path / "a.tif", values)
    np.testing.assert_array_equal(tifffile.imread(path), values)
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(file.read(), values)
    single = write(tmp_path / "b.tif", values[:1])
    np.testing.assert_array_equal(tifffile.imread(single), values[0])


def test_arrays_are_written_as_files_are() -> None:
    values = values_of(2, 30, 40)
    writer = ArrayCubeWriter(2, 30, 40, "uint16")
    cube = open_cube(values.transpose(1, 2, 0))
    with writer:
        for window in windows(30, 40):
            writer.write(window, cube.read(window))
    np.testing.assert_array_equal(writer.values, values)
