"""What becomes of colour: what a network gets of every picture, and how the fused picture gets its chroma.

A policy is chosen once per scene. For every window it starts a fold, which sees the pictures as they go by, one in
memory at a time, and at the end gives the colour to what the network made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from imfuse.ops.colour import add_chroma_, luma, merged_chroma, pale_, replace_luma

if TYPE_CHECKING:
    from imfuse.io import PixelSource
    from imfuse.networks.protocol import FusionNetwork
    from imfuse.tasks import Task


class ColourFold(ABC):
    """The colour of one window, gathered picture by picture."""

    def prepared(self, picture: Tensor) -> Tensor:
        """What the network gets of a picture (B, 1 or 3, H, W) in [0, 1]; by default its luma, (B, 1, H, W)."""
        return luma(picture)

    @abstractmethod
    def add(self, index: int, picture: Tensor, prepared: Tensor) -> None:
        """Take the picture of this index, once, with what the network got of it."""

    @abstractmethod
    def result(self, fused: Tensor) -> Tensor:
        """The fused picture in colour, where it has any, of what the network made; it may leave [0, 1]."""


class ColourPolicy(ABC):
    """How a scene is fused that may hold colour pictures.

    Attributes:
        words: what it does, for the report.
    """

    words: str
    clipping = "which is clipped"
    """What becomes of channels beyond black or white, for the report."""

    def channels(self, sources: Sequence[PixelSource]) -> int:
        """Channels of the result, 1 or 3; by default 3 where any picture has colour."""
        return max(source.channels for source in sources)

    def network_channels(self, channels: int) -> int:
        """Channels of what the network gets, for results of ``channels``."""
        return 1

    @property
    @abstractmethod
    def bytes_per_pixel(self) -> int:
        """What a fold holds and works with of a window, in bytes per pixel, where the result has colour."""

    @abstractmethod
    def start(self, channels: int) -> ColourFold:
        """A fold for one window of a result of so many channels."""

    def fitted(self, stretched: Tensor) -> Tensor:
        """Pixels (C, h, w) that a stretch may have put beyond [0, 1], made ready to be clipped in place."""
        return stretched

    @abstractmethod
    def notes(self, sources: Sequence[PixelSource], channels: int) -> list[str]:
        """What is lost or made of the sources' colour, in words."""


class ChromaOfRole(ColourPolicy):
    """Lumas are fused; the result has Cb and Cr of one source, and is gray where that is gray.

    Args:
        role: index of that source.
        name: of its role.
    """

    def __init__(self, role: int, name: str) -> None:
        self.role = role
        self.words = f"luma fused, chroma from the {name} picture"

    def channels(self, sources: Sequence[PixelSource]) -> int:
        """Those of the source that gives the chroma."""
        return sources[self.role].channels

    @property
    def bytes_per_pixel(self) -> int:
        """The colour picture and its luma."""
        return 16

    def start(self, channels: int) -> ColourFold:
        """A fold that keeps the one colour picture."""
        return _ChromaOfRole(self.role)

    def notes(self, sources: Sequence[PixelSource], channels: int) -> list[str]:
        """The sources whose colour is lost."""
        origin = sources[self.role].name
        return [
            f"{source.name}: colour is turned to luma; chroma comes from {origin}"
            for index, source in enumerate(sources)
            if index != self.role and source.channels == 3
        ]


class _ChromaOfRole(ColourFold):
    def __init__(self, role: int) -> None:
        self.role = role
        self.picture: Tensor | None = None
        self.luma: Tensor | None = None

    def add(self, index: int, picture: Tensor, prepared: Tensor) -> None:
        if index == self.role and picture.shape[1] == 3:
            self.picture, self.luma = picture, prepared

    def result(self, fused: Tensor) -> Tensor:
        if self.picture is None or self.luma is None:
            return fused
        return replace_luma(self.picture, self.luma, fused)


