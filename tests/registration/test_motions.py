"""Known motions of built-in stacks are found to a fraction of a pixel; what cannot be aligned is told."""

import numpy as np
import pytest

from imfuse.errors import UsageError
from imfuse.io import ArraySource, PixelSource, open_source
from imfuse.registration.fitting import fit
from imfuse.registration.motion import (
    MOTIONS,
    as_model,
    check_motion,
    displacement,
    grid,
    in_pixels_of,
    is_plausible,
    mean_shift,
    moved,
    rotation_and_scale,
)
from imfuse.registration.stack_motions import find_motions
from imfuse.tasks import task
from registration_makers import HEIGHT, WIDTH, error, larger, motion, moved_stack, seen

KNOWN = {
    "translation": motion(5.3, -3.7),
    "far": motion(21.4, -14.6),
    "turn": motion(2.2, -4.1, 0.8),
    "breathing": motion(0.6, 0.4, 0.0, 1.02),
    "similarity": motion(6.2, -8.1, 1.4, 1.03),
}
TILTED = motion(5.2, -3.1, 0.5, 1.0, (1.2e-4, -8e-5))


def sources(pictures: list[np.ndarray]) -> list[PixelSource]:
    return [open_source(picture, name=f"picture-{number}") for number, picture in enumerate(pictures, start=1)]


def found(pictures: list[np.ndarray], name: str, model: str, pixels: int = 1 << 20) -> tuple[int, list[np.ndarray]]:
    reference, motions = find_motions(
        sources(pictures), task(name), check_motion(model), lambda source: None, pixels=pixels
    )
    return reference, [one.matrix for one in motions]


def between(reference: int, matrices: list[np.ndarray], true: list[np.ndarray]) -> list[float]:
    """The errors of motions against the reference."""
    back = np.linalg.inv(true[reference])
    return [error(matrix, one @ back) for matrix, one in zip(matrices, true, strict=True)]


@pytest.mark.parametrize("known", KNOWN)
@pytest.mark.parametrize("first", [0, 2])
def test_exposures_of_four_times_the_light_are_found_to_a_tenth_of_a_pixel(known: str, first: int) -> None:
    true = [np.eye(3), KNOWN[known]]
    pictures = [seen(larger("exposure")[first + place], matrix) for place, matrix in enumerate(true)]
    for model in ("similarity", "homography"):
        assert max(between(*found(pictures, "exposure", model), true)) < 0.15, model


def test_exposures_of_sixteen_times_the_light_are_found_to_a_fifth_of_a_pixel() -> None:
    true = [np.eye(3), KNOWN["similarity"]]
    pictures = [seen(larger("exposure")[2], true[0]), seen(larger("exposure")[4], true[1])]
    assert max(between(*found(pictures, "exposure", "similarity"), true)) < 0.2


def test_a_homography_is_found_where_a_similarity_cannot_be_right() -> None:
    true = [np.eye(3), TILTED]
    pictures = [seen(larger("exposure")[2 + place], matrix) for place, matrix in enumerate(true)]
    assert max(between(*found(pictures, "exposure", "homography"), true)) < 0.15
    assert max(between(*found(pictures, "exposure", "similarity"), true)) > 0.3


@pytest.mark.parametrize("known", KNOWN)
@pytest.mark.parametrize("scene", ["table", "garden"])
def test_pictures_of_different_focus_are_found_to_three_tenths_of_a_pixel(known: str, scene: str) -> None:
    true = [np.eye(3), KNOWN[known]]
    assert max(between(*found(moved_stack("focus", true, scene), "focus", "similarity"), true)) < 0.3


@pytest.mark.parametrize("name", ["focus", "exposure"])
def test_noise_does_not_mislead(name: str) -> None:
    true = [np.eye(3), KNOWN["turn"]]
    draw = np.random.default_rng(0)
    clean = [seen(larger(name)[1 + place], matrix) for place, matrix in enumerate(true)]
    noisy = [np.clip(one + draw.normal(0, 8, one.shape), 0, 255).astype(np.uint8) for one in clean]
    assert max(between(*found(noisy, name, "similarity"), true)) < 0.3


@pytest.mark.parametrize("name", ["focus", "exposure"])
@pytest.mark.parametrize("scene", ["table", "garden"])
def test_a_stack_that_lies_right_is_left_alone(name: str, scene: str) -> None:
    model = "similarity" if name == "focus" else "homography"
    _, matrices = found(list(larger(name, scene))[:4], name, model)
    assert all((matrix == np.eye(3)).all() for matrix in matrices)


def test_a_stack_of_nine_is_followed_from_neighbour_to_neighbour() -> None:
    true = [motion(1.1 * i, -0.7 * i, 0.1 * i, 1 + 0.002 * i) for i in range(9)]
    pictures = [seen(one, matrix) for one, matrix in zip(larger("focus", "garden", 9), true, strict=True)]
    reference, matrices = found(pictures, "focus", "similarity")
    assert reference == 4
    assert max(between(reference, matrices, true)) < 0.3


