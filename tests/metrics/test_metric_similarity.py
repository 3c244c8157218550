import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.metrics import issim, similarity, ssim_gaussian, ssim_scikit_image, windows
from imfuse.metrics.levels import Levels
from imfuse.ops.similarity import ssim_map

ALL = {"ssim-gauss11": ssim_gaussian, "ssim-sk019": ssim_scikit_image, "issim": issim}


def random_pictures(*shape: int, count: int = 3, seed: int = 0) -> list[Tensor]:
    """Pictures that resemble each other in places, with a patch that is flat in all."""
    generator = torch.Generator().manual_seed(seed)
    base = torch.rand(shape, dtype=torch.float64, generator=generator)
    pictures = []
    for share in np.linspace(0.0, 0.9, count):
        noise = torch.rand(shape, dtype=torch.float64, generator=generator)
        noise[..., : shape[-1] // 2] = base[..., : shape[-1] // 2] * 0.9
        picture = (1 - share) * base + share * noise
        picture[..., -9:, -9:] = 0.1 + share / 2
        pictures.append((picture * 255).round() / 255)
    return pictures


@pytest.mark.parametrize("count", [1, 2, 3])
def test_equal_scikit_image(count: int) -> None:
    fused, *sources = random_pictures(1, 1, 23, 31, count=count + 1)
    f, *others = (picture.numpy()[0, 0] * 255 for picture in (fused, *sources))
    gaussian = {"data_range": 255, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    expected = sum(structural_similarity(f, other, **gaussian) for other in others)
    assert ssim_gaussian(fused, sources).item() == pytest.approx(expected, rel=1e-10)
    expected = sum(structural_similarity(f, other, data_range=2) for other in others)
    assert ssim_scikit_image(fused, sources).item() == pytest.approx(expected, rel=1e-8)


def test_equals_the_map_of_the_losses() -> None:
    fused, source = random_pictures(2, 1, 19, 17, count=2)
    expected = ssim_map(fused, source).mean(dim=(1, 2, 3))
    torch.testing.assert_close(ssim_gaussian(fused, [source]), expected, rtol=1e-9, atol=0)


def literal_issim(fused: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """Window by window."""

    def ssim(x: np.ndarray, y: np.ndarray) -> float:
        covariance = np.mean((x - x.mean()) * (y - y.mean()))
        light = (2 * x.mean() * y.mean() + 6.5025) / (x.mean() ** 2 + y.mean() ** 2 + 6.5025)
        return light * (2 * covariance + 58.5225) / (x.var() + y.var() + 58.5225)

    values = []
    for i, j in np.ndindex(fused.shape[0] - 6, fused.shape[1] - 6):
        f, a, b = (picture[i : i + 7, j : j + 7] for picture in (fused, first, second))
        if ssim(a, b) >= 0.75:
            share = 0.5 if a.var() + b.var() == 0 else a.var() / (a.var() + b.var())
            values.append(share * ssim(a, f) + (1 - share) * ssim(b, f))
        else:
            values.append(max(ssim(a, f), ssim(b, f)))
    return float(np.mean(values))


@pytest.mark.parametrize("shape", [(7, 7), (18, 25)])
def test_issim_brute_force(shape: tuple[int, int]) -> None:
    pictures = random_pictures(1, 1, *shape, seed=shape[0])
    f, a, b = (np.rint(picture.numpy()[0, 0] * 255) for picture in pictures)
    expected = literal_issim(f, a, b)
    assert issim(pictures[0], pictures[1:]).item() == pytest.approx(expected, rel=1e-9)
    assert issim(pictures[0], pictures[:0:-1]).item() == pytest.approx(expected, rel=1e-9)


def test_copies_and_constants() -> None:
    (picture,) = random_pictures(2, 1, 15, 16, count=1)
    flat, other = torch.full_like(picture, 0.2), torch.full_like(picture, 0.6)
    for key, function in ALL.items():
        best = 1.0 if key == "issim" else 2.0
        assert function(picture, [picture, picture]).tolist() == pytest.approx([best, best], rel=1e-9)
        assert function(flat, [flat, flat]).tolist() == pytest.approx([best, best], rel=1e-9)
    assert issim(picture, [picture, 1 - picture]).tolist() == pytest.approx([1.0, 1.0], rel=1e-9)  # its likeness counts
    light = (2 * 51 * 153 + 6.5025) / (51**2 + 153**2 + 6.5025)
    assert ssim_gaussian(flat, [other]).tolist() == pytest.approx([light, light], rel=1e-9)


def test_strips_and_batches_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    fused, *sources = random_pictures(3, 1, 45, 30)
    expected = {key: function(fused, sources) for key, function in ALL.items()}
    levels = Levels(fused[:, 0] * 255, tuple(source[:, 0] * 255 for source in sources))
    monkeypatch.setattr(windows, "LEAST_ROWS", 1)
    for values in (1, 400, 1 << 20):
        monkeypatch.setattr(windows, "CACHED_VALUES", values)
        together = similarity.similarity_family(levels, tuple(ALL))
        for key, value in expected.items():
            torch.testing.assert_close(together[key], value, rtol=1e-9, atol=0)


@pytest.mark.parametrize("function", ALL.values())
def test_gradient(function) -> None:
    pictures = [picture.requires_grad_() for picture in random_pictures(1, 1, 11, 12, seed=1)]
    assert torch.autograd.gradcheck(
        lambda f, a, b: function(f, [a, b]), pictures, fast_mode=True, eps=1e-7, atol=1e-4, rtol=1e-3
    )


@pytest.mark.parametrize(("key", "size"), [("ssim-gauss11", 11), ("ssim-sk019", 7), ("issim", 7)])
def test_smallest_size(key: str, size: int) -> None:
    small, enough = torch.zeros(1, 1, size, size - 1), torch.zeros(1, 1, size, size)
    with pytest.raises(UsageError, match=f"at least {size}×{size} pixels"):
        ALL[key](small, [small, small])
    assert ALL[key](enough, [enough, enough]).isfinite().all()
