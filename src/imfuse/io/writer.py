"""Where fused windows go."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from imfuse.io.window import Window


class PixelWriter(Protocol):
    """A picture that is written by windows; as a context manager it commits on a clean exit and aborts on an error.

    Attributes:
        dtype: what ``write`` takes.
    """

    dtype: np.dtype[Any]

    def write(self, window: Window, pixels: NDArray[Any]) -> None:
        """Put ``pixels`` of shape (height, width, channels) at ``window``."""

    def write_alpha(self, window: Window, alpha: NDArray[Any]) -> None:
        """Put ``alpha`` of shape (height, width) at ``window``; only for writers with alpha."""

    def commit(self) -> None:
        """Make the picture visible: all windows are written."""

    def abort(self) -> None:
        """Leave nothing behind."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit, or abort on an error."""


class ArrayWriter:
    """A writer into an array in memory.

    Attributes:
        dtype: of the array.
        pixels: (H, W, C) with alpha, if any, as the last channel.
    """

    def __init__(self, height: int, width: int, channels: int, dtype: Any, alpha: bool = False) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.channels = channels
        self.alpha = alpha
        self.pixels: NDArray[Any] = np.zeros((height, width, channels + alpha), self.dtype)

    @property
    def image(self) -> NDArray[Any]:
        """(H, W) for one channel without alpha, else (H, W, C), alpha last."""
        return self.pixels[:, :, 0] if self.pixels.shape[2] == 1 else self.pixels

    def write(self, window: Window, pixels: NDArray[Any]) -> None:
        """Put ``pixels`` of shape (height, width, channels) at ``window``.

        Raises:
            ValueError: the shape or the dtype is another one.
        """
        if pixels.shape != (window.height, window.width, self.channels) or pixels.dtype != self.dtype:
            raise ValueError(f"{pixels.shape} {pixels.dtype} do not fit {window} of {self.channels} × {self.dtype}")
        self.pixels[(*window.slices, slice(0, self.channels))] = pixels

    def write_alpha(self, window: Window, alpha: NDArray[Any]) -> None:
        """Put ``alpha`` of shape (height, width) at ``window``.

        Raises:
            ValueError: the writer has no alpha, or the shape or the dtype is another one.
        """
        if not self.alpha or alpha.shape != (window.height, window.width) or alpha.dtype != self.dtype:
            raise ValueError(f"alpha {alpha.shape} {alpha.dtype} does not fit {window} of {self.dtype}")
        self.pixels[(*window.slices, self.channels)] = alpha

    def commit(self) -> None:
        """Nothing to do: the array is there."""

    def abort(self) -> None:
        """Nothing to do: the array goes with the writer."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.abort()
