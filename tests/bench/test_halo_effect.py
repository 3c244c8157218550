"""The halo figures of ``benchmarks/halo_effect.py`` on steps with and without a halo."""

from pathlib import Path

import numpy as np
import pytest
from halo_effect import CLOSE, DISTANT, FAR, NEAR, across, beside_edges, crossings, figures, strong_edges
from numpy.typing import NDArray

from imfuse.io import save_image

HEIGHT, WIDTH = 120, 160
REACH, GLOW = 6.0, 0.1


def signed_distance(angle: float) -> NDArray[np.float64]:
    """Of every pixel from a straight line through the middle; positive on the bright side."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    middle = (columns - WIDTH / 2 + 0.5) * np.cos(angle) + (rows - HEIGHT / 2 + 0.5) * np.sin(angle)
    return np.asarray(middle, np.float64)


def step(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Dark, then bright, blurred over a pixel as by a lens."""
    return 0.2 + 0.5 * np.clip(distance + 0.5, 0, 1)


def glow(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """A halo: bright beside the edge on the bright side, dark on the dark one, and gone with the distance."""
    return GLOW * np.sign(distance) * np.exp(-np.abs(distance) / REACH)


def expected(first: int, last: int) -> float:
    """Mean of the halo over so many pixels from the edge."""
    return float(np.mean(GLOW * np.exp(-np.arange(first, last + 1) / REACH)))


@pytest.mark.parametrize("angle", [0.0, np.pi / 2, 0.7, 3.5])
def test_a_step_has_no_halo_and_a_glow_is_measured(angle: float) -> None:
    distance = signed_distance(angle)
    mean = step(distance)
    edges, places = strong_edges(mean)[0], crossings(mean)
    assert len(places) > 20
    plain, haloed = figures(mean, edges, places), figures(mean + glow(distance), edges, places)
    assert plain["beside"] == pytest.approx(0, abs=1e-9)
    assert plain["overshoot"] == pytest.approx(0, abs=1e-4)
    assert plain["unevenness"] == pytest.approx(0, abs=1e-4)
    truth = 100 * 2 * (expected(*CLOSE) - expected(*DISTANT))
    assert haloed["overshoot"] == pytest.approx(truth, rel=0.1)
    assert haloed["unevenness"] == pytest.approx(truth, rel=0.1)
    assert haloed["beside"] > 2
    inverse = figures(mean - glow(distance), edges, places)
    assert inverse["overshoot"] == pytest.approx(-truth, rel=0.1)
    assert inverse["unevenness"] == pytest.approx(truth, rel=0.1)


def test_the_gradient_beside_a_vertical_edge_is_that_of_the_glow() -> None:
    distance = signed_distance(0.0)
    edges = np.abs(distance) <= 0.5
    near, far = beside_edges(step(distance) + glow(distance), edges)
    slope = np.abs(np.gradient(glow(distance)[0]))  # (f(x + 1) − f(x − 1)) / 2, as Sobel's over 8 of what has no rows
    away = np.abs(np.arange(WIDTH) - WIDTH / 2 + 0.5) - 0.5
    assert near == pytest.approx(slope[(away >= NEAR) & (away <= FAR)].mean(), rel=1e-6)
    assert far < near / 20


def test_profiles_run_from_dark_to_bright_whichever_way_the_edge_lies() -> None:
    for angle in (0.3, 2.0, 4.0, 5.5):
        mean = step(signed_distance(angle))
        profile = across(mean, crossings(mean)).mean(0)
        np.testing.assert_allclose(profile[: FAR - 2], 0.2, atol=1e-6)
        np.testing.assert_allclose(profile[FAR + 3 :], 0.7, atol=1e-6)


def test_edges_with_something_beside_them_are_no_skylines() -> None:
    mean = step(signed_distance(0.0))
    noisy = mean + 0.3 * np.random.default_rng(0).random(mean.shape)
    assert len(crossings(noisy)) < len(crossings(mean)) / 10
    assert len(crossings(np.full((80, 80), 0.4))) == 0


def test_the_whole_run_leaves_its_files(tmp_path: Path) -> None:
    """On a made scene: two exposures of a step, whose average must show no halo."""
    from halo_effect import main

    scene = tmp_path / "exposure" / "made" / "skyline"
    scene.mkdir(parents=True)
    mean = step(signed_distance(0.4))
    for index, gain in enumerate((0.7, 1.3)):
        save_image(scene / f"{index}.png", np.rint(255 * np.clip(gain * mean, 0, 1)).astype(np.uint8))
    out = tmp_path / "out"
    models = ["--with-halo", "guided-filter", "--without-halo", "exposure-fusion"]
    main([str(tmp_path), "-o", str(out), "--sets", "made", *models])
    assert {path.name for path in out.iterdir()} == {
        "halo-effect.csv",
        "halo-effect.md",
        "halo-profile.png",
        "halo-crops.png",
    }
    rows = [line.split(",") for line in (out / "halo-effect.csv").read_text().splitlines()]
    average = dict(zip(rows[0], next(row for row in rows if "average" in row), strict=True))
    assert int(average["profiles"]) > 20
    assert float(average["overshoot"]) == pytest.approx(0, abs=0.05)
