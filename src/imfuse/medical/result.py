"""What the fusion of volumes gives back."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imfuse.result import FusionResult, Report

if TYPE_CHECKING:
    from imfuse.medical.volume import Volume


@dataclass(frozen=True, slots=True)
class VolumeReport(Report):
    """How a volume was fused.

    Attributes:
        slices: number of slices.
        grid: sizes, voxels and affine of the volumes in words.
    """

    slices: int = 1
    grid: str = ""


@dataclass(frozen=True, slots=True)
class VolumeResult(FusionResult):
    """A fused volume; ``image`` is (slices, rows, columns) or (slices, rows, columns, 3), or a picture of one slice.

    DICOM's slices go along the normal of the slices, NIfTI's along the third axis; both are upright as a radiologist
    sees them, and saving brings them back to the order of the MRI's files.

    Attributes:
        volumes: the sources, in the task's order.
        detail: index of the one that gives geometry and metadata.
    """

    volumes: tuple[Volume, ...] = ()
    detail: int = 1

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        quality: int = 95,
        anonymise: bool = False,
    ) -> tuple[str, ...]:
        """Write the result; the format follows from the ending.

        - ``.nii`` and ``.nii.gz``: NIfTI, with header and affine of the MRI.
        - ``.dcm``: DICOM, of a single slice; without an ending a folder with a DICOM series, if the MRI is DICOM.
        - ``.png``, ``.tif`` …: a picture; of several slices a folder of that name without the ending, with a picture
          for each.

        Args:
            path: where to.
            overwrite: replace what is there; of folders only those that such a run has made.
            quality: of JPEG.
            anonymise: leave out of DICOM what tells the patient and the study; see docs/medical.md for what that is.

        Returns:
            What the format made necessary, in words.

        Raises:
            OutputError: it exists, cannot be written, or the MRI has not what the format needs.
        """
        from imfuse.medical.saving import save_volume

        return save_volume(self, path, overwrite=overwrite, quality=quality, anonymise=anonymise)
