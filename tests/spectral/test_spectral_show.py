"""Looking at sharpened bands: maps against their formulas, composites against known colours, pictures against both."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from imfuse.cubes import CubeDescription
from imfuse.errors import SizeMismatchError, UsageError
from imfuse.io.window import Window
from imfuse.metrics import peak_signal_to_noise_ratio, spectral_angle
from imfuse.ops.resampling import area_average, upsample_bicubic
from imfuse.spectral.show.composite import choose_composite, eye_response
from imfuse.spectral.show.explanation import Shot, SpectralExplanation
from imfuse.spectral.show.looks import Looks, parse_composite, parse_pixel
from imfuse.spectral.show.maps import angle, rms_error
from imfuse.spectral.show.scene import explain_scene

VISIBLE = np.arange(400.0, 701.0, 10.0)


def cube(bands: int = 5, height: int = 24, width: int = 32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.05, 0.95, (bands, height, width)).astype(np.float32)


def scene(truth: bool = True, looks: Looks | None = None, bands: int = 5) -> tuple[SpectralExplanation, np.ndarray]:
    true, fused = cube(bands), np.clip(cube(bands) + 0.02 * cube(bands, seed=1), 0, 1)
    low = area_average(torch.from_numpy(true)[None], 4)[0].numpy()
    return explain_scene(low, cube(3, seed=2), fused, true if truth else None, looks, model="glp-hs"), fused


def test_maps_agree_with_the_metrics_over_all_pixels() -> None:
    explanation, fused = scene()
    given = [torch.from_numpy(x)[None] for x in (fused, cube())]
    figures = explanation.figures["fused"]
    assert figures["psnr"] == pytest.approx(float(peak_signal_to_noise_ratio(*given)), abs=1e-5)
    assert figures["sam"] == pytest.approx(float(spectral_angle(*given)), rel=1e-5)
    low = area_average(given[1], 4)
    bicubic = upsample_bicubic(low, 4)
    mean_square = float((bicubic - given[1]).double().square().mean())
    assert explanation.figures["bicubic"]["psnr"] == pytest.approx(-10 * math.log10(mean_square), abs=1e-4)


def test_angles_do_not_see_brightness_and_know_zero_spectra() -> None:
    true = cube(4, 3, 3)
    np.testing.assert_allclose(angle(0.5 * true, true), 0, atol=1e-4)
    right = np.zeros((2, 1, 3), np.float32)
    right[0, 0], other = 1, np.zeros((2, 1, 3), np.float32)
    other[1, 0, 0], other[:, 0, 1] = 1, 1
    np.testing.assert_allclose(angle(other, right), [[90, 45, 90]], atol=1e-4)  # the last one is zero, the truth is not
    assert np.isnan(angle(right, other)[0, 2])  # a true spectrum of zero has no angle
    np.testing.assert_allclose(rms_error(right, other), [[1, math.sqrt(0.5), math.sqrt(0.5)]], atol=1e-6)


def test_errors_are_shown_with_the_gain_and_without_a_curve() -> None:
    explanation, fused = scene(looks=Looks(bands=(3,), gain=20))
    expected = np.clip(20 * np.abs(fused[2] - cube()[2]), 0, 1)
    shown, words = explanation.displayed("band3_fused_error")
    np.testing.assert_allclose(shown, expected, atol=1e-5)
    assert "20" in words
    detail = fused[2] - explanation["band3_bicubic"]
    np.testing.assert_allclose(explanation.displayed("band3_detail")[0], np.clip(0.5 + 10 * detail, 0, 1), atol=1e-5)


def test_windows_give_what_the_whole_gives() -> None:
    looks = Looks((2,), ((5, 3), (20, 23)))
    whole, fused = scene(looks=looks)
    parts = SpectralExplanation(whole.subject, looks)
    low = area_average(torch.from_numpy(cube())[None], 4)
    cubes = cube(3, seed=2), upsample_bicubic(low, 4)[0].numpy(), fused, cube()
    for top, left, height, width in [(0, 0, 10, 32), (10, 0, 14, 7), (10, 7, 14, 25)]:
        window = Window(top, left, height, width)
        parts.take(window, Shot(*(x[:, *window.slices] for x in cubes)))
    assert list(parts) == list(whole)
    for name in whole:
        np.testing.assert_array_equal(parts[name], whole[name], name)


@pytest.mark.parametrize("truth", [True, False])
def test_names_are_told_before_and_saved_after(tmp_path: Path, truth: bool) -> None:
    looks = Looks((1, 5), ((31, 0),), composite=(5, 3, 1))
    explanation, fused = scene(truth, looks)
    assert list(explanation) == looks.names(truth=truth)
    assert any("truth" in name or "error" in name for name in explanation) == truth
    paths = explanation.save(tmp_path / "parts")
    assert [path.stem for path in paths] == ["sheet", *looks.names(truth=truth)]
    np.testing.assert_array_equal(explanation["spectrum_31_0"][0], fused[:, 0, 31])
    np.testing.assert_array_equal(explanation["fused"], fused[[4, 2, 0]].transpose(1, 2, 0))


def test_spectra_are_in_the_units_of_the_bands() -> None:
    explanation, fused = scene(looks=Looks(pixels=((2, 1),)))
    counts = SpectralExplanation(replace(explanation.subject, low=100.0, high=4100.0), explanation.looks)
    counts.take(Window(0, 0, 24, 32), Shot(cube(3, seed=2), fused, fused, cube()))
    np.testing.assert_allclose(counts["spectrum_2_1"][0], 100 + 4000 * fused[:, 1, 2], rtol=1e-5)
    assert counts.displayed("spectrum_2_1")[0].std() > 0.05  # there are lines on it


def test_missing_values_are_black_and_do_not_count() -> None:
    whole, fused = scene(looks=Looks((1,)))
    holed = fused.copy()
    holed[:, :4, :4] = np.nan
    true = cube()
    holes = SpectralExplanation(whole.subject, whole.looks)
    holes.take(Window(0, 0, 24, 32), Shot(cube(3, seed=2), holed, holed, true))
    kept = np.ones((24, 32), bool)
    kept[:4, :4] = False
    error = np.square(fused - true, dtype=np.float64)[:, kept].mean()
    assert holes.figures["fused"]["psnr"] == pytest.approx(-10 * math.log10(error), abs=1e-5)
    for name in ("fused", "band1_fused", "fused_error"):
        shown = holes.displayed(name)[0]
        assert (shown[:4, :4] == 0).all() and np.isfinite(shown).all()


def test_a_flat_spectrum_is_white_and_single_lines_have_their_colours() -> None:
    weights = eye_response(VISIBLE)
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-12)
    for nanometre, channel in ((620, 0), (530, 1), (450, 2)):
        assert weights[:, list(VISIBLE).index(nanometre)].argmax() == channel
    # Uneven steps: bands that are twice as dense do not count twice.
    dense = np.concatenate([np.arange(400.0, 550, 5), np.arange(550.0, 701, 10)])
    colours = [eye_response(x) @ np.exp(-0.5 * ((x - 600) / 30) ** 2) for x in (VISIBLE, dense)]
    np.testing.assert_allclose(*colours, atol=0.02)


def test_the_composite_suits_the_bands() -> None:
    assert choose_composite(31).true_colour
    assert "taken for 400…700" in choose_composite(31).words
    sentinel = (443, 490, 560, 665, 842, 1610)
    chosen = choose_composite(6, sentinel)
    assert [int(row.argmax()) + 1 for row in chosen.weights] == [4, 3, 2]
    assert chosen.true_colour
    infrared = choose_composite(6, (1600, 900, 1200, 2200, 2000, 1000))
    assert [int(row.argmax()) + 1 for row in infrared.weights] == [4, 1, 6]
    assert not infrared.true_colour
    assert [int(row.argmax()) for row in choose_composite(8).weights] == [6, 4, 1]
    assert choose_composite(8, asked=(1, 1, 8)).weights[:, [0, 7]].tolist() == [[1, 0], [1, 0], [0, 1]]
    np.testing.assert_allclose(choose_composite(2).of(cube(2))[..., 0], cube(2).mean(0), rtol=1e-6)
    with pytest.raises(UsageError, match="bands are 1 to 8"):
        choose_composite(8, asked=(1, 2, 9))


@pytest.mark.parametrize(
    ("values", "unit", "expected"),
    [
        ((0.49, 0.56), "Micrometers", (490, 560)),
        ((490.0,), "Nanometers", (490,)),
        ((0.49, 2.2), None, (490, 2200)),
        ((1.0, 31.0), None, ()),
    ],
)
def test_wavelengths_are_told_in_nanometres(
    values: tuple[float, ...], unit: str | None, expected: tuple[float, ...]
) -> None:
    found = CubeDescription(wavelengths=values, wavelength_unit=unit).nanometres
    assert found == pytest.approx(expected)


def test_what_is_not_there_is_refused() -> None:
    for looks, reason in [
        (Looks(bands=(6,)), "no band 6: the bands are 1 to 5"),
        (Looks(composite=(1, 2, 6)), "no band 6"),
        (Looks(pixels=((32, 0),)), "no pixel 32,0"),
    ]:
        with pytest.raises(UsageError, match=reason):
            scene(looks=looks)
    for wrong in ("12", "1,2,3", "a,b", "-1,2", "1.5,2"):
        with pytest.raises(UsageError, match="column and row"):
            parse_pixel(wrong)
    with pytest.raises(UsageError, match="three bands"):
        parse_composite("1,2")
    with pytest.raises(UsageError, match="counted from 1"):
        Looks(bands=(0,))
    with pytest.raises(UsageError, match="gain"):
        Looks(gain=0)
    assert (parse_pixel("120, 80"), parse_composite("26,16,6"), parse_composite(None)) == ((120, 80), (26, 16, 6), None)
    with pytest.raises(SizeMismatchError):
        explain_scene(cube(5, 6, 8), cube(3), cube(5), cube(4))


@pytest.mark.data
def test_the_eyes_curves_give_caves_own_rendering(data_dir: Path) -> None:
    """Its RGB pictures were made of the same bands: the composite agrees up to the exposure."""
    from imfuse.data.cave import cave_set, read_cave
    from imfuse.ops.colour import srgb_to_linear

    for one in cave_set(data_dir / "spectral" / "cave").scenes[:2]:
        truth, guide = read_cave(one)
        light = srgb_to_linear(guide)[0].numpy()
        made = choose_composite(31).of(truth[0].numpy()).transpose(2, 0, 1)
        inside = (light > 0.05).all(0) & (light < 0.95).all(0)
        for channel in range(3):
            assert np.corrcoef(light[channel][inside], made[channel][inside])[0, 1] > 0.99
