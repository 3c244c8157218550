"""NumPy's .npy files as cubes: (H, W, C), or (H, W) of one band."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from imfuse.cubes.cube import CubeDescription
from imfuse.cubes.file_writer import RawFileWriter
from imfuse.cubes.raw import Layout, RawCube
from imfuse.errors import SourceError
from imfuse.io.naming import reading

MAGIC = b"\x93NUMPY"


def open_npy(path: Path, name: str) -> RawCube:
    """The array of a file.

    Raises:
        SourceError: it is cut off, holds objects, or its shape or type is not taken.
    """
    with reading(name, "NumPy array"):
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(mapped, np.memmap):
            raise SourceError(f"{name}: holds no single array; save one with numpy.save")
    if mapped.ndim not in (2, 3):
        raise SourceError(f"{name}: an array of shape {mapped.shape} is no cube; save it as (height, width, bands)")
    # An array of one axis less has a last axis of one band; in both orders the values lie the same.
    height, width = mapped.shape[:2]
    bands = mapped.shape[2] if mapped.ndim == 3 else 1
    column_major = bool(mapped.flags.f_contiguous and not mapped.flags.c_contiguous)
    layout = Layout(mapped.offset, mapped.dtype, (height, width, bands), channels_last=True, column_major=column_major)
    return RawCube(path, name, layout, CubeDescription(names=(None,) * bands))


class NpyWriter(RawFileWriter):
    """A writer of (H, W, C), which holds nothing but the values."""

    def _head(self, part: Path) -> Layout:
        shape = (self.height, self.width, self.bands)
        with part.open("wb") as file:
            np.lib.format.write_array_header_1_0(
                file, {"descr": np.lib.format.dtype_to_descr(self.dtype), "fortran_order": False, "shape": shape}
            )
            return Layout(file.tell(), self.dtype, shape, channels_last=True)
