"""Metrics of edges: what of the sources' gradients the fused picture keeps (Q^AB/F), and what it invents (N^AB/F).

Both compare the strength and the direction of Sobel gradients, so they share them. They differ at the border: one takes
zeros beyond it, the other a mirror. All pixels inside are computed once, those of the border for each.
"""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from imfuse.metrics.families import measure
from imfuse.metrics.levels import Levels
from imfuse.metrics.metric import Metric
from imfuse.metrics.windows import safe_sqrt, strips

WHOLE_LEVEL = 1e-4  # gray levels: float32 holds whole levels to 1e-5
LEAST_WEIGHT = 0.001  # N^AB/F: of pixels whose gradient is below the threshold
THRESHOLD = 2.0  # N^AB/F: gray levels per pixel
SOBEL_SUM = 8.0  # N^AB/F divides the Sobel sums by it


def edge_preservation(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """Edges of the sources that are kept in the fused picture (Q^AB/F, Qabf).

    Q^AB/F = Σ_sources Σ Q^AF g_A / Σ_sources Σ g_A over all pixels, with the strength g = sqrt(s_x² + s_y²) and the
    direction α = atan(s_y/s_x) (π/2 where s_x = 0) of the Sobel gradients, s_x to the left and s_y downwards; beyond
    the border are zeros, and the border counts. With A = 1 − |α_A − α_F|·2/π and G = min(g_A, g_F)/max(g_A, g_F),
    Q^AF = 0.9994/(1 + exp(−15 (G − 0.5))) · 0.9879/(1 + exp(−22 (A − 0.8))); where both strengths are equal, the
    evaluators in use take G = g_F, and so does this (it differs by less than 0.001 there). Higher is better. For more
    than two sources, their weighted mean is the same equation. Differentiable but for jumps of α. Sources without any
    gradient leave nothing to keep: 1.

    Levels within 1e-4 of a whole one count as that one, so that 8-bit pictures give the same in any type.

    Args:
        fused: (B, 1, H, W) with H, W ≥ 2, floating point in [0, 1], or uint8 0…255.
        sources: one or more tensors like `fused`.

    Returns:
        float64 tensor (B,), without unit, in [0, 1].

    Raises:
        UsageError: The pictures do not fit each other, are too small, or there is no source.

    Source:
        Xydeas and Petrović, Objective image fusion performance measure, Electronics Letters 36(4), 2000; constants and
        border as in the evaluators of the infrared and visible fusion papers.
    """
    return measure([(gradient_family, ("qabf",))], fused, sources)["qabf"]


def fusion_artefacts(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """Edges of the fused picture that none of the sources has (N^AB/F, Nabf, in Kumar's modification).

    N^AB/F = Σ_sources Σ n (1 − Q^AF) w_A / Σ_sources Σ w_A with n = 1 where g_F > g_A for every source, else 0;
    w = g^1.5 where g ≥ 2, else 0.001; Q^AF = sqrt(0.9999/(1 + exp(−19 (G − 0.5))) · 0.9995/(1 + exp(−22 (A − 0.5)))),
    G = min(g_A, g_F)/max(g_A, g_F) (0 if one is 0), A = |1 − |α_A − α_F|·2/π|; Sobel gradients divided by 8, with
    mirrored borders. Lower is better. Its counterparts with the same Q and w, Q^AB/F = Σ Q w/Σ w and the loss
    L^AB/F = Σ (1 − n)(1 − Q) w/Σ w, make up the rest: the three sum to 1 (the `qabf` of this table is another variant).
    Petrović and Xydeas's own N^AB/F has Σ n (2 − Q^AF − Q^BF)(w_A + w_B) above, and no such sum. Differentiable but for
    jumps of n, w and α.

    Levels within 1e-4 of a whole one count as that one, so that 8-bit pictures give the same in any type.

    Args:
        fused: (B, 1, H, W) with H, W ≥ 2, floating point in [0, 1], or uint8 0…255.
        sources: one or more tensors like `fused`; it is published for two, and the same equation for others.

    Returns:
        float64 tensor (B,), without unit, in [0, 1].

    Raises:
        UsageError: The pictures do not fit each other, are too small, or there is no source.

    Source:
        B. K. Shreyamsha Kumar, Multifocus and multispectral image fusion based on pixel significance using discrete
        cosine harmonic wavelet transform, Signal, Image and Video Processing 7, 2013, and the author's release; after
        Petrović and Xydeas, Objective image fusion performance characterisation, ICCV 2005.
    """
    return measure([(gradient_family, ("nabf",))], fused, sources)["nabf"]


def gradient_family(levels: Levels, keys: Collection[str]) -> dict[str, Tensor]:
    """Compute the wanted ones of `qabf` and `nabf`."""
    sums = {key: function for key, function in {"qabf": _kept, "nabf": _invented}.items() if key in keys}
    if not sums:
        return {}
    name = "N^AB/F" if list(sums) == ["nabf"] else "Q^AB/F"
    levels.require_sources(name)
    levels.require_size(2, name)
    totals = dict.fromkeys(sums, torch.zeros(2, levels.fused.size(0), dtype=torch.float64, device=levels.fused.device))
    for part, readings in _parts(levels, list(sums)):
        edges = _edges(part)
        for key in readings:
            totals[key] = totals[key] + sums[key](edges)
    return {key: _share(total[0], total[1], empty=1.0 if key == "qabf" else 0.0) for key, total in totals.items()}


def _share(part: Tensor, whole: Tensor, empty: float) -> Tensor:
    defined = whole > 0.0
    return torch.where(defined, part / torch.where(defined, whole, 1.0), empty)


def _parts(levels: Levels, keys: list[str]) -> Iterator[tuple[Tensor, list[str]]]:
    """Cut the pictures into parts (1 + S, B, h + 2, w + 2) whose h×w inner pixels together are all pixels.

    Yields:
        A part, and the metrics for which it is meant.
    """
    pictures = [levels.fused, *levels.sources]
    height, width = levels.fused.shape[-2:]
    if height > 2 and width > 2:
        for strip in strips(pictures, 3):
            yield _snapped(strip), keys
    for key, border in {"qabf": "constant", "nabf": "reflect"}.items():
        if key in keys:
            top, bottom = _ends(pictures, -2)
            yield F.pad(top, (1, 1, 1, 0), border), [key]
            yield F.pad(bottom, (1, 1, 0, 1), border), [key]
            if height > 2:
                left, right = _ends(pictures, -1)
                yield F.pad(left, (1, 0, 0, 0), border), [key]
                yield F.pad(right, (0, 1, 0, 0), border), [key]


def _ends(pictures: list[Tensor], axis: int) -> tuple[Tensor, Tensor]:
    """The first and the last two rows or columns of all pictures."""
    last = pictures[0].size(axis) - 2
    first_two, last_two = (torch.stack([p.narrow(axis, start, 2) for p in pictures]) for start in (0, last))
    return _snapped(first_two), _snapped(last_two)


def _snapped(pictures: Tensor) -> Tensor:
    """Levels that are whole but for rounding made whole: equal neighbours then differ by exactly 0.

    Without a gradient in float32, which holds sums of whole levels exactly: the angles take half the time.
    """
    rest = pictures.detach() - pictures.detach().round()
    snapped = pictures - rest.masked_fill_(rest.abs() > WHOLE_LEVEL, 0.0)
    return snapped if snapped.requires_grad else snapped.to(torch.float32)


@dataclass(frozen=True)
class _Edges:
    """Sobel gradients of the fused picture and its sources.

    Attributes:
        strength: g, (1 + S, B, h, w), the fused one first.
        ratio: G of each source with the fused picture, (S, B, h, w), in [0, 1].
        agreement: A = 1 − |α_A − α_F|·2/π, likewise, in [−1, 1].
    """

    strength: Tensor
    ratio: Tensor
    agreement: Tensor


def _edges(pictures: Tensor) -> _Edges:
    """Gradients at the inner pixels of (1 + S, B, h + 2, w + 2) pictures, the fused one first."""
    down = pictures[..., :-2, :] + pictures[..., 2:, :]
    down.add_(pictures[..., 1:-1, :], alpha=2.0)
    right = pictures[..., :-2] + pictures[..., 2:]
    right.add_(pictures[..., 1:-1], alpha=2.0)
    # To the left, but downwards, as a convolution with the usual kernels has it: the angle π/2 has no mirror image.
    horizontal = down[..., :-2] - down[..., 2:]
    vertical = right[..., 2:, :] - right[..., :-2, :]
    strength = safe_sqrt((horizontal * horizontal).addcmul_(vertical, vertical))
    upright = horizontal == 0.0
    angle = torch.atan(vertical / horizontal.masked_fill(upright, 1.0)).masked_fill_(upright, math.pi / 2.0)
    least = torch.minimum(strength[1:], strength[:1])
    most = torch.maximum(strength[1:], strength[:1])
    ratio = least / most.masked_fill(most == 0.0, 1.0)
    agreement = (angle[1:] - angle[:1]).abs_().mul_(-2.0 / math.pi).add_(1.0)
    return _Edges(strength, ratio, agreement)


def _doubt(values: Tensor, slope: float, middle: float) -> Tensor:
    """1 + exp(−slope (values − middle)): the reciprocal of the logistic function."""
    return (values * -slope).add_(slope * middle).exp() + 1.0


def _kept(edges: _Edges) -> Tensor:
    """Σ Q g and Σ g of Q^AB/F: (2, B)."""
    weight = edges.strength[1:]
    ratio = torch.where(weight == edges.strength[:1], weight, edges.ratio)
    quality = 0.9994 * 0.9879 * weight / (_doubt(ratio, 15.0, 0.5) * _doubt(edges.agreement, 22.0, 0.8))
    return _sums(quality, weight)


def _invented(edges: _Edges) -> Tensor:
    """Σ n (1 − Q) w and Σ w of N^AB/F: (2, B)."""
    strength = edges.strength[1:] / SOBEL_SUM
    weight = torch.where(strength >= THRESHOLD, strength * safe_sqrt(strength), LEAST_WEIGHT)
    doubt = _doubt(edges.ratio, 19.0, 0.5) * _doubt(edges.agreement.abs(), 22.0, 0.5)
    lost = (1.0 - (0.9999 * 0.9995) ** 0.5 * doubt.to(torch.float64).rsqrt()) * weight
    new = edges.strength[0] > edges.strength[1:].amax(dim=0)
    return _sums(lost * new, weight)


def _sums(part: Tensor, whole: Tensor) -> Tensor:
    return torch.stack([values.sum(dim=(0, -2, -1), dtype=torch.float64) for values in (part, whole)])


METRICS = (
    Metric(
        key="qabf",
        name="Q^AB/F",
        function=edge_preservation,
        family=gradient_family,
        direction="higher",
        unit="",
        range=(0.0, 1.0),
        needs="sources",
        variant="Sobel with zeros beyond the border, all pixels, weights g, published quirk G = g_F at equal strengths",
        definition="Σ Q^AF g_A + Q^BF g_B over Σ g_A + g_B",
        source="Xydeas and Petrović, Electronics Letters 36(4), 2000",
        smallest=(2, 2),
    ),
    Metric(
        key="nabf",
        name="N^AB/F",
        function=fusion_artefacts,
        family=gradient_family,
        direction="lower",
        unit="",
        range=(0.0, 1.0),
        needs="sources",
        variant="modified by B. K. Shreyamsha Kumar: with its Q^AB/F and L^AB/F it sums to 1; Sobel/8, mirrored border",
        definition="Σ n [(1 − Q^AF) w_A + (1 − Q^BF) w_B] over Σ w_A + w_B, n = 1 where g_F exceeds all sources",
        source="Shreyamsha Kumar, Signal, Image and Video Processing 7, 2013",
        smallest=(2, 2),
    ),
)
"""The metrics of this family."""
