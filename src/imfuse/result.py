"""What a fusion gives back: the picture, and everything that was done to get it."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import OutputError
from imfuse.io.source import Metadata, PixelSource

if TYPE_CHECKING:
    from torch import Tensor

    from imfuse.exposures import ExposureReport
    from imfuse.levels import Levels
    from imfuse.registration.report import AlignmentReport
    from imfuse.source_shares import SourceShares
    from imfuse.stretch import Limits
    from imfuse.tasks import Role


@dataclass(frozen=True, slots=True)
class SourceReport:
    """A source as it was used: name, role, size, depth, and the levels that became black and white."""

    name: str
    role: str
    height: int
    width: int
    channels: int
    dtype: str
    black: float
    white: float
    levels: str

    @classmethod
    def of(cls, source: PixelSource, role: Role, levels: Levels) -> Self:
        """A source in this role, with these levels."""
        size = (source.height, source.width, source.channels, str(source.dtype))
        return cls(source.name, role.name, *size, levels.low, levels.high, levels.origin)


@dataclass(frozen=True, slots=True)
class Report:
    """How a picture was fused.

    Attributes:
        task: task name.
        model: model name.
        rule: name of the fusion rule, or None where there is no choice.
        device: where it was computed.
        version: version of imfuse.
        sources: the sources in the order given.
        height: rows of the result.
        width: columns of the result.
        channels: channels of the result, alpha included.
        dtype: of the result.
        colour: the colour policy in words.
        tiles: in how many windows the picture was computed.
        seconds: time of reading and fusing.
        notes: every resize, stretch, clip or conversion that was done, in words.
        exposures: of a bracket, from dark to bright; None for other tasks.
        stretch: the values that became black and white in the last step; None where it was not done.
        beyond: share of the pixels that had a channel beyond black or white.
        alignment: how the pictures of a stack were aligned; None if it was not asked for.
    """

    task: str
    model: str
    rule: str | None
    device: str
    version: str
    sources: tuple[SourceReport, ...]
    height: int
    width: int
    channels: int
    dtype: str
    colour: str
    tiles: int
    seconds: float
    notes: tuple[str, ...]
    exposures: tuple[ExposureReport, ...] | None = None
    stretch: Limits | None = None
    beyond: float = 0.0
    alignment: AlignmentReport | None = None

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class FusionResult:
    """A fused picture.

    Attributes:
        image: array (H, W) or (H, W, C), or a tensor where the source that carries the detail was one, in its layout;
            in the depth of that source, in the colours of the task's policy, alpha as last channel where it had one.
        report: how it was made.
        metadata: EXIF, ICC profile and resolution that :meth:`save` writes.
        has_alpha: whether the last channel is alpha.
        shares: which source won where, if it was asked for.
    """

    image: NDArray[Any] | Tensor
    report: Report
    metadata: Metadata = field(default_factory=Metadata)
    has_alpha: bool = False
    shares: SourceShares | None = None

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False, quality: int = 95) -> tuple[str, ...]:
        """Write the picture; the format follows from the ending (PNG, JPEG, TIFF, BMP, WebP).

        Args:
            path: where to.
            overwrite: replace what is there.
            quality: of JPEG.

        Returns:
            What the format made necessary (16 bits to 8 for JPEG, alpha dropped …), in words.

        Raises:
            OutputError: the file exists, or cannot be written.
        """
        from imfuse.io import save_image

        return save_image(
            path,
            as_array(self.image),
            metadata=self.metadata,
            alpha=self.has_alpha,
            overwrite=overwrite,
            quality=quality,
        )


def as_array(image: NDArray[Any] | Tensor) -> NDArray[Any]:
    """The picture as (H, W) or (H, W, C).

    Raises:
        OutputError: it is a batch of several.
    """
    if isinstance(image, np.ndarray):
        return image
    planes = image.detach().cpu()
    if planes.ndim == 4 and len(planes) > 1:
        raise OutputError(f"the result is a batch of {len(planes)} pictures; fuse them one by one to save them")
    if planes.ndim == 2:
        return np.asarray(planes.numpy())
    planes = planes.reshape(planes.shape[-3:]).permute(1, 2, 0)
    return np.asarray(planes.squeeze(-1).numpy())
