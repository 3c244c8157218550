"""FNet's losses: Sobel against SciPy, the closed forms of simple pictures, and gradients in float64."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from imfuse.losses.fnet import fusion_loss, inverse_fusion_loss
from imfuse.losses.gradients import edge_shares, sobel, sobel_distance, sobel_strength
from imfuse.ops.similarity import ssim_map


def pictures(count: int, height: int = 14, width: int = 13, batch: int = 2) -> list[torch.Tensor]:
    return list(torch.rand(count, batch, 1, height, width, generator=torch.manual_seed(0), dtype=torch.double))


def test_sobel_is_scipys_inside_the_picture() -> None:
    (x,) = pictures(1)
    for axis, component in zip((-1, -2), sobel(x), strict=True):
        expected = ndimage.sobel(x[0, 0].numpy(), axis=axis)[1:-1, 1:-1]
        np.testing.assert_allclose(component[0, 0], expected, atol=1e-12)


def test_the_gradient_of_a_ramp() -> None:
    """A slope of s per column has |Sobel x| = 8s; that of both components is what the distance counts."""
    rows, columns = torch.meshgrid(torch.arange(9.0), torch.arange(7.0), indexing="ij")
    ramp = (0.1 * columns + 0.03 * rows)[None, None]
    torch.testing.assert_close(sobel_strength(ramp), torch.full((1, 1, 7, 5), 8 * 0.13))
    assert float(sobel_distance(ramp, torch.zeros_like(ramp))) == pytest.approx(8 * 0.13, rel=1e-5)
    assert float(sobel_distance(ramp, ramp + 0.4)) == pytest.approx(0, abs=1e-6)


def test_stage_one_is_zero_for_the_sources_themselves_and_counts_both() -> None:
    first, second, third = pictures(3)
    assert float(inverse_fusion_loss((first, second), (first, second))) == 0
    one = inverse_fusion_loss((third, second), (first, second))
    other = inverse_fusion_loss((first, third), (first, second))
    both = inverse_fusion_loss((third, third), (first, second))
    torch.testing.assert_close(both, one + other)
    torch.testing.assert_close(one, (third - first).abs().mean() + sobel_distance(third, first))


def test_the_shares_of_edges() -> None:
    first, second = pictures(2)
    shares = edge_shares(first, second)
    torch.testing.assert_close(shares[0] + shares[1], torch.ones(2, dtype=torch.double))
    torch.testing.assert_close(edge_shares(second, first)[0], shares[1])
    flat = torch.full_like(first, 0.5)
    assert edge_shares(first, flat)[0].tolist() == [1, 1]
    assert edge_shares(flat, flat)[0].tolist() == [0.5, 0.5]
    # A gradient of three times the strength has three quarters of the weight.
    torch.testing.assert_close(edge_shares(0.3 * first, 0.1 * first)[0], torch.full((2,), 0.75, dtype=torch.double))


def test_each_term_of_stage_two() -> None:
    first, second, fused = pictures(3)
    sources = first, second
    intensity = (fused - torch.maximum(first, second)).abs().mean()
    torch.testing.assert_close(fusion_loss(fused, sources, 1, 0, 0), intensity)
    strongest = torch.maximum(sobel_strength(first), sobel_strength(second))
    gradient = (sobel_strength(fused) - strongest).abs().mean()
    torch.testing.assert_close(fusion_loss(fused, sources, 0, 1, 0), gradient)
    shares = edge_shares(first, second)
    structure = 0.0
    for index in range(2):
        for share, source in zip(shares, sources, strict=True):
            one = slice(index, index + 1)
            structure += float(share[index] * (1 - ssim_map(source[one], fused[one]).mean())) / 2
    assert float(fusion_loss(fused, sources, 0, 0, 1)) == pytest.approx(structure, rel=1e-12)
    total = 20 * intensity + 20 * gradient + 15 * structure
    torch.testing.assert_close(fusion_loss(fused, sources), total)


def test_one_picture_twice_fuses_to_itself_without_loss() -> None:
    (first,) = pictures(1)
    assert float(fusion_loss(first, (first, first))) == pytest.approx(0, abs=1e-12)


def test_gradients() -> None:
    first, second, fused = pictures(3, 12, 11, 1)
    fused.requires_grad_()
    torch.autograd.gradcheck(lambda x: fusion_loss(x, (first, second)), fused)
    torch.autograd.gradcheck(lambda x: inverse_fusion_loss((x, x), (first, second)), fused)
