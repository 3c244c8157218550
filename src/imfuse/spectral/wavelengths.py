"""Which part of the spectrum the bands of a trained model are, and whether those of a cube are the same."""

from __future__ import annotations

from collections.abc import Sequence

from imfuse.model_card import ModelCard

CAVE_WAVELENGTHS = tuple(float(nanometres) for nanometres in range(400, 701, 10))
"""Of CAVE's bands, in nm. 31 bands that do not tell theirs are taken for these."""

TOLERANCE = 10.0
"""How far a band may lie from the one that was learned, in nm: CAVE's distance from band to band."""

_CAVE = "cave/"


def learned_wavelengths(card: ModelCard) -> tuple[float, ...]:
    """Of the bands that a model has learned, in nm; empty where its card does not tell."""
    of_cave = any(name.startswith(_CAVE) for name in card.data)
    return CAVE_WAVELENGTHS if of_cave and card.arguments.get("bands") == len(CAVE_WAVELENGTHS) else ()


def differ(wavelengths: Sequence[float], learned: Sequence[float]) -> bool:
    """Whether bands are known not to be those that were learned: other wavelengths, or another order."""
    if not wavelengths or not learned:
        return False
    far = (abs(one - other) > TOLERANCE for one, other in zip(wavelengths, learned, strict=False))
    return len(wavelengths) != len(learned) or any(far)


def wavelength_note(card: ModelCard, wavelengths: Sequence[float], cube: str) -> str:
    """What a report says of a model that has learned bands which a cube does not have for certain; empty if it has.

    With CAVE's bands in reverse order csc-mmfn-x4 has 7 dB less on its validation scenes, and 5 dB less than GLP-HS,
    which asks for no order.

    Args:
        card: of the model.
        wavelengths: of the cube's bands in nm; empty where they are not known.
        cube: its name.
    """
    learned = learned_wavelengths(card)
    if not learned or (wavelengths and not differ(wavelengths, learned)):
        return ""
    words = f"{card.name} has learned the bands at {span(learned)}"
    if wavelengths:
        return f"{cube}: its bands are at {span(wavelengths)}, and {words}: expect less of it than of glp-hs"
    return f"{cube}: does not tell the wavelengths of its bands; {words} in this order: of others take glp-hs"


def span(wavelengths: Sequence[float]) -> str:
    """``400…700 nm``, from the first band to the last."""
    return f"{wavelengths[0]:g}…{wavelengths[-1]:g} nm"
