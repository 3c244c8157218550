"""Which models a pair of bands and guide can be sharpened by, and which one is taken where the user names none."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imfuse.errors import UsageError
from imfuse.spectral.wavelengths import differ, learned_wavelengths, span

if TYPE_CHECKING:
    from imfuse.model_card import ModelCard
    from imfuse.networks.protocol import FusionNetwork

BEST_CLASSICAL = "glp-hs"
"""The method without weights with the best PSNR on CAVE's test scenes at scale 4, the guide decoded (48.67 dB; SFIM
48.10, CNMF 45.84, Brovey 43.97, GSA 43.36: docs/reproduced/deep-csc-table4.md)."""

TRAINED = "csc-mmfn-x{scale}-linear"
"""The trained model that is preferred to others that fit: on CAVE's validation scenes it has 0.4 dB more than the one
that sees the guide as it is stored, at both scales (docs/training)."""


@dataclass(frozen=True, slots=True)
class PairShape:
    """What of a pair a model must be made for.

    Attributes:
        bands: of the low-resolution cube.
        channels: of the guide.
        scale: how many pixels of the guide a pixel of the bands is wide.
    """

    bands: int
    channels: int
    scale: int

    @property
    def words(self) -> str:
        """``31 bands, a guide of 3 channels, scale 4``."""
        return (
            f"{self.bands} band{'s' * (self.bands != 1)}, a guide of {self.channels} "
            f"channel{'s' * (self.channels != 1)}, scale {self.scale}"
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """A model, and in words why it was taken."""

    model: str
    reason: str


def default_model(shape: PairShape, cards: Iterable[ModelCard], wavelengths: Sequence[float] = ()) -> Choice:
    """The model for a pair where the user names none.

    The trained one for just these bands, channels and scale, ``csc-mmfn-xSCALE-linear`` before others; without any, or
    where the bands are known to be others than it has learned, the best classical method, which takes all.

    Args:
        shape: of the pair.
        cards: the models that there are.
        wavelengths: of the bands in nm; empty where they are not known.
    """
    of_shape = [card for card in cards if card.learned and shape_of(card) == shape]
    fitting = [card.name for card in of_shape if not differ(wavelengths, learned_wavelengths(card))]
    if of_shape and not fitting:
        learned = span(learned_wavelengths(of_shape[0]))
        reason = f"the trained model for {shape.words} has learned the bands at {learned}, and these are at "
        return Choice(BEST_CLASSICAL, f"{reason}{span(wavelengths)}; imfuse train csc-mmfn --pair makes one for them")
    if fitting:
        preferred = TRAINED.format(scale=shape.scale)
        return Choice(preferred if preferred in fitting else fitting[0], f"the trained model for {shape.words}")
    reason = f"no trained model is for {shape.words}; imfuse train csc-mmfn --pair makes one of this very pair"
    return Choice(BEST_CLASSICAL, reason)


def shape_of(card: ModelCard) -> PairShape | None:
    """What a trained model was made for; None for a method that takes any pair."""
    numbers = [card.arguments.get(name) for name in ("bands", "guide_channels", "scale")]
    if "spectral" not in card.tasks or not all(isinstance(number, int) for number in numbers):
        return None
    return PairShape(*numbers)  # type: ignore[arg-type]


def check_fit(
    network: FusionNetwork, name: str, shape: PairShape, cards: Iterable[ModelCard], files: tuple[str, str] | None
) -> None:
    """Refuse a model that is not for a pair, and say which is.

    Args:
        network: the model.
        name: its name.
        shape: of the pair.
        cards: the models that there are.
        files: paths of bands and guide, if they have any.

    Raises:
        UsageError: the model is for another pair, or a classical method gets a guide that is neither panchromatic nor
            RGB.
    """
    from imfuse.classical.spectral.method import SpectralMethod
    from imfuse.networks.csc_mmfn import CSCMMFN

    if isinstance(network, CSCMMFN):
        made_for = PairShape(network.bands, network.guide_channels, network.scale)
        if made_for != shape:
            raise UsageError(
                f"model {name!r} is for {made_for.words}; this pair has {shape.words}: {_advice(shape, cards, files)}"
            )
    elif isinstance(network, SpectralMethod) and shape.channels not in (1, 3):
        raise UsageError(
            f"the guide has {shape.channels} channels; {name} takes a panchromatic guide (1) or RGB (3): keep one or "
            f"three of them, or {_training(files)}"
        )


def _advice(shape: PairShape, cards: Iterable[ModelCard], files: tuple[str, str] | None) -> str:
    choice = default_model(shape, cards)
    other = f"choose --model {choice.model}"
    return f"{other}, or {_training(files)}" if choice.model == BEST_CLASSICAL else other


def _training(files: tuple[str, str] | None) -> str:
    low, guide = ("LR", "GUIDE") if files is None else map(shlex.quote, files)
    return f"train one on this pair: imfuse train csc-mmfn --pair {low} {guide}"