def test_motions_of_reduced_pictures_are_told_in_pixels_of_the_files() -> None:
    true = [np.eye(3), KNOWN["similarity"]]
    pictures = [seen(larger("exposure")[2 + place], matrix) for place, matrix in enumerate(true)]
    assert max(between(*found(pictures, "exposure", "similarity", pixels=1 << 14), true)) < 0.4


def test_the_best_exposed_picture_is_the_reference_whatever_the_order() -> None:
    pictures = [seen(one, motion(2.0 * i, 1.0)) for i, one in enumerate(larger("exposure"))]
    reference, _ = found(pictures, "exposure", "translation")
    shuffled, _ = found([pictures[i] for i in (4, 1, 3, 0, 2)], "exposure", "translation")
    assert (4, 1, 3, 0, 2)[shuffled] == reference


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (16, 16), (31, 200)])
def test_pictures_that_are_too_small_are_left_and_told(size: tuple[int, int]) -> None:
    pictures = [np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8) for seed in range(2)]
    _, motions = find_motions(sources(pictures), task("focus"), "similarity", lambda source: None)
    assert [one.state for one in motions] == ["reference", "not aligned"]
    assert "too small" in motions[1].reason
    assert (motions[1].matrix == np.eye(3)).all()


def test_constant_and_unlike_pictures_are_left_and_told_and_the_others_are_aligned() -> None:
    true = [np.eye(3), KNOWN["translation"]]
    first, second = moved_stack("focus", true)
    constant = np.full_like(first, 77)
    stranger = np.random.default_rng(0).integers(0, 256, first.shape, np.uint8)
    reference, motions = find_motions(
        sources([constant, stranger, first, second, stranger[::-1]]), task("focus"), "translation", lambda source: None
    )
    assert reference == 2
    assert [one.state for one in motions] == ["not aligned", "not aligned", "reference", "moved", "not aligned"]
    assert "no structure" in motions[0].reason
    assert error(motions[3].matrix, KNOWN["translation"]) < 0.3


def test_values_that_are_no_numbers_do_no_harm() -> None:
    picture = larger("focus")[0].astype(np.float32) / 255
    holed = picture.copy()
    holed[50:60, 50:60] = np.nan
    pair: list[PixelSource] = [ArraySource(picture, "a"), ArraySource(holed, "b")]
    _, motions = find_motions(pair, task("focus"), "similarity", lambda source: None)
    assert np.isfinite(motions[1].matrix).all()


@pytest.mark.parametrize("model", MOTIONS)
def test_a_fit_leaves_points_out_that_went_elsewhere(model: str) -> None:
    true = {"translation": motion(3, 2), "similarity": motion(3, 2, 2, 1.05)}.get(model, TILTED)
    if model == "affine":
        true = motion(3, 2) @ np.array([[1.02, 0.03, 0], [-0.01, 0.97, 0], [0, 0, 1]])
    here = np.random.default_rng(0).uniform((0, 0), (WIDTH, HEIGHT), (300, 2))
    there = moved(true, here)
    there[:90] += np.random.default_rng(1).uniform(3, 9, (90, 2))
    assert error(fit(here, there, check_motion(model), HEIGHT, WIDTH), true) < 1e-6


def test_descriptions_of_a_motion() -> None:
    matrix = motion(4, -3, 2, 1.1)
    assert mean_shift(matrix, HEIGHT, WIDTH) == pytest.approx((4, -3))
    assert rotation_and_scale(matrix, HEIGHT, WIDTH) == pytest.approx((2, 1.1))
    assert displacement(motion(3, 4), HEIGHT, WIDTH) == pytest.approx(5)
    np.testing.assert_allclose(as_model(matrix, "similarity", HEIGHT, WIDTH), matrix, atol=1e-9)
    np.testing.assert_allclose(as_model(matrix, "translation", HEIGHT, WIDTH), motion(4, -3), atol=1e-9)


def test_a_motion_in_larger_pixels_moves_their_centres_alike() -> None:
    large = in_pixels_of(motion(1, 2, 3, 1.1), 4)
    centres = grid(10, 10)
    expected = 4 * moved(motion(1, 2, 3, 1.1), centres) + 1.5
    np.testing.assert_allclose(moved(large, 4 * centres + 1.5), expected, atol=1e-9)


@pytest.mark.parametrize(
    "matrix",
    [
        motion(0.6 * WIDTH, 0),
        motion(0, 0, 40),
        motion(0, 0, 0, 1.5),
        np.diag([-1.0, 1.0, 1.0]),
        np.full((3, 3), np.nan),
        motion(0, 0, 0, 1, (-1 / 100, 0)),
    ],
)
def test_motions_of_no_camera_are_not_believed(matrix: np.ndarray) -> None:
    assert not is_plausible(matrix, HEIGHT, WIDTH)


def test_small_zooms_are_believed() -> None:
    assert is_plausible(motion(1, 1, 0, 1.05), HEIGHT, WIDTH)
    assert is_plausible(motion(1, 1, 0, 1 / 1.05), HEIGHT, WIDTH)


def test_an_unknown_motion_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown motion 'bend'"):
        check_motion("bend")
