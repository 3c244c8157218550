import math

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.metrics import edge_preservation, fusion_artefacts, gradient, windows
from imfuse.metrics.levels import Levels

BOTH = [edge_preservation, fusion_artefacts]
RIGHT = np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])


def random_pictures(*shape: int, count: int = 3, seed: int = 0, whole: bool = True) -> list[Tensor]:
    """Pictures of few whole levels, so that equal strengths, upright edges and flat patches all occur."""
    generator = torch.Generator().manual_seed(seed)
    pictures = [torch.rand(shape, dtype=torch.float64, generator=generator) for _ in range(count)]
    return [(picture * 4).floor() * 40 / 255 if whole else picture for picture in pictures]


def literal_qabf(fused: np.ndarray, sources: list[np.ndarray]) -> float:
    """Pixel by pixel, as published."""

    def edges(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return convolve2d(picture, RIGHT, mode="same"), convolve2d(picture, -RIGHT.T, mode="same")

    def angle(x: float, y: float) -> float:
        return math.pi / 2 if x == 0 else math.atan(y / x)

    kept = whole = 0.0
    fx, fy = edges(fused)
    for source in sources:
        sx, sy = edges(source)
        for i, j in np.ndindex(fused.shape):
            g, gf = math.hypot(sx[i, j], sy[i, j]), math.hypot(fx[i, j], fy[i, j])
            ratio = gf if g == gf else min(g, gf) / max(g, gf)
            agreement = 1 - abs(angle(sx[i, j], sy[i, j]) - angle(fx[i, j], fy[i, j])) / (math.pi / 2)
            quality = 0.9994 / (1 + math.exp(-15 * (ratio - 0.5))) * 0.9879 / (1 + math.exp(-22 * (agreement - 0.8)))
            kept, whole = kept + quality * g, whole + g
    return kept / whole


def literal_parts(fused: np.ndarray, sources: list[np.ndarray]) -> tuple[float, float, float]:
    """Kumar's Q^AB/F, L^AB/F and N^AB/F, pixel by pixel."""

    def edges(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        wide = np.pad(picture, 1, mode="reflect")
        return convolve2d(wide, RIGHT / 8, mode="valid"), convolve2d(wide, RIGHT.T / 8, mode="valid")

    def angle(v: float, h: float) -> float:
        return 0.0 if v == 0 and h == 0 else math.copysign(math.pi / 2, v) if h == 0 else math.atan(v / h)

    parts, whole = np.zeros(3), 0.0
    fv, fh = edges(fused)
    gradients = [edges(source) for source in sources]
    for i, j in np.ndindex(fused.shape):
        gf = math.hypot(fv[i, j], fh[i, j])
        strengths = [math.hypot(v[i, j], h[i, j]) for v, h in gradients]
        for g, (v, h) in zip(strengths, gradients, strict=True):
            ratio = 0.0 if g == 0 or gf == 0 else min(g, gf) / max(g, gf)
            turn = abs(angle(v[i, j], h[i, j]) - angle(fv[i, j], fh[i, j]))
            agreement = abs(turn - math.pi / 2) * 2 / math.pi
            strength = 0.9999 / (1 + math.exp(-19 * (ratio - 0.5)))
            quality = math.sqrt(strength * 0.9995 / (1 + math.exp(-22 * (agreement - 0.5))))
            weight = g**1.5 if g >= 2 else 0.001
            new = all(gf > other for other in strengths)
            parts += weight * np.array([quality, (1 - quality) * (not new), (1 - quality) * new])
            whole += weight
    kept, lost, invented = parts / whole
    return kept, lost, invented


@pytest.mark.parametrize("shape", [(2, 2), (2, 5), (5, 2), (3, 3), (16, 13)])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_brute_force(shape: tuple[int, int], count: int) -> None:
    fused, *sources = random_pictures(1, 1, *shape, count=count + 1, seed=shape[0] + count)
    f, *others = (np.rint(picture.numpy()[0, 0] * 255) for picture in (fused, *sources))
    kept, lost, invented = literal_parts(f, others)
    for wanted in (False, True):  # float32 inside without a gradient, float64 with it
        tolerance = 1e-12 if wanted else 1e-6
        given = fused.clone().requires_grad_(wanted)
        assert edge_preservation(given, sources).item() == pytest.approx(literal_qabf(f, others), rel=tolerance)
        assert fusion_artefacts(given, sources).item() == pytest.approx(invented, rel=tolerance, abs=1e-9)
    assert kept + lost + invented == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("whole", [True, False])
def test_strips_and_batches_give_the_same(monkeypatch: pytest.MonkeyPatch, whole: bool) -> None:
    pictures = random_pictures(3, 1, 40, 21, whole=whole)
    expected = [function(pictures[0], pictures[1:]) for function in BOTH]
    levels = Levels(*(p[:, 0] * 255 for p in pictures[:1]), tuple(p[:, 0] * 255 for p in pictures[1:]))
    monkeypatch.setattr(windows, "LEAST_ROWS", 1)
    for values in (1, 100, 1 << 20):
        monkeypatch.setattr(windows, "CACHED_VALUES", values)
        together = gradient.gradient_family(levels, ("qabf", "nabf"))
        torch.testing.assert_close(list(together.values()), expected, rtol=1e-6, atol=1e-9)


def test_a_copy_of_a_step_keeps_nearly_all_and_invents_nothing() -> None:
    step = torch.zeros(1, 1, 9, 12, dtype=torch.uint8)
    step[..., 6:] = 200
    assert fusion_artefacts(step, [step, step]).item() == 0.0
    inside = 0.9994 * 0.9879 / (1 + math.exp(-22 * 0.2))  # G is the strength itself, which saturates; A is 1
    assert edge_preservation(step, [step, step]).item() == pytest.approx(inside, rel=1e-6)


def test_an_edge_that_no_source_has_is_an_artefact() -> None:
    flat = torch.full((1, 1, 8, 8), 90, dtype=torch.uint8)
    edge = flat.clone()
    edge[..., 4:] = 200
    # Where the fused picture has its edge the sources count 0.001, with Q of no likeness in strength and some in angle.
    share = 2 / 8
    unlike = math.sqrt(0.9999 / (1 + math.exp(19 * 0.5)) * 0.9995 / (1 + math.exp(-22 * (0.0 - 0.5))))
    assert fusion_artefacts(edge, [flat, flat]).item() == pytest.approx(share * (1 - unlike), rel=1e-6)
    assert fusion_artefacts(flat, [edge, flat]).item() == 0.0


def test_pictures_without_any_edge_in_the_sources_leave_nothing_to_keep() -> None:
    black, noise = torch.zeros(1, 1, 7, 7), random_pictures(1, 1, 7, 7, count=1)[0].float()
    assert edge_preservation(noise, [black, black]).item() == 1.0


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize("whole", [True, False])
def test_gradient(function, whole: bool) -> None:
    if whole:  # flat patches: no check against differences, which jump there
        fused, *sources = random_pictures(1, 1, 9, 9)
        (slope,) = torch.autograd.grad(function(fused.requires_grad_(), sources).sum(), fused)
        assert slope.isfinite().all()
        return
    pictures = [picture.requires_grad_() for picture in random_pictures(1, 1, 5, 6, whole=False)]
    assert torch.autograd.gradcheck(lambda f, a, b: function(f, [a, b]), pictures, eps=1e-8, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("function", BOTH)
def test_one_row_has_no_edges(function) -> None:
    with pytest.raises(UsageError, match="2×2"):
        function(torch.zeros(1, 1, 1, 9), [torch.zeros(1, 1, 1, 9)])
