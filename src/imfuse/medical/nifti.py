"""NIfTI volumes: read slice by slice, and written with the header and the affine of the MRI."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import OutputError, SourceError
from imfuse.io.limits import DECODED_LIMIT, size_text
from imfuse.levels import Levels
from imfuse.medical.extra import nibabel, reading_medical
from imfuse.medical.grid import Grid
from imfuse.medical.kinds import is_nifti_name
from imfuse.medical.volume import Volume
from imfuse.quantise import Depth

RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
"""NIfTI's colour: 24 bits."""

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class NiftiOrigin:
    """What a result takes from a NIfTI file, and how its slices lie in the file's array.

    Attributes:
        image: nibabel's image.
        axes: of the array, those that are slices, rows and columns.
        flips: whether slices, rows and columns run against the array.
    """

    image: Any
    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]

    def upright(self, array: NDArray[Any]) -> NDArray[Any]:
        """A view (slices, rows, columns) of an array as the file has it."""
        turned = array.transpose(self.axes)
        return turned[tuple(slice(None, None, -1 if flip else 1) for flip in self.flips)]

    def as_stored(self, volume: NDArray[Any]) -> NDArray[Any]:
        """A view of slices, rows and columns (and channels) as the file has its array."""
        turned = volume[tuple(slice(None, None, -1 if flip else 1) for flip in self.flips)]
        order = [self.axes.index(axis) for axis in range(3)]
        return turned.transpose(*order, *range(3, volume.ndim))


def open_nifti(path: Path, name: str) -> Volume:
    """A NIfTI file as a volume: slices along its third axis, upright and as a radiologist sees them.

    Raises:
        SourceError: it is damaged, of more than three dimensions, or of complex numbers.
        MissingExtraError: nibabel is not installed.
    """
    library = nibabel()
    if not is_nifti_name(path):
        raise SourceError(f"{name}: NIfTI files are taken as .nii or .nii.gz; rename it, or convert .hdr and .img")
    with reading_medical(name, "NIfTI"):
        image = library.load(path)
        if not isinstance(image, library.Nifti1Image):
            raise SourceError(f"{name}: is no NIfTI file, whatever its name says; convert it to NIfTI")
        shape, stored = tuple(image.shape), image.get_data_dtype()
    shape = _three(shape, name)
    colour = stored.names in (("R", "G", "B"), ("R", "G", "B", "A"))
    if not colour and stored.kind not in "uif":
        raise SourceError(f"{name}: values of {stored} are not taken; convert them to integers or float")
    size = int(np.prod(shape, dtype=np.int64)) * stored.itemsize
    if size > DECODED_LIMIT:
        raise SourceError(
            f"{name}: the header says {'×'.join(map(str, shape))} voxels, {size_text(size)} decoded; volumes up to "
            f"{size_text(DECODED_LIMIT)} are taken: it is damaged, or crop it"
        )
    origin, grid = _placed(image, shape)
    if not any(int(image.header[code]) for code in ("sform_code", "qform_code")):
        grid = Grid.nowhere(*grid.shape)  # nibabel's affine is a guess then, from the voxels' sides
    slope, inter = (1.0 if not np.isfinite(v) else float(v) for v in (image.dataobj.slope, image.dataobj.inter))
    pixels = _NiftiPixels(path, name, origin, colour, slope, inter)
    as_stored = colour or (stored == np.uint8 and (slope, inter) == (1.0, 0.0))
    depth: Depth = 8 if as_stored else "float" if stored.kind == "f" else 8 if stored.itemsize == 1 else 16
    notes = (f"{name}: the opacity of its colours is not used",) if stored.names and "A" in stored.names else ()
    return Volume(
        name,
        "NIfTI",
        grid,
        pixels.values,
        3 if colour else 1,
        np.dtype(np.uint8 if as_stored else np.float32),
        _full_range(stored, slope, inter) if not colour else (0.0, 255.0),
        depth,
        None if colour else _shown(image),
        notes=notes,
        origin=origin,
    )


def _three(shape: tuple[int, ...], name: str) -> tuple[int, int, int]:
    """The shape without trailing axes of one."""
    trimmed = shape
    while len(trimmed) > 3 and trimmed[-1] == 1:
        trimmed = trimmed[:-1]
    trimmed = (*trimmed, 1) if len(trimmed) == 2 else trimmed
    if len(trimmed) > 3:
        raise SourceError(
            f"{name}: has {len(shape)} dimensions ({'×'.join(map(str, shape))}): several volumes, over time for "
            "example. Take one out first: nibabel.four_to_three, fslroi, or image.slicer[..., 0]"
        )
    if len(trimmed) != 3 or min(trimmed) < 1:
        raise SourceError(f"{name}: has no voxels, its shape is {shape}; give a volume")
    return trimmed[0], trimmed[1], trimmed[2]


