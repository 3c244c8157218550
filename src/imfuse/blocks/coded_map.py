"""A map made of a picture's code by a 1×1 convolution, in inference and without ever holding the code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from imfuse.blocks.compiled_map import compiled_map
from imfuse.blocks.dcu_stack import DictionaryStack, Folded, neighbourhoods, shifted_sum

SIDE = 256
"""Codes are made of squares of so many pixels a side."""
HALOS = 8
"""Where what is read around them is wide, they have the side of so many halos: less is computed twice."""
CHUNK = 32768
"""Pixels whose codes stay in the processor's cache: 3 MB of 24 channels."""


class Piece(NamedTuple):
    """A square of a picture: the rows and columns that are read for it, and of these the ones that count."""

    read: tuple[slice, slice]
    core: tuple[slice, slice]
    place: tuple[slice, slice]


def pieces(height: int, width: int, side: int, halo: int) -> Iterator[Piece]:
    """Squares that cover a picture once, each read with its halo as far as the picture goes."""
    for top in range(0, height, side):
        for left in range(0, width, side):
            rows, columns = _span(top, side, halo, height), _span(left, side, halo, width)
            yield Piece(*zip(rows, columns, strict=True))


def _span(start: int, side: int, halo: int, length: int) -> tuple[slice, slice, slice]:
    """What is read, which part of that counts, and where this lies in the picture, along one axis."""
    stop = min(start + side, length)
    first = max(start - halo, 0)
    return slice(first, min(stop + halo, length)), slice(start - first, stop - first), slice(start, stop)


def coded_map(encoder: DictionaryStack, head: Tensor, pictures: Tensor) -> Tensor | None:
    """``conv2d(encoder(pictures), head)`` for an encoder of soft thresholds, without gradients.

    The last unit's code goes straight into the 1×1 convolution, so that no code leaves the cache. Where numba serves,
    its loops do it (:mod:`imfuse.blocks.compiled_map`), in a third of the time. Otherwise it is done square by square
    by matrix products. Planes of a code lie one after the other then: products with the few numbers per pixel and
    thresholds of one plane are faster so than with the channels last.

    Args:
        encoder: of soft thresholds, in evaluation.
        head: (1, q, 1, 1).
        pictures: (B, c, H, W).

    Returns:
        (B, 1, H, W); None where the normalisations cannot be folded: see :meth:`DictionaryStack.fold`.
    """
    folded, gain = encoder.fold()
    if not folded:
        return None
    weights = head.flatten(1)
    rest = (weights * encoder.origin).sum()
    weights = weights * gain
    thresholds = [unit.high.tolist() for unit in folded]
    batch, _, height, width = pictures.shape
    result = pictures.new_empty(batch, 1, height, width)
    for index in range(batch):
        compiled = compiled_map(folded, weights, pictures[index, 0])
        if compiled is not None:
            torch.sub(compiled, rest, out=result[index, 0])
            continue
        for piece in pieces(height, width, max(SIDE, HALOS * encoder.halo), encoder.halo):
            square = _square(pictures[index : index + 1, :, *piece.read], folded, thresholds, weights)
            torch.sub(square[piece.core], rest, out=result[index, 0, *piece.place])
    return result


def _square(picture: Tensor, folded: list[Folded], thresholds: list[list[float]], head: Tensor) -> Tensor:
    """The map (H, W) of one square (1, c, H, W), unit by unit in place.

    Within a unit, a chunk of pixels is finished before the next one: what it is multiplied by last, the next unit's
    dictionary or the head, finds it in the processor's cache.
    """
    _, channels, height, width = picture.shape
    pixels = height * width
    code = picture.new_empty(head.shape[1], pixels)
    seen = picture.new_ones(folded[0].analysis.shape[0], pixels)
    following = [unit.synthesis for unit in folded if unit.synthesis is not None] + [head]
    out = picture.new_empty(0)
    for index, (unit, limits, last) in enumerate(zip(folded, thresholds, following, strict=True)):
        residual = picture
        if index:
            residual = picture - shifted_sum(out, channels, height, width, unit.spacing)
        neighbourhoods(residual, seen, unit.spacing)
        out = picture.new_empty(len(last), pixels)
        for start in range(0, pixels, CHUNK):
            part, patches = (maps[:, start : start + CHUNK] for maps in (code, seen))
            if index:
                part.addmm_(unit.analysis.T, patches)
            else:
                torch.mm(unit.analysis.T, patches, out=part)
            for plane, limit in zip(part, limits, strict=True):
                torch.ops.aten.softshrink.out(plane, limit, out=plane)
            torch.mm(last, part, out=out[:, start : start + CHUNK])
    return out.view(height, width)
