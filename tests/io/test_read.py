"""Files and arrays of every kind as sources."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

from imfuse.errors import SourceError
from imfuse.io import (
    ArraySource,
    ArrayWriter,
    PixelSource,
    Window,
    icc_color_space,
    is_picture_name,
    open_source,
    save_image,
    supported_endings,
)
from imfuse.io.png_chunks import SIGNATURE, chunk

RNG = np.random.default_rng(3)
RGB = RNG.integers(0, 256, (9, 14, 3), np.uint8)


def whole(source: PixelSource) -> NDArray[Any]:
    return source.read(Window(0, 0, source.height, source.width))


def opacity(source: PixelSource) -> NDArray[Any]:
    alpha = source.read_alpha(Window(0, 0, source.height, source.width))
    assert alpha is not None
    return alpha


def raw_png(path: Path, depth: int, color: int, rows: NDArray[Any], *extra: bytes) -> None:
    """A PNG of unfiltered rows of bytes."""
    height = len(rows)
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    width = rows.shape[1] * 8 // (depth * samples)
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    path.write_bytes(SIGNATURE + head + b"".join(extra) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))


def test_importing_imports_no_decoder() -> None:
    code = "import sys, imfuse.io; sys.exit(str({'PIL', 'tifffile', 'imagecodecs'} & set(sys.modules) or '') or 0)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


ORIENTED = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: np.swapaxes(a, 0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(np.swapaxes(a, 0, 1), 2),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("orientation", ORIENTED)
@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp"])
def test_orientation(tmp_path: Path, orientation: int, ending: str) -> None:
    big = np.kron(RGB[:, :, :1].repeat(3, 2), np.ones((8, 8, 1), np.uint8))
    exif = Image.Exif()
    exif[274], exif[271] = orientation, "Maker"
    path = tmp_path / f"a.{ending}"
    if ending == "tif":
        tags = [(274, 3, 1, orientation, True), (271, 2, 6, "Maker", True)]
        tifffile.imwrite(path, big, photometric="rgb", extratags=tags)
    else:
        options = {"lossless": True} if ending == "webp" else {"quality": 95} if ending == "jpg" else {}
        Image.fromarray(big).save(path, exif=exif.tobytes(), **options)
    source = open_source(path)
    expected = ORIENTED[orientation](big)
    assert (source.height, source.width) == expected.shape[:2]
    assert np.abs(whole(source).astype(int) - expected).max() <= (8 if ending == "jpg" else 0)
    window = Window(5, 3, 11, 8)
    assert np.array_equal(source.read(window), whole(source)[window.slices])
    back = Image.Exif()
    back.load(b"Exif\0\0" + (source.metadata.exif or b""))
    assert back.get(274, 1) == 1 and back[271] == "Maker"
    told = (f"{path}: turned upright (orientation {orientation})",)
    assert source.notes == (() if orientation == 1 else told)


def exif_of_both_directions(orientation: int) -> bytes:
    """Resolution, size in pixels and resolution of the focal plane, all different across and down."""
    exif = Image.Exif()
    exif[274], exif[282], exif[283], exif[296] = orientation, 300.0, 150.0, 2
    exif.get_ifd(0x8769).update({40962: 14, 40963: 9, 41486: 5000.0, 41487: 2500.0})
    return exif.tobytes()


def both_directions(block: bytes | None) -> tuple[float, ...]:
    exif = Image.Exif()
    exif.load(b"Exif\0\0" + (block or b""))
    part = exif.get_ifd(0x8769)
    return tuple(float(v) for v in (exif[282], exif[283], *(part[tag] for tag in (40962, 40963, 41486, 41487))))


@pytest.mark.parametrize("orientation", [1, 3, *range(5, 9)])
@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "memory"])
def test_resolution_turns_with_the_pixels(tmp_path: Path, orientation: int, ending: str) -> None:
    path = tmp_path / f"a.{'png' if ending == 'memory' else ending}"
    exif = exif_of_both_directions(orientation)
    Image.fromarray(RGB).save(path, exif=exif, **({"dpi": (300, 150)} if ending == "memory" else {}))
    source = open_source(Image.open(path) if ending == "memory" else path)
    across, down, wide, high, *focal = both_directions(source.metadata.exif)
    turns = orientation >= 5
    assert (across, down) == ((150, 300) if turns else (300, 150))
    assert source.metadata.resolution == pytest.approx((across, down), abs=0.05)
    assert (wide, high) == (source.width, source.height)
    assert focal == ([2500, 5000] if turns else [5000, 2500])


def test_resolution_of_jfif_turns(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 8
    Image.fromarray(RGB).save(tmp_path / "a.jpg", exif=exif, dpi=(300, 150))
    assert open_source(tmp_path / "a.jpg").metadata.resolution == pytest.approx((150, 300))
    Image.fromarray(RGB).save(tmp_path / "b.jpg", exif=exif_of_both_directions(8), dpi=(200, 200))
    assert open_source(tmp_path / "b.jpg").metadata.resolution == pytest.approx((200, 200))


def test_exif_thumbnail_is_dropped_and_maker_note_stays_in_place(tmp_path: Path) -> None:
    from imfuse.io.metadata import clean_exif

    thumbnail = b"\xff\xd8" + b"T" * 50 + b"\xff\xd9"
    exif = Image.Exif()
    exif.endian = "<"
    exif[274] = 6
    exif.get_ifd(0x8769)[0x927C] = b"NOTE" * 10
    block = bytearray(exif.tobytes()[6:])
    second = len(block)
    count = struct.unpack_from("<H", block, 8)[0]
    struct.pack_into("<I", block, 10 + 12 * count, second)
    block += struct.pack("<HHHIIHHIII", 2, 513, 4, 1, second + 30, 514, 4, 1, len(thumbnail), 0) + thumbnail
    cleaned = clean_exif(bytes(block))
    assert cleaned.orientation == 6 and cleaned.notes == ()
    assert cleaned.block is not None and b"TTT" not in cleaned.block
    assert cleaned.block.index(b"NOTE") == block.index(b"NOTE")


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_low_depth_gray_png_with_transparent_gray(tmp_path: Path, depth: int) -> None:
    rows = RNG.integers(0, 256, (7, 5), np.uint8)
    bits = np.unpackbits(rows, axis=1).reshape(7, -1, depth)
    values = (bits * (1 << np.arange(depth)[::-1])).sum(axis=2)
    raw_png(tmp_path / "a.png", depth, 0, rows, chunk(b"tRNS", struct.pack(">H", 1)))
    source = open_source(tmp_path / "a.png")
    assert np.array_equal(whole(source)[:, :, 0], values * 255 // ((1 << depth) - 1))
    assert np.array_equal(opacity(source), (values != 1) * 255)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("gray", [False, True])
def test_palette_png_with_transparency(tmp_path: Path, depth: int, gray: bool) -> None:
    rows = RNG.integers(0, 256, (7, 5), np.uint8)
    bits = np.unpackbits(rows, axis=1).reshape(7, -1, depth)
    indices = (bits * (1 << np.arange(depth)[::-1])).sum(axis=2)
    colors = RNG.integers(0, 256, (1 << depth, 1 if gray else 3), np.uint8)
    palette = np.broadcast_to(colors, (1 << depth, 3))
    transparency = bytes([0, 77])
    raw_png(tmp_path / "a.png", depth, 3, rows, chunk(b"PLTE", palette.tobytes()), chunk(b"tRNS", transparency))
    source = open_source(tmp_path / "a.png")
    assert source.channels == (1 if gray else 3)
    assert np.array_equal(whole(source), colors[indices])
    assert np.array_equal(opacity(source), np.where(indices == 0, 0, np.where(indices == 1, 77, 255)))
    assert "palette" in source.notes[0]


@pytest.mark.parametrize("color", [0, 2, 4, 6])
def test_16_bit_png(tmp_path: Path, color: int) -> None:
    samples = {0: 1, 2: 3, 4: 2, 6: 4}[color]
    values = RNG.integers(0, 65536, (9, 7, samples), np.uint16)
    raw_png(tmp_path / "a.png", 16, color, values.astype(">u2").reshape(9, -1).view(np.uint8))
    source = open_source(tmp_path / "a.png")
    colors = values if color < 4 else values[:, :, :-1]
    assert source.dtype == np.uint16 and source.full_range == (0, 65535)
    assert np.array_equal(whole(source), colors)
    assert source.has_alpha == (color >= 4)
    if color >= 4:
        assert np.array_equal(opacity(source), values[:, :, -1])


def test_16_bit_rgb_png_with_transparent_colour(tmp_path: Path) -> None:
    values = np.tile(np.array([[[1, 2, 3], [1, 2, 4]]], np.uint16), (3, 2, 1))
    rows = values.astype(">u2").reshape(3, -1).view(np.uint8)
    raw_png(tmp_path / "a.png", 16, 2, rows, chunk(b"tRNS", struct.pack(">HHH", 1, 2, 3)))
    source = open_source(tmp_path / "a.png")
    assert np.array_equal(opacity(source), np.tile([[0, 65535]], (3, 2)))


def test_metadata_after_the_pixels_and_damaged_metadata(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 3
    save_image(tmp_path / "a.png", RGB)
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "b.png").write_bytes(data[:-12] + chunk(b"eXIf", exif.tobytes()[6:]) + data[-12:])
    assert np.array_equal(whole(open_source(tmp_path / "b.png")), RGB[::-1, ::-1])
    for bad in (chunk(b"eXIf", b"II*\0nonsense"), chunk(b"iCCP", b"x\0\0nonsense"), chunk(b"pHYs", b"1")[:-1] + b"?"):
        (tmp_path / "c.png").write_bytes(data[:33] + bad + data[33:])
        source = open_source(tmp_path / "c.png")
        assert np.array_equal(whole(source), RGB)
        assert any("damaged" in note for note in source.notes)


def test_png_of_other_writers(tmp_path: Path) -> None:
    import cv2

    values = RNG.integers(0, 65536, (33, 21, 3), np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), values[:, :, ::-1])
    assert np.array_equal(whole(open_source(tmp_path / "a.png")), values)


def test_animated_and_multi_frame_files(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((8, 9, 3), value, np.uint8)) for value in (10, 200, 90)]
    for ending, options in (("png", {}), ("webp", {"lossless": True}), ("gif", {})):
        path = tmp_path / f"a.{ending}"
        frames[0].save(path, save_all=True, append_images=frames[1:], **options)
        source = open_source(path)
        assert any("first of 3 frames" in note for note in source.notes), ending
        assert np.array_equal(whole(source), np.full((8, 9, source.channels), 10))


@pytest.mark.parametrize("ending", ["gif", "bmp"])
def test_palette_files(tmp_path: Path, ending: str) -> None:
    colors = RNG.integers(0, 256, (256, 3), np.uint8)
    indices = RNG.integers(0, 256, (11, 13), np.uint8)
    picture = Image.fromarray(indices)
    picture.putpalette(colors.tobytes())
    picture.save(tmp_path / f"a.{ending}")
    source = open_source(tmp_path / f"a.{ending}")
    assert np.array_equal(whole(source), colors[indices])
    assert source.notes == (f"{source.name}: palette converted to RGB",)


def test_one_bit_bmp_and_transparent_gif(tmp_path: Path) -> None:
    bits = RNG.integers(0, 2, (11, 13)).astype(bool)
    Image.fromarray(bits).save(tmp_path / "a.bmp")
    assert np.array_equal(whole(open_source(tmp_path / "a.bmp"))[:, :, 0], bits * 255)
    picture = Image.fromarray(bits.astype(np.uint8))
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.save(tmp_path / "a.gif", transparency=1)
    source = open_source(tmp_path / "a.gif")
    assert np.array_equal(opacity(source), np.where(bits, 0, 255))
    assert np.array_equal(whole(source)[~bits], np.tile([255, 0, 0], ((~bits).sum(), 1)))


def test_cmyk_jpeg(tmp_path: Path) -> None:
    inks = np.zeros((16, 16, 4), np.uint8)
    inks[:] = (0, 128, 255, 51)
    Image.frombytes("CMYK", (16, 16), inks.tobytes()).save(tmp_path / "a.jpg", quality=100)
    source = open_source(tmp_path / "a.jpg")
    assert source.channels == 3 and "CMYK" in source.notes[0]
    assert np.abs(whole(source).astype(int) - (204, 102, 0)).max() <= 2


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    save_image(tmp_path / "a.png", RGB)
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    assert np.array_equal(whole(open_source(str(tmp_path / "a.jpg"))), RGB)


def test_symlink(tmp_path: Path) -> None:
    save_image(tmp_path / "a.png", RGB)
    (tmp_path / "b.png").symlink_to("a.png")
    assert np.array_equal(whole(open_source(tmp_path / "b.png")), RGB)


def test_release_decodes_again(tmp_path: Path) -> None:
    from imfuse.io.decoded import DecodedFile

    save_image(tmp_path / "a.png", RGB)
    source = open_source(tmp_path / "a.png")
    assert isinstance(source, DecodedFile)
    first = whole(source)
    assert np.shares_memory(first, whole(source)) and not first.flags.writeable
    source.release()
    assert not np.shares_memory(first, whole(source)) and np.array_equal(first, whole(source))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32", "float64", "bool", ">u2", ">f4"])
@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 1), (5, 6, 2), (5, 6, 3), (5, 6, 4), (5, 6, 5)])
def test_arrays(dtype: str, shape: tuple[int, ...]) -> None:
    array = (RNG.random(shape) * 200).astype(dtype)
    source = open_source(array)
    channels = 1 if len(shape) == 2 else shape[2]
    assert source.has_alpha == (channels in (2, 4))
    assert source.channels == channels - source.has_alpha
    expected = array.reshape(5, 6, -1) * (np.uint8(255) if dtype == "bool" else 1)
    assert np.array_equal(whole(source), expected[:, :, : source.channels].astype(source.dtype))
    assert bool(source.notes) == (dtype in ("float16", "float64", "bool"))
    if source.has_alpha:
        assert np.array_equal(opacity(source), expected[:, :, -1].astype(source.dtype))


@pytest.mark.parametrize("array", [np.zeros((0, 4)), np.zeros(4), np.zeros((2, 2, 2, 2)), np.zeros((4, 4), np.int32)])
def test_refused_arrays(array: NDArray[Any]) -> None:
    with pytest.raises(SourceError, match="source 2: "):
        open_source(array, name="source 2")


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_tensors(dtype: torch.dtype) -> None:
    tensor = (torch.rand(3, 5, 6) * 200).to(dtype)
    for given in (tensor, tensor[None]):
        source = open_source(given)
        assert np.array_equal(whole(source), tensor.permute(1, 2, 0).to(torch.float32).numpy().astype(source.dtype))
    for bad in (torch.zeros(5, 6), torch.zeros(2, 3, 5, 6), torch.zeros(3, 5, 6, dtype=torch.int64)):
        with pytest.raises(SourceError):
            open_source(bad)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F", "YCbCr", "HSV"])
def test_pillow_pictures(mode: str) -> None:
    picture = (
        Image.fromarray(RGB).convert("L").convert(mode) if mode[0] in "I1F" else Image.fromarray(RGB).convert(mode)
    )
    source = open_source(picture)
    assert (source.height, source.width) == RGB.shape[:2]
    if mode == "RGB":
        assert np.array_equal(whole(source), RGB)
    elif mode[0] in "IFL":
        assert np.array_equal(whole(source)[:, :, 0], np.asarray(Image.fromarray(RGB).convert("L")))
    else:
        base = picture.convert("L" if mode == "1" else "RGB")
        assert np.abs(whole(source).astype(int) - np.asarray(base).reshape(*RGB.shape[:2], -1)).max() <= 1


def test_a_source_is_given_back() -> None:
    source = open_source(RGB)
    assert open_source(source) is source


NO_SOURCES: dict[str, Any] = {
    "None": None,
    "int": 3,
    "float64": np.float64(3),
    "dict": {"read": 1},
    "list": [[1, 2], [3, 4]],
    "generator": (value for value in ()),
    "module": np,
    "class (ArraySource)": ArraySource,
    "bytes": b"\x89PNG",
    "BytesIO": io.BytesIO(b"\x89PNG"),
    "masked": np.ma.masked_less(RGB, 99),
    "object": np.array([[None, 1]]),
    "void": np.zeros((3, 3), [("r", "u1"), ("g", "u1")]),
    "complex64": np.zeros((3, 3), np.complex64),
    "meta": torch.zeros(3, 5, 6, device="meta"),
    "sparse_coo": torch.zeros(3, 5, 6).to_sparse(),
    "nested": torch.nested.nested_tensor([torch.zeros(3, 5, 6)], layout=torch.jagged),
    "complex64 tensor": torch.zeros(3, 5, 6, dtype=torch.complex64),
}


@pytest.mark.parametrize("kind", NO_SOURCES)
def test_what_is_no_picture_is_refused_with_advice(kind: str) -> None:
    with pytest.raises(SourceError, match=r"^source 2: .*(give|convert|fill|dense)") as caught:
        open_source(NO_SOURCES[kind], name="source 2")
    assert kind.removesuffix(" tensor") in str(caught.value) and "\n" not in str(caught.value)


def test_open_files_are_refused(tmp_path: Path) -> None:
    save_image(tmp_path / "a.png", RGB)
    with (tmp_path / "a.png").open("rb") as file, pytest.raises(SourceError, match="give a path"):
        open_source(file)  # type: ignore[arg-type]
    with pytest.raises(SourceError, match="path is empty"):
        open_source("")


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # of np.matrix
def test_kinds_of_arrays_and_tensors_that_are_taken() -> None:
    gray = RGB[:, :, 0]
    assert np.array_equal(whole(open_source(np.asmatrix(gray)))[:, :, 0], gray)
    assert np.array_equal(whole(open_source(np.ma.masked_array(RGB))), RGB)
    values = torch.rand(3, 5, 6)
    expected = values.permute(1, 2, 0).numpy()
    assert np.array_equal(whole(open_source(values.clone().requires_grad_())), expected)
    assert np.array_equal(whole(open_source(torch.nn.Parameter(values))), expected)
    assert np.array_equal(whole(open_source(torch.complex(values, values).conj().imag)), -expected)


def test_notes_begin_with_the_name(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    turned = Image.fromarray(RGB)
    turned.info["exif"] = exif.tobytes()
    given = {
        "bool": RGB > 9,
        "float64": RGB / 255,
        "bfloat16": torch.zeros(3, 5, 6, dtype=torch.bfloat16),
        "float16": torch.zeros(3, 5, 6, dtype=torch.float16),
        "CMYK": Image.fromarray(RGB).convert("CMYK"),
        "upright (orientation 6)": turned,
    }
    for word, source in given.items():
        (note,) = open_source(source, name="source 2").notes
        assert note.startswith("source 2: ") and word in note
    assert ArraySource(RGB, "mine", notes=("made up",)).notes == ("mine: made up",)


def test_names() -> None:
    assert set(supported_endings()) == {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"}
    assert is_picture_name("a/B.PNG") and not is_picture_name(".hidden.png") and not is_picture_name("a.txt")


def test_icc_color_space() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert icc_color_space(profile) == "RGB"
    assert icc_color_space(b"") == "" and icc_color_space(profile[:100]) == ""


def test_array_writer() -> None:
    rgba = RNG.integers(0, 256, (9, 14, 4), np.uint8)
    with ArrayWriter(9, 14, 3, np.uint8, alpha=True) as writer:
        for window in (Window(0, 0, 9, 5), Window(0, 5, 9, 9)):
            writer.write(window, rgba[window.slices][:, :, :3])
            writer.write_alpha(window, rgba[window.slices][:, :, 3])
    assert np.array_equal(writer.image, rgba)
    assert ArrayWriter(2, 3, 1, np.float32).image.shape == (2, 3)
    with pytest.raises(ValueError, match="fit"):
        writer.write(Window(0, 0, 2, 2), np.zeros((2, 2, 3), np.uint16))


def test_pillow_picture_turns_and_carries_metadata() -> None:
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(RGB).save(stream, "PNG", exif=exif, dpi=(200, 200))
    with Image.open(stream) as picture:
        source = open_source(picture)
    assert np.array_equal(whole(source), np.rot90(RGB, -1))
    assert source.metadata.resolution == pytest.approx((200, 200), abs=0.05)


def test_text_bomb_in_png_is_not_unpacked(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("note", "x" * 30_000_000, zip=True)
    Image.fromarray(RGB).save(tmp_path / "a.png", pnginfo=info)
    assert np.array_equal(whole(open_source(tmp_path / "a.png")), RGB)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1), (2, 3), (3, 9), (9, 14)])
@pytest.mark.parametrize(("depth", "color"), [(1, 0), (2, 3), (8, 0), (8, 2), (16, 6)])
def test_interlaced_png_is_read_exactly_and_in_silence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], size: tuple[int, int], depth: int, color: int
) -> None:
    samples = {0: 1, 2: 3, 3: 1, 6: 4}[color]
    dtype = np.uint16 if depth == 16 else np.uint8
    pixels = RNG.integers(0, 1 << depth, (*size, samples), dtype)
    data = b""
    for top, left, down, across in ADAM7:
        for row in pixels[top::down, left::across]:
            if row.size and depth < 8:
                bits = (row.reshape(-1, 1) >> np.arange(depth - 1, -1, -1) & 1).astype(np.uint8)
                data += b"\0" + np.packbits(bits).tobytes()
            elif row.size:
                data += b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", size[1], size[0], depth, color, 0, 0, 1))
    palette = RNG.integers(0, 256, (4, 3), np.uint8)
    extra = chunk(b"PLTE", palette.tobytes()) if color == 3 else b""
    packed = zlib.compress(data)
    for cut in (0, 1):
        body = chunk(b"IDAT", zlib.compress(data[:-cut]) if cut else packed)
        (tmp_path / f"{cut}.png").write_bytes(SIGNATURE + head + extra + body + chunk(b"IEND", b""))
    source = open_source(tmp_path / "0.png")
    expected = palette[pixels[:, :, 0]] if color == 3 else pixels[:, :, :3] * dtype(255 if depth == 1 else 1)
    np.testing.assert_array_equal(whole(source), expected[:, :, : source.channels])
    if color == 6:
        np.testing.assert_array_equal(opacity(source), pixels[:, :, 3])
    with pytest.raises(SourceError, match="of its rows"):
        whole(open_source(tmp_path / "1.png"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("color", "key"), [(0, b"\0\1\2\3"), (0, b""), (2, b"\0\1"), (6, b"\0\1\0\1\0\1")])
def test_a_transparent_colour_that_cannot_be_is_told(tmp_path: Path, color: int, key: bytes) -> None:
    rows = np.zeros((3, 12), np.uint8)
    raw_png(tmp_path / "a.png", 8, color, rows, chunk(b"tRNS", key))
    source = open_source(tmp_path / "a.png")
    assert source.has_alpha == (color == 6)
    assert source.notes == (f"{tmp_path}/a.png: damaged tRNS chunk dropped",)


@pytest.mark.parametrize("size", [0, 47, 769, 771, 19459])
def test_palette_of_a_length_that_cannot_be_is_refused(tmp_path: Path, size: int) -> None:
    raw_png(tmp_path / "a.png", 8, 3, np.zeros((3, 4), np.uint8), chunk(b"PLTE", bytes(size)))
    with pytest.raises(SourceError, match=f"palette of {size} bytes"):
        open_source(tmp_path / "a.png")


def test_palette_and_transparency_after_the_pixels_are_too_late(tmp_path: Path) -> None:
    def written(color: int, *late: bytes) -> Path:
        rows = np.arange(12, dtype=np.uint8).reshape(3, 4)
        raw_png(tmp_path / "a.png", 8, color, rows)
        data = (tmp_path / "a.png").read_bytes()
        (tmp_path / "b.png").write_bytes(data[:-12] + b"".join(late) + data[-12:])
        return tmp_path / "b.png"

    palette = chunk(b"PLTE", RNG.integers(0, 256, (16, 3), np.uint8).tobytes())
    with pytest.raises(SourceError, match="no palette"):
        open_source(written(3, palette))
    source = open_source(written(0, palette, chunk(b"tRNS", b"\0\3")))
    assert not source.has_alpha and [note.rpartition(": ")[2] for note in source.notes] == [
        "PLTE chunk after the pixels dropped",
        "tRNS chunk after the pixels dropped",
    ]
    assert whole(source)[2, 3, 0] == 11


ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def exif_entries(*entries: tuple[int, int, int, int]) -> bytes:
    """A little-endian block of one directory of (tag, type, count, four bytes as a number)."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body + bytes(4)