def _placed(image: Any, shape: tuple[int, int, int]) -> tuple[NiftiOrigin, Grid]:
    """How the slices lie in the array, and where in the patient.

    The third axis is that of the slices. Of the other two, rows run to the feet, or to the back where the slice is
    axial; columns run to the patient's left, or to the back where the slice is sagittal; slices run so that columns,
    rows and slices are right-handed, as those of a DICOM series are.
    """
    affine = np.asarray(image.affine, np.float64)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
        origin = NiftiOrigin(image, (2, 1, 0), (False, True, False))
        return origin, Grid.nowhere(shape[2], shape[1], shape[0])
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    head, front = np.abs(directions[2, :2]), np.abs(directions[1, :2])
    rows = int(np.argmax(head)) if head.max() > 0.5 else int(np.argmax(front))
    columns = 1 - rows
    flip_rows = _runs_to(directions[:, rows], (1, 1, 1))
    flip_columns = _runs_to(directions[:, columns], (1, 1, 1))
    flipped = directions * np.where([flip_columns if a == columns else flip_rows for a in (0, 1)] + [False], -1, 1)
    flip_slices = bool(np.dot(np.cross(flipped[:, columns], flipped[:, rows]), flipped[:, 2]) < 0)
    axes, flips = (2, rows, columns), (flip_slices, flip_rows, flip_columns)
    corner = affine[:3, 3].copy()
    steps = {}
    for axis, flip in zip(axes, flips, strict=True):
        steps[axis] = affine[:3, axis] * (-1 if flip else 1)
        corner += affine[:3, axis] * (shape[axis] - 1 if flip else 0)
    origins = corner + np.arange(shape[2])[:, None] * steps[2]
    size = shape[2], shape[rows], shape[columns]
    thickness = float(np.linalg.norm(affine[:3, 2]))
    return NiftiOrigin(image, axes, flips), Grid(*size, steps[columns], steps[rows], origins, thickness)


def _runs_to(direction: NDArray[np.float64], towards: tuple[int, int, int]) -> bool:
    """Whether a direction runs mostly to the patient's right, front or head."""
    main = int(np.argmax(np.abs(direction)))
    return bool(direction[main] * towards[main] > 0)


def _full_range(stored: np.dtype[Any], slope: float, inter: float) -> tuple[float, float]:
    if stored.kind == "f":
        return 0.0, 1.0
    ends = np.iinfo(stored)
    low, high = sorted((float(ends.min) * slope + inter, float(ends.max) * slope + inter))
    return low, high


def _shown(image: Any) -> Levels | None:
    """Black and white as the header's cal_min and cal_max tell them; None where they are not set."""
    low, high = (float(image.header[field]) for field in ("cal_min", "cal_max"))
    return (
        Levels(low, high, "the file's cal_min and cal_max") if np.isfinite([low, high]).all() and low < high else None
    )


def _check_archive(path: Path, name: str) -> None:
    """Read a gzipped file to its end, where its checksum is: nibabel stops before, and takes damaged voxels for good.

    Raises:
        SourceError: it is damaged or cut off.
    """
    if path.suffix.lower() != ".gz":
        return
    try:
        with gzip.open(path) as archive:
            read = 0
            while read <= DECODED_LIMIT and (block := archive.read(_BLOCK)):
                read += len(block)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise SourceError(f"{name}: the archive is damaged or cut off; copy it again from its origin") from None


class _NiftiPixels:
    """The voxels of a file, read at the first use and kept as they are stored."""

    def __init__(self, path: Path, name: str, origin: NiftiOrigin, colour: bool, slope: float, inter: float) -> None:
        self._path, self._name, self._origin, self._colour = path, name, origin, colour
        self._slope, self._inter = np.float32(slope), np.float32(inter)
        self._stored: NDArray[Any] | None = None

    def values(self, index: int) -> NDArray[Any]:
        """A slice, (rows, columns, channels)."""
        with reading_medical(self._name, "NIfTI"):
            if self._stored is None:
                _check_archive(self._path, self._name)
                whole = np.asarray(self._origin.image.dataobj.get_unscaled())
                self._stored = self._origin.upright(whole.reshape(_three(whole.shape, self._name)))
            values = self._stored[index]
            if self._colour:
                return np.stack([values[channel] for channel in "RGB"], axis=-1)
            if values.dtype == np.uint8 and self._slope == 1 and self._inter == 0:
                return np.ascontiguousarray(values[..., None])
            with np.errstate(over="ignore"):
                return np.asarray(values[..., None].astype(np.float32) * self._slope + self._inter)


def write_nifti(file: BinaryIO, volume: NDArray[Any], template: Volume, *, compressed: bool, white: float) -> None:
    """Write slices, rows and columns (and RGB) with the affine of the volume that they were made of.

    With a NIfTI file as template its header is kept: codes of the coordinate systems, units, times. What it says of
    the former values goes, and so do its free texts and extensions, which may name a patient.

    Args:
        file: where to.
        volume: (slices, rows, columns) or with a last axis of 3, uint8, uint16 or float32.
        template: the volume that gives the place.
        compressed: whether it is gzipped.
        white: the value of white.

    Raises:
        OutputError: the slices are not evenly spaced, which no affine can say.
    """
    library = nibabel()
    if isinstance(template.origin, NiftiOrigin):
        array, affine = template.origin.as_stored(volume), template.origin.image.affine
        header = template.origin.image.header.copy()
        kind = type(template.origin.image)
        header.extensions.clear()
    else:
        if not template.grid.is_even():
            raise OutputError(
                f"{template.name}: its slices are not evenly spaced, which NIfTI cannot say; write DICOM, or pictures"
            )
        array, affine = volume.transpose(2, 1, 0, *range(3, volume.ndim)), template.grid.affine
        header, kind = library.Nifti1Header(), library.Nifti1Image
        header.set_xyzt_units("mm")
        header.set_qform(affine, code="scanner")
        header.set_sform(affine, code="scanner")
    if array.ndim == 4:
        array = np.ascontiguousarray(array).view(RGB)[..., 0]
    header.set_data_dtype(array.dtype)
    header.set_slope_inter(1, 0)
    header["cal_min"], header["cal_max"] = 0, 0 if array.dtype == RGB else white
    header.set_intent("none")
    header["descrip"] = b"imfuse fused"
    for field in ("aux_file", "db_name"):
        if field in header.structarr.dtype.names:
            header[field] = b""
    image = kind(array, affine, header)
    if compressed:
        # Neither the name nor the time of the part file goes into the archive.
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as archive:
            image.to_stream(archive)
    else:
        image.to_stream(file)
