"""The libraries of the extra ``medical``, imported when a file needs them, and never heard: they quote patients."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from imfuse.errors import ImfuseError, MissingExtraError, SourceError


def pydicom() -> ModuleType:
    """The library for DICOM.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import pydicom as found
        import pydicom.pixels
    except ImportError as error:
        raise MissingExtraError("DICOM", "medical") from error
    return found


def nibabel() -> ModuleType:
    """The library for NIfTI.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import nibabel as found
    except ImportError as error:
        raise MissingExtraError("NIfTI", "medical") from error
    return found


@contextmanager
def discreet() -> Iterator[None]:
    """Within this context neither warnings nor log records of pydicom and nibabel come out.

    They quote the values that do not keep to the standard, and a patient's name is often one of them.
    """
    loggers = [logging.getLogger(name) for name in ("pydicom", "nibabel.global")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.addFilter(_nothing)
        try:
            yield
        finally:
            for logger in loggers:
                logger.removeFilter(_nothing)


def _nothing(_record: logging.LogRecord) -> bool:
    return False


@contextmanager
def reading_medical(name: str, kind: str) -> Iterator[None]:
    """Turn what a reader raises into a ``SourceError`` that quotes nothing of the file, nor leads to what does.

    Args:
        name: the source as messages call it.
        kind: ``"DICOM"`` or ``"NIfTI"``.

    Raises:
        SourceError: for every exception of the body that is not already one of imfuse's.
    """
    try:
        with discreet():
            yield
    except ImfuseError:
        raise
    except MemoryError:
        raise SourceError(f"{name}: not enough memory to decode this {kind} file; free memory or crop it") from None
    except PermissionError:
        raise SourceError(f"{name}: no permission to read; change the file's permissions") from None
    except FileNotFoundError:
        raise SourceError(f"{name}: there is no such file; check the path") from None
    except Exception as error:
        raise SourceError(
            f"{name}: cannot be read as {kind} ({type(error).__name__}): the file is damaged, cut off or of a variant "
            "that is not supported; copy it again from its origin"
        ) from None
