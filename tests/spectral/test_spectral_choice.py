"""Which model a pair gets, and which it may have."""

import dataclasses

import pytest

import imfuse
from imfuse import list_models
from imfuse.errors import UsageError
from imfuse.model_card import ModelCard
from imfuse.registry import build_network, find_card
from imfuse.spectral.choice import BEST_CLASSICAL, PairShape, check_fit, default_model, shape_of
from imfuse.spectral.wavelengths import CAVE_WAVELENGTHS, learned_wavelengths, wavelength_note
from spectral_pairs import lively_csc_mmfn, pair

CAVE = PairShape(31, 3, 4)


def trained(name: str, bands: int = 31, channels: int = 3, scale: int = 4) -> ModelCard:
    arguments = {"bands": bands, "guide_channels": channels, "scale": scale}
    return dataclasses.replace(find_card("gsa"), name=name, network="csc_mmfn", arguments=arguments, sha256="0" * 64)


CARDS = [trained("csc-mmfn-x4-linear"), trained("csc-mmfn-x4"), trained("csc-mmfn-x8", scale=8), find_card("glp-hs")]


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        (CAVE, "csc-mmfn-x4-linear"),
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
    assert default_model(CAVE, CARDS[1:]).model == "csc-mmfn-x4"
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


OF_CAVE = [dataclasses.replace(card, data={"cave/train": "22 scenes"}) if card.learned else card for card in CARDS]


@pytest.mark.parametrize(
    ("wavelengths", "fits"),
    [
        ((), True),
        (CAVE_WAVELENGTHS, True),
        (tuple(value + 5 for value in CAVE_WAVELENGTHS), True),
        (tuple(value + 20 for value in CAVE_WAVELENGTHS), False),
        (CAVE_WAVELENGTHS[::-1], False),
        (tuple(400 + 70 * band for band in range(31)), False),
    ],
)
def test_bands_that_are_known_to_be_others_get_no_model_of_cave(wavelengths: tuple[float, ...], fits: bool) -> None:
    choice = default_model(CAVE, OF_CAVE, wavelengths)
    assert choice.model == ("csc-mmfn-x4-linear" if fits else BEST_CLASSICAL)
    assert ("has learned the bands at 400…700 nm" in choice.reason) == (not fits)
    note = wavelength_note(OF_CAVE[1], wavelengths, "lr.tif")
    assert bool(note) == (wavelengths == () or not fits)
    assert ("does not tell" in note) == (wavelengths == ())
    # Of a model that does not tell what it has learned there is nothing to say.
    assert default_model(CAVE, CARDS, wavelengths).model == "csc-mmfn-x4-linear"
    assert not wavelength_note(CARDS[1], wavelengths, "lr.tif")


def test_the_shipped_models_tell_what_they_have_learned() -> None:
    shipped = list_models("spectral", "learned")
    assert shipped
    assert all(learned_wavelengths(card) == CAVE_WAVELENGTHS for card in shipped)
    low, guide = pair(6, 6, bands=31)
    for model in (None, shipped[0].name):
        notes = " ".join(imfuse.fuse([low, guide], task="spectral", model=model).report.notes)
        used = model or "csc-mmfn-x4-linear"
        assert f"the bands: does not tell the wavelengths of its bands; {used} has learned" in notes
