"""Valid TIFF files of both byte orders, classic and BigTIFF, in strips and tiles, of many depths and compressions."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from hostile.seeds import Pixels, Seed, exif_block, picture, profile_header, rgb_profile, saved, upright


def _written(stored: Pixels, **options: Any) -> bytes:
    out = io.BytesIO()
    options = {"metadata": None, **options}
    tifffile.imwrite(out, stored, **options)
    return out.getvalue()


def _seed(name: str, stored: Pixels, pixels: Pixels | None = None, tolerance: float = 0.0, **options: Any) -> Seed:
    shown = stored if pixels is None else pixels
    shown = shown[:, :, None] if shown.ndim == 2 else shown
    return Seed(f"tiff {name}", "TIFF", _written(stored, **options), shown, tolerance)


def tiff_seeds() -> list[Seed]:
    return [*_layouts(), *_depths(), *_colours(), *_containers()]


def _layouts() -> list[Seed]:
    rgb8, rgb16 = picture(3), picture(3, 65535, np.uint16)
    gray8, gray16, floats = picture(1)[:, :, 0], rgb16[:, :, 0], picture(1, 1, np.float32)[:, :, 0]
    planes = np.moveaxis(rgb8, 2, 0)
    rgb: dict[str, Any] = {"photometric": "rgb"}
    flat: dict[str, Any] = {"photometric": "minisblack"}
    apart = {**rgb, "planarconfig": "separate"}
    seeds = [
        _seed("one strip", rgb8, **rgb),
        _seed("strips", rgb8, **rgb, rowsperstrip=7),
        _seed("big-endian", gray16, **flat, byteorder=">", rowsperstrip=6),
        _seed("tiles", rgb8, **rgb, tile=(16, 16)),
        _seed("gray tiles", gray16, **flat, tile=(16, 16), compression="zlib"),
        _seed("planar", planes, rgb8, **apart, rowsperstrip=9),
        _seed("planar tiles", planes, rgb8, **apart, tile=(16, 16), compression="lzw"),
        _seed("lzw", rgb8, **rgb, compression="lzw", predictor=True, rowsperstrip=5),
        _seed("deflate", rgb16, **rgb, compression="zlib", predictor=True, rowsperstrip=8),
        _seed("deflate big-endian", rgb16, **rgb, compression="zlib", predictor=True, byteorder=">"),
        _seed("packbits", gray8, **flat, compression="packbits"),
        _seed("lzma", gray16, **flat, compression="lzma"),
        _seed("zstd", rgb8, **rgb, compression="zstd", tile=(16, 16)),
        _seed("float predictor", floats, **flat, compression="zlib", predictor=3),
        _seed("jpeg", gray8, gray8, 6.0, **flat, compression="jpeg", compressionargs={"level": 95}),
        _seed("jpeg tiles", rgb8, rgb8, 25.0, **rgb, compression="jpeg", tile=(16, 16)),
    ]
    big = [_seed(f"big {o}", rgb16, **rgb, bigtiff=True, byteorder=o, compression="zlib", tile=(16, 16)) for o in "<>"]
    return [*seeds, *big]


def _depths() -> list[Seed]:
    gray, floats = picture(1)[:, :, 0], picture(1, 1, np.float32)[:, :, 0]
    flat: dict[str, Any] = {"photometric": "minisblack"}
    bit = gray > 127
    twelve = picture(1, 4095, np.uint16)[:, :, 0]
    signed = (picture(1, 65535, np.int32)[:, :, 0] - 32768).astype(np.int16)
    fax = saved(Image.fromarray(bit.astype(np.uint8) * 255).convert("1"), "TIFF", compression="group4")
    return [
        _seed("1 bit", bit, bit.astype(np.uint8) * np.uint8(255), **flat),
        Seed("tiff fax", "TIFF", fax, bit[:, :, None].astype(np.uint8) * np.uint8(255)),
        _seed("4 bits", gray >> 4, (gray >> 4) * np.uint8(17), **flat, bitspersample=4),
        _seed("12 bits", twelve, **flat, bitspersample=12),
        _seed("signed 16", signed, (signed.astype(np.int32) + 32768).astype(np.uint16), **flat),
        _seed("half", floats.astype(np.float16), floats.astype(np.float16).astype(np.float32), **flat),
        _seed("float", floats, **flat),
        _seed("double big-endian", floats.astype(np.float64), floats, **flat, byteorder=">"),
        Seed("tiff 32 bits", "TIFF", _written(twelve.astype(np.uint32), **flat), None),
        Seed("tiff signed 8", "TIFF", _written((gray.astype(int) - 128).astype(np.int8), **flat), None),
        Seed("tiff five bands", "TIFF", _written(picture(5), **flat, planarconfig="contig"), None),
    ]


def _colours() -> list[Seed]:
    gray, rgba, inks = picture(1)[:, :, 0], picture(4), picture(4)
    table = np.random.default_rng(6).integers(0, 256, (3, 256), np.uint16) * np.uint16(257)
    colours = (table.T // 257).astype(np.uint8)
    light = (255 - inks.astype(int)) / 255
    from_inks = np.rint(light[:, :, :3] * light[:, :, 3:] * 255).astype(np.uint8)
    cmyk = _written(inks, photometric="separated", iccprofile=profile_header(b"CMYK"))
    both: dict[str, Any] = {"iccprofile": rgb_profile(), "resolution": (72, 72), "resolutionunit": 2}
    lab = saved(Image.merge("LAB", [Image.fromarray(gray)] * 3), "TIFF")
    exif = Image.Exif()
    exif.load(b"Exif\0\0" + exif_block(6))
    with_exif = saved(Image.fromarray(rgba[:, :, :3]), "TIFF", exif=exif)
    return [
        _seed("palette", gray, colours[gray], photometric="palette", colormap=table),
        _seed("alpha", rgba, photometric="rgb", extrasamples=["unassalpha"]),
        _seed("white is zero", gray, 255 - gray, photometric="miniswhite"),
        _seed("profile", rgba[:, :, :3], photometric="rgb", software="words", description="words", **both),
        Seed("tiff cmyk", "TIFF", cmyk, from_inks, 1.0, colour_by_profile=True),
        Seed("tiff lab", "TIFF", lab, None),
        Seed("tiff exif", "TIFF", with_exif, upright(rgba[:, :, :3], 6), orientation=6),
    ]


def _containers() -> list[Seed]:
    gray = picture(1)[:, :, 0]
    gray16 = picture(1, 65535, np.uint16)[:, :, 0]
    pages = np.stack([gray, gray[::-1], gray[:, ::-1]])
    pyramid = io.BytesIO()
    with tifffile.TiffWriter(pyramid) as writer:
        writer.write(gray16, subifds=1, tile=(16, 16), metadata=None)
        writer.write(gray16[::2, ::2], subfiletype=1, tile=(16, 16), metadata=None)
    return [
        _seed("pages", pages, gray, photometric="minisblack"),
        _seed(
            "imagej", np.stack([gray16, gray16[::-1]]), gray16, imagej=True, metadata={"axes": "ZYX", "Info": "words"}
        ),
        _seed("ome", pages, gray, ome=True, metadata={"axes": "CYX"}, photometric="minisblack"),
        Seed("tiff pyramid", "TIFF", pyramid.getvalue(), gray16[:, :, None]),
    ]
