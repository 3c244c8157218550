"""Every bad input ends in one line that names the file, soon."""

from __future__ import annotations

import os
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from imfuse.errors import SourceError
from imfuse.io import Window, open_source, save_image
from imfuse.io.png_chunks import SIGNATURE, chunk

RNG = np.random.default_rng(5)
SMOOTH = np.add.outer(np.arange(60), np.arange(80)).astype(np.uint8)[:, :, None] + RNG.integers(
    0, 9, (60, 80, 3), np.uint8
)


def refused(path: Path, *words: str) -> str:
    """The message with which the file is refused, when opened or read."""
    begun = time.monotonic()
    with pytest.raises(SourceError) as caught:
        source = open_source(path)
        source.read(Window(0, 0, source.height, source.width))
    message = str(caught.value)
    assert "\n" not in message and message.startswith(str(path)) and len(message) < 700
    assert time.monotonic() - begun < 5
    for word in words:
        assert word in message
    return message


def test_missing_empty_folder_text(tmp_path: Path) -> None:
    refused(tmp_path / "none.png", "no such file")
    (tmp_path / "empty.png").touch()
    refused(tmp_path / "empty.png", "empty")
    (tmp_path / "folder.png").mkdir()
    refused(tmp_path / "folder.png", "folder")
    (tmp_path / "text.png").write_text("This is no picture.")
    refused(tmp_path / "text.png", "no picture")
    refused(tmp_path / "text.png" / "a.png", "no such file")
    refused(tmp_path / ("x" * 400 + ".png"), "too long")
    (tmp_path / "loop.png").symlink_to("loop.png")
    refused(tmp_path / "loop.png", "circle")
    (tmp_path / "loop").symlink_to("loop", target_is_directory=True)
    refused(tmp_path / "loop" / "a.png", "circle")
    (tmp_path / "dangling.png").symlink_to("nowhere.png")
    refused(tmp_path / "dangling.png", "symbolic link", "does not exist")
    with pytest.raises(SourceError, match="null"):
        open_source(str(tmp_path / "a\0.png"))


def test_fifo_and_device_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    refused(tmp_path / "pipe.png", "pipe")
    refused(Path("/dev/zero"), "device")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_no_permission(tmp_path: Path) -> None:
    save_image(tmp_path / "a.png", SMOOTH)
    (tmp_path / "a.png").chmod(0)
    refused(tmp_path / "a.png", "permission")


