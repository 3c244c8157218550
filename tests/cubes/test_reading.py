"""Cubes that other programs write, and files that are none."""

import re
import struct
from pathlib import Path

import numpy as np
import pytest
import rasterio
import tifffile
from PIL import Image

from cube_makers import NORTH_UP, UTM, by_windows, georeferenced, values_of, whole, windows, write
from imfuse.cubes import ArrayCube, open_cube
from imfuse.errors import MissingExtraError, SourceError
from imfuse.io import Window

ENVI_HEADER = """ENVI
samples = 31
lines = 20
bands = 3
header offset = {offset}
file type = ENVI Standard
data type = {kind}
interleave = {interleave}
byte order = {order}
{more}
"""


def raster(path: Path, values: np.ndarray, **profile: object) -> Path:
    """A file of rasterio's."""
    bands, height, width = values.shape
    profile = {"driver": "GTiff", "crs": UTM, "transform": rasterio.Affine(*NORTH_UP), **profile}
    with rasterio.open(path, "w", count=bands, height=height, width=width, dtype=values.dtype, **profile) as file:
        file.write(values)
    return path


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
@pytest.mark.parametrize("order", [0, 1])
def test_envi_in_every_order(tmp_path: Path, interleave: str, order: int) -> None:
    values = values_of(3, 20, 31, "int16")
    axes = {"bsq": (0, 1, 2), "bil": (1, 0, 2), "bip": (1, 2, 0)}[interleave]
    stored = values.transpose(axes).astype("<i2" if order == 0 else ">i2")
    (tmp_path / "scene.dat").write_bytes(b"\0" * 10 + stored.tobytes())
    more = "wavelength = {0.45, 0.55, 0.65}\nwavelength units = Micrometers\nband names = {B, G, R}\n"
    text = ENVI_HEADER.format(offset=10, kind=2, interleave=interleave, order=order, more=more)
    (tmp_path / "scene.hdr").write_text(text)
    for given in ("scene.dat", "scene.hdr"):
        with open_cube(tmp_path / given) as cube:
            np.testing.assert_array_equal(by_windows(cube), values)
            assert cube.description.names == ("B", "G", "R")
            assert cube.description.wavelengths == (0.45, 0.55, 0.65)
            assert cube.description.wavelength_unit == "Micrometers"
            assert cube.description.georeference is None
    # The bytes of a picture's magic number are as good as any.
    (tmp_path / "scene.dat").write_bytes(b"BM" + b"\0" * 8 + stored.tobytes())
    with open_cube(tmp_path / "scene.dat") as cube:
        np.testing.assert_array_equal(whole(cube), values)


def test_pages_planes_and_samples_are_bands(tmp_path: Path) -> None:
    """Thirty-one pages as CAVE's, packed and not, in strips and in tiles, big-endian, and as samples of one page."""
    values = values_of(31, 40, 52)
    gray = {"photometric": "minisblack"}
    for number, options in enumerate(
        [
            {},
            {"compression": "zlib", "predictor": True},
            {"tile": (16, 32), "compression": "lzw"},
            {"byteorder": ">"},
            {"byteorder": ">", "compression": "zlib", "rowsperstrip": 7},
            {"planarconfig": "separate", "compression": "zlib"},
            {"bigtiff": True, "metadata": None},
        ]
    ):
        tifffile.imwrite(tmp_path / f"{number}.tif", values, **gray, **options)
    with tifffile.TiffWriter(tmp_path / "pages.tif") as file:
        for band in values:
            file.write(band, contiguous=False, metadata=None, compression="zlib", **gray)
    tifffile.imwrite(tmp_path / "samples.tif", values.transpose(1, 2, 0).copy(), planarconfig="contig", **gray)
    samples = values.transpose(1, 2, 0).copy()
    tifffile.imwrite(tmp_path / "tiles.tif", samples, planarconfig="contig", tile=(16, 16), **gray)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 10
    for path in files:
        with open_cube(path) as cube:
            assert cube.dtype == np.uint16, path
            np.testing.assert_array_equal(by_windows(cube), values, err_msg=str(path))


def test_arrays_in_either_order(tmp_path: Path) -> None:
    values = values_of(5, 20, 31, "float32")
    stored = values.transpose(1, 2, 0)
    arrays = {"c": np.ascontiguousarray(stored), "f": np.asfortranarray(stored), "big": stored.astype(">f4")}
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
        with open_cube(tmp_path / f"{name}.npy") as cube:
            np.testing.assert_array_equal(by_windows(cube), values, err_msg=name)
    for name, array in (("one", values[0]), ("turned", np.asfortranarray(values[0]))):
        np.save(tmp_path / f"{name}.npy", array)
        with open_cube(tmp_path / f"{name}.npy") as cube:
            np.testing.assert_array_equal(by_windows(cube), values[:1], err_msg=name)
    import torch

    for tensor in (torch.from_numpy(values), torch.from_numpy(values)[None]):
        np.testing.assert_array_equal(whole(open_cube(tensor)), values)
    np.testing.assert_array_equal(whole(open_cube(stored)), values)
    assert open_cube(cube) is cube


