"""From the plan of a pair to its explanation, window by window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imfuse.cubes import Cube
from imfuse.errors import SizeMismatchError
from imfuse.io.window import Window
from imfuse.ops.resampling import upsample_bicubic
from imfuse.spectral.missing import missing_of
from imfuse.spectral.plan import SpectralPlan
from imfuse.spectral.show.explanation import Shot, SpectralExplanation, Subject
from imfuse.spectral.show.looks import Looks


def explanation_of(plan: SpectralPlan, model: str, truth: Cube | None, looks: Looks) -> SpectralExplanation:
    """The explanation of a pair, still empty.

    Args:
        plan: how it is sharpened.
        model: the model's name.
        truth: what the result should be, in the units of the bands.
        looks: what is to be looked at.

    Raises:
        SizeMismatchError: the truth is not as large as the guide, or has other bands.
        UsageError: there is no such band or pixel.
    """
    low, guide = plan.layers
    if truth is not None and (truth.bands, truth.height, truth.width) != (low.cube.bands, plan.height, plan.width):
        raise SizeMismatchError(
            f"{truth.name}: has {truth.bands} bands of {truth.height}×{truth.width} pixels, and the result "
            f"{low.cube.bands} of {plan.height}×{plan.width}; the truth has the bands of {low.cube.name} and the size "
            f"of {guide.cube.name}"
        )
    subject = Subject(
        plan.height,
        plan.width,
        low.cube.bands,
        truth is not None,
        model,
        low.cube.description.nanometres,
        low.levels.low,
        low.levels.high,
        guide.cube.curved,
    )
    return SpectralExplanation(subject, looks, plan.notes)


def fill(
    explanation: SpectralExplanation,
    plan: SpectralPlan,
    survey: Any,
    truth: Cube | None,
    device: torch.device,
    told: Callable[[float], None],
) -> None:
    """Sharpen the pair window by window, and give every window to the explanation.

    Args:
        explanation: of :func:`explanation_of`.
        plan: as there.
        survey: what the network needs to know of the whole pair.
        truth: as there.
        device: where the network runs.
        told: called with the finished fraction.
    """
    for done, window in enumerate(plan.windows, start=1):
        explanation.take(plan.result_window(window), _shot(plan, window, survey, truth, device))
        told(done / len(plan.windows))


def _shot(plan: SpectralPlan, window: Window, survey: Any, truth: Cube | None, device: torch.device) -> Shot:
    pair, scale = plan.window(window, device), plan.pair.scale
    bands, guide = pair
    rows, columns = (slice(part.start * scale, part.stop * scale) for part in pair.core)
    with torch.inference_mode():
        # The halo of every method holds that of the bicubic interpolation.
        cubes = guide, upsample_bicubic(bands, scale), plan.network.fuse(pair, survey)
    seen, bicubic, fused = (_array(cube[0, :, rows, columns]) for cube in cubes)
    if pair.gone is not None:
        for values in (bicubic, fused):
            values[np.broadcast_to(pair.gone, values.shape)] = np.nan
    return Shot(seen, bicubic, fused, None if truth is None else _truth(plan, truth, plan.result_window(window)))


def _truth(plan: SpectralPlan, truth: Cube, window: Window) -> NDArray[np.float32]:
    values = truth.read(window)
    units = _array(plan.layers[0].unit(values, torch.device("cpu"))[0])
    units[missing_of(values, truth.description.nodata)] = np.nan
    return units


def _array(values: Tensor) -> NDArray[np.float32]:
    return np.array(values.cpu().numpy(), np.float32)
