"""DICOM and NIfTI: slices and volumes of the medical task, fused slice by slice.

A :class:`~imfuse.medical.volume.Volume` is a stack of slices with a place in the patient, whatever file it comes
from; each of its slices is a ``PixelSource``, which the ``Fuser`` takes like any other. pydicom and nibabel come with
the extra ``medical`` and are imported when a file needs them.

No attribute that names a patient is ever put into a message, a note or a report: what these say of a file is its path,
its sizes and its geometry. Since pydicom quotes the values that it stumbles over, none of its words are passed on.
"""