class Rgb(ColourPolicy):
    """The network gets the pictures in RGB and gives RGB; where all are gray, it gets and gives gray.

    A gray picture among colour ones is taken as RGB of three equal channels: where it is the sharp one, the result is
    gray there, as it is.
    """

    words = "RGB fused"

    def network_channels(self, channels: int) -> int:
        """Those of the result."""
        return channels

    @property
    def bytes_per_pixel(self) -> int:
        """Nothing is held."""
        return 0

    def start(self, channels: int) -> ColourFold:
        """A fold that has nothing to gather."""
        return _Rgb(channels)

    def notes(self, sources: Sequence[PixelSource], channels: int) -> list[str]:
        """The gray pictures among colour ones."""
        gray = [source for source in sources if source.channels < channels]
        return [f"{source.name}: gray, taken as RGB of three equal channels" for source in gray]


class _Rgb(ColourFold):
    def __init__(self, channels: int) -> None:
        self.channels = channels

    def prepared(self, picture: Tensor) -> Tensor:
        if picture.shape[1] == self.channels:
            return picture
        # Memory of its own: methods may work in place.
        return picture.repeat(1, self.channels, 1, 1)

    def add(self, index: int, picture: Tensor, prepared: Tensor) -> None:
        pass

    def result(self, fused: Tensor) -> Tensor:
        return fused


class WeightedChroma(ColourPolicy):
    """Lumas are fused; Cb and Cr of a pixel are those of all pictures, weighted by their distance from neutral.

    Cb = Σ |Cbₖ − ½| Cbₖ / Σ |Cbₖ − ½|, likewise Cr, at every pixel: Prabhakar et al., "DeepFuse", ICCV 2017, Eq. 8,
    with ½ for their 128; taken over by Deep CSC (its ℓ1-norm strategy for multi-exposure fusion, whose norm is read
    per pixel, as DeepFuse's) and by IFCNN. So a burnt or a black picture, which has lost its colour, has no say. Where
    all are neutral, so is the result.

    The paper is silent on luma and chroma that no RGB has together, as where one exposure shows the light of a burnt
    sky and another one its colour. Channels clipped one by one would change hue and luma there; so our choice is the
    usual one of gamut mapping, to keep the fused luma and the hue and to pale the colour as far as it must be
    (:func:`imfuse.ops.colour.pale_`). That is done to what is fused, before any stretch, whose limits are then those of
    a picture that can be shown; and again where the stretch puts channels beyond black or white, before they are
    clipped: what is brighter than white becomes white, and nothing changes its hue on the way there.
    """

    words = "luma fused, chroma weighted by its distance from neutral, colours beyond RGB paled"
    clipping = "where colours are paled, so that hue stays, and luma is clipped"

    @property
    def bytes_per_pixel(self) -> int:
        """Two sums of two channels, and as much to work with."""
        return 32

    def start(self, channels: int) -> ColourFold:
        """A fold that sums chroma and weights."""
        return _WeightedChroma()

    def fitted(self, stretched: Tensor) -> Tensor:
        """Colours paled until they lie in [0, 1], but for those darker than black and brighter than white."""
        if stretched.shape[0] == 1:
            return stretched
        rgb = stretched.unsqueeze(0)
        return pale_(rgb, luma(rgb))[0]

    def notes(self, sources: Sequence[PixelSource], channels: int) -> list[str]:
        """The gray pictures among colour ones."""
        return [f"{source.name}: gray, gives no chroma" for source in sources if source.channels < channels]


class _WeightedChroma(ColourFold):
    def __init__(self) -> None:
        self.weighted: Tensor | None = None
        self.weights: Tensor | None = None

    def add(self, index: int, picture: Tensor, prepared: Tensor) -> None:
        if picture.shape[1] == 1:  # neutral everywhere
            return
        if self.weighted is None or self.weights is None:
            self.weighted, self.weights = picture.new_zeros(2, len(picture), 2, *picture.shape[2:])
        add_chroma_(self.weighted, self.weights, picture, prepared)

    def result(self, fused: Tensor) -> Tensor:
        if self.weighted is None or self.weights is None:
            return fused
        return merged_chroma(self.weighted, self.weights, fused)


def colour_policy(task: Task, network: FusionNetwork) -> ColourPolicy:
    """The policy of a task with this network: networks that take colour get exposures in RGB."""
    if task.colour == "chroma of a role":
        return ChromaOfRole(task.chroma_role, task.roles[task.chroma_role].name)
    if task.colour == "rgb" or network.takes_colour:
        return Rgb()
    return WeightedChroma()
