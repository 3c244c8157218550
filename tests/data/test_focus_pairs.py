from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from imfuse.data.focus_pairs import (
    DepthScene,
    blurred,
    built_in_scenes,
    fitted,
    focus_pair,
    random_pair,
    read_depth_scenes,
    sigma_of,
    with_procedural_depth,
)
from imfuse.errors import DataError, UsageError


def scene(height: int = 40, width: int = 50, seed: int = 0) -> DepthScene:
    generator = np.random.default_rng(seed)
    colour = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return with_procedural_depth(colour, generator, "noise")


def test_each_picture_is_sharp_on_its_side_of_the_threshold_and_soft_on_the_other() -> None:
    given = scene()
    pair = focus_pair(given, 4, 0.5)
    near = given.depth <= 0.5
    assert 0.1 < near.mean() < 0.9
    truth = given.colour.astype(np.float32) / 255
    assert np.array_equal(pair.truth, truth)
    assert np.array_equal(pair.near[near], truth[near])
    assert np.array_equal(pair.far[~near], truth[~near])
    np.testing.assert_array_equal(pair.near[~near], blurred(truth, 4)[~near])
    np.testing.assert_allclose(pair.near + pair.far, truth + blurred(truth, 4), atol=1e-6)  # Eq. 5


@pytest.mark.parametrize("radius", [1, 4, 15])
@pytest.mark.parametrize(("rule", "factor", "offset"), [("opencv", 0.3, 0.5), ("wide", 1.2, 0.8)])
def test_the_blur_is_a_truncated_gaussian_of_the_radius(radius: int, rule: str, factor: float, offset: float) -> None:
    sigma = factor * radius + offset
    assert sigma_of(radius, rule) == pytest.approx(sigma)
    taps = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    taps /= taps.sum()
    picture = np.random.default_rng(1).random((37, 41, 3)).astype(np.float32)
    expected = ndimage.correlate1d(picture.astype(float), taps, axis=0, mode="mirror")
    expected = ndimage.correlate1d(expected, taps, axis=1, mode="mirror")
    np.testing.assert_allclose(blurred(picture, radius, rule), expected, atol=2e-6)


def test_random_pairs_follow_from_the_generator_and_keep_the_papers_ranges() -> None:
    given = scene()
    first, again = (random_pair(given, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first.near, again.near)
    shares = [
        (random_pair(given, np.random.default_rng(seed)).near == first.truth).all(-1).mean() for seed in range(40)
    ]
    # With thresholds of 0.3 to 0.7 of the largest depth, between those shares of the picture are sharp.
    low, high = ((given.depth <= threshold).mean() for threshold in (0.3, 0.7))
    assert low - 0.01 <= min(shares) < max(shares) <= high + 0.01


@pytest.mark.parametrize("size", [(30, 40), (321, 422), (500, 400), (900, 1300)])
def test_scenes_are_fitted_to_the_papers_size(size: tuple[int, int]) -> None:
    given = fitted(scene(*size))
    assert given.colour.shape == (321, 422, 3)
    assert given.depth.shape == (321, 422)


def save(folder: Path, name: str, pixels: NDArray[np.generic]) -> None:
    folder.mkdir(exist_ok=True)
    assert cv2.imwrite(str(folder / name), pixels)


def test_scenes_with_depth_are_read_and_holes_take_the_nearest_depth(tmp_path: Path) -> None:
    colour = np.zeros((20, 30, 3), np.uint8)
    colour[..., 2] = 200  # red in OpenCV's order
    depth = np.full((20, 30), 1000, np.uint16)
    depth[:, 15:] = 4000
    depth[5:9, 2:6] = 0
    depth[5:9, 25:28] = 0
    save(tmp_path / "rgb", "frame-07.png", colour)
    save(tmp_path / "depth", "frame-07_depth.png", depth)
    (found,) = read_depth_scenes([tmp_path])
    assert found.colour[0, 0].tolist() == [200, 0, 0]
    assert np.unique(found.depth[:, :15]).tolist() == [0.25]
    assert np.unique(found.depth[:, 15:]).tolist() == [1.0]


def test_wrong_data_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two folders, rgb and depth"):
        read_depth_scenes([tmp_path])
    save(tmp_path / "rgb", "1.png", np.zeros((4, 5, 3), np.uint8))
    (tmp_path / "depth").mkdir()
    with pytest.raises(DataError, match="pair by the numbers"):
        read_depth_scenes([tmp_path])
    save(tmp_path / "depth", "1.png", np.ones((4, 4), np.uint8))
    with pytest.raises(DataError, match="with a depth map of one channel and its size"):
        read_depth_scenes([tmp_path])
    save(tmp_path / "depth", "1.png", np.zeros((4, 5), np.uint8))
    with pytest.raises(DataError, match="holds no depth"):
        read_depth_scenes([tmp_path])
    with pytest.raises(UsageError, match="opencv, wide"):
        sigma_of(3, "narrow")  # type: ignore[arg-type]


def test_the_built_in_scenes_serve_too() -> None:
    scenes = built_in_scenes(1, 60, 80)
    assert len(scenes) >= 2
    for given in scenes:
        assert given.depth.max() == pytest.approx(1.0)
        pair = focus_pair(given, 3, 0.5)
        assert pair.near.shape == (60, 80, 3)
        assert not np.array_equal(pair.near, pair.far)


@pytest.mark.data
def test_the_research_data_are_read(data_dir: Path) -> None:
    scenes = read_depth_scenes([data_dir / "depth" / name for name in ("middlebury", "lu", "kitchen")])
    assert len(scenes) == 95
    assert all(given.depth.min() >= 0 and given.depth.max() == 1 for given in scenes)