def test_pictures_are_their_colours(tmp_path: Path) -> None:
    pixels = values_of(4, 30, 40, "uint8").transpose(1, 2, 0).copy()
    for ending in (".png", ".tif"):
        Image.fromarray(pixels).save(tmp_path / f"a{ending}")
        Image.fromarray(pixels[..., :3].copy()).save(tmp_path / f"b{ending}")
        Image.fromarray(pixels[..., 0].copy()).save(tmp_path / f"c{ending}")
        for name, bands in (("b", 3), ("c", 1)):
            with open_cube(tmp_path / f"{name}{ending}") as cube:
                assert (cube.bands, cube.curved) == (bands, bands == 3)
                np.testing.assert_array_equal(by_windows(cube), pixels[..., :bands].transpose(2, 0, 1))
    with open_cube(tmp_path / "a.png") as cube:
        assert cube.bands == 3
        assert cube.notes == (f"{tmp_path / 'a.png'}: its opacity (alpha) left out",)


@pytest.mark.parametrize("place", [True, False])
def test_a_band_marked_as_opacity_is_one_if_it_holds_nothing_else(tmp_path: Path, place: bool) -> None:
    """Near infrared beside RGB is marked so by every program's default."""
    values = values_of(4, 200, 300, "uint8")
    hole = values.copy()
    hole[3] = 255 * (np.arange(300) > 100)
    paths = []
    for name, one in (("nir.tif", values), ("rgba.tif", hole)):
        if place:
            paths.append(raster(tmp_path / name, one, photometric="RGB", alpha="YES"))
        else:
            paths.append(tmp_path / name)
            tifffile.imwrite(paths[-1], one.transpose(1, 2, 0).copy(), photometric="rgb", extrasamples=[2])
    with open_cube(paths[0]) as cube:
        np.testing.assert_array_equal(by_windows(cube), values)
        assert "band 4 is marked as opacity (alpha), but holds other values" in cube.notes[-1]
    with open_cube(paths[1]) as cube:
        np.testing.assert_array_equal(by_windows(cube), hole[:3])
        assert "opacity (alpha)" in cube.notes[-1]
        assert cube.curved


def test_what_is_not_used_is_told(tmp_path: Path) -> None:
    values = values_of(2, 20, 30)
    corners = [(0, 0), (0, 30), (20, 0), (20, 30)]
    points = [rasterio.control.GroundControlPoint(row, column, 7 + column, 47 - row) for row, column in corners]
    with rasterio.open(
        tmp_path / "gcp.tif", "w", driver="GTiff", count=2, height=20, width=30, dtype="uint16", gcps=points, crs=UTM
    ) as file:
        file.write(values)
    with open_cube(tmp_path / "gcp.tif") as cube:
        assert cube.description.georeference is None
        assert "located by ground control points alone, which were not used" in cube.notes[0]
    with open_cube(raster(tmp_path / "bare.tif", values, crs=None)) as cube:
        assert cube.description.georeference.crs is None
        assert "no reference system (CRS)" in cube.notes[0]
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(raster(tmp_path / "mask.tif", values), "r+") as file:
        file.write_mask(np.arange(600).reshape(20, 30) > 50)
    with open_cube(tmp_path / "mask.tif") as cube:
        assert "has a mask of its own, which was not used" in cube.notes[0]


