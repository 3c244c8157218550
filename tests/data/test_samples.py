"""The built-in sample scenes: what each camera sees of them, and the truth that comes with them."""

from __future__ import annotations

from dataclasses import fields

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from imfuse.data import samples
from imfuse.data.samples.camera import Camera
from imfuse.data.samples.renderer import render, render_slice
from imfuse.data.samples.scenes import describe
from imfuse.data.samples.sensors import linear, srgb
from imfuse.data.samples.shaders import Depth, Radiance
from imfuse.data.samples.spectra import band_response, camera_response, near_infrared_response
from imfuse.errors import UsageError

SMALL = {"height": 120, "width": 160}


@pytest.fixture(scope="module", params=samples.SCENES)
def pair(request: pytest.FixtureRequest) -> samples.InfraredPair:
    return samples.infrared_pair(request.param, height=240, width=320)


@pytest.fixture(scope="module")
def street() -> samples.InfraredPair:
    return samples.infrared_pair("street")


def luma(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    return picture @ np.array([0.299, 0.587, 0.114])


def gradient_energy(picture: NDArray[np.floating]) -> float:
    """Mean squared gradient of a picture that is brought to deviation 1 at large scale."""
    level = ndimage.gaussian_filter(np.asarray(picture, float), 8).std()
    rows, columns = np.gradient(np.asarray(picture, float) / level)
    return float(np.median(rows**2 + columns**2))


def same(first: object, second: object) -> bool:
    return all(np.array_equal(getattr(first, f.name), getattr(second, f.name)) for f in fields(first))  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_pictures_and_another_seed_others() -> None:
    first, again = (samples.infrared_pair("street", 60, 80, seed=3) for _ in range(2))
    other = samples.infrared_pair("street", 60, 80, seed=4)
    assert same(first, again)
    for field in fields(first):
        assert not np.array_equal(getattr(first, field.name), getattr(other, field.name)), field.name


def test_every_kind_is_deterministic() -> None:
    for make in (samples.near_infrared_pair, samples.exposure_stack, samples.focus_stack, samples.spectral_pair):
        first, again = (make(height=24, width=32, seed=1) for _ in range(2))  # type: ignore[operator]
        assert same(first, again), make.__name__


@settings(max_examples=8, deadline=None)
@given(st.sampled_from(samples.SCENES), st.integers(1, 41), st.integers(1, 41), st.integers(-3, 2**40))
def test_any_size_and_seed_can_be_drawn(scene: str, height: int, width: int, seed: int) -> None:
    drawn = samples.infrared_pair(scene, height, width, seed)
    assert drawn.infrared.shape == drawn.infrared16.shape == drawn.targets.shape == (height, width)
    assert drawn.visible.shape == drawn.visible16.shape == (height, width, 3)
    types = (drawn.infrared.dtype, drawn.infrared16.dtype, drawn.visible.dtype, drawn.visible16.dtype)
    assert types == (np.uint8, np.uint16, np.uint8, np.uint16)
    assert drawn.targets.dtype == np.bool_


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 17), (23, 1), (31, 47)])
def test_stacks_of_odd_sizes(height: int, width: int) -> None:
    focus = samples.focus_stack("table", 2, height, width)
    assert [p.shape for p in focus.pictures] == [(height, width, 3)] * 2
    assert focus.depth.shape == (height, width)
    assert focus.depth.min() > 0
    exposure = samples.exposure_stack("street", (-1, 1), height, width)
    assert [p.shape for p in exposure.pictures] == [(height, width, 3)] * 2
    assert np.isfinite(exposure.radiance).all()


def test_a_large_picture_is_the_small_one_with_more_detail() -> None:
    scene = describe("garden", 480, 640, 0)
    large = render(scene, Radiance(camera_response()), 360, 480)
    small = render(scene, Radiance(camera_response()), 120, 160)
    shrunk = large.reshape(120, 3, 160, 3, 3).mean(axis=(1, 3))
    assert np.median(np.abs(shrunk - small) / (small + 0.05)) < 0.03


def test_what_is_wrong_with_a_call_is_told() -> None:
    with pytest.raises(UsageError, match="street"):
        samples.infrared_pair("moon")
    with pytest.raises(UsageError, match="at least 1"):
        samples.infrared_pair(height=0)
    with pytest.raises(UsageError, match="scale"):
        samples.spectral_pair(height=60, width=64, scale=8)
    with pytest.raises(UsageError, match="stop"):
        samples.exposure_stack(stops=())
    with pytest.raises(UsageError, match="at least one"):
        samples.focus_stack(count=0)


