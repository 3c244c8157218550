"""What every metric is computed on, checked once: gray levels 0…255, or bands in [0, 1], in float64."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.ops.colour import luma

PEAK = 255.0
RANGE_SLACK = 1e-6  # rounding of a float32 computation may leave [0, 1] by this much


@dataclass(frozen=True)
class Levels:
    """A fused picture and its sources as gray levels.

    Attributes:
        fused: float64 tensor (B, H, W), levels 0…255.
        sources: one such tensor per source, in the order in which they were given.
        truth: what fusion should have given, if it is known.
    """

    fused: Tensor
    sources: tuple[Tensor, ...] = ()
    truth: Tensor | None = None

    def pair(self, metric: str) -> tuple[Tensor, Tensor]:
        """Return the two sources, for a metric that is defined for exactly two.

        Raises:
            UsageError: There are not exactly two sources.
        """
        if len(self.sources) != 2:
            raise UsageError(f"{metric} is defined for exactly two sources, but {len(self.sources)} were given")
        return self.sources[0], self.sources[1]

    def require_sources(self, metric: str) -> None:
        """Check that there is a source.

        Raises:
            UsageError: There is none.
        """
        if not self.sources:
            raise UsageError(f"{metric} needs at least one source, but none was given")

    def require_size(self, smallest: int, metric: str) -> None:
        """Check that both sides have at least `smallest` pixels.

        Raises:
            UsageError: The pictures are smaller.
        """
        height, width = self.fused.shape[-2:]
        if min(height, width) < smallest:
            raise UsageError(
                f"{metric} needs pictures of at least {smallest}×{smallest} pixels, but these have {height}×{width}"
            )


@dataclass(frozen=True)
class Bands:
    """A fused picture, its sources and the truth with all their bands.

    Attributes:
        fused: float64 tensor (B, C, H, W) in [0, 1].
        sources: one such tensor per source, in the order in which they were given.
        truth: what fusion should have given, if it is known.
    """

    fused: Tensor
    sources: tuple[Tensor, ...] = ()
    truth: Tensor | None = None


def levels(fused: Tensor, sources: Sequence[Tensor] = (), truth: Tensor | None = None) -> Iterator[Levels]:
    """Check the pictures and give them as gray levels, in parts that are worth computing at once.

    On the CPU a part is one picture, so that memory in use stays small; elsewhere it is the whole batch. RGB pictures
    are turned to luma (ITU-R BT.601), which is not rounded.

    Args:
        fused: (B, 1 or 3, H, W), floating point in [0, 1], or uint8 0…255.
        sources: tensors like `fused`, of the same batch and size and on the same device.
        truth: likewise.

    Yields:
        Parts of the batch, in order.

    Raises:
        UsageError: A picture has another type, shape, device or range, or holds values that are not finite.
    """
    pictures = _checked(fused, sources, truth)
    for what, picture in pictures:
        if picture.size(1) not in (1, 3):
            raise UsageError(
                f"{what} has shape {tuple(picture.shape)}; gray or RGB pictures (B, 1 or 3, H, W) are needed"
            )
    for part in _parts(fused):
        yield Levels(
            _to_levels(fused[part]),
            tuple(_to_levels(source[part]) for source in sources),
            None if truth is None else _to_levels(truth[part]),
        )


def bands(fused: Tensor, sources: Sequence[Tensor] = (), truth: Tensor | None = None) -> Iterator[Bands]:
    """Like `levels`, but with all bands of the pictures, in [0, 1].

    Args:
        fused: (B, C, H, W), floating point in [0, 1], or uint8 0…255.
        sources: tensors like `fused`, of the same batch and size and on the same device; their bands may differ.
        truth: tensor of the same shape as `fused`.

    Yields:
        Parts of the batch, in order.

    Raises:
        UsageError: A picture has another type, shape, device or range, or holds values that are not finite.
    """
    _checked(fused, sources, truth)
    if truth is not None and truth.shape != fused.shape:
        raise UsageError(f"the truth has shape {tuple(truth.shape)}, but the fused picture has {tuple(fused.shape)}")
    for part in _parts(fused):
        yield Bands(
            _to_unit(fused[part]),
            tuple(_to_unit(source[part]) for source in sources),
            None if truth is None else _to_unit(truth[part]),
        )


def _checked(fused: Tensor, sources: Sequence[Tensor], truth: Tensor | None) -> list[tuple[str, Tensor]]:
    """All pictures with what messages call them."""
    if isinstance(sources, Tensor):
        raise UsageError("sources is one tensor; give a list or tuple with one tensor per source")
    others = [(f"source {number}", source) for number, source in enumerate(sources, start=1)]
    others += [] if truth is None else [("the truth", truth)]
    pictures = [("the fused picture", fused), *others]
    for what, picture in pictures:
        _check_picture(picture, what)
    for what, picture in others:
        _check_match(fused, picture, what)
    return pictures


def _parts(fused: Tensor) -> Iterator[slice]:
    batch = fused.size(0)
    step = 1 if fused.device.type == "cpu" else batch
    for start in range(0, batch, step):
        yield slice(start, start + step)


def _check_picture(picture: Tensor, what: str) -> None:
    if picture.dim() != 4:
        raise UsageError(f"{what} has shape {tuple(picture.shape)}; pictures (B, C, H, W) are needed")
    if picture.numel() == 0:
        raise UsageError(f"{what} has shape {tuple(picture.shape)}: it is empty")
    if picture.dtype == torch.uint8:
        return
    if not picture.is_floating_point():
        raise UsageError(f"{what} has type {picture.dtype}; floating point in [0, 1] or uint8 is needed")
    low, high = (limit.item() for limit in picture.detach().aminmax())
    if not (low >= -RANGE_SLACK and high <= 1.0 + RANGE_SLACK):
        raise UsageError(
            f"{what} has values from {low:g} to {high:g}; they must lie in [0, 1]: scale or clamp it first"
        )


def _check_match(fused: Tensor, picture: Tensor, what: str) -> None:
    if (picture.size(0), *picture.shape[2:]) != (fused.size(0), *fused.shape[2:]):
        raise UsageError(f"{what} has shape {tuple(picture.shape)}, but the fused picture has {tuple(fused.shape)}")
    if picture.device != fused.device:
        raise UsageError(f"{what} is on {picture.device}, but the fused picture is on {fused.device}")


def _to_unit(picture: Tensor) -> Tensor:
    values = picture.to(torch.float64)
    return values / PEAK if picture.dtype == torch.uint8 else values


def _to_levels(picture: Tensor) -> Tensor:
    values = picture.to(torch.float64)
    gray = values.squeeze(1) if picture.size(1) == 1 else luma(values).squeeze(1)
    return gray if picture.dtype == torch.uint8 else gray * PEAK
