"""What comes in decides how it goes out: batches, arrays and tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.result import FusionResult
from imfuse.tasks import Task


def as_sequence(sources: object, task: Task) -> Sequence[Any]:
    """The sources as a list.

    Raises:
        UsageError: they are no list or tuple.
    """
    if not isinstance(sources, (list, tuple)):
        raise UsageError(f"sources is of type {type(sources).__name__}: give a list of pictures ({task.takes})")
    return sources


def batch_size(sources: Sequence[Any]) -> int:
    """The common batch size of tensors (B, C, H, W), 1 for everything else.

    Raises:
        UsageError: batches of different size.
    """
    sizes = {len(source) if isinstance(source, Tensor) and source.ndim == 4 else 1 for source in sources}
    if len(sizes) > 1:
        raise UsageError(f"batches of {sorted(sizes)} pictures: give tensors of one batch size")
    return sizes.pop() if sizes else 1


def stacked(results: list[FusionResult]) -> FusionResult:
    """The results of a batch as one: pictures stacked, notes of all, otherwise the first one's report."""
    images = torch.stack([result.image for result in results if isinstance(result.image, Tensor)])
    notes = dict.fromkeys(note for result in results for note in result.report.notes)
    seconds = sum(result.report.seconds for result in results)
    return replace(results[0], image=images, report=replace(results[0].report, notes=tuple(notes), seconds=seconds))


def like(image: NDArray[Any], given: Any) -> NDArray[Any] | Tensor:
    """The result in the layout of the source that it replaces."""
    if isinstance(given, Tensor):
        planes = image[None] if image.ndim == 2 else np.ascontiguousarray(np.moveaxis(image, -1, 0))
        tensor = torch.from_numpy(planes).to(given.device)
        if given.ndim == 2:
            return tensor[0]
        return tensor.reshape(*([1] * (given.ndim - 3)), *planes.shape)
    if isinstance(given, np.ndarray) and given.ndim == 3 and image.ndim == 2:
        return image[..., None]
    return image
