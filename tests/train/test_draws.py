from collections.abc import Callable

import numpy as np
import pytest

from imfuse.train.brackets import BracketDraws
from imfuse.train.cubes import CropNumbers
from imfuse.train.draws import EpochDraws, in_rounds, square
from imfuse.train.focus_crops import FocusDraws
from imfuse.train.pair_crops import PairDraws
from imfuse.train.pictures import PictureDraws

SAMPLERS: dict[str, Callable[[int], EpochDraws]] = {
    "pictures": lambda seed: PictureDraws(11, seed),
    "focus": lambda seed: FocusDraws(4, 11, seed, colours=True),
    "brackets": lambda seed: BracketDraws([3, 9, 2, 5], repeats=4, batch=3, most=4, complete=0.3, seed=seed),
    "bands": lambda seed: CropNumbers(11, seed),
    "pairs": lambda seed: PairDraws(4, 11, seed),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_draws_follow_from_seed_and_epoch_alone(name: str) -> None:
    seen = []
    for seed in (3, 4):
        for epoch in (0, 1):
            draws, later = SAMPLERS[name](seed), SAMPLERS[name](seed)
            draws.set_epoch(epoch)
            list(later)  # an epoch that was taken before changes nothing
            later.set_epoch(epoch)
            assert list(draws) == list(draws) == list(later)
            assert len(list(draws)) == len(draws)
            seen.append(list(draws))
    assert all(one != other for index, one in enumerate(seen) for other in seen[:index])


@pytest.mark.parametrize(("items", "count"), [(5, 12), (5, 5), (5, 3), (1, 4), (6, 12)])
def test_every_item_comes_before_any_comes_again(items: int, count: int) -> None:
    order = in_rounds(items, count, np.random.default_rng(0))
    assert len(order) == count
    for start in range(0, count, items):
        drawn = order[start : start + items].tolist()
        assert sorted(set(drawn)) == sorted(drawn)
        assert set(drawn) <= set(range(items))
    first = np.random.default_rng(0).permutation(items)[:count]
    assert order[:items].tolist() == first.tolist()


def test_squares_lie_at_every_place_and_nowhere_else() -> None:
    corners = set()
    for down in range(97):
        for right in range(89):
            rows, columns = square((2, 7, 9), down / 97, right / 89, 5)
            assert (rows.stop - rows.start, columns.stop - columns.start) == (5, 5)
            corners.add((rows.start, columns.start))
    assert corners == {(top, left) for top in range(3) for left in range(5)}
