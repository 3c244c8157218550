"""NIQE: how far the statistics of a picture's blocks are from those of pristine photographs."""

import os
from collections.abc import Collection
from functools import partial

import torch
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.metrics.blind.models import NiqeModel, niqe_model
from imfuse.metrics.blind.scene_statistics import fit_asymmetric_gaussian, normalise, rounded_levels
from imfuse.metrics.families import measure
from imfuse.metrics.levels import Levels
from imfuse.metrics.metric import Metric

BLOCK = 96
SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))  # rows, columns
HALF_TAPS = (-0.01171875, -0.03515625, 0.11328125, 0.43359375)  # a = −0.5, at distances 3.5, 2.5, 1.5, 0.5 of 2 pixels


def niqe(fused: Tensor, model: str | os.PathLike[str] | None = None) -> Tensor:
    """Natural image quality evaluator (NIQE).

    The picture, rounded to 8 bits and cut at the right and below to whole blocks of 96×96 pixels, is normalised; each
    block gives 18 features, and 18 at half scale: the fit of the normalised pixels, and of their products with the
    neighbours to the right, below and on both diagonals, cyclic within the block. With mean μ and covariance Σ of the
    blocks' features, and those of pristine photographs,
    NIQE = sqrt((μ − μ_p)ᵀ((Σ + Σ_p)/2)⁻¹(μ − μ_p)). Lower is better: more like a photograph. Not differentiable.

    The gray picture is the full-range luma, as in the authors' release; half scale is MATLAB's `imresize` (bicubic,
    filtered against aliasing). Flat blocks, whose statistics do not exist, are left out of Σ, and of μ where a
    feature does not exist; with fewer than two others the value is NaN.

    Values of two pristine models do not compare. That of imfuse's own (``niqe.json`` beside it says on which pictures
    it was fitted) is somewhat different from that of the authors.

    Args:
        fused: (B, 1 or 3, H, W) of at least two blocks, so with sides of at least 96 and 192, floating point in
            [0, 1], or uint8 0…255; of RGB the luma is rounded.
        model: a file with a pristine model: LIVE's as ``.mat`` (needs SciPy) or ``.npz``, or a ``.safetensors`` of
            `imfuse.metrics.blind.fit`; if left out, the one that the environment variable ``IMFUSE_NIQE_MODEL`` names,
            and otherwise imfuse's own.

    Returns:
        float64 tensor (B,), without unit, from 0.

    Raises:
        UsageError: The picture has another shape, type or range, is too small, or the model cannot be read.

    Source:
        Mittal, Soundararajan, Bovik, Making a "completely blind" image quality analyzer, IEEE Signal Processing Letters
        20(3), 2013; details as in the authors' release.
    """
    family = niqe_family if model is None else partial(niqe_family, model=niqe_model(model))
    return measure([(family, ("niqe",))], fused)["niqe"]


def niqe_family(levels: Levels, keys: Collection[str], model: NiqeModel | None = None) -> dict[str, Tensor]:
    """Compute `niqe`, with the model that the environment names or imfuse's own if none is given."""
    if "niqe" not in keys:
        return {}
    model = niqe_model() if model is None else model
    height, width = levels.fused.shape[-2:]
    if (height // BLOCK) * (width // BLOCK) < 2:
        raise UsageError(
            f"NIQE needs two blocks of {BLOCK}×{BLOCK} pixels, so pictures of at least {BLOCK}×{2 * BLOCK}, but these "
            f"have {height}×{width}"
        )
    features, _ = niqe_features(levels.fused)
    return {"niqe": torch.stack([_distance(blocks, model) for blocks in features])}


@torch.no_grad()
def niqe_features(levels: Tensor) -> tuple[Tensor, Tensor]:
    """The features of the blocks of pictures, and how sharp the blocks are.

    Args:
        levels: (B, H, W) with H, W ≥ 96, gray levels 0…255; they are rounded first.

    Returns:
        Features (B, N, 36) of the N blocks, row by row: for the whole and then for half scale the shape α and
        (β_l + β_r)/2 of the normalised pixels, then for each of the four neighbours α, mean, β_l and β_r of the
        products. And the sharpness (B, N): the mean of the local deviation, in gray levels.
    """
    height, width = (side // BLOCK * BLOCK for side in levels.shape[-2:])
    picture = rounded_levels(levels[:, :height, :width])
    whole, deviation = normalise(picture)
    half, _ = normalise(_half(picture))
    features = torch.cat([_features(_blocks(whole, BLOCK)), _features(_blocks(half, BLOCK // 2))], dim=-1)
    return features, _blocks(deviation, BLOCK).mean(dim=(-2, -1))


def _half(picture: Tensor) -> Tensor:
    """Halve pictures (B, H, W) of even sides as MATLAB's `imresize` does, the border mirrored with its pixel."""
    for axis in (-2, -1):
        size = picture.size(axis)
        before = torch.arange(2, -1, -1, device=picture.device)
        inside = torch.arange(size, device=picture.device)
        padded = picture.index_select(axis, torch.cat([before, inside, size - 1 - before.flip(0)]))
        taps = (*HALF_TAPS, *reversed(HALF_TAPS))
        parts = [tap * padded.narrow(axis, i, size - 1).unfold(axis, 1, 2)[..., 0] for i, tap in enumerate(taps)]
        picture = torch.stack(parts).sum(dim=0)
    return picture


def _blocks(pictures: Tensor, size: int) -> Tensor:
    """Cut pictures (B, H, W) into blocks (B, N, size, size)."""
    return pictures.unfold(1, size, size).unfold(2, size, size).flatten(1, 2)


def _features(blocks: Tensor) -> Tensor:
    fit = fit_asymmetric_gaussian(blocks)
    left, right = fit.scales()
    features = [fit.shape, (left + right) / 2.0]
    for shift in SHIFTS:
        fit = fit_asymmetric_gaussian(blocks * blocks.roll(shift, dims=(-2, -1)))
        features += [fit.shape, fit.mean(), *fit.scales()]
    return torch.stack(features, dim=-1)


def _distance(features: Tensor, model: NiqeModel) -> Tensor:
    """Distance of the features (N, 36) of one picture's blocks to the pristine ones."""
    mean = features.nanmean(dim=0)
    whole = features[~features.isnan().any(dim=-1)]
    if len(whole) < 2:
        return features.new_tensor(torch.nan)
    difference = mean - model.mean.to(mean.device)
    covariance = (whole.T.cov() + model.covariance.to(mean.device)) / 2.0
    inverse: Tensor = torch.linalg.pinv(covariance, hermitian=True)
    return (difference @ inverse @ difference).clamp(min=0.0).sqrt()


METRICS = (
    Metric(
        key="niqe",
        name="NIQE",
        function=niqe,
        family=niqe_family,
        direction="lower",
        unit="",
        range=(0.0, None),
        needs="fused",
        variant="blocks of 96×96, full-range luma rounded to 8 bits; pristine model of imfuse unless another is named",
        definition="sqrt((μ − μ_p)ᵀ((Σ + Σ_p)/2)⁻¹(μ − μ_p)) of 36 natural scene statistics per block",
        source="Mittal, Soundararajan, Bovik, IEEE Signal Processing Letters 20(3), 2013",
        differentiable=False,
        smallest=(BLOCK, 2 * BLOCK),
    ),
)
"""The metrics of this family."""
