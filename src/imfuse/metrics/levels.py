"""What every metric is computed on: grey levels 0…255 in float64, checked once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from imfuse.errors import UsageError

PEAK = 255.0
RANGE_SLACK = 1e-6  # rounding of a float32 computation may leave [0, 1] by this much


@dataclass(frozen=True)
class Levels:
    """A fused picture and its sources as grey levels.

    Attributes:
        fused: float64 tensor (B, H, W), levels 0…255.
        sources: one such tensor per source, in the order in which they were given.
    """

    fused: Tensor
    sources: tuple[Tensor, ...] = ()

    def pair(self, metric: str) -> tuple[Tensor, Tensor]:
        """Return the two sources, for a metric that is defined for exactly two.

        Raises:
            UsageError: There are not exactly two sources.
        """
        if len(self.sources) != 2:
            raise UsageError(f"{metric} is defined for exactly two sources, but {len(self.sources)} were given")
        return self.sources[0], self.sources[1]

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


def levels(fused: Tensor, sources: Sequence[Tensor] = ()) -> Iterator[Levels]:
    """Check the pictures and give them as grey levels, in parts that are worth computing at once.

    On the CPU a part is one picture, so that memory in use stays small; elsewhere it is the whole batch.

    Args:
        fused: (B, 1, H, W), floating point in [0, 1], or uint8 0…255.
        sources: tensors like `fused`, of the same shape and on the same device.

    Yields:
        Parts of the batch, in order.

    Raises:
        UsageError: A picture has another type, shape, device or range, or holds values that are not finite.
    """
    if isinstance(sources, Tensor):
        raise UsageError("sources is one tensor; give a list or tuple with one tensor per source")
    _check_picture(fused, "the fused picture")
    for number, source in enumerate(sources, start=1):
        _check_picture(source, f"source {number}")
        _check_match(fused, source, number)
    batch = fused.size(0)
    step = 1 if fused.device.type == "cpu" else batch
    for start in range(0, batch, step):
        part = slice(start, start + step)
        yield Levels(_to_levels(fused[part]), tuple(_to_levels(source[part]) for source in sources))


def _check_picture(picture: Tensor, what: str) -> None:
    if picture.dim() != 4 or picture.size(1) != 1:
        raise UsageError(f"{what} has shape {tuple(picture.shape)}; gray pictures (B, 1, H, W) are needed")
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


def _check_match(fused: Tensor, source: Tensor, number: int) -> None:
    if source.shape != fused.shape:
        raise UsageError(
            f"source {number} has shape {tuple(source.shape)}, but the fused picture has {tuple(fused.shape)}"
        )
    if source.device != fused.device:
        raise UsageError(f"source {number} is on {source.device}, but the fused picture is on {fused.device}")


def _to_levels(picture: Tensor) -> Tensor:
    values = picture.squeeze(1).to(torch.float64)
    return values if picture.dtype == torch.uint8 else values * PEAK