@pytest.mark.parametrize(
    "block",
    [
        exif_entries((274, 3, 1, 6), (274, 3, 1, 8)),  # twice
        exif_entries((274, 1, 1, 6)),  # of types that it does not have
        exif_entries((274, 7, 4, 0)),
        exif_entries((274, 4, 1, 6)),
        exif_entries((274, 3, 2, 6)),
        exif_entries((274, 0, 1, 6)),
    ],
)
def test_no_reader_finds_an_orientation_in_the_result(tmp_path: Path, block: bytes) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=b"Exif\0\0" + block)
    source = open_source(tmp_path / "a.png")
    turned = ORIENTED[6](RGB) if any("orientation 6" in note for note in source.notes) else RGB
    np.testing.assert_array_equal(whole(source), turned)
    assert source.metadata.exif is not None
    for ending in ("png", "jpg", "webp"):
        save_image(tmp_path / f"b.{ending}", whole(source), metadata=source.metadata)
        with Image.open(tmp_path / f"b.{ending}") as picture:
            assert picture.getexif().get(274) == 1


def test_a_pointer_without_a_value_costs_the_exif_block_and_not_the_picture(tmp_path: Path) -> None:
    for tag in (34665, 34853):
        block = exif_entries((tag, 4, 0, 0))
        Image.fromarray(RGB).save(tmp_path / f"{tag}.png", exif=b"Exif\0\0" + block)
        source = open_source(tmp_path / f"{tag}.png")
        np.testing.assert_array_equal(whole(source), RGB)
        assert source.metadata.exif is None and any("damaged EXIF" in note for note in source.notes)


def test_damaged_exif_tags_of_a_jpeg_raise_no_warning_and_invent_no_resolution(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    beyond = exif_entries((271, 2, 400, 9_000), (282, 5, 1, 9_000))
    for name, block in (("damaged", beyond), ("plain", exif_entries((274, 3, 1, 1)))):
        Image.fromarray(RGB).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + block)
        data = (tmp_path / "a.jpg").read_bytes()
        jfif = data.index(b"\xff\xe0")
        # Without the JFIF header nothing but the EXIF block could state a resolution.
        (tmp_path / f"{name}.jpg").write_bytes(data[:jfif] + data[jfif + 18 :])
        source = open_source(tmp_path / f"{name}.jpg")
        whole(source)
        assert source.metadata.resolution is None
    assert not recwarn.list
