"""The metrics of a fused picture and its sources as evaluators of fusion papers compute them, for comparison.

NumPy, ``scipy.signal.convolve2d`` with full windows, scikit-learn and scikit-image. Each takes the fused picture and
two sources, float64 arrays (H, W) of whole levels 0…255.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.signal import convolve2d
from skimage.metrics import structural_similarity
from sklearn.metrics import mutual_info_score

Array = NDArray[np.float64]


def mutual_information(f: Array, a: Array, b: Array) -> float:
    """MI in nats, summed."""
    return float(mutual_info_score(f.ravel(), a.ravel()) + mutual_info_score(f.ravel(), b.ravel()))


def mutual_information_bits(f: Array, a: Array, b: Array) -> float:
    """MI in bits, summed."""
    return mutual_information(f, a, b) / float(np.log(2))


def entropy(picture: Array) -> float:
    """Entropy of the levels in nats."""
    shares = np.histogram(picture, bins=256, range=(-0.5, 255.5))[0] / picture.size
    shares = shares[shares > 0]
    return float(-np.sum(shares * np.log(shares)))


def normalised_mutual_information(f: Array, a: Array, b: Array) -> float:
    """Hossny's NMI, summed."""
    return sum(2 * mutual_info_score(f.ravel(), s.ravel()) / (entropy(f) + entropy(s)) for s in (a, b))


def scd(f: Array, a: Array, b: Array) -> float:
    """Sum of the correlations of differences."""
    return float(np.corrcoef(a.ravel(), (f - b).ravel())[0, 1] + np.corrcoef(b.ravel(), (f - a).ravel())[0, 1])


def cc(f: Array, a: Array, b: Array) -> float:
    """Mean correlation."""
    return float(np.mean([np.corrcoef(s.ravel(), f.ravel())[0, 1] for s in (a, b)]))


HORIZONTAL = np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
VERTICAL = np.array([[1.0, 2.0, 1.0], [0.0, 0.0, 0.0], [-1.0, -2.0, -1.0]])


def _sobel_same(picture: Array) -> tuple[Array, Array]:
    x, y = convolve2d(picture, HORIZONTAL, mode="same"), convolve2d(picture, VERTICAL, mode="same")
    angle = np.full_like(picture, np.pi / 2)
    sloped = x != 0
    angle[sloped] = np.arctan(y[sloped] / x[sloped])
    return np.sqrt(x**2 + y**2), angle


def _kept(source: tuple[Array, Array], fused: tuple[Array, Array]) -> Array:
    (ga, aa), (gf, af) = source, fused
    ratio = np.zeros_like(ga)
    mask = ga > gf
    ratio[mask] = gf[mask] / ga[mask]
    mask = ga == gf
    ratio[mask] = gf[mask]
    mask = ga < gf
    ratio[mask] = ga[mask] / gf[mask]
    agreement = 1 - np.abs(aa - af) / (np.pi / 2)
    return 0.9994 / (1 + np.exp(-15 * (ratio - 0.5))) * 0.9879 / (1 + np.exp(-22 * (agreement - 0.8)))


def qabf(f: Array, a: Array, b: Array) -> float:
    """Q^AB/F."""
    fused, first, second = (_sobel_same(picture) for picture in (f, a, b))
    kept = _kept(first, fused) * first[0] + _kept(second, fused) * second[0]
    return float(np.sum(kept) / np.sum(first[0] + second[0]))


def _sobel_mirrored(picture: Array) -> tuple[Array, Array]:
    wide = np.pad(picture, 1, mode="reflect")
    x, y = convolve2d(wide, HORIZONTAL / 8, mode="valid"), convolve2d(wide, VERTICAL / 8, mode="valid")
    with np.errstate(divide="ignore", invalid="ignore"):
        angle = np.where((x == 0) & (y == 0), 0, np.arctan(x / y))
    return np.sqrt(x**2 + y**2), angle


def _preserved(source: tuple[Array, Array], fused: tuple[Array, Array]) -> Array:
    (ga, aa), (gf, af) = source, fused
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where((ga == 0) | (gf == 0), 0, np.where(ga > gf, gf / ga, ga / gf))
    agreement = np.abs(np.abs(aa - af) - np.pi / 2) * 2 / np.pi
    strength = 0.9999 / (1 + np.exp(-19 * (ratio - 0.5)))
    return np.sqrt(strength * 0.9995 / (1 + np.exp(-22 * (agreement - 0.5))))


