"""The eight EXIF orientations, as views of arrays and as maps of windows."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from imfuse.io.window import Window

_STEPS: dict[int, tuple[bool, bool, bool]] = {
    # orientation: (transpose, then flip rows, then flip columns)
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def valid_orientation(value: object) -> int:
    """The orientation if it is one of 1 … 8, else 1."""
    return value if isinstance(value, int) and value in _STEPS else 1


def oriented_size(height: int, width: int, orientation: int) -> tuple[int, int]:
    """Height and width after a stored picture of ``height × width`` is turned upright."""
    return (width, height) if transposes(orientation) else (height, width)


def transposes(orientation: int) -> bool:
    """Whether turning upright exchanges rows and columns: orientations 5 … 8."""
    return _STEPS[orientation][0]


def turning_notes(orientation: int) -> tuple[str, ...]:
    """The note that tells that the pixels were turned, if they were."""
    return () if orientation == 1 else (f"turned upright (orientation {orientation})",)


def orient(stored: NDArray[Any], orientation: int) -> NDArray[Any]:
    """The stored ``(H, W, …)`` array turned upright, as a view."""
    transpose, flip_rows, flip_columns = _STEPS[orientation]
    upright = stored.swapaxes(0, 1) if transpose else stored
    return upright[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]


def stored_window(window: Window, height: int, width: int, orientation: int) -> Window:
    """The part of the stored picture that ``window`` of the upright ``height × width`` picture shows.

    ``orient(stored[stored_window(w)]) == orient(stored)[w]``.
    """
    transpose, flip_rows, flip_columns = _STEPS[orientation]
    top = height - window.bottom if flip_rows else window.top
    left = width - window.right if flip_columns else window.left
    if transpose:
        return Window(left, top, window.width, window.height)
    return Window(top, left, window.height, window.width)
