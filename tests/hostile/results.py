"""What must hold of messages and of pictures that were written."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from hostile.runs import FaultError
from imfuse.io import Window, open_source
from imfuse.io.naming import shown
from imfuse.result import FusionResult, as_array

_LONGEST_MESSAGE = 600


def check_message(message: str, *paths: Path) -> None:
    """A message is one printable line that names a file and is not endless."""
    beyond = len(message) - sum(len(shown(path)) for path in paths)
    if not message.isprintable() or beyond > _LONGEST_MESSAGE:
        raise FaultError("message", f"not one short printable line: {message[:2000]!r}")
    if not any(shown(path) in message for path in paths):
        raise FaultError("message", f"names no file: {message}")


def independent_size(path: Path) -> tuple[int, int] | None:
    """Height and width as Pillow reads the header, or None where it does not."""
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            with Image.open(path) as picture:
                return picture.height, picture.width
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    return None


@contextlib.contextmanager
def _but_faults() -> Iterator[None]:
    """Whatever another reader raises says nothing of this library."""
    try:
        yield
    except FaultError:
        raise
    except Exception:
        return


def check_pixels(path: Path, pixels: NDArray[Any], *, transparency: bool = True) -> None:
    """A PNG file of up to 8 bits has the pixels that Pillow, if it can, reads with its own decoder.

    Args:
        path: the file.
        pixels: (H, W, channels and alpha) as read here, not turned upright.
        transparency: whether opacity is compared, which is not done where it was told to be damaged.
    """
    with warnings.catch_warnings(), _but_faults():
        warnings.simplefilter("ignore")
        with PngImagePlugin.PngImageFile(path) as picture:
            if picture.mode.startswith("I") or getattr(picture, "is_animated", False) or pixels.dtype != np.uint8:
                return
            other = np.asarray(picture.convert("RGBA"))
        colors = pixels[:, :, : 1 if pixels.shape[2] < 3 else 3]
        alpha = pixels[:, :, -1:] if pixels.shape[2] in (2, 4) else np.full_like(pixels[:, :, :1], 255)
        mine = np.concatenate([np.broadcast_to(colors, (*colors.shape[:2], 3)), alpha], axis=2)
        compared = slice(0, 4 if transparency else 3)
        if not np.array_equal(mine[:, :, compared], other[:, :, compared]):
            raise FaultError("wrong", "an independent reader reads other pixels")


def _independent(path: Path) -> NDArray[Any]:
    """The pixels of a written picture, by another reader; it carries no orientation."""
    if path.suffix.lower().startswith(".tif"):
        with tifffile.TiffFile(path) as file:
            orientation = file.pages.first.tags.valueof(274, 1)
            pixels: NDArray[Any] = file.pages.first.asarray()
            if len(file.pages) != 1:
                raise FaultError("wrong", f"the result has {len(file.pages)} pages")
    else:
        with Image.open(path) as picture:
            picture.load()
            orientation = picture.getexif().get(274, 1)
            pixels = np.asarray(picture)
    if orientation != 1:
        raise FaultError("wrong", f"the result carries orientation {orientation}")
    return pixels


def check_result(path: Path, size: tuple[int, int], made: FusionResult | None) -> None:
    """The written file has the size, an independent reader reads it, and it reads back as what was computed."""
    try:
        pixels = _independent(path)
    except FaultError:
        raise
    except Exception as error:
        raise FaultError("wrong", f"an independent reader does not read the result: {error!r}") from error
    if pixels.shape[:2] != size:
        raise FaultError("wrong", f"the result has {pixels.shape}, not {size}")
    if made is None:
        return
    image, ending = as_array(made.image), path.suffix.lower()
    image = image[:, :, None] if image.ndim == 2 else image
    source = open_source(path)
    window = Window(0, 0, *size)
    back, alpha = source.read(window), source.read_alpha(window)
    back = back if alpha is None else np.concatenate([back, alpha[:, :, None]], axis=2)
    # BMP has no alpha, and WebP stores none that is opaque everywhere.
    if made.has_alpha and (
        ending == ".bmp" or (ending == ".webp" and alpha is None and (image[:, :, -1] == 255).all())
    ):
        image = image[:, :, :-1]
    holds = {".tif": 4, ".png": 2, ".webp": 1, ".bmp": 1}.get(ending, 0)
    if image.dtype.itemsize > holds:
        return
    image = (
        np.concatenate([image[:, :, :1]] * 3 + [image[:, :, 1:]], axis=2)
        if back.shape[2] - image.shape[2] == 2
        else image
    )
    if back.dtype != image.dtype or not np.array_equal(back, image):
        raise FaultError(
            "wrong", f"saved {image.shape} {image.dtype}, read back {back.shape} {back.dtype} with other values"
        )
    if pixels.dtype == image.dtype and pixels.size == image.size and not np.array_equal(pixels.ravel(), image.ravel()):
        raise FaultError("wrong", "an independent reader reads other values than were computed")
