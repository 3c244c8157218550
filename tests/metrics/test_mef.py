import math

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.metrics import consistency, mef_ssim, mef_ssim_of_colour, mef_ssim_with_luminance
from imfuse.ops.exposure_similarity import colour_exposure_similarity, gray_exposure_similarity

ALL = [mef_ssim, mef_ssim_with_luminance, mef_ssim_of_colour]


def exposures(*shape: int, count: int, seed: int = 0) -> list[Tensor]:
    """A smooth random scene under different exposures, each clipped; the first picture is their mean, disturbed."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand(shape, dtype=torch.float64, generator=generator)
    scene = torch.nn.functional.avg_pool2d(noise, 3, 1, 1) ** 2 + 0.1 * noise
    scene[..., : shape[-2] // 4, : shape[-1] // 4] = 0.3
    sources = [(scene * gain + 0.05 * noise.flip(-1)).clamp(0, 1) for gain in np.linspace(0.4, 4.0, count)]
    mean = torch.stack(sources).mean(dim=0)
    return [(0.9 * mean + 0.1 * torch.rand(shape, dtype=torch.float64, generator=generator)), *sources]


def window_of(size: int, sigma: float) -> np.ndarray:
    axis = np.arange(size) - size // 2
    window = np.exp(-(axis[:, None] ** 2 + axis[None, :] ** 2) / (2 * sigma**2))
    return window / window.sum()


def literal_scale(fused: np.ndarray, sources: list[np.ndarray]) -> float:
    """One scale of the metric of 2015, window by window."""
    window, values = window_of(11, 1.5), []
    for i in range(fused.shape[0] - 10):
        for j in range(fused.shape[1] - 10):
            patches = [source[i : i + 11, j : j + 11] for source in sources]
            patches = [patch - patch.mean() for patch in patches]
            lengths = [np.linalg.norm(patch) for patch in patches]
            agreement = (np.linalg.norm(sum(patches)) + 2e-16) / (sum(lengths) + 2e-16)
            exponent = min(math.tan(math.pi / 2 * min(agreement, 1 - 2e-16)), 10)
            strengths = [length + 0.001 for length in lengths]
            weights = np.array([(strength / 11) ** exponent + 2e-16 for strength in strengths])
            weights /= weights.sum()
            desired = sum(w * p / c for w, p, c in zip(weights, patches, strengths, strict=True))
            if np.linalg.norm(desired) > 0:
                desired = desired / np.linalg.norm(desired) * max(strengths)
            seen = fused[i : i + 11, j : j + 11]
            desired, seen = desired - (window * desired).sum(), seen - (window * seen).sum()
            c = (0.03 * 255) ** 2
            below = (window * desired**2).sum() + (window * seen**2).sum() + c
            values.append((2 * (window * desired * seen).sum() + c) / below)
    return float(np.mean(values))


def halve(picture: np.ndarray) -> np.ndarray:
    padded = np.pad(picture, [(0, picture.shape[0] % 2), (0, picture.shape[1] % 2)], mode="symmetric")
    return (padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2]) / 4


@pytest.mark.parametrize(("shape", "count"), [((41, 44), 2), ((45, 41), 4), ((42, 43), 1)])
def test_brute_force_of_2015(shape: tuple[int, int], count: int) -> None:
    tensors = exposures(1, 1, *shape, count=count, seed=shape[0])
    pictures = [picture.numpy()[0, 0] * 255 for picture in tensors]
    expected = 1.0
    for weight in (0.0448, 0.2856, 0.3001):
        expected *= literal_scale(pictures[0], pictures[1:]) ** (weight / 0.6305)
        pictures = [halve(picture) for picture in pictures]
    assert mef_ssim(tensors[0], tensors[1:]).item() == pytest.approx(expected, rel=1e-9)


def well_exposed(value: np.ndarray | float) -> np.ndarray | float:
    return np.exp(-((value - 0.5) ** 2) / 0.08)


def literal_maps(fused: np.ndarray, sources: list[np.ndarray], mean, brightness) -> tuple[np.ndarray, np.ndarray]:
    means = np.stack([mean(source) for source in sources])
    variances = np.stack([mean(source**2) for source in sources]) - means**2
    chosen = variances.argmax(axis=0)[None]
    covariances = np.stack([mean(fused * source) for source in sources]) - mean(fused) * means
    weights = np.stack([well_exposed(brightness(s)) * well_exposed(m) for s, m in zip(sources, means, strict=True)])
    desired = (weights * means).sum(axis=0) / weights.sum(axis=0)
    covariance, variance = (np.take_along_axis(part, chosen, axis=0)[0] for part in (covariances, variances))
    own = mean(fused)
    luminance = (2 * desired * own + 1e-4) / (desired**2 + own**2 + 1e-4)
    return luminance, (2 * covariance + 9e-4) / (mean(fused**2) - own**2 + variance + 9e-4)


@pytest.mark.parametrize(("shape", "count"), [((23, 31), 3), ((5, 9), 2), ((12, 12), 1)])
def test_brute_force_with_luminance(shape: tuple[int, int], count: int) -> None:
    tensors = exposures(1, 1, *shape, count=count)
    fused, *sources = (picture.numpy()[0, 0] for picture in tensors)

    def mean(picture: np.ndarray) -> np.ndarray:
        return correlate(picture, window_of(11, 11 / 6), mode="constant")

    luminance, structure = literal_maps(fused, sources, mean, lambda source: mean(source).mean())
    value = mef_ssim_with_luminance(tensors[0], tensors[1:]).item()
    assert value == pytest.approx(luminance.mean() * structure.mean(), rel=1e-11)


@pytest.mark.parametrize(("shape", "count"), [((23, 17), 3), ((8, 8), 2)])
def test_brute_force_in_colour(shape: tuple[int, int], count: int) -> None:
    tensors = exposures(1, 3, *shape, count=count)
    fused, *sources = (picture.numpy()[0] for picture in tensors)

    def mean(picture: np.ndarray) -> np.ndarray:
        return np.lib.stride_tricks.sliding_window_view(picture, (8, 8), axis=(1, 2)).mean(axis=(0, 3, 4))

    luminance, structure = literal_maps(fused, sources, mean, np.mean)
    value = mef_ssim_of_colour(tensors[0], tensors[1:]).item()
    assert value == pytest.approx((luminance * structure).mean(), rel=1e-11)


@pytest.mark.parametrize("function", ALL)
def test_a_copy_of_the_only_source_is_perfect_and_another_picture_is_not(function) -> None:
    other, picture = exposures(2, 3, 45, 47, count=1)
    assert function(picture, [picture]).tolist() == pytest.approx([1.0, 1.0], abs=1e-6)
    assert function(picture, [picture, picture]).tolist() == pytest.approx([1.0, 1.0], abs=1e-6)
    assert function(other, [picture]).max().item() < 0.999


@pytest.mark.parametrize("function", ALL)
def test_order_of_sources_and_orientation_do_not_matter(function) -> None:
    fused, *sources = exposures(1, 3, 44, 52, count=4)
    expected = function(fused, sources).item()
    assert function(fused, sources[::-1]).item() == pytest.approx(expected, rel=1e-10)
    turned = [picture.transpose(-1, -2).flip(-1) for picture in (fused, *sources)]
    # 2015 only: windows and scales start in the upper left corner, all sides here are multiples of 4.
    assert function(turned[0], turned[1:]).item() == pytest.approx(expected, rel=1e-10)


def test_only_the_metric_of_2015_is_blind_to_brightness() -> None:
    fused, *sources = exposures(1, 1, 48, 48, count=3)
    darker = [0.8 * fused + shift for shift in (0.0, 0.2)]
    assert mef_ssim(darker[0], sources).item() == pytest.approx(mef_ssim(darker[1], sources).item(), rel=1e-10)
    for function in (mef_ssim_with_luminance, mef_ssim_of_colour):
        assert abs(function(darker[0], sources).item() - function(darker[1], sources).item()) > 0.005


def test_only_colour_sees_false_colours() -> None:
    fused, *sources = (picture.expand(-1, 3, -1, -1) for picture in exposures(1, 1, 48, 48, count=3))
    # Red and green in opposite directions, without any change of luma.
    tint = torch.tensor([0.587, -0.299, 0.0], dtype=torch.float64).view(1, 3, 1, 1)
    pattern = torch.rand(1, 1, 48, 48, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    neutral = fused * 0.6 + 0.2
    coloured = neutral + 0.3 * tint * pattern
    assert mef_ssim(coloured, sources).item() == pytest.approx(mef_ssim(neutral, sources).item(), rel=1e-9)
    assert mef_ssim_of_colour(coloured, sources).item() < mef_ssim_of_colour(neutral, sources).item() - 0.01


def test_gray_pictures_count_as_colour_ones_with_equal_channels() -> None:
    fused, *sources = exposures(1, 1, 20, 20, count=2)
    expected = mef_ssim_of_colour(fused, sources).item()
    colour = sources[0].expand(-1, 3, -1, -1)
    assert mef_ssim_of_colour(fused, [colour, sources[1]]).item() == pytest.approx(expected, rel=1e-12)


def test_of_opposite_structures_nothing_is_left_to_compare_with() -> None:
    picture = exposures(1, 1, 44, 44, count=1)[1]
    expected, gray = 1.0, picture.numpy()[0, 0] * 255
    for weight in (0.0448, 0.2856, 0.3001):
        patches = np.lib.stride_tricks.sliding_window_view(gray, (11, 11))
        centred = patches - (patches * window_of(11, 1.5)).sum(axis=(2, 3), keepdims=True)
        variance = (centred**2 * window_of(11, 1.5)).sum(axis=(2, 3))
        expected *= ((0.03 * 255) ** 2 / (variance + (0.03 * 255) ** 2)).mean() ** (weight / 0.6305)
        gray = halve(gray)
    assert mef_ssim(picture, [picture, 1 - picture]).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("function", ALL)
def test_gradients(function) -> None:
    size = 41 if function is mef_ssim else 9
    pictures = [picture.requires_grad_() for picture in exposures(1, 1, size, size + 1, count=3, seed=2)]
    assert torch.autograd.gradcheck(
        lambda f, *s: function(f, s), pictures, fast_mode=True, eps=1e-7, atol=1e-5, rtol=1e-4
    )


@pytest.mark.parametrize("function", ALL)
def test_gradients_of_flat_pictures_are_finite(function) -> None:
    flat = torch.full((1, 1, 44, 44), 0.5, dtype=torch.float64, requires_grad=True)
    function(flat, [flat.detach(), *exposures(1, 1, 44, 44, count=1)[1:]]).sum().backward()
    assert flat.grad is not None
    assert flat.grad.isfinite().all()
    sources = [torch.full_like(flat, 0.3, requires_grad=True), torch.full_like(flat, 0.6)]
    function(flat.detach(), sources).sum().backward()
    assert sources[0].grad is not None
    assert sources[0].grad.isfinite().all()


def test_strips_and_the_whole_picture_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    fused, *sources = (picture[:, 0] * 255 for picture in exposures(2, 1, 70, 43, count=2))
    expected = consistency.structural_consistency(fused, sources)
    for values in (1, 1000):
        monkeypatch.setattr(consistency, "STRIP_VALUES", values)
        torch.testing.assert_close(consistency.structural_consistency(fused, sources), expected, rtol=1e-11, atol=0)


@pytest.mark.parametrize(
    ("function", "maps", "channels"),
    [
        (mef_ssim_with_luminance, gray_exposure_similarity, 1),
        (mef_ssim_of_colour, colour_exposure_similarity, 3),
    ],
)
def test_maps_serve_as_a_loss_in_single_precision(function, maps, channels: int) -> None:
    fused, *sources = (picture.float() for picture in exposures(2, channels, 32, 40, count=5))
    network = fused.clone().requires_grad_()
    luminance, structure = maps(network, iter(sources))  # any iterable: one source in memory at a time
    assert luminance.dtype == structure.dtype == torch.float32
    both = [part.mean(dim=(1, 2, 3)) for part in (luminance, structure)]
    value = both[0] * both[1] if channels == 1 else (luminance * structure).mean(dim=(1, 2, 3))
    torch.testing.assert_close(value.double(), function(fused, sources), rtol=1e-4, atol=0)
    (1 - value.mean()).backward()
    assert network.grad is not None
    assert network.grad.dtype == torch.float32
    step = (network.detach() - 0.5 * network.grad / network.grad.abs().max() * 0.02).clamp(0, 1)
    assert (function(step, sources) > function(fused, sources)).all()


def test_unfit_pictures() -> None:
    small = torch.zeros(1, 1, 40, 60)
    with pytest.raises(UsageError, match="at least 41×41 pixels, but these have 40×60"):
        mef_ssim(small, [small, small])
    assert mef_ssim_with_luminance(small[..., :1, :1], [small[..., :1, :1]]).item() == pytest.approx(1.0)
    with pytest.raises(UsageError, match="at least 8×8"):
        mef_ssim_of_colour(small[..., :7, :], [small[..., :7, :]])
    with pytest.raises(UsageError, match="same channels, but some have 2 and some 3"):
        mef_ssim_of_colour(torch.zeros(1, 3, 9, 9), [torch.zeros(1, 2, 9, 9)])
    for function in ALL:
        with pytest.raises(UsageError, match="at least one source"):
            function(torch.zeros(1, 1, 50, 50), [])
