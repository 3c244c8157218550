"""Small data sets and rows that the benchmark's tests share."""

from pathlib import Path

import numpy as np

from imfuse.bench import Row
from imfuse.io import save_image


def make_set(folder: Path, names: list[str], size: tuple[int, int] = (24, 31), seed: int = 0) -> Path:
    """Infrared pairs of smooth noise, 8-bit gray."""
    generator = np.random.default_rng(seed)
    for source in ("ir", "vis"):
        (folder / source).mkdir(parents=True)
        for name in names:
            steps = generator.normal(size=size).cumsum(0).cumsum(1)
            unit = (steps - steps.min()) / np.ptp(steps)
            save_image(folder / source / f"{name}.png", np.rint(unit * 255).astype(np.uint8))
    return folder


def row(model: str, scene: str, **values: float) -> Row:
    """A row of one data set."""
    return Row("set", "infrared", model, "learned", scene, values)
