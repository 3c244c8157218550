"""Valid files of every format that is read, tiny, each with the pixels that were written into it."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

HEIGHT, WIDTH = 20, 24
Pixels = NDArray[Any]


@dataclass(frozen=True)
class Seed:
    """A valid file.

    Attributes:
        name: unique.
        kind: the format.
        data: the file.
        pixels: what reading gives, (H, W, channels and alpha), upright; None where imfuse may refuse the file.
        tolerance: how far a lossy format may be off, mean absolute difference in levels.
        colour_by_profile: whether the pixels depend on the ICC profile (CMYK).
        orientation: that the file is stored with.
    """

    name: str
    kind: str
    data: bytes
    pixels: Pixels | None
    tolerance: float = 0.0
    colour_by_profile: bool = False
    orientation: int = 1


ENDINGS = {"PNG": "png", "JPEG": "jpg", "TIFF": "tif", "WebP": "webp", "BMP": "bmp", "GIF": "gif"}


def picture(channels: int, largest: int = 255, dtype: Any = np.uint8) -> Pixels:
    """A smooth picture with every channel different, (HEIGHT, WIDTH, channels); smooth, so that JPEG keeps it."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [(rows * (i + 2) + columns * (5 - i % 3) + 17 * i) % 160 / 160 for i in range(channels)]
    waves = [0.5 + 0.4 * np.sin(plane * 2 * np.pi) * np.cos(rows / (6 + i)) for i, plane in enumerate(planes)]
    return np.rint(np.stack(waves, axis=2) * largest).astype(dtype)


@cache
def rgb_profile() -> bytes:
    """A profile for sRGB, without the time at which it was made: cases must not depend on that."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + struct.pack(">6H", 2024, 1, 2, 3, 4, 5) + profile[36:]


def profile_header(space: bytes, size: int = 200) -> bytes:
    """A profile that is nothing but a header for a colour space and zeros; whole by its own account."""
    head = struct.pack(">I4s", size, b"test").ljust(12, b"\0") + b"mntr" + space + b"XYZ "
    return (head.ljust(36, b"\0") + b"acsp").ljust(size, b"\0")


def exif_block(orientation: int = 1) -> bytes:
    """An EXIF block with an Exif and a GPS directory, resolution and a MakerNote, without prefix."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F], exif[0x0110], exif[0x0131] = "Maker", "Model", "Software"
    exif[0x011A], exif[0x011B], exif[0x0128] = 72.0, 72.0, 2
    inner = exif.get_ifd(0x8769)
    inner[0x9003], inner[0x829A], inner[0x927C] = "2024:01:02 03:04:05", 0.01, b"maker" * 7
    exif.get_ifd(0x8825)[1] = "N"
    return exif.tobytes().removeprefix(b"Exif\0\0")


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """What a viewer shows of stored pixels, by EXIF's own definition of the eight orientations."""
    turns = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
        8: lambda a: np.rot90(a, 1),
    }
    return turns[orientation](pixels)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _jpeg() -> list[Seed]:
    import imagecodecs

    gray, rgb, inks = picture(1), picture(3), picture(4)
    pictures = {1: Image.fromarray(gray[:, :, 0]), 3: Image.fromarray(rgb)}
    full = {"quality": 97, "subsampling": 0}

    def seed(name: str, channels: int, pixels: Pixels, tolerance: float = 3.0, **options: Any) -> Seed:
        return Seed(f"jpeg {name}", "JPEG", saved(pictures[channels], "JPEG", **{**full, **options}), pixels, tolerance)

    light = (255 - inks.astype(int)) / 255
    from_inks = np.rint(light[:, :, :3] * light[:, :, 3:] * 255).astype(np.uint8)
    both = {"exif": b"Exif\0\0" + exif_block(6), "icc_profile": rgb_profile(), "dpi": (72, 72)}
    pictures_of_two = saved(pictures[3], "MPO", save_all=True, append_images=[pictures[3].rotate(90)], **full)
    # Pillow and libjpeg-turbo take a CMYK JPEG of Adobe's kind for inverted inks.
    cmyk = saved(Image.frombytes("CMYK", (WIDTH, HEIGHT), inks.tobytes()), "JPEG", quality=97)
    ycck = imagecodecs.jpeg8_encode(255 - inks, level=97, colorspace="CMYK", outcolorspace="YCCK", subsampling="444")
    return [
        seed("gray", 1, gray),
        seed("rgb", 3, rgb),
        seed("subsampled", 3, rgb, 20.0, subsampling=2),
        seed("progressive", 3, rgb, progressive=True),
        seed("restarts", 3, rgb, restart_marker_blocks=2),
        Seed(
            "jpeg exif and icc", "JPEG", saved(pictures[3], "JPEG", **full, **both), upright(rgb, 6), 3.0, orientation=6
        ),
        seed("comment", 1, gray, comment=b"words", exif=b"Exif\0\0" + exif_block(1)),
        seed("gray icc", 1, gray, icc_profile=profile_header(b"GRAY")),
        Seed("jpeg two pictures", "JPEG", pictures_of_two, rgb, 3.0),
        Seed("jpeg cmyk", "JPEG", cmyk, from_inks, 4.0, colour_by_profile=True),
        Seed("jpeg ycck", "JPEG", ycck, from_inks, 8.0, colour_by_profile=True),
        Seed("jpeg 12 bits", "JPEG", imagecodecs.jpeg8_encode(picture(1, 4095, np.uint16), bitspersample=12), None),
        Seed("jpeg lossless", "JPEG", imagecodecs.ljpeg_encode(gray[:, :, 0]), None),
    ]


