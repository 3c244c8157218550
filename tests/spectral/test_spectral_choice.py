"""Which model a pair gets, and which it may have."""

import dataclasses

import pytest

from imfuse import list_models
from imfuse.errors import UsageError
from imfuse.model_card import ModelCard
from imfuse.registry import build_network, find_card
from imfuse.spectral.choice import BEST_CLASSICAL, PairShape, check_fit, default_model, shape_of
from spectral_pairs import lively_csc_mmfn

CAVE = PairShape(31, 3, 4)


def trained(name: str, bands: int = 31, channels: int = 3, scale: int = 4) -> ModelCard:
    arguments = {"bands": bands, "guide_channels": channels, "scale": scale}
    return dataclasses.replace(find_card("gsa"), name=name, network="csc_mmfn", arguments=arguments, sha256="0" * 64)


CARDS = [trained("csc-mmfn-x4-linear"), trained("csc-mmfn-x4"), trained("csc-mmfn-x8", scale=8), find_card("glp-hs")]


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        (CAVE, "csc-mmfn-x4"),
        (PairShape(31, 3, 8), "csc-mmfn-x8"),
        (PairShape(31, 3, 2), BEST_CLASSICAL),
        (PairShape(31, 1, 4), BEST_CLASSICAL),
        (PairShape(4, 3, 4), BEST_CLASSICAL),
    ],
)
def test_the_default_is_the_trained_model_for_just_this_pair(shape: PairShape, name: str) -> None:
    choice = default_model(shape, CARDS)
    assert choice.model == name
    assert shape.words in choice.reason
    assert ("--pair" in choice.reason) == (name == BEST_CLASSICAL)


def test_another_trained_model_that_fits_is_better_than_none() -> None:
    assert default_model(CAVE, CARDS[:1]).model == "csc-mmfn-x4-linear"
    assert default_model(CAVE, []).model == BEST_CLASSICAL
    assert default_model(CAVE, list_models("infrared")).model == BEST_CLASSICAL


def test_the_best_classical_method_is_one() -> None:
    assert "spectral" in find_card(BEST_CLASSICAL).tasks
    assert shape_of(find_card(BEST_CLASSICAL)) is None


def test_a_model_for_other_pairs_says_which_fits() -> None:
    network = lively_csc_mmfn(bands=31)
    check_fit(network, "mine", CAVE, CARDS, None)
    with pytest.raises(UsageError, match=r"'mine' is for 31 bands.*scale 4; this pair has 31 bands.*scale 8.*x8$"):
        check_fit(network, "mine", PairShape(31, 3, 8), CARDS, None)
    with pytest.raises(UsageError, match=r"--model glp-hs, or train one .*--pair lr.tif 'my guide.tif'$"):
        check_fit(network, "mine", PairShape(8, 1, 4), CARDS, ("lr.tif", "my guide.tif"))


def test_classical_methods_take_one_or_three_channels() -> None:
    method = build_network("gsa", {})
    for channels in (1, 3):
        check_fit(method, "gsa", PairShape(8, channels, 5), CARDS, None)
    with pytest.raises(UsageError, match=r"4 channels; gsa takes .*--pair LR GUIDE$"):
        check_fit(method, "gsa", PairShape(8, 4, 5), CARDS, None)
