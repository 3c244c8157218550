"""One door for everything that can be a source."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SourceError
from imfuse.io.arrays import array_source, tensor_source
from imfuse.io.formats import kind_of
from imfuse.io.naming import cause, shown
from imfuse.io.source import PixelSource

if TYPE_CHECKING:
    import torch
    from PIL import Image

    Source = str | os.PathLike[str] | NDArray[Any] | Image.Image | torch.Tensor | PixelSource

_REASONS = {
    errno.ENOENT: "there is no such file; check the path",
    errno.ENOTDIR: "there is no such file; check the path",
    errno.EACCES: "no permission to read; change the file's permissions",
    errno.EPERM: "no permission to read; change the file's permissions",
    errno.ELOOP: "the symbolic link leads in a circle; give the file itself",
    errno.ENAMETOOLONG: "the name is too long for this file system; check the path",
}


def open_source(source: Source, name: str | None = None) -> PixelSource:
    """Open a picture to be read window by window.

    Args:
        source: one of

            - a path: PNG, JPEG, TIFF, BMP, WebP or GIF, told by its content and not by its name;
            - an array (H, W) or (H, W, C) of uint8, uint16, float16/32/64 or bool; with 2 or 4 channels the last is
              alpha, 5 and more are bands;
            - a dense tensor (C, H, W) or (1, C, H, W), floating point in [0, 1] or uint8, channels as for arrays;
            - a Pillow picture;
            - a ``PixelSource``, which is given back as it is.
        name: what messages call it; the path or ``"source"`` if None.

    Raises:
        SourceError: it is missing, empty, damaged, no picture, or of a kind that is not taken; the message says which
            source, why, and what to do.
    """
    if isinstance(source, str | os.PathLike):
        return _open_file(source, name)
    called = shown(name or "source")
    if isinstance(source, np.ndarray):
        return array_source(source, called)
    if _is_a(source, "torch", "Tensor"):
        return tensor_source(source, called)  # type: ignore[arg-type]
    if _is_a(source, "PIL.Image", "Image"):
        from imfuse.io.pillow_files import picture_source

        return picture_source(source, called)  # type: ignore[arg-type]
    if _is_source(source):
        return source  # type: ignore[return-value]
    kind = "None" if source is None else f"a class ({source.__name__})" if isinstance(source, type) else ""
    if isinstance(source, bytes | bytearray | memoryview) or hasattr(source, "readinto"):
        kind = f"{type(source).__name__} (an open file or its bytes)"
    raise SourceError(
        f"{called}: {kind or type(source).__name__} is not taken; "
        "give a path, an array, a Pillow picture (PIL.Image.open) or a tensor"
    )


def _is_a(source: object, module: str, name: str) -> bool:
    """Whether the source is of a library's class; a library that nobody has imported has made no objects."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(source, kind)


def _is_source(source: object) -> bool:
    """Whether an object has everything that a ``PixelSource`` has."""
    return all(hasattr(source, part) for part in ("read", "read_alpha", *PixelSource.__annotations__))


def _open_file(source: str | os.PathLike[str], name: str | None) -> PixelSource:
    path, called, head = identify(source, name)
    return _reader(path, called, kind_of(head))


def identify(source: str | os.PathLike[str], name: str | None = None) -> tuple[Path, str, bytes]:
    """A regular file's path, what messages call it, and its first 16 bytes, which tell its format.

    Raises:
        SourceError: it is missing or empty, cannot be read, or is no regular file.
    """
    called = shown(source if name is None else name)
    if not os.fspath(source):
        raise SourceError(f"{called or 'source'}: the path is empty; give the path of a picture file")
    path = Path(os.fsdecode(source))
    try:
        return path, called, _head(path, called)
    except SourceError:
        raise
    except (OSError, ValueError) as error:
        number = error.errno if isinstance(error, OSError) else None
        reason = _REASONS.get(number or 0, f"cannot be opened: {cause(error)}; check the path")
        if number == errno.ENOENT and path.is_symlink():
            reason = "the symbolic link leads to a file that does not exist; give the file itself"
        raise SourceError(f"{called}: {reason}") from error


def _head(path: Path, name: str) -> bytes:
    """The first 16 bytes of a regular file; never opens a FIFO or a device, which could hang."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise SourceError(f"{name}: is a folder; give a picture file")
    if not stat.S_ISREG(mode):
        raise SourceError(f"{name}: is a pipe, socket or device and no regular file; give a picture file")
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        raise SourceError(f"{name}: the file is empty; copy it again from its origin")
    return head


def _reader(path: Path, name: str, kind: str | None) -> PixelSource:
    if kind == "PNG":
        from imfuse.io.png import open_png

        return open_png(path, name)
    if kind == "TIFF":
        from imfuse.io.tiff import TiffSource

        return TiffSource(path, name)
    if kind == "WebP":
        from imfuse.io.webp import open_webp

        return open_webp(path, name)
    if kind is not None:
        from imfuse.io.pillow_files import open_pillow

        return open_pillow(path, name, kind)
    raise SourceError(f"{name}: is no picture that imfuse reads (PNG, JPEG, TIFF, BMP, WebP, GIF); convert it to one")
