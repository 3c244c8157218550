"""DICOM files and series as volumes: sorted by their place in the patient, not by their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from imfuse.errors import SourceError
from imfuse.io.naming import shown
from imfuse.levels import Levels
from imfuse.medical.dicom_frames import Frame, is_colour, is_hounsfield, modality, read_frames
from imfuse.medical.dicom_pixels import DicomPixels, stored_range, takes_bytes
from imfuse.medical.extra import reading_medical
from imfuse.medical.grid import LPS_TO_RAS, Grid
from imfuse.medical.kinds import dicom_files
from imfuse.medical.volume import Volume
from imfuse.medical.windows import linear_levels
from imfuse.quantise import Depth

_PARALLEL = 1e-3
_MOST_LISTED = 8


def open_dicom(path: Path, name: str) -> Volume:
    """A DICOM file of one or more frames as a volume.

    Raises:
        SourceError: it holds no picture, or frames that make no volume.
        MissingExtraError: pydicom is not installed.
    """
    frames = read_frames(path, name)
    # Entries of a header are decoded when they are asked for, and a damaged one fails only then.
    with reading_medical(name, "DICOM"):
        return _volume(frames, name, single=len(frames) == 1, notes=())


def open_series(folder: Path, name: str) -> Volume:
    """The DICOM files of a folder as a volume.

    Raises:
        SourceError: there are none, they are of several series, or they make no volume.
        MissingExtraError: pydicom is not installed.
    """
    files, others = dicom_files(folder)
    if not files:
        raise SourceError(f"{name}: holds no DICOM files; give a folder with the files of one series")
    frames = [frame for path in files for frame in read_frames(path, shown(path))]
    _check_one_series(frames, name)
    notes = (f"{name}: {others} files that are no DICOM are left out",) if others else ()
    with reading_medical(name, "DICOM"):
        return _volume(frames, name, single=False, notes=notes)


def _check_one_series(frames: Sequence[Frame], name: str) -> None:
    """Refuse several series in one folder, and list them without a word of what they call themselves."""
    members: dict[str, list[Frame]] = {}
    for frame in frames:
        members.setdefault(str(frame.header.get("SeriesInstanceUID", "")), []).append(frame)
    if len(members) == 1:
        return
    listed = [
        f"{len(found)} slices of {found[0].header.Columns}×{found[0].header.Rows}"
        f" {modality(found[0].header)} with {shown(found[0].path.name)}"
        for found in list(members.values())[:_MOST_LISTED]
    ]
    more = f"; and {len(members) - _MOST_LISTED} more" if len(members) > _MOST_LISTED else ""
    raise SourceError(
        f"{name}: holds {len(members)} series: {'; '.join(listed)}{more}. Put each into a folder of its own"
    )


def _volume(frames: list[Frame], name: str, *, single: bool, notes: tuple[str, ...]) -> Volume:
    _check_alike(frames, name)
    frames, grid = _placed(frames, name)
    first = frames[0]
    pixels = {path: DicomPixels(path, shown(path)) for path in dict.fromkeys(frame.path for frame in frames)}
    colour, as_bytes = is_colour(first.header), all(map(takes_bytes, frames))
    bits = int(first.header.BitsAllocated)
    kind = np.dtype(np.uint16 if colour and bits == 16 else np.uint8 if colour or as_bytes else np.float32)
    if colour:
        kind = pixels[first.path].values(first).dtype  # of a palette, the depth of its entries
    inverted = str(first.header.PhotometricInterpretation) == "MONOCHROME1"
    ranges = [stored_range(frame) for frame in frames]  # every slice of a PET has a slope of its own
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    depth: Depth = 8 if kind == np.uint8 or int(first.header.get("BitsStored") or bits) <= 8 else 16
    if kind != np.float32:
        low, high = 0.0, float((1 << 8 * kind.itemsize) - 1)
    full = (-high, -low) if inverted else (low, high)
    window, window_notes = (None, ()) if colour else _window(frames, name, inverted)

    def load(index: int) -> np.ndarray:
        values = pixels[frames[index].path].values(frames[index])
        return values if values.dtype == kind else values.astype(kind)

    return Volume(
        name,
        "DICOM",
        grid,
        load,
        3 if colour else 1,
        kind,
        full,
        depth,
        window,
        inverted,
        False if colour else is_hounsfield(first.header),
        modality(first.header),
        single,
        (*notes, *_notes(frames, grid, name), *window_notes),
        origin=tuple(frames),
    )


def _check_alike(frames: Sequence[Frame], name: str) -> None:
    """Refuse slices of several sizes, kinds of colour or orientations."""
    sizes = Counter(
        (int(f.header.Columns), int(f.header.Rows), str(f.header.PhotometricInterpretation)) for f in frames
    )
    if len(sizes) > 1:
        words = "; ".join(f"{count} of {width}×{height} {kind}" for (width, height, kind), count in sizes.items())
        raise SourceError(f"{name}: its slices are not of one kind: {words}; put each kind into a folder of its own")
    turned = [f for f in frames if (f.orientation is None) != (frames[0].orientation is None)]
    if not turned:
        turned = [f for f in frames if not _parallel(f, frames[0])]
    spaced = [f for f in frames if not np.allclose(f.spacing, frames[0].spacing, rtol=1e-3)]
    if turned or spaced:
        raise SourceError(
            f"{name}: {len(turned or spaced)} of its {len(frames)} slices have another "
            f"{'orientation' if turned else 'pixel spacing'} than the first (scouts, for example); put them into a "
            "folder of their own"
        )


def _parallel(frame: Frame, other: Frame) -> bool:
    if frame.orientation is None or other.orientation is None:
        return True
    return bool(np.abs(frame.orientation - other.orientation).max() <= _PARALLEL)


def _placed(frames: list[Frame], name: str) -> tuple[list[Frame], Grid]:
    """The frames in order, and their grid; those of one file without a place stay in the file's order."""
    header = frames[0].header
    size = len(frames), int(header.Rows), int(header.Columns)
    positions = _positions(frames)
    orientation = frames[0].orientation
    if positions is None or orientation is None:
        if len({frame.path for frame in frames}) > 1:
            raise SourceError(
                f"{name}: its slices do not all tell their place (Image Position and Orientation), so their order is "
                "not known; give single slices, or files that tell it"
            )
        return frames, Grid.nowhere(*size)
    normal = np.cross(orientation[0], orientation[1])
    along = positions @ (normal / max(float(np.linalg.norm(normal)), 1e-9))
    order = np.argsort(along, kind="stable")
    close = np.diff(along[order]) < 1e-3
    if close.any():
        raise SourceError(
            f"{name}: {int(close.sum())} of its {len(frames)} slices lie where another one lies (echoes, phases or "
            "copies); put each set into a folder of its own"
        )
    row_spacing, column_spacing = frames[0].spacing
    grid = Grid(
        *size,
        LPS_TO_RAS @ orientation[0] * column_spacing,
        LPS_TO_RAS @ orientation[1] * row_spacing,
        positions[order] @ LPS_TO_RAS,
        frames[0].thickness,
    )
    return [frames[index] for index in order], grid