def test_line_break_in_the_name(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(tmp_path / "a\nb\x1b.png")
    assert "\n" not in str(caught.value) and "a\\nb\\x1b.png" in str(caught.value)
    with pytest.raises(SourceError, match=r"^a\\nb: "):
        open_source(np.zeros(3), name="a\nb")
    with pytest.raises(SourceError, match=r"^a\\nb: "):
        open_source(tmp_path / "none.png", name="a\nb")
    save_image(tmp_path / "c\nd.png", SMOOTH)
    assert open_source(tmp_path / "c\nd.png").name == str(tmp_path / "c\\nd.png")


WRITERS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "png": ("png", SMOOTH, {}),
    "png16": ("png", SMOOTH.astype(np.uint16) * 257, {}),
    "jpg": ("jpg", SMOOTH, {}),
    "bmp": ("bmp", SMOOTH, {}),
    "webp": ("webp", SMOOTH, {}),
    "tif": ("tif", SMOOTH, {}),
    "tif float": ("tif", SMOOTH.astype(np.float32), {}),
    "tif strips": ("tif", SMOOTH, {"rowsperstrip": 7, "photometric": "rgb"}),
    "tif tiles": ("tif", SMOOTH, {"tile": (16, 16), "photometric": "rgb", "compression": "lzw"}),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_truncated_anywhere(tmp_path: Path, kind: str) -> None:
    ending, image, options = WRITERS[kind]
    whole = tmp_path / f"whole.{ending}"
    if options:
        tifffile.imwrite(whole, image, metadata=None, **options)
    else:
        save_image(whole, image)
    data = whole.read_bytes()
    cut = tmp_path / f"cut.{ending}"
    for part in (1, 3, 9, 16, 30, len(data) // 3, len(data) // 2, len(data) * 9 // 10, len(data) - 4):
        cut.write_bytes(data[:part])
        refused(cut)


@pytest.mark.parametrize("kind", ["png", "png16"])
def test_one_flipped_bit_in_png_pixels_is_found(tmp_path: Path, kind: str) -> None:
    ending, image, _ = WRITERS[kind]
    save_image(tmp_path / f"a.{ending}", image)
    data = bytearray((tmp_path / f"a.{ending}").read_bytes())
    data[len(data) // 2] ^= 4
    (tmp_path / "b.png").write_bytes(data)
    refused(tmp_path / "b.png", "check sum")


@pytest.mark.parametrize(("depth", "color"), [(8, 2), (16, 2), (16, 0), (8, 0), (1, 0), (8, 3)])
@pytest.mark.parametrize("interlace", [0, 1])
def test_png_with_fewer_rows_than_its_header_says(tmp_path: Path, depth: int, color: int, interlace: int) -> None:
    row = b"\0" + b"\x55" * (64 * (3 if color == 2 else 1) * depth // 8)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, depth, color, 0, 0, interlace))
    palette = chunk(b"PLTE", bytes(768)) if color == 3 else b""
    data = chunk(b"IDAT", zlib.compress(row * 40))
    (tmp_path / "a.png").write_bytes(SIGNATURE + head + palette + data + chunk(b"IEND", b""))
    refused(tmp_path / "a.png")


def test_bombs(tmp_path: Path) -> None:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 16, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(5000)))
    (tmp_path / "a.png").write_bytes(SIGNATURE + head + data + chunk(b"IEND", b""))
    refused(tmp_path / "a.png", "60000 × 60000", "bomb")

    save_image(tmp_path / "a.jpg", SMOOTH)
    jpeg = (tmp_path / "a.jpg").read_bytes()
    frame = jpeg.index(b"\xff\xc0")
    (tmp_path / "b.jpg").write_bytes(jpeg[: frame + 5] + struct.pack(">HH", 60000, 60000) + jpeg[frame + 9 :])
    refused(tmp_path / "b.jpg", "60000 × 60000", "bomb")

    save_image(tmp_path / "a.bmp", SMOOTH)
    bmp = bytearray((tmp_path / "a.bmp").read_bytes())
    bmp[18:26] = struct.pack("<ii", 60000, 60000)
    (tmp_path / "a.bmp").write_bytes(bmp)
    refused(tmp_path / "a.bmp", "60000 × 60000", "bomb")

    Image.fromarray(SMOOTH).save(tmp_path / "a.gif")
    gif = bytearray((tmp_path / "a.gif").read_bytes())
    gif[6:10] = struct.pack("<HH", 60000, 60000)
    (tmp_path / "a.gif").write_bytes(gif)
    refused(tmp_path / "a.gif", "60000 × 60000", "bomb")

    save_image(tmp_path / "a.webp", SMOOTH)
    webp = bytearray((tmp_path / "a.webp").read_bytes())
    webp[21:25] = struct.pack("<I", 16382 | 16382 << 14)
    (tmp_path / "a.webp").write_bytes(webp)
    refused(tmp_path / "a.webp", "16383 × 16383", "bomb")


def zeros_png(path: Path, side: int, depth: int, color: int) -> None:
    """A true PNG of ``side × side`` black pixels, put together from one compressed block, again and again."""
    row = 1 + side * depth * {0: 1, 2: 3}[color] // 8
    total, block = side * row, 10_000_000

    def flushed(size: int) -> bytes:
        packer = zlib.compressobj(9, wbits=-15)
        return packer.compress(bytes(size)) + packer.flush(zlib.Z_FULL_FLUSH)

    adler = struct.pack(">HH", total % 65521, 1)  # of zeros
    data = b"\x78\xda" + flushed(block) * (total // block) + flushed(total % block) + b"\x03\0" + adler
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, depth, color, 0, 0, 0))
    path.write_bytes(SIGNATURE + head + chunk(b"IDAT", data) + chunk(b"IEND", b""))


@pytest.mark.parametrize(("depth", "color", "size"), [(8, 0, "3.6 GB"), (1, 0, "3.6 GB"), (8, 2, "10.8 GB")])
def test_plausible_png_that_is_too_large_to_decode(tmp_path: Path, depth: int, color: int, size: str) -> None:
    path = tmp_path / "a.png"
    zeros_png(path, 60_000, depth, color)
    message = refused(path, "60000 × 60000", f"{size} decoded", "up to 2.1 GB", "tiled TIFF")
    assert "cannot hold" not in message
    zeros_png(path, 5_000, depth, color)  # the same kind of file, small enough
    source = open_source(path)
    assert not source.read(Window(0, 0, 5_000, 5_000)).any()


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"compression": "lzw"}, {"tile": (16, 16)}])
def test_tiff_bombs(tmp_path: Path, options: dict[str, Any]) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, SMOOTH[:, :, 0], metadata=None, **options)
    with tifffile.TiffFile(path, mode="r+") as file:
        tags = file.pages[0].tags
        for name in ("ImageWidth", "ImageLength", "TileWidth", "TileLength"):
            if name in tags:
                tags[name].overwrite(60000)
        if "RowsPerStrip" in tags:
            tags["RowsPerStrip"].overwrite(60000)
    refused(path, "60000 × 60000", "bomb")