def test_targets_are_warmer_than_what_is_around_them(pair: samples.InfraredPair) -> None:
    assert 0.002 < pair.targets.mean() < 0.1
    labels, count = ndimage.label(ndimage.binary_opening(pair.targets))
    around = ndimage.binary_dilation(pair.targets, iterations=2)
    for label in range(1, count + 1):
        body = labels == label
        if body.sum() < 60:
            continue
        ring = ndimage.binary_dilation(body, iterations=6) & ~around
        assert np.median(pair.infrared16[body]) > np.median(pair.infrared16[ring]) + 30


def test_thermal_counts_use_a_few_hundred_levels(pair: samples.InfraredPair) -> None:
    assert 200 < int(pair.infrared16.max()) - int(pair.infrared16.min()) < 900
    assert pair.infrared16.min() > 7500
    assert pair.infrared16.max() < 8600
    assert np.ptp(pair.infrared) > 240


def test_the_visible_picture_has_more_texture_than_the_thermal_one(pair: samples.InfraredPair) -> None:
    assert gradient_energy(luma(pair.visible)) > 3 * gradient_energy(pair.infrared)


def test_only_the_thermal_camera_sees_the_person_in_the_shadow(street: samples.InfraredPair) -> None:
    labels, _ = ndimage.label(street.targets)
    left = street.targets & (np.arange(640) < 320)
    right = street.targets & (np.arange(640) >= 320)
    assert left.sum() > 600
    assert right.sum() > 1500
    assert labels.max() >= 2

    def contrast(picture: NDArray[np.floating], body: NDArray[np.bool_]) -> float:
        ring = ndimage.binary_dilation(body, iterations=7) & ~ndimage.binary_dilation(body, iterations=2)
        return abs(float(np.median(picture[body])) - float(np.median(picture[ring])))

    visible, thermal = luma(street.visible), street.infrared.astype(float)
    assert contrast(visible, left) < 12
    assert contrast(thermal, left) > 70
    assert contrast(visible, right) > 12
    assert contrast(thermal, right) > 70


def test_leaves_are_bright_and_water_is_dark_in_the_near_infrared() -> None:
    near = samples.near_infrared_pair("garden", 240, 320)
    lawn, pond = (slice(200, 230), slice(10, 150)), (slice(163, 172), slice(5, 70))
    assert np.median(near.infrared[lawn]) > 1.2 * np.median(luma(near.visible)[lawn])
    assert np.median(near.infrared[pond]) < 0.5 * np.median(near.infrared[lawn])
    assert near.infrared16.max() > 20000


def test_exposures_are_of_one_radiance() -> None:
    stack = samples.exposure_stack("table", (-4, -2, 0, 2, 4), **SMALL)
    means = [p.mean() for p in stack.pictures]
    assert means == sorted(means)
    assert stack.radiance.dtype == np.float32
    for stop, picture in zip(stack.stops, stack.pictures, strict=True):
        expected = stack.radiance * 2.0**stop
        valid = (picture > 40) & (picture < 250) & (expected < 0.9)
        relative = linear((picture / 255).astype(np.float32))[valid] / expected[valid]
        assert valid.sum() > 100
        assert abs(np.median(relative) - 1) < 0.01
        assert np.percentile(np.abs(relative - 1), 95) < 0.16


def test_no_single_exposure_is_right() -> None:
    stack = samples.exposure_stack("table", (-4, 0, 4), **SMALL)
    for picture in stack.pictures:
        assert ((luma(picture) < 16) | (luma(picture) > 250)).mean() > 0.08
    usable = [(luma(p) > 30) & (luma(p) < 235) for p in stack.pictures]
    assert np.any(usable, axis=0).mean() > 0.9


