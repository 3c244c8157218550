"""Pictures with the EXIF that cameras write, for tests."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from imfuse.io import Metadata, save_image

NOON = datetime(2026, 6, 21, 12, 0, 0)


def exif(
    time: float | None = 1 / 100,
    f_number: float | None = 8.0,
    iso: int | None = 100,
    *,
    at: float | None = 0.0,
    bias: float | None = None,
    mode: int | None = None,
    camera: str = "Maker",
    focal_length: float | None = None,
    orientation: int | None = None,
    more: dict[int, object] | None = None,
) -> Image.Exif:
    """An EXIF block; ``at`` is the time of capture in seconds after noon."""
    block = Image.Exif()
    block[271], block[272] = camera, "One"
    if orientation:
        block[274] = orientation
    tags = block.get_ifd(34665)
    for tag, value in ((33434, time), (33437, f_number), (37380, bias), (37386, focal_length)):
        if value is not None:
            tags[tag] = IFDRational(round(value * 10**6), 10**6)
    if iso is not None:
        tags[34855] = iso
    if mode is not None:
        tags[41986] = mode
    if at is not None:
        moment = NOON + timedelta(seconds=at)
        tags[36867] = moment.strftime("%Y:%m:%d %H:%M:%S")
        tags[37521] = f"{moment.microsecond // 1000:03d}"
    tags.update(more or {})
    return block


def write(path: Path, block: Image.Exif | None = None, pixels: np.ndarray | int = 128) -> Path:
    """A picture with this EXIF; a number is the gray value of a small one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.full((12, 16, 3), pixels, np.uint8) if isinstance(pixels, int) else pixels
    image = Image.fromarray(values)
    if block is None:
        image.save(path)
    elif path.suffix == ".tif":  # Pillow writes no Exif directory into TIFF
        save_image(path, values, metadata=Metadata(exif=block.tobytes().removeprefix(b"Exif\0\0")))
    else:
        image.save(path, exif=block)
    return path