def _positions(frames: Sequence[Frame]) -> np.ndarray | None:
    """The places of all frames in mm, (frames, 3), or None."""
    found = [frame.position for frame in frames]
    if all(place is not None for place in found):
        return np.array(found, np.float64)
    return None


def _window(frames: Sequence[Frame], name: str, inverted: bool) -> tuple[Levels | None, tuple[str, ...]]:
    """The window that all slices share; none where they differ, since a volume has one brightness."""
    windows = {frame.window for frame in frames}
    if len(windows) > 1:
        return None, (f"{name}: its slices have {len(windows)} different windows, so none of them is used",)
    (window,) = windows
    if window is None:
        return None, ()
    centre, width, exact = window
    return linear_levels(centre, width, "the file's window", exact=exact, inverted=inverted), ()


def _notes(frames: Sequence[Frame], grid: Grid, name: str) -> tuple[str, ...]:
    notes = []
    missing, usual, wide = grid.gaps()
    if wide:
        where = ", ".join(f"after slice {number} ({distance:.4g} mm)" for number, distance in wide[:5])
        more = f" and {len(wide) - 5} more places" if len(wide) > 5 else ""
        notes.append(
            f"{name}: {missing} slices seem to be missing, where others are {usual:.4g} mm apart: {where}{more}"
        )
    header = frames[0].header
    if str(header.PhotometricInterpretation) == "MONOCHROME1":
        notes.append(f"{name}: MONOCHROME1, small values are white")
    if str(header.PhotometricInterpretation) == "PALETTE COLOR":
        notes.append(f"{name}: palette converted to RGB")
    if header.get("VOILUTSequence") and frames[0].window is None:
        notes.append(f"{name}: its VOI look-up table is not applied")
    if str(header.get("BurnedInAnnotation", "")).upper() == "YES":
        notes.append(f"{name}: says that text is burned into its pixels, which may name the patient")
    return tuple(notes)