@pytest.mark.parametrize("scene", samples.SCENES)
def test_a_picture_in_focus_is_the_sharp_one_and_elsewhere_it_is_softer(scene: str) -> None:
    stack = samples.focus_stack(scene, 3, 180, 240)
    sharp = stack.all_in_focus.astype(int)
    for index, picture in enumerate(stack.pictures):
        circle = stack.confusion(index)
        reach = int(np.ceil(circle.max() / 2)) + 1
        blurred_nearer = (circle >= 1) & (stack.depth < stack.distances[index])
        spill = cv2.dilate(blurred_nearer.astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0
        focused = (circle < 0.5) & ~spill
        difference = np.abs(picture - sharp).max(axis=-1)
        if focused.any():
            assert np.median(difference[focused]) <= 1
            assert np.mean(difference[focused] > 6) < 0.02
        soft = circle > 2
        if soft.sum() > 500:
            assert detail(picture)[soft].mean() < 0.8 * detail(stack.all_in_focus)[soft].mean()


def detail(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.asarray(np.abs(ndimage.laplace(luma(picture))))


def test_slices_of_depth_are_the_whole_picture() -> None:
    scene, shader = describe("table", 90, 120, 0), Radiance(camera_response())
    whole = render(scene, shader, 90, 120)
    stacked = np.zeros_like(whole)
    for near, far in ((1.5, np.inf), (1.0, 1.5), (0.0, 1.0)):
        values, alpha = render_slice(scene, shader, 90, 120, near, far)
        stacked = values + stacked * (1 - alpha[..., None])
    np.testing.assert_allclose(np.median(np.abs(stacked - whole)), 0, atol=1e-6)
    assert np.mean(np.abs(stacked - whole).max(axis=-1) > 0.05 * whole.max(axis=-1) + 1e-3) < 0.01


def test_depth_of_level_ground_is_that_of_a_pinhole_camera() -> None:
    scene = describe("garden", 120, 160, 0)
    camera = Camera(scene, 120, 160)
    depth = render(scene, Depth(), 120, 160)[..., 0]
    expected = scene.eye[1] * camera.focal / (119.5 - camera.centre[0])
    np.testing.assert_allclose(depth[119, 10], expected, rtol=1e-4)
    assert depth[0, 159] == 1000.0


@pytest.mark.parametrize("scale", [4, 8])
def test_the_coarse_cube_is_the_mean_of_the_sharp_one(scale: int) -> None:
    cube = samples.spectral_pair("table", scale, 64, 96)
    expected = cv2.resize(cube.ground_truth[..., 7], (96 // scale, 64 // scale), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(cube.low_resolution[..., 7], expected, atol=1e-6)
    blocks = cube.ground_truth.astype(np.float64).reshape(64 // scale, scale, 96 // scale, scale, 31)
    np.testing.assert_allclose(cube.low_resolution, blocks.mean(axis=(1, 3)), atol=1e-6)
    np.testing.assert_array_equal(cube.wavelengths, np.arange(400, 701, 10))
    assert cube.ground_truth.min() >= 0
    assert 0.5 < cube.ground_truth.max() < 1


def test_the_guide_is_a_linear_map_of_the_bands_behind_the_tone_curve() -> None:
    cube = samples.spectral_pair("table", 8, 96, 128)
    bands = cube.ground_truth.reshape(-1, 31).astype(np.float64)
    low, high = (linear(((cube.guide.reshape(-1, 3) + d) / 255).astype(np.float32)) for d in (-0.51, 0.51))
    middle = (low + high) / 2
    weights, *_ = np.linalg.lstsq(bands, middle, rcond=None)
    rounding = (high - low) / 2
    assert np.sqrt(np.mean((bands @ weights - middle) ** 2)) < np.sqrt(np.mean(rounding**2))
    exact = srgb((bands @ camera_response()[:, :31].T).astype(np.float32)) * 255
    assert np.abs(exact - cube.guide.reshape(-1, 3)).max() <= 0.51


def test_cameras_of_few_bands_see_what_the_spectrum_says() -> None:
    scene = describe("garden", 45, 60, 0)
    cube = render(scene, Radiance(band_response()), 45, 60)
    rgb = render(scene, Radiance(camera_response()), 45, 60)
    error = np.abs(cube @ camera_response()[:, :31].T - rgb)
    assert np.percentile(error / (rgb + 0.01), 99) < 0.05


def test_responses_have_the_sum_one() -> None:
    for response in (camera_response(), near_infrared_response(), band_response()):
        np.testing.assert_allclose(response.sum(axis=1), 1, rtol=1e-5)
        assert response.min() >= 0


def test_the_tone_curve_and_its_inverse() -> None:
    x = np.linspace(0, 1, 1001, dtype=np.float32)
    np.testing.assert_allclose(linear(srgb(x)), x, atol=2e-6)
    np.testing.assert_allclose(srgb(np.float32([0.0, 0.0031308, 0.214041, 1.0])), [0, 0.04045, 0.5, 1], atol=1e-4)
