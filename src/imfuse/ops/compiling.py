"""Loops over pixels that numba compiles on first use, which takes seconds; later processes find what was compiled.

They stand where operations on whole maps would go through memory many times. Every one has such a form beside it, which
serves where numba is missing, on other devices, and where gradients or a graph are recorded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imfuse.ops.filters import opencv_serves

log = logging.getLogger(__name__)

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(fastmath: bool | set[str]) -> Callable[[Function], Function]:
    """A decorator that has numba compile a function, which then lets other threads run beside it."""
    import numba

    def decorate(function: Function) -> Function:
        options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": fastmath}
        try:
            kept: Any = numba.njit(function, cache=True, **options)
        except RuntimeError as error:  # no folder that it may be kept in
            log.info("compiled anew in every process: %s", error)
            return cast(Function, numba.njit(function, **options))
        # That a folder can be written to does not say that there is room in it.
        save = kept._cache.save_overload

        def save_if_there_is_room(*given: Any) -> None:
            try:
                save(*given)
            except OSError as error:
                log.info("compiled anew in every process: %s", error)

        kept._cache.save_overload = save_if_there_is_room
        return cast(Function, kept)

    return decorate


@cache
def loops(module: str) -> ModuleType | None:
    """A module of compiled loops; None without numba, where it is broken, and where it is told not to compile."""
    try:
        import numba
    except Exception as error:  # a broken installation raises more than ImportError
        log.info("no compiled loops: %s", error)
        return None
    return None if getattr(numba.config, "DISABLE_JIT", False) else import_module(module)


def loops_for(module: str, *maps: Tensor) -> ModuleType | None:
    """A module of compiled loops, if they serve for these maps: float32 in one piece, on the CPU, nothing recorded."""
    served = all(opencv_serves(x, *maps) and x.dtype == torch.float32 and x.is_contiguous() for x in maps)
    return loops(module) if served else None


def flat(maps: Tensor) -> NDArray[np.float32]:
    """The channels (C, n) of one picture (1, C, H, W), as a view."""
    values: NDArray[np.float32] = maps.numpy().reshape(maps.shape[1], -1)
    return values