def _webp() -> list[Seed]:
    rgb, rgba = picture(3), picture(4)
    flat, clear = Image.fromarray(rgb), Image.fromarray(rgba)
    lossless = {"lossless": True, "exact": True}
    both = {"exif": b"Exif\0\0" + exif_block(8), "icc_profile": rgb_profile()}
    film = saved(flat, "WEBP", save_all=True, append_images=[flat.rotate(180)], **lossless)
    return [
        Seed("webp lossless", "WebP", saved(flat, "WEBP", **lossless), rgb),
        Seed("webp alpha", "WebP", saved(clear, "WEBP", **lossless), rgba),
        Seed("webp lossy", "WebP", saved(flat, "WEBP", quality=95), rgb, 25.0),
        Seed("webp lossy alpha", "WebP", saved(clear, "WEBP", quality=95), rgba, 25.0),
        Seed("webp exif and icc", "WebP", saved(flat, "WEBP", **lossless, **both), upright(rgb, 8), orientation=8),
        Seed("webp animated", "WebP", film, rgb),
    ]


def bmp(bits: int, rows: list[bytes], palette: bytes = b"", compression: int = 0, top_down: bool = False) -> bytes:
    """A BMP file of stored rows, top row first, unpadded; run-length codes come as one row."""
    if compression == 0:
        rows = [row.ljust((len(row) + 3) // 4 * 4, b"\0") for row in rows]
    body = b"".join(rows if top_down else rows[::-1])
    start = 14 + 40 + len(palette)
    height = -HEIGHT if top_down else HEIGHT
    info = struct.pack("<IiiHHIIiiII", 40, WIDTH, height, 1, bits, compression, len(body), 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + info + palette + body


def _bmp() -> list[Seed]:
    gray, rgb, rgba = picture(1)[:, :, 0], picture(3), picture(4)
    bit = (gray > 127).astype(np.uint8)
    nibble = gray >> 4
    colours = np.random.default_rng(3).integers(0, 256, (256, 3), np.uint8)
    palette = np.concatenate([colours[:, ::-1], np.zeros((256, 1), np.uint8)], axis=1)
    packed = [bytes(row[0::2] << 4 | row[1::2]) for row in nibble]
    runs = b"".join(b"".join(bytes([1, value]) for value in row) + b"\0\0" for row in gray[::-1]) + b"\0\1"
    blue, green, red = (rgb[:, :, i].astype(np.uint16) >> 3 for i in (2, 1, 0))
    five = (red << 10 | green << 5 | blue).astype("<u2")
    wide = np.stack([blue, green, red], axis=2)[:, :, ::-1]
    return [
        Seed("bmp 1", "BMP", saved(Image.fromarray(bit * 255).convert("1"), "BMP"), bit[:, :, None] * np.uint8(255)),
        Seed("bmp 4", "BMP", bmp(4, packed, palette[:16].tobytes()), colours[nibble]),
        Seed("bmp 8 gray", "BMP", saved(Image.fromarray(gray), "BMP"), gray[:, :, None]),
        Seed("bmp 8", "BMP", bmp(8, [bytes(row) for row in gray], palette.tobytes()), colours[gray]),
        Seed("bmp runs", "BMP", bmp(8, [runs], palette.tobytes(), 1), colours[gray]),
        Seed("bmp 16", "BMP", bmp(16, [row.tobytes() for row in five]), (wide * 255 // 31).astype(np.uint8), 1.0),
        Seed("bmp 24", "BMP", saved(Image.fromarray(rgb), "BMP"), rgb),
        Seed("bmp 24 down", "BMP", bmp(24, [row[:, ::-1].tobytes() for row in rgb], top_down=True), rgb),
        Seed("bmp 32", "BMP", saved(Image.fromarray(rgba), "BMP"), rgba[:, :, :3]),
    ]


def _gif() -> list[Seed]:
    gray, indices = picture(1)[:, :, 0], picture(1)[:, :, 0] >> 4
    colours = np.random.default_rng(4).integers(0, 256, (256, 3), np.uint8)
    still = Image.fromarray(indices)
    still.putpalette(colours.tobytes())
    colour = colours[indices]
    clear = np.concatenate([colour, np.where(indices == 5, 0, 255).astype(np.uint8)[:, :, None]], axis=2)
    other = still.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    film = saved(still, "GIF", save_all=True, append_images=[other, still], duration=40, loop=0, disposal=2)
    return [
        Seed("gif gray", "GIF", saved(Image.fromarray(gray), "GIF"), np.stack([gray] * 3, axis=2)),
        Seed("gif colour", "GIF", saved(still, "GIF", comment=b"words"), colour),
        Seed("gif interlaced", "GIF", saved(still, "GIF", interlace=True), colour),
        Seed("gif clear", "GIF", saved(still, "GIF", transparency=5), clear),
        Seed("gif animated", "GIF", film, colour),
    ]


@cache
def seeds() -> dict[str, tuple[Seed, ...]]:
    """All valid files by format."""
    from hostile.seeds_png import png_seeds
    from hostile.seeds_tiff import tiff_seeds

    return {
        "PNG": tuple(png_seeds()),
        "JPEG": tuple(_jpeg()),
        "TIFF": tuple(tiff_seeds()),
        "WebP": tuple(_webp()),
        "BMP": tuple(_bmp()),
        "GIF": tuple(_gif()),
    }
