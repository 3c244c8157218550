"""Whether the values of a guide are light, or light under the sRGB curve."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from imfuse.classical.spectral.method import GuideEncoding, SpectralMethod
from imfuse.cubes import Cube
from imfuse.errors import UsageError
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

    Trained models have learned the guide as it is stored, and need nothing. The classical methods mix light. With
    ``auto`` a guide is decoded by the sRGB curve where it is an RGB picture of 8 bits, or RGB in floats in memory, as
    programs hold pictures; other files, of deeper sensors and panchromatic ones, hold light.

    Args:
        network: the model.
        name: its name.
        guide: the guide.
        given: what it was opened from.
        asked: by the user; by default the model's own.

    Raises:
        UsageError: it was asked of a trained model.
    """
    if not isinstance(network, SpectralMethod):
        if asked not in (None, "auto"):
            raise UsageError(
                f"model {name!r} takes the guide as it is stored, whose encoding it has learned; leave "
                "--guide-encoding out, or choose a classical method"
            )
        return network, []
    wanted = asked or network.guide_encoding
    if wanted == "auto":
        in_memory = not isinstance(given, str | Path) and guide.dtype.kind == "f" and guide.bands == _RGB
        wanted = "srgb" if guide.curved or in_memory else "linear"
    notes = []
    if network.mixes_light and guide.bands == _RGB:
        words = {
            "srgb": "decoded by the sRGB curve, as pictures are; --guide-encoding linear takes it for light",
            "linear": "taken as proportional to light; --guide-encoding srgb decodes it as pictures are",
        }
        notes = [f"{guide.name}: {words[wanted]}"]
    return network.with_encoding(wanted), notes
