"""How files are named in messages, and how causes from other libraries are told on one line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from imfuse.errors import ImfuseError, OutputError, SourceError

_CAUSE_LIMIT = 200


def shown(path: str | os.PathLike[str]) -> str:
    """The path as a message shows it: on one line, control characters and undecodable bytes escaped."""
    text = os.fsdecode(path)
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text)
    return safe.encode("utf-8", "backslashreplace").decode("utf-8")


def told(name: str, notes: Iterable[str]) -> tuple[str, ...]:
    """Notes as a report shows them: each begins with the name of the source that it is about."""
    return tuple(f"{name}: {note}" for note in notes)


def cause(error: BaseException) -> str:
    """The message of a foreign exception on one line, without its class's decoration and not too long."""
    if "previous exception" in str(error) and error.__cause__ is not None:  # rasterio tells it there
        return cause(error.__cause__)
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = shown(" ".join(text.split())) or type(error).__name__
    return text if len(text) <= _CAUSE_LIMIT else text[:_CAUSE_LIMIT] + "…"


@contextmanager
def reading(name: str, kind: str) -> Iterator[None]:
    """Turn everything that a decoder raises into a ``SourceError`` with the file's name, the cause and what to do.

    Args:
        name: the source as messages call it.
        kind: what the file is read as, such as ``"PNG"``.

    Raises:
        SourceError: for every exception of the body that is not already one of imfuse's.
    """
    try:
        yield
    except ImfuseError:
        raise
    except MemoryError as error:
        raise SourceError(f"{name}: not enough memory to decode this {kind} file; free memory or crop it") from error
    except PermissionError as error:
        raise SourceError(f"{name}: no permission to read; change the file's permissions") from error
    except Exception as error:
        raise SourceError(
            f"{name}: cannot be read as {kind}: {cause(error)}; the file is damaged or of a variant "
            "that is not supported, save it again with another program"
        ) from error


@contextmanager
def writing(name: str) -> Iterator[None]:
    """Turn everything that a writer raises into an ``OutputError`` with the file's name, the cause and what to do.

    Raises:
        OutputError: for every exception of the body that is neither one of imfuse's nor the operating system's, which
            ``atomic_path`` tells.
    """
    try:
        yield
    except ImfuseError:
        raise
    except MemoryError as error:
        raise OutputError(f"{name}: not enough memory to encode the picture; free memory or write a TIFF") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise OutputError(f"{name}: cannot be written: {cause(error)}; choose another file or folder") from error