def nabf(f: Array, a: Array, b: Array) -> float:
    """Kumar's N^AB/F."""
    fused, first, second = (_sobel_mirrored(picture) for picture in (f, a, b))
    weights = [np.where(edges[0] >= 2, edges[0] ** 1.5, 0.001) for edges in (first, second)]
    lost = [(1 - _preserved(edges, fused)) * weight for edges, weight in zip((first, second), weights, strict=True)]
    new = (fused[0] > first[0]) & (fused[0] > second[0])
    return float(np.sum(new * (lost[0] + lost[1])) / np.sum(weights[0] + weights[1]))


def gaussian(size: int, sigma: float) -> Array:
    """MATLAB's fspecial('gaussian')."""
    axis = np.arange(size) - size // 2
    window = np.exp(-(axis[:, None] ** 2 + axis[None, :] ** 2) / (2 * sigma**2))
    return np.asarray(window / window.sum())


def _fidelity_maps(source: Array, fused: Array, noise: float) -> Iterator[tuple[Array, Array, Array]]:
    """What is seen, what there is to see, and the gain, on four scales."""
    for scale in range(4):
        size = 2 ** (4 - scale) + 1
        window = gaussian(size, size / 5)
        if scale > 0:
            source = convolve2d(source, window, mode="valid")[::2, ::2]
            fused = convolve2d(fused, window, mode="valid")[::2, ::2]
        m1, m2 = convolve2d(source, window, mode="valid"), convolve2d(fused, window, mode="valid")
        s1 = np.maximum(convolve2d(source * source, window, mode="valid") - m1 * m1, 0)
        s2 = np.maximum(convolve2d(fused * fused, window, mode="valid") - m2 * m2, 0)
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
        yield np.log10(1 + g * g * s1 / (sv + noise)), np.log10(1 + s1 / noise), g


def vif(f: Array, a: Array, b: Array) -> float:
    """VIFp, summed."""
    maps = [list(_fidelity_maps(source, f, 2.0)) for source in (a, b)]
    return sum(float(sum(m[0].sum() for m in each) / sum(m[1].sum() for m in each)) for each in maps)


def viff(f: Array, a: Array, b: Array) -> float:
    """VIFF."""
    noise, total = 0.005 * 255 * 255, 0.0
    scales = zip(_fidelity_maps(a, f, noise), _fidelity_maps(b, f, noise), strict=True)
    for weight, ((n1, d1, g1), (n2, d2, g2)) in zip([1, 0, 0.15, 1], scales, strict=True):
        smaller = g1 < g2
        seen, possible = np.where(smaller, n1, n2), np.where(smaller, d1, d2)
        total += weight / 2.15 * float((seen + 1e-7).sum() / (possible + 1e-7).sum())
    return total


def ssim_gaussian(f: Array, a: Array, b: Array) -> float:
    """SSIM of 11×11 Gaussian windows, summed."""
    options = {"data_range": 255, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return float(structural_similarity(f, a, **options) + structural_similarity(f, b, **options))


def ssim_scikit_image(f: Array, a: Array, b: Array) -> float:
    """SSIM with scikit-image's defaults and data range 2, summed."""
    return float(structural_similarity(f, a, data_range=2) + structural_similarity(f, b, data_range=2))


def _ssim_map(first: Array, second: Array) -> tuple[Array, Array, Array]:
    window = np.ones((7, 7)) / 49
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    m1, m2 = convolve2d(first, window, mode="valid"), convolve2d(second, window, mode="valid")
    s1 = convolve2d(first * first, window, mode="valid") - m1 * m1
    s2 = convolve2d(second * second, window, mode="valid") - m2 * m2
    s12 = convolve2d(first * second, window, mode="valid") - m1 * m2
    return (2 * m1 * m2 + c1) * (2 * s12 + c2) / ((m1 * m1 + m2 * m2 + c1) * (s1 + s2 + c2)), s1, s2


def issim(f: Array, a: Array, b: Array) -> float:
    """Yang's Q_Y."""
    between, s1, s2 = _ssim_map(a, b)
    first, second = _ssim_map(a, f)[0], _ssim_map(b, f)[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(s1 + s2 > 1e-8, s1 / (s1 + s2), 0.5)
    values = np.where(between >= 0.75, share * first + (1 - share) * second, np.maximum(first, second))
    return float(values.mean())


USUAL: dict[str, Callable[[Array, Array, Array], float]] = {
    "mi": mutual_information,
    "mi-bits": mutual_information_bits,
    "nmi": normalised_mutual_information,
    "scd": scd,
    "cc": cc,
    "qabf": qabf,
    "nabf": nabf,
    "vif": vif,
    "viff": viff,
    "ssim-gauss11": ssim_gaussian,
    "ssim-sk019": ssim_scikit_image,
    "issim": issim,
}
"""The usual form of each metric, by its key in `imfuse.metrics.METRICS`."""
