"""The SpectralFuser of a pair, with the model that the user named or the one that is best for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import imfuse
from imfuse.layouts import as_sequence
from imfuse.registry import list_models
from imfuse.spectral.choice import default_model
from imfuse.spectral.fuser import SpectralFuser
from imfuse.spectral.plan import open_pair
from imfuse.tasks import task

TASK = "spectral"


def load_spectral(model: str, **settings: Any) -> SpectralFuser:
    """As :func:`imfuse.load`, for the task of bands.

    Raises:
        UsageError: there is no such model, or it is for pictures.
        WeightsError: the weights or their card are missing or damaged.
    """
    return cast(SpectralFuser, imfuse.load(model, task=TASK, **settings))


def load_default(sources: Sequence[Any], **settings: Any) -> SpectralFuser:
    """A fuser with the default model of a pair (:func:`imfuse.spectral.choice.default_model`); its report says why.

    Args:
        sources: the bands, then the guide. They are opened, and not read.
        **settings: as for :func:`imfuse.load`.

    Raises:
        UsageError: wrong number of sources.
        SourceError: a source cannot be read.
        SizeMismatchError: they do not cover the same area.
    """
    found = task(TASK)
    given = as_sequence(sources, found)
    names = [role.name for role in found.roles_for(len(given))]
    with open_pair([_first(source) for source in given], names) as pair:
        choice = default_model(pair.shape, list_models(TASK), pair.low.description.nanometres)
    fuser = load_spectral(choice.model, **settings)
    fuser.chosen = f"{choice.model}: {choice.reason}"
    return fuser


def _first(source: Any) -> Any:
    """Of a batch of tensors the first, whose form is that of all."""
    return source[0] if getattr(source, "ndim", 0) == 4 else source
