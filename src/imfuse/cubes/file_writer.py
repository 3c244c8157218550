"""What all writers of cubes into files have in common: the file appears whole or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from imfuse.cubes.checks import check_values
from imfuse.cubes.raw import Layout, put
from imfuse.errors import OutputError
from imfuse.io.atomic import atomic_path, check_output, output_error
from imfuse.io.naming import shown, told, writing
from imfuse.io.window import Window


class _AbortedError(Exception):
    """The body of a writer's context has failed."""


class FileCubeWriter(ABC):
    """A writer into a file, beside its place until it is whole.

    Attributes:
        path: of the file.
        name: the path as messages show it.
        height: rows.
        width: columns.
        bands: how many.
        dtype: what ``write`` takes.
        block: rows and columns of the parts that the file is written in.
        notes: what the format does not hold, each with the name.
    """

    block: tuple[int, int]

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int, int],
        dtype: np.dtype[Any],
        *,
        overwrite: bool,
        notes: tuple[str, ...] = (),
    ) -> None:
        """Take what is to be written: ``shape`` is (bands, height, width), the notes are without the name.

        Raises:
            OutputError: the path cannot become a file, or is one already and ``overwrite`` is False.
        """
        check_output(path, overwrite)
        self.path, self.name = path, shown(path)
        self.bands, self.height, self.width = shape
        self.dtype = dtype
        self.block = (1, self.width)
        self.notes = told(self.name, notes)
        self._overwrite = overwrite
        self._stack = ExitStack()
        self._committing = False

    @abstractmethod
    def _begin(self, part: Path) -> None:
        """Make the file, at the place that it has until it is whole; leave nothing open on an error."""

    @abstractmethod
    def _put(self, window: Window, values: NDArray[Any]) -> None:
        """Write a window's values."""

    @abstractmethod
    def _end(self) -> None:
        """Close the file, whole (``_committing``) or not."""

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Turn what goes wrong with the file into an ``OutputError``."""
        try:
            with writing(self.name):
                yield
        except OutputError:
            raise
        except OSError as error:
            raise output_error(self.path, error) from error

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            part = stack.enter_context(atomic_path(self.path, self._overwrite))
            with self._telling():
                self._begin(part)
            stack.callback(self._finish)
            self._stack = stack.pop_all()
        return self

    def _finish(self) -> None:
        with self._telling():
            self._end()

    def write(self, window: Window, values: NDArray[Any]) -> None:
        """Put ``values`` (bands, height, width) at ``window``.

        Raises:
            OutputError: it cannot be written.
            ValueError: shape, dtype or place do not fit.
        """
        check_values(values, window, (self.bands, self.height, self.width), self.dtype, self.name)
        with self._telling():
            self._put(window, values)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._committing = True
            self._stack.close()
            return
        # The file goes, whatever the reason; that is told as it is and not as an error of writing, as a source's
        # would be, which is one of the operating system's too.
        with suppress(Exception):
            self._stack.__exit__(_AbortedError, _AbortedError(), None)


class RawFileWriter(FileCubeWriter):
    """A file whose values lie as an array does; windows that are never written hold zeros."""

    _file: BinaryIO
    _layout: Layout

    @abstractmethod
    def _head(self, part: Path) -> Layout:
        """Write what stands before the values, and tell where these lie."""

    def _begin(self, part: Path) -> None:
        self._layout = self._head(part)
        self._file = part.open("r+b")
        try:
            self._file.truncate(self._layout.end)
        except BaseException:
            self._file.close()
            raise

    def _put(self, window: Window, values: NDArray[Any]) -> None:
        put(self._file, self._layout, window, values)

    def _end(self) -> None:
        self._file.close()