def test_random_damage_never_escapes(tmp_path: Path) -> None:
    """A small part of the fuzzing that a later test does in full: the right kind of error or a picture."""
    for kind, (ending, image, options) in WRITERS.items():
        whole = tmp_path / f"whole.{ending}"
        whole.unlink(missing_ok=True)
        if options:
            tifffile.imwrite(whole, image, metadata=None, **options)
        else:
            save_image(whole, image)
        data = whole.read_bytes()
        path = tmp_path / f"damaged.{ending}"
        for _ in range(40):
            damaged = bytearray(data)
            for _ in range(RNG.integers(1, 4)):
                near = len(data) if RNG.random() < 0.5 else min(len(data), 300)
                damaged[RNG.integers(0, near)] ^= 1 << RNG.integers(0, 8)
            path.write_bytes(damaged)
            begun = time.monotonic()
            try:
                source = open_source(path)
                pixels = source.read(Window(0, 0, min(source.height, 500), min(source.width, 500)))
                assert pixels.dtype == source.dtype and pixels.shape[2] == source.channels, kind
            except SourceError as error:
                assert str(path) in str(error) and "\n" not in str(error), kind
            assert time.monotonic() - begun < 5, kind


def test_scans_without_end_are_refused_and_ten_are_not(tmp_path: Path) -> None:
    Image.new("L", (3000, 3000), 128).save(tmp_path / "a.jpg", progressive=True)
    data = (tmp_path / "a.jpg").read_bytes()
    scan = data.rindex(b"\xff\xda")
    empty = data[scan : scan + 2 + int.from_bytes(data[scan + 2 : scan + 4], "big")]
    (tmp_path / "b.jpg").write_bytes(data[:-2] + empty * 30_000 + data[-2:])
    begun = time.monotonic()
    refused(tmp_path / "b.jpg", "30006 scans")
    assert time.monotonic() - begun < 1
    assert (open_source(tmp_path / "a.jpg").read(Window(0, 0, 9, 9)) == 128).all()


