"""A small folder in CAVE's form."""

from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from imfuse.io import save_image


def make_cave(folder: Path, names: list[str], bands: int = 5, size: tuple[int, int] = (40, 48), bits: int = 10) -> Path:
    """Cubes of smooth noise, and three of their bands as sRGB pictures."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(bits)
    for name in names:
        steps = generator.normal(size=(bands, *size)).cumsum(1).cumsum(2)
        steps += 2 * steps[:1]  # bands have much in common
        low, high = steps.min((1, 2), keepdims=True), steps.max((1, 2), keepdims=True)
        cube = np.rint((0.2 + 0.75 * (steps - low) / (high - low)) * (2**bits - 1)).astype(
            np.uint16 if bits > 8 else np.uint8
        )
        tifffile.imwrite(folder / f"{name}.tif", cube, photometric="minisblack")
        light = cube[[4, 2, 0]].transpose(1, 2, 0) / (2**bits - 1)
        curved = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
        save_image(folder / f"{name}.rgb.png", np.rint(curved * 255).astype(np.uint8))
    return folder


def crop_guide(path: Path) -> None:
    """Cut a row off a picture."""
    with Image.open(path) as picture:
        cut = picture.crop((0, 0, picture.width, picture.height - 1))
    cut.save(path)


def distribute(folder: Path, target: Path) -> Path:
    """The scenes of a folder of 8-bit cubes as CAVE is distributed: a PNG of 16 bits per band, and a BMP."""
    for path in folder.glob("*.tif"):
        inner = target / f"{path.stem}_ms" / f"{path.stem}_ms"
        inner.mkdir(parents=True)
        for number, band in enumerate(tifffile.imread(path), start=1):
            save_image(inner / f"{path.stem}_ms_{number:02d}.png", band.astype(np.uint16) * 257)
        with Image.open(folder / f"{path.stem}.rgb.png") as picture:
            picture.save(inner / f"{path.stem}_RGB.bmp")
    return target
