"""Levels: percentiles against sorted values, the default policy of each role, and what the report says."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from imfuse.errors import SourceError, UsageError
from imfuse.fuser import Fuser
from imfuse.io import ArraySource, Window
from imfuse.levels import extremes, find_levels, parse_range, percentiles, ranges_of
from imfuse.networks.protocol import FusionNetwork
from imfuse.tasks import TASKS
from imfuse.tiles import tiles

ROLES = TASKS["infrared"].roles


class Passing(FusionNetwork):
    """Gives the source of one index back, so that a result shows what the network was given."""

    bytes_per_pixel = 16
    halo = 0

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def fuse(self, sources: list[Tensor], survey: object = None) -> Tensor:
        return list(sources)[self.index].clone()


def source(pixels: np.ndarray, full_range: tuple[float, float] | None = None) -> ArraySource:
    return ArraySource(pixels.reshape(*pixels.shape[:2], -1), "picture.tif", full_range=full_range)


def windows(pixels: np.ndarray, side: int = 17) -> list[Window]:
    return list(tiles(*pixels.shape[:2], side))


def spread(low: float, high: float, dtype: type, shape: tuple[int, int] = (61, 67), seed: int = 0) -> np.ndarray:
    """Evenly spaced values from ``low`` to ``high`` in random places."""
    values = np.linspace(low, high, shape[0] * shape[1])
    return np.random.default_rng(seed).permutation(values).reshape(shape).astype(dtype)


def levels(pixels: np.ndarray, policy: str | None = None, *, stretch: bool, full_range=None):
    return find_levels(source(pixels, full_range), windows(pixels), policy, stretch)


def ranked(values: np.ndarray) -> tuple[float, float]:
    """The smallest values that at least 0.1 % and 99.9 % of all reach, by sorting; ranks in whole numbers."""
    inside = np.sort(values, axis=None)
    return inside[-(-inside.size // 1000) - 1], inside[-(-inside.size * 999 // 1000) - 1]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 130), st.integers(1, 130), st.integers(5, 60), st.integers(0, 2**16), st.sampled_from([1, 9, 4000])
)
def test_percentiles_of_counts_are_exactly_those_of_the_sorted_values(
    height: int, width: int, side: int, seed: int, rarity: int
) -> None:
    counts = np.random.default_rng(seed).integers(0, 65536 // rarity, (height, width), np.uint16)
    counts[0, 0] = 65535
    found = percentiles(source(counts), windows(counts, side), extremes(source(counts), windows(counts, side)))
    assert found == ranked(counts)
    if counts.size % 1000:
        assert found == tuple(np.percentile(counts, [0.1, 99.9], method="inverted_cdf"))


@pytest.mark.parametrize("shape", [(20, 50), (40, 50), (60, 100), (90, 100), (250, 200)])
def test_the_rank_counts_itself_where_it_is_a_whole_number(shape: tuple[int, int]) -> None:
    """Of 1000 different values, the first has 0.1 % at or below it."""
    counts = spread(0, 65535, np.uint16, shape)
    assert len(np.unique(counts)) == counts.size
    span = extremes(source(counts), windows(counts))
    assert percentiles(source(counts), windows(counts, 30), span) == ranked(counts)


@pytest.mark.parametrize("full_range", [(0.0, 4095.0), (0.0, 65535.0)])
def test_percentiles_of_counts_do_not_depend_on_the_windows(full_range: tuple[float, float]) -> None:
    counts = spread(100, 4000, np.uint16)
    span = extremes(source(counts), windows(counts))
    for side in (7, 33, 1000):
        assert percentiles(source(counts, full_range), windows(counts, side), span) == ranked(counts)


@pytest.mark.parametrize("outliers", [(), (1e9,), (-1e9,), (1e9, -1e9), (5e3, -300.0, 1e6)])
@pytest.mark.parametrize("kind", ["normal", "uniform", "exponential"])
def test_percentiles_of_float_are_within_a_thousandth_of_the_span(kind: str, outliers: tuple[float, ...]) -> None:
    rng = np.random.default_rng(3)
    draw = {"normal": rng.normal, "uniform": rng.uniform, "exponential": lambda a, b, n: a + rng.exponential(b, n)}[
        kind
    ]
    pixels = draw(20.0, 33.0, (83, 97)).astype(np.float32)
    pixels.reshape(-1)[: 3000 * len(outliers) : 3000] = outliers
    assert len(outliers) < pixels.size / 1000
    expected = np.percentile(pixels, [0.1, 99.9], method="inverted_cdf").astype(float)
    span = extremes(source(pixels), windows(pixels))
    found = np.array(percentiles(source(pixels), windows(pixels, 30), span))
    assert np.abs(found - expected).max() <= (expected[1] - expected[0]) / 1000


def test_extremes_are_those_of_all_windows_and_refuse_what_is_no_number() -> None:
    pixels = spread(-3, 7, np.float32)
    found = extremes(source(pixels), windows(pixels))
    assert (found.low, found.high) == (pixels.min(), pixels.max())
    for value in (np.nan, np.inf, -np.inf):
        pixels[60, 66] = value
        with pytest.raises(SourceError, match=r"picture\.tif.*NaN"):
            extremes(source(pixels), windows(pixels))


def test_dead_and_glowing_pixels_do_not_keep_thermal_counts_from_being_stretched() -> None:
    counts = spread(7000, 8000, np.uint16)
    counts[5, 5], counts[40, 40] = 0, 65535
    found, notes = levels(counts, stretch=True)
    assert (found.low, found.high) == ranked(counts)
    assert 7000 <= found.low < 7010
    assert 7990 < found.high <= 8000
    assert "0.1 and 99.9" in found.origin
    assert any("picture.tif" in note and "stretched" in note for note in notes)


@pytest.mark.parametrize(("full_range", "half"), [(None, 32767.5), ((0.0, 4095.0), 2047.5)])
def test_infrared_counts_are_stretched_where_they_use_less_than_half_of_the_range(
    full_range: tuple[float, float] | None, half: float
) -> None:
    white = 2 * half
    below, _ = levels(spread(0, 0.98 * half, np.uint16), stretch=True, full_range=full_range)
    assert "percentile" in below.origin
    above, notes = levels(spread(0, 1.02 * half, np.uint16), stretch=True, full_range=full_range)
    assert (above.low, above.high, above.origin) == (0, white, "full range")
    assert not notes
    visible, _ = levels(spread(0, 0.98 * half, np.uint16), stretch=False, full_range=full_range)
    assert (visible.low, visible.high) == (0, white)


@pytest.mark.parametrize("stretch", [True, False])
def test_eight_bits_are_taken_at_full_range_whatever_they_hold(stretch: bool) -> None:
    found, notes = levels(spread(90, 110, np.uint8), stretch=stretch)
    assert (found.low, found.high) == (0, 255)
    assert notes == ()


def test_infrared_in_degrees_is_stretched_by_percentiles_although_one_pixel_is_hot() -> None:
    celsius = spread(15, 35, np.float32)
    celsius[30, 30] = 900
    found, notes = levels(celsius, stretch=True)
    assert (found.low, found.high) == pytest.approx(ranked(celsius), abs=0.02)
    assert found.high < 35.1
    assert any("percentiles 0.1 and 99.9" in note for note in notes)
    unit = celsius / 1000
    unit[30, 30] = 9
    taken, told = levels(unit, stretch=True)
    assert (taken.low, taken.high) == (0, 1)
    assert any("clipped" in note for note in told)


@pytest.mark.parametrize(("low", "high"), [(-0.2, 1.0), (0.0, 1.2), (-0.24, 1.24)])
def test_a_slight_overshoot_of_a_float_visible_is_clipped_and_told(low: float, high: float) -> None:
    pixels = spread(low, high, np.float32)
    found, notes = levels(pixels, stretch=False)
    assert (found.low, found.high) == (0, 1)
    assert len(notes) == 1
    assert notes[0].startswith("picture.tif")
    assert "clipped" in notes[0]


@pytest.mark.parametrize(("low", "high"), [(-0.3, 1.0), (0.0, 1.3), (0.0, 255.0)])
def test_a_float_visible_far_beyond_the_unit_interval_is_stretched_from_end_to_end(low: float, high: float) -> None:
    pixels = spread(low, high, np.float32)
    found, notes = levels(pixels, stretch=False)
    assert (found.low, found.high) == (pixels.min(), pixels.max())
    assert "stretched" in notes[0]


@pytest.mark.parametrize(("share", "told"), [(0.12, True), (0.13, False)])
def test_a_visible_that_uses_less_than_an_eighth_of_its_range_is_told(share: float, told: bool) -> None:
    _, notes = levels(spread(1000, 1000 + share * 65535, np.uint16), stretch=False)
    assert any("taken as it is" in note for note in notes) == told


@pytest.mark.parametrize("policy", [None, "percentile", "minmax"])
def test_a_constant_source_is_not_stretched_and_told(policy: str | None) -> None:
    found, notes = levels(np.full((9, 9), 7000, np.uint16), policy, stretch=True)
    assert (found.low, found.high) == (0, 65535)
    assert any("all pixels are 7000" in note for note in notes)


def test_percentiles_that_coincide_give_way_to_the_extremes() -> None:
    counts = np.full((60, 60), 7000, np.uint16)
    counts[0, 0] = 9000
    found, _ = levels(counts, "percentile", stretch=True)
    assert (found.low, found.high, found.origin) == (7000, 9000, "smallest and largest value")


def test_a_policy_holds_for_its_role_alone() -> None:
    assert ranges_of(None, ROLES) == [None, None]
    assert ranges_of("minmax", ROLES) == ["minmax", None]
    assert ranges_of({"visible": "minmax"}, ROLES) == [None, "minmax"]
    assert ranges_of({"visible": "full", "infrared": "percentile"}, ROLES) == ["percentile", "full"]
    for wrong in ("log", {"infrared": "log"}, {"thermal": "full"}):
        with pytest.raises(UsageError, match=r"log|thermal"):
            ranges_of(wrong, ROLES)


def test_policies_are_written_as_one_name_or_by_role() -> None:
    assert parse_range(None) is None
    assert parse_range("minmax") == "minmax"
    assert parse_range("infrared=minmax, visible = full") == {"infrared": "minmax", "visible": "full"}


def test_a_mapping_by_role_reaches_its_source() -> None:
    visible = spread(30, 90, np.uint8)
    report = Fuser(Passing(1), TASKS["infrared"]).fuse(
        [spread(7000, 8000, np.uint16), visible], range={"visible": "minmax", "infrared": "full"}
    )
    assert (report.report.sources[0].black, report.report.sources[0].white) == (0, 65535)
    assert (report.report.sources[1].black, report.report.sources[1].white) == (30, 90)


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("policy", ["minmax", "percentile", "full"])
def test_the_network_gets_the_levels_at_0_and_1_and_nothing_beyond(index: int, policy: str) -> None:
    pair = [spread(7000, 8000, np.uint16), spread(-0.2, 1.2, np.float32, seed=1)]
    pair[0][3, 3], pair[0][4, 4] = 0, 65535
    role = ROLES[index].name
    result = Fuser(Passing(index), TASKS["infrared"]).fuse(pair, range={role: policy}, depth="float")
    used = result.report.sources[index]
    expected = np.clip((pair[index].astype(float) - used.black) / (used.white - used.black), 0, 1)
    np.testing.assert_allclose(result.image, expected, atol=1e-6)
    assert result.image.min() >= 0
    assert result.image.max() <= 1
    assert isinstance(result.image, np.ndarray)


def test_the_sources_are_left_alone() -> None:
    pair = [torch.rand(1, 9, 9) * 50, torch.rand(3, 9, 9) * 1.2]
    copies = [picture.clone() for picture in pair]
    Fuser(Passing(0), TASKS["infrared"]).fuse(pair)
    assert all(torch.equal(a, b) for a, b in zip(pair, copies, strict=True))
