"""The explanation of a whole scene from arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from imfuse.errors import SizeMismatchError
from imfuse.io.window import Window
from imfuse.ops.resampling import upsample_bicubic, whole_scale
from imfuse.spectral.show.explanation import Shot, SpectralExplanation, Subject
from imfuse.spectral.show.looks import Looks


def explain_scene(
    low: NDArray[np.floating],
    guide: NDArray[np.floating],
    fused: NDArray[np.floating],
    truth: NDArray[np.floating] | None = None,
    looks: Looks | None = None,
    *,
    model: str = "",
    wavelengths: Sequence[float] = (),
    curved: bool = True,
) -> SpectralExplanation:
    """What there is to see of bands that were sharpened.

    Args:
        low: the bands, (L, h, w) in [0, 1].
        guide: (G, H, W) in [0, 1].
        fused: the result, (L, H, W).
        truth: what it should be, (L, H, W), where it is known.
        looks: what is to be looked at.
        model: that sharpened the bands.
        wavelengths: of the bands in nm, where they are known.
        curved: whether the guide is a picture under the sRGB curve.

    Raises:
        SizeMismatchError: the arrays do not belong to one scene.
        UsageError: the scene has no such band or pixel.
    """
    bands = torch.from_numpy(np.ascontiguousarray(low, np.float32))[None]
    result = np.ascontiguousarray(fused, np.float32)
    scale = whole_scale(bands, torch.from_numpy(result))
    shapes = {"guide": guide.shape[1:], "result": fused.shape[1:]}
    shapes |= {} if truth is None else {"truth": truth.shape[1:]}
    if (
        scale is None
        or len(set(shapes.values())) > 1
        or any(len(x) != len(low) for x in (fused, truth) if x is not None)
    ):
        sizes = ", ".join(
            f"{name} {tuple(x.shape)}" for name, x in (("bands", low), ("guide", guide), ("result", fused))
        )
        raise SizeMismatchError(f"no arrays of one scene: {sizes}, truth {None if truth is None else truth.shape}")
    height, width = fused.shape[1:]
    subject = Subject(height, width, len(low), truth is not None, model, tuple(wavelengths))
    explanation = SpectralExplanation(replace(subject, curved=curved), looks or Looks())
    bicubic = upsample_bicubic(bands, scale)[0].numpy()
    true = None if truth is None else np.asarray(truth, np.float32)
    explanation.take(Window(0, 0, height, width), Shot(np.asarray(guide, np.float32), bicubic, result, true))
    return explanation
