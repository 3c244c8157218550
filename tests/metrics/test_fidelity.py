import math

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.metrics import fidelity, viff, windows
from imfuse.metrics import visual_information_fidelity as vif
from imfuse.metrics.levels import Levels


def random_pictures(*shape: int, count: int = 3, seed: int = 0) -> list[Tensor]:
    """Smooth random pictures with flat patches, of which the later ones resemble the first more or less."""
    generator = torch.Generator().manual_seed(seed)
    base = torch.rand(shape, dtype=torch.float64, generator=generator)
    base[..., : shape[-2] // 3, : shape[-1] // 3] = 0.75
    pictures = []
    for share in np.linspace(0.7, 0.0, count):
        noise = torch.rand(shape, dtype=torch.float64, generator=generator)
        noise[..., shape[-2] // 2 :, shape[-1] // 2 :] = 0.5
        pictures.append(share * base + (1 - share) * noise)
    return pictures


def gaussian(size: int) -> np.ndarray:
    axis = np.arange(size) - size // 2
    window = np.exp(-(axis[:, None] ** 2 + axis[None, :] ** 2) / (2 * (size / 5) ** 2))
    return window / window.sum()


def literal_maps(source: np.ndarray, fused: np.ndarray, noise: float):
    """VID, VIND and gain on four scales, step by step as the published MATLAB functions go."""
    for scale in range(4):
        window = gaussian(2 ** (4 - scale) + 1)
        if scale > 0:
            source = convolve2d(source, window, mode="valid")[::2, ::2]
            fused = convolve2d(fused, window, mode="valid")[::2, ::2]
        m1, m2 = convolve2d(source, window, mode="valid"), convolve2d(fused, window, mode="valid")
        s1 = np.maximum(convolve2d(source**2, window, mode="valid") - m1**2, 0)
        s2 = np.maximum(convolve2d(fused**2, window, mode="valid") - m2**2, 0)
        s12 = convolve2d(source * fused, window, mode="valid") - m1 * m2
        g = s12 / (s1 + 1e-10)
        sv = s2 - g * s12
        g[s1 < 1e-10] = 0
        sv[s1 < 1e-10] = s2[s1 < 1e-10]
        s1[s1 < 1e-10] = 0
        g[s2 < 1e-10] = 0
        sv[s2 < 1e-10] = 0
        sv[g < 0] = s2[g < 0]
        g[g < 0] = 0
        sv[sv <= 1e-10] = 1e-10
        yield np.log10(1 + g**2 * s1 / (sv + noise)), np.log10(1 + s1 / noise), g


def literal_vif(source: np.ndarray, fused: np.ndarray) -> float:
    maps = list(literal_maps(source, fused, 2.0))
    return sum(seen.sum() for seen, _, _ in maps) / sum(possible.sum() for _, possible, _ in maps)


def literal_viff(first: np.ndarray, second: np.ndarray, fused: np.ndarray) -> float:
    noise, total = 0.005 * 255 * 255, 0.0
    scales = zip(literal_maps(first, fused, noise), literal_maps(second, fused, noise), strict=True)
    for weight, ((n1, d1, g1), (n2, d2, g2)) in zip([1, 0, 0.15, 1], scales, strict=True):
        smaller = g1 < g2
        seen, possible = np.where(smaller, n1, n2), np.where(smaller, d1, d2)
        total += weight / 2.15 * (seen + 1e-7).sum() / (possible + 1e-7).sum()
    return total


@pytest.mark.parametrize("shape", [(41, 41), (48, 67), (63, 44)])
def test_brute_force(shape: tuple[int, int]) -> None:
    pictures = random_pictures(1, 1, *shape, seed=shape[0])
    fused, first, second = pictures
    f, a, b = (picture.numpy()[0, 0] * 255 for picture in pictures)
    assert vif(fused, [first, second]).item() == pytest.approx(literal_vif(a, f) + literal_vif(b, f), rel=1e-9)
    assert vif(fused, [second]).item() == pytest.approx(literal_vif(b, f), rel=1e-9)
    assert viff(fused, [first, second]).item() == pytest.approx(literal_viff(a, b, f), rel=1e-9)
    assert viff(fused, [second, first]).item() == pytest.approx(literal_viff(b, a, f), rel=1e-9)


def test_negative_of_a_source_shows_nothing_of_it() -> None:
    (picture,) = random_pictures(1, 1, 45, 45, count=1)
    f = picture.numpy()[0, 0] * 255
    assert vif(1 - picture, [picture]).item() == pytest.approx(literal_vif(f, 255 - f), abs=1e-12)
    assert vif(1 - picture, [picture]).item() == pytest.approx(0.0, abs=1e-12)


def test_exact_copies() -> None:
    (picture,) = random_pictures(2, 1, 41, 50, count=1)
    assert vif(picture, [picture, picture]).tolist() == pytest.approx([2.0, 2.0], rel=1e-9)
    assert viff(picture, [picture, picture]).tolist() == pytest.approx([1.0, 1.0], rel=1e-9)


def test_raised_contrast_gives_more_than_a_copy_and_lowered_less() -> None:
    (picture,) = random_pictures(1, 1, 41, 50, count=1)
    source = picture / 2
    assert vif(picture, [source]).item() > 1.0 > vif(picture / 4, [source]).item()


def test_constant_pictures() -> None:
    (picture,) = random_pictures(1, 1, 41, 50, count=1)
    constant = torch.full_like(picture, 0.4)
    assert vif(picture, [constant]).item() == 1.0  # nothing to show, nothing lost
    assert vif(constant, [picture]).item() == pytest.approx(0.0, abs=1e-12)
    assert viff(constant, [constant, constant]).item() == pytest.approx(1.0, rel=1e-12)
    assert viff(picture, [picture, constant]).item() == pytest.approx(1.0, rel=1e-12)  # it is chosen everywhere
    assert viff(constant, [picture, picture]).item() == pytest.approx(0.0, abs=1e-5)


def test_strips_and_whole_batches_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    fused, first, second = random_pictures(3, 1, 70, 53)
    one_by_one = {"vif": vif(fused, [first, second]), "viff": viff(fused, [first, second])}
    levels = Levels(*(picture[:, 0] * 255 for picture in (fused,)), tuple(s[:, 0] * 255 for s in (first, second)))
    for values in (1, 400, 1 << 24):
        monkeypatch.setattr(windows, "CACHED_VALUES", values)
        together = fidelity.fidelity_family(levels, ("vif", "viff"))
        for key, value in one_by_one.items():
            torch.testing.assert_close(together[key], value, rtol=1e-12, atol=0)


@pytest.mark.parametrize("function", [vif, viff])
def test_gradient(function) -> None:
    pictures = [picture.requires_grad_() for picture in random_pictures(1, 1, 41, 42, seed=3)]
    assert torch.autograd.gradcheck(
        lambda f, a, b: function(f, [a, b]), pictures, fast_mode=True, eps=1e-7, atol=1e-5, rtol=1e-4
    )


def test_gradient_of_flat_pictures_is_finite() -> None:
    fused = torch.full((1, 1, 41, 41), 0.5, dtype=torch.float64, requires_grad=True)
    vif(fused, [torch.full_like(fused, 0.5), random_pictures(1, 1, 41, 41)[0]]).sum().backward()
    assert fused.grad is not None
    assert fused.grad.isfinite().all()


@pytest.mark.parametrize("function", [vif, viff])
def test_smallest_size(function) -> None:
    for shape in ((40, 60), (60, 40)):
        picture = torch.zeros(1, 1, *shape)
        with pytest.raises(UsageError, match=f"at least 41×41 pixels, but these have {shape[0]}×{shape[1]}"):
            function(picture, [picture, picture])
    assert math.isfinite(function(torch.zeros(1, 1, 41, 41), [torch.zeros(1, 1, 41, 41)] * 2).item())


def test_number_of_sources() -> None:
    picture = torch.zeros(1, 1, 41, 41)
    with pytest.raises(UsageError, match="at least one source"):
        vif(picture, [])
    with pytest.raises(UsageError, match="exactly two sources, but 3 were given"):
        viff(picture, [picture] * 3)