def test_other_formats_of_gdals(tmp_path: Path) -> None:
    values = values_of(2, 20, 31)
    with open_cube(raster(tmp_path / "a.img", values, driver="HFA")) as cube:
        np.testing.assert_array_equal(by_windows(cube), values)
        assert cube.description.georeference.transform == NORTH_UP
    with open_cube(raster(tmp_path / "a.jp2", values, driver="JP2OpenJPEG", quality=100, reversible=True)) as cube:
        np.testing.assert_array_equal(by_windows(cube), values)


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    good = write(tmp_path / "good.tif", values_of(3, 300, 300), georeferenced())
    plain = write(tmp_path / "plain.tif", values_of(3, 60, 60))
    np.save(tmp_path / "good.npy", values_of(3, 60, 60).transpose(1, 2, 0))
    envi = write(tmp_path / "good.img", values_of(3, 60, 60), georeferenced())
    cases: list[tuple[str, str]] = []

    def spoil(name: str, data: bytes, words: str) -> None:
        (tmp_path / name).write_bytes(data)
        cases.append((name, words))

    spoil("empty.tif", b"", "the file is empty")
    spoil("text.tif", b"these are words and no picture", "is no cube that imfuse reads")
    spoil("half.tif", good.read_bytes()[:200], "cannot be read as TIFF|truncated")
    spoil("cut.tif", plain.read_bytes()[:-2000], "truncated")
    spoil("cut.npy", (tmp_path / "good.npy").read_bytes()[:-100], "cannot be read as NumPy array|truncated")
    spoil("bytes.npy", b"\x93NUMPY\x01\x00\xff", "cannot be read as NumPy array")
    (tmp_path / "cut.hdr").write_bytes(envi.with_suffix(".hdr").read_bytes())
    spoil("cut.img", envi.read_bytes()[:-10], "truncated: its header tells of 21600 bytes, the data file has 21590")
    spoil("alone.hdr", envi.with_suffix(".hdr").read_bytes(), "whose data file is not beside it")
    spoil("single.dat", envi.read_bytes(), "ENVI with its header beside it")
    (tmp_path / "none.hdr").write_text(ENVI_HEADER.format(offset=0, kind=2, interleave="bsq", order=0, more=""))
    (tmp_path / "none.hdr").write_text((tmp_path / "none.hdr").read_text().replace("bands = 3", "bands = 0"))
    spoil("none.dat", b"\1" * 4000, "ENVI")
    np.save(tmp_path / "zero.npy", np.zeros((4, 5, 0)))
    np.save(tmp_path / "four.npy", np.zeros((4, 5, 2, 2)))
    np.save(tmp_path / "complex.npy", np.zeros((4, 5, 2), np.complex64))
    np.save(tmp_path / "objects.npy", np.array([[None]]), allow_pickle=True)
    raster(tmp_path / "complex.tif", np.zeros((1, 8, 8), np.complex64))
    tifffile.imwrite(tmp_path / "rgbs.tif", values_of(6, 8, 8, "uint8").reshape(2, 8, 8, 3), photometric="rgb")
    cases += [
        ("zero.npy", "holds 0 bands of 4 × 5 pixels"),
        ("four.npy", r"an array of shape \(4, 5, 2, 2\) is no cube"),
        ("complex.npy", "holds complex64; convert it to one of uint8"),
        ("complex.tif", "holds complex64"),
        ("objects.npy", "cannot be read as NumPy array"),
        ("rgbs.tif", "a cube has bands alone beside rows and columns"),
        ("missing.tif", "no such file"),
    ]
    for name, words in cases:
        try:
            open_cube(tmp_path / name)
        except SourceError as error:
            assert re.search(words, str(error)), name
        else:
            pytest.fail(name)
    with pytest.raises(SourceError, match="masked"):
        open_cube(np.ma.masked_equal(np.zeros((3, 3)), 0))


def test_blocks_that_are_cut_off_are_told_when_they_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", values_of(3, 1100, 600), georeferenced())
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with open_cube(path) as cube, pytest.raises(SourceError, match="cannot be read as GeoTIFF"):
        for window in windows(cube.height, cube.width, 200):
            cube.read(window)
    for cube in (
        ArrayCube(values_of(1, 4, 4), "a"),
        open_cube(tmp_path / write(tmp_path / "b.tif", values_of(1, 4, 4))),
    ):
        for window in (Window(0, 0, 5, 4), Window(-1, 0, 2, 2), Window(0, 0, 0, 2)):
            with pytest.raises(SourceError, match="is not inside 4 × 4 pixels"):
                cube.read(window)


def test_without_rasterio_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = write(tmp_path / "good.tif", values_of(3, 30, 30), georeferenced())
    write(tmp_path / "good.img", values_of(3, 30, 30))
    monkeypatch.setitem(__import__("sys").modules, "rasterio", None)
    for path in (good, tmp_path / "good.img", tmp_path / "good.hdr"):
        with pytest.raises(MissingExtraError, match=r"pip install 'imfuse\[geo\]'"):
            open_cube(path)
    for name, description in (("new.tif", georeferenced()), ("new.img", None)):
        with pytest.raises(MissingExtraError, match=r"pip install 'imfuse\[geo\]'"):
            write(tmp_path / name, values_of(3, 30, 30), description)
    for name in ("plain.tif", "plain.npy"):
        with open_cube(write(tmp_path / name, values_of(3, 30, 30))) as cube:
            np.testing.assert_array_equal(whole(cube), values_of(3, 30, 30))


def test_names_that_gdal_wrote_are_read_without_it(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", values_of(2, 9, 9), crs=None, transform=None, nodata=7)
    with rasterio.open(path, "r+") as file:
        file.descriptions = ("red edge", "nir & more")
        file.update_tags(1, wavelength="705")
        file.update_tags(2, wavelength="842")
    with open_cube(path) as cube:
        assert cube.description.names == ("red edge", "nir & more")
        assert cube.description.nodata == 7
        assert cube.description.wavelengths == (705, 842)
    # A directory that lies about its tag of text costs the names and no more.
    data = path.read_bytes().replace(b"<GDALMetadata>", b"<GDALMetadata ")
    path.write_bytes(data)
    assert struct.unpack("<H", data[2:4]) == (42,)
    with open_cube(path) as cube:
        assert cube.description.names == (None, None)
        assert "damaged tags of GDAL dropped" in cube.notes[0]


def test_of_a_geotiff_that_is_cut_off_the_cause_is_told(tmp_path: Path) -> None:
    """And not rasterio's "see previous exception for details", which nobody who uses a command line can see."""
    good = raster(tmp_path / "good.tif", values_of(3, 60, 60))
    cut = tmp_path / "cut.tif"
    cut.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    with pytest.raises(SourceError, match="cannot be read as GeoTIFF") as error, open_cube(cut) as cube:
        whole(cube)
    assert "previous exception" not in str(error.value)
    assert "\n" not in str(error.value)
