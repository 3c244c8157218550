"""Charts of the spectra at one pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import MissingExtraError

_STYLES: dict[str, dict[str, Any]] = {
    "truth": {"color": "black", "linewidth": 2.4, "alpha": 0.55},
    "fused": {"color": "#c0392b", "linewidth": 1.4},
    "bicubic": {"color": "#2b6cb0", "linewidth": 1.2, "linestyle": "--"},
}
_FEW = 16
"""Up to so many bands are marked on the lines."""


def check_chart() -> None:
    """Refuse early where charts cannot be drawn.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("charts of spectra", "bench") from error


def spectra_chart(
    curves: Mapping[str, NDArray[np.floating]], title: str, wavelengths: Sequence[float] = ()
) -> NDArray[np.uint8]:
    """A chart (H, W, 3) of spectra (L,) by name: ``truth``, ``fused`` and ``bicubic`` have styles of their own.

    Args:
        curves: values in the units of the bands.
        title: stands above.
        wavelengths: in nm; without them the axis counts the bands from 1.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    check_chart()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.8, 3.6), dpi=140, layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)  # its methods have no types
    axis = figure.subplots()
    for name in sorted(curves, key=lambda name: list(_STYLES).index(name) if name in _STYLES else len(_STYLES)):
        values = curves[name]
        places = np.asarray(wavelengths) if len(wavelengths) else np.arange(1, len(values) + 1)
        order = np.argsort(places)
        marker = "o" if len(values) <= _FEW else None
        axis.plot(places[order], values[order], label=name, marker=marker, markersize=3.5, **_STYLES.get(name, {}))
    axis.set_xlabel("wavelength (nm)" if len(wavelengths) else "band")
    axis.set_ylabel("value")
    axis.set_ylim(bottom=min(0.0, axis.get_ylim()[0]))
    axis.set_title(title, fontsize=10)
    axis.grid(linewidth=0.4, alpha=0.6)
    axis.legend(fontsize=8)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
