import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from bench_makers import row
from imfuse.bench import ranks, standings
from imfuse.bench.ranking import Direction, counted


def test_the_direction_says_who_is_first() -> None:
    values = {"a": 1.0, "b": 3.0, "c": 2.0}
    assert ranks(values, "higher") == {"a": 3, "b": 1, "c": 2}
    assert ranks(values, "lower") == {"a": 1, "b": 3, "c": 2}


@given(st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=8), st.sampled_from(["higher", "lower"]))
def test_ties_share_the_better_rank(values: list[float], direction: str) -> None:
    found = ranks({str(index): value for index, value in enumerate(values)}, direction)  # type: ignore[arg-type]
    signed = np.array(values) * (-1 if direction == "higher" else 1)
    assert list(found.values()) == rankdata(signed, method="min").tolist()


@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_what_is_not_a_number_comes_last(direction: str) -> None:
    found = ranks({"a": math.nan, "b": 0.0, "c": math.nan}, direction)  # type: ignore[arg-type]
    assert found == {"a": 2, "b": 1, "c": 2}
    assert ranks({"a": math.inf, "b": 0.0}, "higher") == {"a": 1, "b": 2}


def test_means_deviations_and_places_in_closed_form() -> None:
    rows = [
        row("first", "1", up=3.0, down=1.0),
        row("first", "2", up=5.0, down=2.0),
        row("second", "1", up=4.0, down=1.0),
        row("second", "2", up=2.0, down=1.0),
        row("third", "1", up=1.0, down=9.0),
        row("third", "2", up=1.0, down=9.0),
    ]
    found = standings(rows, ["third", "second", "first"], {"up": "higher", "down": "lower"})
    # Both leaders have mean rank 1.5, one first and one second place: the order given decides.
    assert [one.model for one in found] == ["second", "first", "third"]
    second, first, third = found
    assert first.means == {"up": 4.0, "down": 1.5}
    assert first.deviations == pytest.approx({"up": math.sqrt(2), "down": math.sqrt(0.5)})
    assert first.ranks == {"up": 1, "down": 2}
    assert (first.mean_rank, first.firsts, first.seconds) == (1.5, 1, 1)
    assert (second.mean_rank, second.firsts, second.seconds) == (1.5, 1, 1)
    assert (third.mean_rank, third.firsts, third.seconds) == (3.0, 0, 0)


def test_a_shared_first_place_leaves_no_second() -> None:
    rows = [row(model, "1", up=value) for model, value in (("a", 2.0), ("b", 2.0), ("c", 1.0))]
    found = {one.model: one for one in standings(rows, ["a", "b", "c"], {"up": "higher"})}
    assert [found[model].firsts for model in "abc"] == [1, 1, 0]
    assert [found[model].seconds for model in "abc"] == [0, 0, 0]
    assert all(math.isnan(one.deviations["up"]) for one in found.values())


def test_who_lacks_a_picture_is_not_ranked_and_takes_no_place_from_others() -> None:
    # On its one easy scene "lucky" has the best mean, but the others were measured on the hard one too.
    rows = [
        row("whole", "easy", up=8.0),
        row("whole", "hard", up=2.0),
        row("lucky", "easy", up=9.0),
        row("none", "easy"),
    ]
    found = standings(rows, ["lucky", "whole", "none"], {"up": "higher"})
    assert [one.model for one in found] == ["whole", "lucky", "none"]
    whole, lucky, none = found
    assert (whole.complete, whole.mean_rank, whole.firsts) == (True, 1.0, 1)
    assert (lucky.complete, lucky.mean_rank, lucky.pictures, lucky.means) == (False, None, 1, {"up": 9.0})
    assert (none.pictures, none.means, none.mean_rank) == (0, {}, None)


@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_what_is_not_a_number_is_behind_infinity_and_wins_nothing(direction: str) -> None:
    worst = -math.inf if direction == "higher" else math.inf
    assert ranks({"a": math.nan, "b": worst}, direction) == {"a": 2, "b": 1}  # type: ignore[arg-type]
    rows = [row(model, "1", niqe=math.nan) for model in ("a", "b")]
    found = standings(rows, ["a", "b"], {"niqe": direction})  # type: ignore[dict-item]
    assert [(one.firsts, one.seconds) for one in found] == [(0, 0), (0, 0)]


def test_a_scene_of_which_nobody_has_all_metrics_counts_for_nobody() -> None:
    rows = [row(model, "broken") for model in ("a", "b")]
    rows += [row("a", "small", up=1.0), row("a", "fine", up=2.0, down=1.0), row("b", "fine", up=3.0, down=2.0)]
    metrics: dict[str, Direction] = {"up": "higher", "down": "lower"}
    assert counted(rows, metrics) == {"fine"}
    found = standings(rows, ["a", "b"], metrics)
    assert [(one.model, one.complete, one.pictures, one.mean_rank) for one in found] == [
        ("a", True, 1, 1.5),
        ("b", True, 1, 1.5),
    ]
    assert not any(one.complete for one in standings(rows[:2], ["a", "b"], metrics))
