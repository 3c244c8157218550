"""What sharpening gives back in memory: the bands, what travels with them, and how they were made."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from torch import Tensor

from imfuse.cubes import CubeDescription, create_cube, open_cube
from imfuse.io.window import Window
from imfuse.result import FusionResult


@dataclass(frozen=True, slots=True)
class SpectralResult(FusionResult):
    """Sharpened bands.

    Attributes:
        image: array (H, W, bands), or (H, W) of a single band, in the units and the type of the bands; or a tensor
            where the bands were one, in its layout.
        description: names, nodata, georeference and the like, which :meth:`save` writes.
    """

    description: CubeDescription = field(default_factory=CubeDescription)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False, quality: int = 95) -> tuple[str, ...]:
        """Write the bands; the format follows from the ending (GeoTIFF or TIFF, ``.npy``, ENVI).

        Args:
            path: where to.
            overwrite: replace what is there.
            quality: of no effect; bands are never compressed with losses.

        Returns:
            What the format does not hold of the description, in words.

        Raises:
            OutputError: the file exists, or cannot be written.
            UsageError: no format has this ending.
        """
        image = self.image.detach().cpu() if isinstance(self.image, Tensor) else np.asarray(self.image)
        with (
            open_cube(image, name="the result") as cube,
            create_cube(
                Path(path), cube.bands, cube.height, cube.width, cube.dtype, self.description, overwrite=overwrite
            ) as writer,
        ):
            whole = Window(0, 0, cube.height, cube.width)
            writer.write(whole, cube.read(whole))
            notes = tuple(writer.notes)
        return notes
