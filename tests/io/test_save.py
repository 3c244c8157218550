"""Round trips: what is written comes back, with its depth, alpha and metadata."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import IFDRational

from imfuse.errors import OutputError
from imfuse.io import Metadata, Window, check_format, open_source, save_image

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(channels: int, dtype: str, height: int = 11, width: int = 17) -> NDArray[Any]:
    values = np.random.default_rng(channels).random((height, width, channels))
    if dtype == "float32":
        return (values * 3 - 1).astype(np.float32)
    return (values * np.iinfo(dtype).max).astype(dtype)


def read_all(path: Path) -> NDArray[Any]:
    source = open_source(path)
    window = Window(0, 0, source.height, source.width)
    pixels, alpha = source.read(window), source.read_alpha(window)
    assert pixels.dtype == source.dtype and pixels.shape[2] == source.channels
    assert (alpha is not None) == source.has_alpha
    return pixels if alpha is None else np.concatenate([pixels, alpha[:, :, None]], axis=2)


LOSSLESS = [
    *(("png", dtype, c, a) for dtype in ("uint8", "uint16") for c in (1, 3) for a in (0, 1)),
    *(("tif", dtype, c, a) for dtype in ("uint8", "uint16", "float32") for c in (1, 2, 3, 4, 7) for a in (0, 1)),
    *(("webp", "uint8", 3, a) for a in (0, 1)),
    *(("bmp", "uint8", c, 0) for c in (1, 3)),
]


@pytest.mark.parametrize(("ending", "dtype", "colors", "alpha"), LOSSLESS)
def test_lossless_round_trip(tmp_path: Path, ending: str, dtype: str, colors: int, alpha: int) -> None:
    for height, width in ((11, 17), (1, 1), (1, 9), (9, 1)):
        image = picture(colors + alpha, dtype, height, width)
        path = tmp_path / f"{height}x{width}.{ending}"
        assert save_image(path, image, alpha=bool(alpha)) == ()
        back = read_all(path)
        assert back.dtype == image.dtype
        assert np.array_equal(back, image)
        assert open_source(path).has_alpha == bool(alpha)


def test_two_dimensional_image(tmp_path: Path) -> None:
    image = picture(1, "uint16")[:, :, 0]
    save_image(tmp_path / "a.png", image)
    assert np.array_equal(read_all(tmp_path / "a.png")[:, :, 0], image)


def test_16_bit_rgb_png_is_read_by_other_programs(tmp_path: Path) -> None:
    import cv2

    image = picture(3, "uint16")
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    save_image(tmp_path / "a.png", image, metadata=Metadata(exif.tobytes()[6:], SRGB, (300, 300)))
    assert np.array_equal(cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)[:, :, ::-1], image)
    with Image.open(tmp_path / "a.png") as other:
        other.load()
        assert other.info["icc_profile"] == SRGB
        assert other.getexif()[0x010F] == "Maker"
        assert other.info["dpi"] == pytest.approx((300, 300), abs=0.02)


def test_jpeg_is_close_and_full_chroma(tmp_path: Path) -> None:
    y, x = np.mgrid[:64, :64]
    image = np.stack([x * 4, y * 4, 255 - x * 4], axis=2).astype(np.uint8)
    assert save_image(tmp_path / "a.jpeg", image) == ()
    assert np.abs(read_all(tmp_path / "a.jpeg").astype(int) - image).max() <= 12
    with Image.open(tmp_path / "a.jpeg") as other:
        assert all(layer[1:3] == (1, 1) for layer in other.layer)


def test_conversions_are_told_and_exact(tmp_path: Path) -> None:
    image = np.array([[0, 1, 128, 129, 257, 32767, 65406, 65407, 65535]], np.uint16)
    (note,) = save_image(tmp_path / "a.bmp", image)
    assert "16 bits" in note
    assert np.array_equal(read_all(tmp_path / "a.bmp")[:, :, 0], np.rint(image / 257.0))
    floats = np.array([[-0.1, 0, 0.5, 1, 1.5, np.nan]], np.float32)
    scaled, clipped = save_image(tmp_path / "a.png", floats)
    assert "16 bits" in scaled and clipped.startswith("3 values")
    assert read_all(tmp_path / "a.png")[0, :, 0].tolist() == [0, 0, 32768, 65535, 65535, 0]
    assert any("alpha" in note for note in save_image(tmp_path / "b.jpg", picture(4, "uint8"), alpha=True))
    notes = save_image(tmp_path / "b.webp", picture(2, "uint8"), alpha=True)
    assert any("gray" in note for note in notes)
    back = read_all(tmp_path / "b.webp")
    assert np.array_equal(back[:, :, [0, 3]], picture(2, "uint8")) and np.array_equal(back[:, :, 0], back[:, :, 2])


def camera_exif(order: str = "<") -> bytes:
    exif = Image.Exif()
    exif.endian = order
    exif[0x010F], exif[0x0110], exif[0x8298] = "Maker", "Model", "Owner"
    exif.get_ifd(0x8769)[0x829A] = IFDRational(1, 125)  # ExposureTime
    exif.get_ifd(0x8769)[0x927C] = b"MAKERNOTE" * 5
    exif.get_ifd(0x8825)[1] = "N"
    return exif.tobytes()[6:]


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_metadata_travels(tmp_path: Path, ending: str, order: str) -> None:
    first = tmp_path / f"a.{ending}"
    given = Metadata(camera_exif(order), SRGB, (240.0, 120.0))
    notes = save_image(first, picture(3, "uint8"), metadata=given)
    assert all("resolution" in note for note in notes)
    again = tmp_path / f"b.{ending}"
    save_image(again, picture(3, "uint8"), metadata=open_source(first).metadata)
    for path in (first, again):
        source = open_source(path)
        assert source.notes == ()
        assert source.metadata.icc == SRGB
        if ending != "webp":
            assert source.metadata.resolution == pytest.approx((240, 120), abs=0.05)
        for exif in (loaded(source.metadata.exif), Image.open(path).getexif()):
            assert (exif[0x010F], exif[0x0110], exif[0x8298]) == ("Maker", "Model", "Owner")
            assert float(exif.get_ifd(0x8769)[0x829A]) == 1 / 125
            assert exif.get_ifd(0x8769)[0x927C] == b"MAKERNOTE" * 5
            assert exif.get_ifd(0x8825)[1] == "N"


def loaded(block: bytes | None) -> Image.Exif:
    exif = Image.Exif()
    exif.load(b"Exif\0\0" + (block or b""))
    return exif


def test_bmp_tells_what_it_drops(tmp_path: Path) -> None:
    notes = save_image(tmp_path / "a.bmp", picture(3, "uint8"), metadata=Metadata(camera_exif(), SRGB, (240, 240)))
    assert {note.split()[0] for note in notes} == {"ICC", "EXIF"}
    assert open_source(tmp_path / "a.bmp").metadata.resolution == pytest.approx((240, 240), abs=0.05)


def test_profile_of_other_colours_does_not_travel(tmp_path: Path) -> None:
    (note,) = save_image(tmp_path / "a.png", picture(1, "uint8"), metadata=Metadata(icc=SRGB))
    assert "ICC" in note
    assert open_source(tmp_path / "a.png").metadata.icc is None


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "word"),
    [
        ("a.xyz", (4, 4), "uint8", ".webp"),
        ("noending", (4, 4), "uint8", ".webp"),
        ("a.png", (4, 4, 5), "uint8", "TIFF"),
        ("a.webp", (1, 16384), "uint8", "16383"),
        ("a.jpg", (1, 65536), "uint8", "65500"),
        ("a.png", (0, 4), "uint8", "shape"),
        ("a.png", (4, 4), "int32", "int32"),
        ("missing/a.png", (4, 4), "uint8", "does not exist"),
        ("file/a.png", (4, 4), "uint8", "not a folder"),
        ("folder.png", (4, 4), "uint8", "is a folder"),
        ("pipe.png", (4, 4), "uint8", "regular file"),
        ("there.png", (4, 4), "uint8", "exists already"),
        ("x" * 300 + ".png", (4, 4), "uint8", "too long"),
        ("nul\0.png", (4, 4), "uint8", "null"),
    ],
)
def test_refused_outputs(tmp_path: Path, name: str, shape: tuple[int, ...], dtype: str, word: str) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "there.png").write_bytes(b"mine")
    os.mkfifo(tmp_path / "pipe.png")
    before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(OutputError, match=word) as caught:
        save_image(str(tmp_path) + "/" + name, np.zeros(shape, dtype))
    assert "\n" not in str(caught.value) and "\0" not in str(caught.value)
    assert name.replace("\0", "")[:40].split(".")[0][:3] in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    assert (tmp_path / "there.png").read_bytes() == b"mine"


def test_check_format(tmp_path: Path) -> None:
    assert [check_format(name) for name in ("a.PNG", "b/a.jpeg", "a.tif")] == ["PNG", "JPEG", "TIFF"]
    for name in ("a.gif", "a", "a.p\nng"):
        with pytest.raises(OutputError, match=r"use \.png") as early:
            check_format(tmp_path / name)
        with pytest.raises(OutputError) as late:
            save_image(tmp_path / name, picture(1, "uint8"))
        assert str(early.value) == str(late.value) and "\n" not in str(early.value)


def test_very_long_and_unicode_names(tmp_path: Path) -> None:
    for name in ("x" * 251 + ".png", "é" * 125 + ".png", "日本 🙂.png"):
        save_image(tmp_path / name, picture(1, "uint8"))
        assert np.array_equal(read_all(tmp_path / name), picture(1, "uint8"))
    assert not list(tmp_path.glob(".*"))


def test_overwrite_replaces_and_follows_links(tmp_path: Path) -> None:
    path, link = tmp_path / "a.png", tmp_path / "link.png"
    save_image(path, picture(1, "uint8"))
    link.symlink_to(path)
    save_image(link, picture(3, "uint8"), overwrite=True)
    assert link.is_symlink()
    assert np.array_equal(read_all(path), picture(3, "uint8"))


def test_mode_is_the_umasks(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        save_image(tmp_path / "a.png", picture(1, "uint8"))
    finally:
        os.umask(old)
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("ending", ["png", "tif", "jpg", "webp", "bmp"])
def test_no_space_left(tmp_path: Path, ending: str) -> None:
    code = (
        "import resource, signal, sys, numpy as np\n"
        "from imfuse.io import save_image\nfrom imfuse.errors import OutputError\n"
        "image = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)\n"
        "import PIL.Image, PIL.JpegImagePlugin, PIL.WebPImagePlugin, PIL.BmpImagePlugin, imagecodecs, tifffile\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "try:\n    save_image(sys.argv[1], image)\n"
        "except OutputError as error:\n    sys.exit(str(error))\n"
    )
    path = tmp_path / f"a.{ending}"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("\n") == 1 and str(path) in done.stderr and "larger" in done.stderr
    assert list(tmp_path.iterdir()) == []
