"""TIFF in all its kinds; a window of a file is the window of the whole."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms

from imfuse.errors import SourceError
from imfuse.io import PixelSource, Window, open_source
from imfuse.io.orientation import orient

HEIGHT, WIDTH = 45, 70
RNG = np.random.default_rng(7)
RGB8 = RNG.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
RGB16 = RNG.integers(0, 65536, (HEIGHT, WIDTH, 3), np.uint16)
GRAY16 = RGB16[:, :, 0]
FLOAT = RNG.random((HEIGHT, WIDTH, 5), np.float32)


def whole(source: PixelSource) -> NDArray[Any]:
    return source.read(Window(0, 0, source.height, source.width))


KINDS: dict[str, tuple[NDArray[Any], dict[str, Any]]] = {
    "strips": (RGB8, {"photometric": "rgb", "rowsperstrip": 7}),
    "one strip": (RGB16, {"photometric": "rgb"}),
    "deflate": (RGB16, {"photometric": "rgb", "rowsperstrip": 8, "compression": "zlib", "predictor": True}),
    "lzw": (RGB8, {"photometric": "rgb", "rowsperstrip": 5, "compression": "lzw", "predictor": True}),
    "packbits": (GRAY16, {"photometric": "minisblack", "compression": "packbits"}),
    "lzma": (GRAY16, {"photometric": "minisblack", "compression": "lzma"}),
    "zstd tiles": (RGB8, {"photometric": "rgb", "tile": (16, 32), "compression": "zstd"}),
    "tiles": (RGB16, {"photometric": "rgb", "tile": (16, 16)}),
    "gray tiles": (GRAY16, {"photometric": "minisblack", "tile": (16, 16), "compression": "zlib"}),
    "planar": (np.moveaxis(RGB16, 2, 0), {"photometric": "rgb", "planarconfig": "separate", "rowsperstrip": 9}),
    "planar tiles": (np.moveaxis(RGB8, 2, 0), {"photometric": "rgb", "planarconfig": "separate", "tile": (16, 16)}),
    "bands": (FLOAT, {"photometric": "minisblack", "planarconfig": "contig", "rowsperstrip": 4}),
    "float predictor": (FLOAT[:, :, 0], {"photometric": "minisblack", "compression": "zlib", "predictor": 3}),
    "float tiles": (np.moveaxis(FLOAT, 2, 0), {"planarconfig": "separate", "photometric": 1, "tile": (32, 16)}),
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_kinds_are_exact_and_windows_equal_the_whole(tmp_path: Path, kind: str, big: bool, order: Any) -> None:
    stored, options = KINDS[kind]
    for orientation in (1, 6):
        path = tmp_path / f"{orientation}.tif"
        tag = [(274, 3, 1, orientation, True)]
        tifffile.imwrite(path, stored, byteorder=order, bigtiff=big, metadata=None, extratags=tag, **options)
        expected = np.moveaxis(stored, 0, 2) if options.get("planarconfig") == "separate" else stored
        expected = orient(np.atleast_3d(expected), orientation)
        source = open_source(path)
        assert (source.height, source.width, source.channels) == expected.shape
        assert source.dtype == expected.dtype.newbyteorder("=")
        assert np.array_equal(whole(source), expected)
        windows = np.random.default_rng(1)
        for _ in range(8):
            (top, bottom), (left, right) = (
                sorted(windows.choice(size + 1, 2, replace=False).tolist()) for size in (source.height, source.width)
            )
            window = Window(top, left, bottom - top, right - left)
            assert np.array_equal(source.read(window), expected[window.slices])


@pytest.fixture(scope="module")
def oriented(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[PixelSource, NDArray[Any]]]:
    folder = tmp_path_factory.mktemp("oriented")
    made = []
    for orientation in range(1, 9):
        path = folder / f"{orientation}.tif"
        tag = [(274, 3, 1, orientation, True)]
        tifffile.imwrite(path, RGB8, photometric="rgb", tile=(16, 16), compression="zlib", extratags=tag)
        source = open_source(path)
        made.append((source, whole(source)))
    return made


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_window_of_any_orientation(oriented: list[tuple[PixelSource, NDArray[Any]]], data: st.DataObject) -> None:
    source, expected = data.draw(st.sampled_from(oriented))
    top, left = data.draw(st.integers(0, source.height - 1)), data.draw(st.integers(0, source.width - 1))
    height, width = data.draw(st.integers(1, source.height - top)), data.draw(st.integers(1, source.width - left))
    window = Window(top, left, height, width)
    assert np.array_equal(source.read(window), expected[window.slices])


@pytest.mark.parametrize("bits", [1, 2, 4, 5, 10, 12, 14])
def test_packed_depths(tmp_path: Path, bits: int) -> None:
    values = RNG.integers(0, 1 << bits, (19, 24)).astype(np.uint8 if bits <= 8 else np.uint16)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, values, bitspersample=bits, photometric="minisblack")
    source = open_source(path)
    black, white = source.full_range
    assert black == 0
    assert white == (255 if bits in (1, 2, 4) else (1 << bits) - 1)
    assert np.array_equal(whole(source)[:, :, 0] / white, values / ((1 << bits) - 1))
    assert source.dtype == (np.uint8 if bits <= 8 else np.uint16)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_floats(tmp_path: Path, dtype: str) -> None:
    values = RNG.random((9, 8)).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values)
    source = open_source(tmp_path / "a.tif")
    assert source.dtype == np.float32 and source.full_range == (0, 1)
    assert np.array_equal(whole(source)[:, :, 0], values.astype(np.float32))
    assert "floating point" in source.notes[0]


def test_signed_16_bits(tmp_path: Path) -> None:
    values = RNG.integers(0, 10000, (30, 8), np.int16)
    tifffile.imwrite(tmp_path / "a.tif", values)
    source = open_source(tmp_path / "a.tif")
    assert source.dtype == np.uint16 and source.full_range == (0, 32767)
    assert np.array_equal(whole(source)[:, :, 0], values)
    tifffile.imwrite(tmp_path / "b.tif", values - 5000)
    shifted = open_source(tmp_path / "b.tif")
    assert np.array_equal(whole(shifted)[:, :, 0].astype(int) - 32768, values - 5000)
    assert "shifted" in shifted.notes[0]


@pytest.mark.parametrize("dtype", ["int32", "uint32", "complex64", "int8", "uint64"])
def test_refused_types(tmp_path: Path, dtype: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 4), dtype))
    with pytest.raises(SourceError, match=r"a\.tif: .*convert"):
        open_source(tmp_path / "a.tif")


def test_white_is_zero(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", GRAY16, photometric="miniswhite")
    source = open_source(tmp_path / "a.tif")
    assert np.array_equal(whole(source)[:, :, 0], 65535 - GRAY16)
    bits = RNG.integers(0, 2, (19, 24)).astype(bool)
    Image.fromarray(bits).save(tmp_path / "fax.tif", compression="group4")
    assert np.array_equal(whole(open_source(tmp_path / "fax.tif"))[:, :, 0], bits * 255)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_white_is_zero_floats_are_inverted_against_one(tmp_path: Path, dtype: str) -> None:
    values = (RNG.random((HEIGHT, WIDTH)) * 1.5).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="miniswhite")
    source = open_source(tmp_path / "a.tif")
    assert np.array_equal(whole(source)[:, :, 0], 1 - values.astype(np.float32))
    assert source.notes[-1] == f"{tmp_path / 'a.tif'}: white-is-zero samples inverted: 1 − value"


def write_palette(path: Path, values: NDArray[np.uint8], bits: int, colors: NDArray[np.uint16]) -> None:
    """An uncompressed palette TIFF, byte by byte: tifffile writes none below 8 bits."""
    rows = np.unpackbits(values[:, :, None], axis=2)[:, :, 8 - bits :].reshape(len(values), -1)
    data = np.packbits(rows, axis=1).tobytes()
    table = colors.T.astype("<u2").tobytes()
    short, long = 3, 4
    tags = [(256, short, 1, values.shape[1]), (257, short, 1, len(values)), (258, short, 1, bits), (259, short, 1, 1)]
    tags += [(262, short, 1, 3), (273, long, 1, 8), (277, short, 1, 1), (278, short, 1, len(values))]
    tags += [(279, long, 1, len(data)), (320, short, len(table) // 2, 8 + len(data))]
    head = struct.pack("<2sHI", b"II", 42, 8 + len(data) + len(table))
    directory = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    path.write_bytes(head + data + table + struct.pack("<H", len(tags)) + directory + b"\0" * 4)


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_palette(tmp_path: Path, bits: int) -> None:
    colors = RNG.integers(0, 256, (1 << bits, 3)).astype(np.uint16)
    values = RNG.integers(0, 1 << bits, (19, 24)).astype(np.uint8)
    write_palette(tmp_path / "a.tif", values, bits, colors * 257)
    source = open_source(tmp_path / "a.tif")
    assert (source.channels, source.dtype) == (3, np.uint8)
    assert np.array_equal(whole(source), colors[values])
    assert source.notes == (f"{tmp_path / 'a.tif'}: palette converted to RGB",)


def test_alpha_unassociated_and_associated(tmp_path: Path) -> None:
    rgba = RNG.integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
    window = Window(3, 5, 20, 30)
    tifffile.imwrite(tmp_path / "u.tif", rgba, photometric="rgb", extrasamples=["unassalpha"])
    source = open_source(tmp_path / "u.tif")
    assert (source.channels, source.has_alpha) == (3, True)
    assert np.array_equal(source.read(window), rgba[window.slices][:, :, :3])
    assert np.array_equal(source.read_alpha(window), rgba[window.slices][:, :, 3])
    alpha = np.maximum(rgba[:, :, 3:], 200)
    premultiplied = np.rint(rgba[:, :, :3] * (alpha / 255.0)).astype(np.uint8)
    stored = np.concatenate([premultiplied, alpha], axis=2)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extrasamples=["assocalpha"])
    source = open_source(tmp_path / "a.tif")
    assert np.abs(source.read(window).astype(int) - rgba[window.slices][:, :, :3]).max() <= 1
    assert "premultiplied" in source.notes[0]
    tifffile.imwrite(tmp_path / "n.tif", rgba, photometric="rgb", extrasamples=["unspecified"])
    bands = open_source(tmp_path / "n.tif")
    assert (bands.channels, bands.has_alpha) == (4, False)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_cmyk_without_profile(tmp_path: Path, dtype: str) -> None:
    largest = np.iinfo(dtype).max
    inks = RNG.integers(0, int(largest) + 1, (HEIGHT, WIDTH, 4)).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", inks, photometric="separated")
    source = open_source(tmp_path / "a.tif")
    light = 1 - inks / largest
    expected = light[:, :, :3] * light[:, :, 3:] * largest
    assert np.abs(whole(source) - expected).max() <= 0.5 + 1e-6
    assert source.dtype == dtype and "CMYK" in source.notes[0] and source.metadata.icc is None


def test_jpeg_in_tiff(tmp_path: Path) -> None:
    y, x = np.mgrid[:64, :96]
    image = np.stack([x * 2, y * 3, 128 + x // 2], axis=2).astype(np.uint8)
    Image.fromarray(image).save(tmp_path / "a.tif", compression="jpeg", quality=95)
    source = open_source(tmp_path / "a.tif")
    assert np.abs(whole(source).astype(int) - image).max() <= 16
    assert np.array_equal(source.read(Window(5, 9, 30, 40)), whole(source)[5:35, 9:49])


def test_lab(tmp_path: Path) -> None:
    lab = ImageCms.createProfile("LAB")
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), lab, "RGB", "LAB")
    image = np.full((4, 4, 3), (120, 90, 60), np.uint8)
    picture = ImageCms.applyTransform(Image.fromarray(image), to_lab)
    picture.save(tmp_path / "a.tif")
    source = open_source(tmp_path / "a.tif")
    assert np.abs(whole(source).astype(int) - image).max() <= 3
    assert any("Lab" in note for note in source.notes)


def test_first_page_of_several(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for value in range(5):
            writer.write(np.full((8, 9), value, np.uint8), metadata=None)
    source = open_source(tmp_path / "a.tif")
    assert source.notes == (f"{tmp_path / 'a.tif'}: page 1 of 5 taken",)
    assert whole(source).max() == 0


def test_resolution_units(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RGB8, resolution=(100, 50), resolutionunit="CENTIMETER")
    assert open_source(tmp_path / "a.tif").metadata.resolution == pytest.approx((254, 127))


def test_resolution_turns_with_the_pixels(tmp_path: Path) -> None:
    for orientation in range(1, 9):
        path = tmp_path / f"{orientation}.tif"
        tag = [(274, 3, 1, orientation, True)]
        tifffile.imwrite(path, RGB8, photometric="rgb", resolution=(300, 150), resolutionunit=2, extratags=tag)
        expected = (150, 300) if orientation >= 5 else (300, 150)
        assert open_source(path).metadata.resolution == pytest.approx(expected)


def test_profile_is_dropped_where_colours_are_converted(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    tifffile.imwrite(tmp_path / "rgb.tif", RGB8, photometric="rgb", iccprofile=profile)
    assert open_source(tmp_path / "rgb.tif").metadata.icc == profile
    inks = np.zeros((4, 4, 4), np.uint8)
    tifffile.imwrite(tmp_path / "cmyk.tif", inks, photometric="separated", iccprofile=profile)
    assert open_source(tmp_path / "cmyk.tif").metadata.icc is None


def test_uncompressed_strip_beyond_the_limit_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, shape=(30_000, 20_000), dtype="f4", metadata=None, rowsperstrip=30_000)  # a sparse file
    assert path.stat().st_size > 2 << 30 and path.stat().st_blocks < 1 << 14
    with path.open("r+b") as file:
        file.seek(-4, 2)
        file.write(struct.pack("<f", 0.25))
    assert open_source(path).read(Window(29_998, 19_998, 2, 2))[:, :, 0].tolist() == [[0, 0], [0, 0.25]]


def test_part_that_is_decoded_whole_is_limited(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, shape=(60_000, 60_000), dtype="u1", metadata=None, rowsperstrip=60_000)
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags["Compression"].overwrite(32773)  # PackBits: the strip would be decoded whole
    with pytest.raises(
        SourceError, match=r"a\.tif: 60000 × 60000 pixels in parts of 3\.6 GB .*smaller strips or tiles"
    ):
        open_source(path)


def test_left_out_tiles_are_zero(tmp_path: Path) -> None:
    image = np.zeros((64, 64), np.uint8)
    image[:16, :16] = 9
    tiles = [image[r : r + 16, c : c + 16] if r + c == 0 else None for r in range(0, 64, 16) for c in range(0, 64, 16)]
    tifffile.imwrite(tmp_path / "a.tif", iter(tiles), shape=(64, 64), dtype="u1", tile=(16, 16), compression="zlib")
    assert np.array_equal(whole(open_source(tmp_path / "a.tif"))[:, :, 0], image)


def test_only_touched_tiles_are_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, RGB8, photometric="rgb", tile=(16, 16), compression="zlib")
    with tifffile.TiffFile(path) as file:
        offset, count = file.pages[0].dataoffsets[-1], file.pages[0].databytecounts[-1]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * count)
    source = open_source(path)
    assert np.array_equal(source.read(Window(0, 0, 32, 64)), RGB8[:32, :64])
    with pytest.raises(SourceError, match=r"a\.tif"):
        source.read(Window(0, 0, HEIGHT, WIDTH))
