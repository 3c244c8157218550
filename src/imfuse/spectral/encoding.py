"""Whether the values of a guide are light, or light under the sRGB curve."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from imfuse.classical.spectral.method import GuideEncoding, SpectralMethod
from imfuse.cubes import Cube
from imfuse.errors import UsageError
from imfuse.networks.csc_mmfn import CSCMMFN
from imfuse.networks.protocol import FusionNetwork

_RGB = 3


def check_encoding(asked: GuideEncoding | None) -> None:
    """Refuse an encoding that there is not.

    Raises:
        UsageError: it is none of ``auto``, ``srgb`` and ``linear``.
    """
    if asked is not None and asked not in get_args(GuideEncoding):
        raise UsageError(f"unknown encoding of the guide {asked!r}: choose one of {', '.join(get_args(GuideEncoding))}")


def settled_encoding(
    network: FusionNetwork, name: str, guide: Cube, given: Any, asked: GuideEncoding | None
) -> tuple[FusionNetwork, list[str]]:
    """The network with the guide's encoding settled, and what the report says of it.

    The classical methods mix light. With ``auto`` a guide is decoded by the sRGB curve where it is an RGB picture of
    whole numbers, or RGB in floats in memory, as programs hold pictures; other files, of deeper sensors and
    panchromatic ones, hold light.

    A trained model has learned guides of one encoding. An RGB guide of the other one, by the same rule, is brought to
    it; RGB in floats in memory may be either, and is taken for what was learned.

    Args:
        network: the model.
        name: its name.
        guide: the guide.
        given: what it was opened from.
        asked: by the user; by default the model's own.

    Raises:
        UsageError: it was asked of a trained model for guides that are not RGB.
    """
    in_memory = not isinstance(given, str | Path) and guide.dtype.kind == "f" and guide.bands == _RGB
    if isinstance(network, CSCMMFN):
        return _as_learned(network, name, guide, in_memory, asked)
    if not isinstance(network, SpectralMethod):
        return network, []
    wanted = asked or network.guide_encoding
    if wanted == "auto":
        wanted = "srgb" if guide.curved or in_memory else "linear"
    notes = []
    if network.mixes_light and guide.bands == _RGB:
        words = {
            "srgb": "decoded by the sRGB curve, as pictures are; --guide-encoding linear takes it for light",
            "linear": "taken as proportional to light; --guide-encoding srgb decodes it as pictures are",
        }
        notes = [f"{guide.name}: {words[wanted]}"]
    return network.with_encoding(wanted), notes


def _as_learned(
    network: CSCMMFN, name: str, guide: Cube, in_memory: bool, asked: GuideEncoding | None
) -> tuple[FusionNetwork, list[str]]:
    if guide.bands != _RGB:
        if asked not in (None, "auto"):
            raise UsageError(
                f"model {name!r} takes a guide of {guide.bands} channels as it is stored, whose encoding it has "
                "learned; leave --guide-encoding out, or choose a classical method"
            )
        return network, []
    curved = asked == "srgb" or (asked != "linear" and (network.guide_curved if in_memory else guide.curved))
    if curved == network.guide_curved:
        return network, []
    words = (
        f"decoded by the sRGB curve, since {name} has learned guides of light; --guide-encoding linear takes it for "
        "light"
        if curved
        else f"taken as proportional to light, and brought under the sRGB curve as the pictures that {name} has "
        "learned; --guide-encoding srgb takes it for such a picture"
    )
    return network.for_guides(curved), [f"{guide.name}: {words}"]
