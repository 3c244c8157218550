import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage, special
from torch import Tensor

from brisque_files import write_brisque_model
from imfuse.errors import UsageError
from imfuse.metrics import brisque, brisque_available, evaluate
from imfuse.metrics.blind.brisque import brisque_features


def grained(height: int, width: int) -> Tensor:
    """A smooth picture with grain, without flat areas."""
    rng = np.random.default_rng(4)
    picture = 128 + 60 * np.sin(np.arange(height) / 9)[:, None] * np.cos(np.arange(width) / 13)
    picture = picture + ndimage.gaussian_filter(rng.normal(0, 40, (height, width)), 0.8)
    return torch.from_numpy(np.clip(np.round(picture), 0, 255).astype(np.uint8))[None, None]


def literal_fit(x: np.ndarray) -> tuple[float, float, float]:
    left, right = (math.sqrt((x[side] ** 2).mean()) for side in (x < 0, x > 0))
    g = left / right
    ratio = np.abs(x).mean() ** 2 / (x**2).mean() * (g**3 + 1) * (g + 1) / (g**2 + 1) ** 2
    grid = np.arange(0.2, 10, 0.001)
    r = special.gamma(2 / grid) ** 2 / (special.gamma(1 / grid) * special.gamma(3 / grid))
    return grid[np.abs(r - ratio).argmin()], left, right


def literal_features(picture: np.ndarray) -> list[float]:
    """One scale's 18 features in double precision, picture in [0, 1]."""

    def blur(values: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(values, 7 / 6, mode="nearest", radius=3)

    x = (picture - blur(picture)) / (np.sqrt(np.abs(blur(picture**2) - blur(picture) ** 2)) + 1 / 255)
    shape, left, right = literal_fit(x)
    features = [shape, (left**2 + right**2) / 2]
    padded = np.pad(x, 1)
    height, width = x.shape
    for down, across in ((0, 1), (1, 0), (1, 1), (-1, 1)):
        products = x * padded[1 + down : 1 + down + height, 1 + across : 1 + across + width]
        shape, left, right = literal_fit(products)
        ratio = math.sqrt(special.gamma(1 / shape) / special.gamma(3 / shape))
        mean = (right - left) * ratio * special.gamma(2 / shape) / special.gamma(1 / shape)
        features += [shape, mean, left**2, right**2]
    return features


@pytest.mark.parametrize("size", [(64, 80), (67, 53)])
def test_features_are_their_equations(size: tuple[int, int]) -> None:
    picture = grained(*size)
    features = brisque_features(picture[:, 0].double())[0]
    assert features[:18].tolist() == pytest.approx(literal_features(picture[0, 0].numpy() / 255), abs=1.1e-3, rel=1e-3)


def test_half_scale_of_even_sides_takes_the_four_nearest_pixels() -> None:
    picture = grained(64, 80)[0, 0].numpy() / 255
    for axis in (0, 1):  # cubic with a = −0.75 between the two middle ones
        taps = np.array([-0.09375, 0.59375, 0.59375, -0.09375])
        picture = ndimage.correlate1d(picture, taps, axis, mode="nearest", origin=-1)
        picture = picture[::2] if axis == 0 else picture[:, ::2]
    features = brisque_features(grained(64, 80)[:, 0].double())[0, 18:]
    assert features.tolist() == pytest.approx(literal_features(picture), abs=1.1e-3, rel=1e-3)


def test_regression_is_its_equation(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    vectors, weights = rng.uniform(-1, 1, (7, 36)), rng.normal(0, 30, 7)
    picture = grained(40, 50)
    scaled = (brisque_features(picture[:, 0].double())[0].numpy() + 1) / 2 - 1  # ranges −1…3
    expected = sum(w * math.exp(-0.05 * ((scaled - v) ** 2).sum()) for w, v in zip(weights, vectors, strict=True)) + 50
    folder = write_brisque_model(tmp_path, vectors, weights, -50.0, 0.05)
    assert 0 < expected < 100
    assert brisque(picture, folder).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("offset", "expected"), [(500.0, 0.0), (-500.0, 100.0), (-30.0, 50.0)])
def test_score_is_clamped(tmp_path: Path, offset: float, expected: float) -> None:
    picture = grained(40, 50)
    vector = (brisque_features(picture[:, 0].double()).numpy() + 1) / 2 - 1
    folder = write_brisque_model(tmp_path, vector, np.array([20.0]), offset, 0.05)
    assert brisque(picture, folder).item() == pytest.approx(expected, rel=1e-9)


def test_picture_without_structure_has_no_value() -> None:
    for level in (0, 100, 255):
        assert brisque(torch.full((1, 1, 40, 40), level, dtype=torch.uint8)).isnan().all()


def test_smallest_pictures() -> None:
    assert brisque(grained(14, 14)).isfinite().all()
    with pytest.raises(UsageError, match="at least 14×14"):
        brisque(grained(13, 40))


def test_without_a_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, brisque_folder: Path) -> None:
    picture = grained(40, 50)
    assert brisque_available()
    assert "brisque" in evaluate(picture)
    monkeypatch.setenv("IMFUSE_BRISQUE_MODEL", str(tmp_path))
    assert not brisque_available()
    with pytest.raises(UsageError, match=r"is not there: .*brisque_model_live.yml and .*brisque_range_live.yml"):
        brisque(picture)
    monkeypatch.delenv("IMFUSE_BRISQUE_MODEL")
    assert not brisque_available()
    assert "brisque" not in evaluate(picture)
    with pytest.raises(UsageError, match="IMFUSE_BRISQUE_MODEL"):
        brisque(picture)
    with pytest.raises(UsageError, match="IMFUSE_BRISQUE_MODEL"):
        evaluate(picture, metrics=["brisque"])
    assert brisque(picture, os.fspath(brisque_folder)).isfinite().all()


@pytest.mark.parametrize("content", ["", "nonsense", "%YAML:1.0\n---\nrange: 3\n", "%YAML:1.0\n---\na: [ 1, 2 ]\n"])
@pytest.mark.parametrize("name", ["brisque_model_live.yml", "brisque_range_live.yml"])
def test_damaged_model(tmp_path: Path, brisque_folder: Path, name: str, content: str) -> None:
    for file in brisque_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match="cannot be read"):
        brisque(grained(40, 50), tmp_path)


def test_model_of_another_number_of_features(tmp_path: Path) -> None:
    write_brisque_model(tmp_path, np.ones((3, 35)), np.ones(3), 0.0, 0.05)
    with pytest.raises(UsageError, match=r"support vectors \(3, 35\)"):
        brisque(grained(40, 50), tmp_path)