@pytest.mark.parametrize("order", ["<", ">"])
def test_pages_of_many_entries_are_counted_soon(tmp_path: Path, order: str) -> None:
    """Directories that lie on one another: 40 million entries in a file of 130 kB."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, SMOOTH, photometric="rgb", metadata=None, byteorder=order)
    data = path.read_bytes()
    place = len(data) + len(data) % 2
    body = bytearray(8 * 10_000 + 12 * 4096 + 16)
    for start in range(0, 8 * 10_000, 8):
        struct.pack_into(order + "H", body, start, 4096)
        struct.pack_into(order + "I", body, start + 2 + 12 * 4096, place + start + 8)
    first = struct.unpack_from(order + "I", data, 4)[0]
    chain = bytearray(data.ljust(place, b"\0") + body)
    struct.pack_into(order + "I", chain, first + 2 + 12 * struct.unpack_from(order + "H", data, first)[0], place)
    path.write_bytes(chain)
    begun = time.monotonic()
    source = open_source(path)
    assert time.monotonic() - begun < 3
    assert any("page 1 of 10000 taken" in note for note in source.notes)


def test_exif_values_that_lie_on_one_another_are_not_copied(tmp_path: Path) -> None:
    """4,000 values of 60 kB in a block of 60 kB would be 240 MB in the result, and took minutes."""
    count, size = 4000, 60_000
    entries = b"".join(struct.pack("<HHII", 40_000 + i, 7, size, 0) for i in range(count))
    pointer = struct.pack("<HHHIII", 1, 34665, 4, 1, 26, 0)
    block = (b"II*\0\x08\0\0\0" + pointer + struct.pack("<H", count) + entries + bytes(4)).ljust(size, b"x")
    Image.fromarray(SMOOTH).save(tmp_path / "a.png", exif=b"Exif\0\0" + block)
    tifffile.imwrite(tmp_path / "a.tif", SMOOTH, photometric="rgb", metadata=None, extratags=[(34666, 4, 1, 0, True)])
    data = (tmp_path / "a.tif").read_bytes()
    place = len(data) + len(data) % 2
    tag = data.index(struct.pack("<HHI", 34666, 4, 1))
    inner = struct.pack("<H", count) + entries + bytes(4 + size)
    pointed = data[:tag] + struct.pack("<HHII", 34665, 4, 1, place) + data[tag + 12 :]
    (tmp_path / "a.tif").write_bytes(pointed.ljust(place, b"\0") + inner)
    for ending in ("png", "tif"):
        begun = time.monotonic()
        source = open_source(tmp_path / f"a.{ending}")
        assert source.metadata.exif is None and any("damaged EXIF" in note for note in source.notes)
        save_image(tmp_path / f"{ending}.tif", SMOOTH, metadata=source.metadata)
        assert time.monotonic() - begun < 3


def test_tiles_that_lie_on_one_another_hold_no_more_than_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((8192, 8192), np.uint8), tile=(1024, 1024), compression="zlib", metadata=None)
    refused_before = open_source(path)
    assert not refused_before.read(Window(0, 0, 10, 10)).any()
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        offset, count = page.dataoffsets[0], page.databytecounts[0]
        stored = path.read_bytes()[offset : offset + count]
    number = 64
    head = b"II*\0\x08\0\0\0"
    tags = [
        (256, 4, 1, 8192),
        (257, 4, 1, 8192),
        (258, 3, 1, 8),
        (259, 3, 1, 8),
        (262, 3, 1, 1),
        (277, 3, 1, 1),
        (322, 4, 1, 1024),
        (323, 4, 1, 1024),
        (324, 4, number, 150),
        (325, 4, number, 150 + 4 * number),
    ]
    body = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    start = 150 + 8 * number
    lists = struct.pack(f"<{number}I", *[start] * number) + struct.pack(f"<{number}I", *[count] * number)
    path.write_bytes((head + body).ljust(150, b"\0") + lists + stored)
    refused(path, "8192 × 8192", "bomb")
