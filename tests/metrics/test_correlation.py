import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.metrics import correlation_coefficient
from imfuse.metrics import sum_of_correlations_of_differences as scd


def random_pictures(*shape: int, count: int = 3, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(shape, dtype=torch.float64, generator=generator) for _ in range(count)]


def test_sum_of_the_sources_gives_two() -> None:
    first, second = (picture / 2 for picture in random_pictures(2, 1, 9, 7, count=2))
    assert scd(first + second, [first, second]).tolist() == pytest.approx([2.0, 2.0], rel=1e-12)


def test_mean_of_uncorrelated_sources_of_equal_variance_gives_root_two() -> None:
    wave = torch.tensor([0.2, 0.8, 0.2, 0.8], dtype=torch.float64)
    first, second = wave.view(1, 1, 1, 4).expand(1, 1, 4, 4), wave.view(1, 1, 4, 1).expand(1, 1, 4, 4)
    assert scd((first + second) / 2, [first, second]).item() == pytest.approx(math.sqrt(2), rel=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 30), st.integers(2, 30))
def test_brute_force(seed: int, height: int, width: int) -> None:
    fused, first, second = random_pictures(1, 1, height, width, seed=seed)
    f, a, b = (picture.numpy().ravel() for picture in (fused, first, second))
    expected = np.corrcoef(a, f - b)[0, 1] + np.corrcoef(b, f - a)[0, 1]
    assert scd(fused, [first, second]).item() == pytest.approx(expected, abs=1e-11)
    assert scd(fused, [second, first]).item() == pytest.approx(expected, abs=1e-11)


def test_undefined_correlations_count_zero() -> None:
    fused, first, _ = random_pictures(1, 1, 8, 8)
    constant = torch.full_like(first, 0.3)
    alone = np.corrcoef(first.numpy().ravel(), fused.numpy().ravel())[0, 1]
    assert scd(fused, [first, constant]).item() == pytest.approx(alone, rel=1e-12)
    assert scd(constant, [constant, constant]).item() == 0.0
    assert scd(first, [first, first]).item() == 0.0
    assert scd(first / 2 + 0.25, [fused, first / 2]).isfinite().all()


def test_nearly_equal_pictures_in_float32_count_as_constant_difference() -> None:
    first = torch.arange(256, dtype=torch.float32).view(1, 1, 16, 16) / 255
    assert scd((first * 255).to(torch.uint8).float() / 255, [first, first]).item() == 0.0


def test_gradient() -> None:
    fused, first, second = (picture.requires_grad_() for picture in random_pictures(2, 1, 4, 5))
    assert torch.autograd.gradcheck(lambda f, a, b: scd(f, [a, b]), (fused, first, second))


@pytest.mark.parametrize("count", [1, 2, 4])
def test_mean_correlation_brute_force(count: int) -> None:
    fused, *sources = random_pictures(2, 1, 250, 170, count=count + 1)
    for index, value in enumerate(correlation_coefficient(fused, sources).tolist()):
        f, *others = (picture[index].numpy().ravel() for picture in (fused, *sources))
        assert value == pytest.approx(np.mean([np.corrcoef(f, other)[0, 1] for other in others]), abs=1e-12)


def test_mean_correlation_of_scaled_negative_and_constant_sources() -> None:
    (fused,) = random_pictures(1, 1, 9, 8, count=1)
    constant = torch.full_like(fused, 0.3)
    assert correlation_coefficient(fused, [fused / 3 + 0.2]).item() == pytest.approx(1.0, rel=1e-12)
    assert correlation_coefficient(fused, [fused, 1 - fused]).item() == pytest.approx(0.0, abs=1e-12)
    assert correlation_coefficient(fused, [fused, constant]).item() == pytest.approx(0.5, rel=1e-12)
    assert correlation_coefficient(constant, [fused, constant]).item() == 0.0


def test_gradient_of_the_mean_correlation() -> None:
    pictures = [picture.requires_grad_() for picture in random_pictures(2, 1, 4, 5, count=4)]
    assert torch.autograd.gradcheck(lambda f, *sources: correlation_coefficient(f, sources), pictures)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_needs_two_sources(count: int) -> None:
    pictures = random_pictures(1, 1, 4, 4, count=count + 1)
    with pytest.raises(UsageError, match=f"exactly two sources, but {count} were given"):
        scd(pictures[0], pictures[1:])
