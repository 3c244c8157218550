"""Blind metrics: the quality of a picture without anything to compare it with.

They were made for distorted photographs, and hardly tell a fused picture from a single exposure: compare their values
only inside one run, and beside metrics that look at the sources. NIQE's values depend on its pristine model, which is
not MATLAB's here. MEON (Ma et al. 2018), which some papers report too, is a trained network whose weights are not to be
had; there is no replacement for it.
"""

from imfuse.metrics.blind import brisque as _brisque
from imfuse.metrics.blind import niqe as _niqe
from imfuse.metrics.blind import piqe as _piqe
from imfuse.metrics.blind.brisque import brisque
from imfuse.metrics.blind.models import brisque_available
from imfuse.metrics.blind.niqe import niqe
from imfuse.metrics.blind.piqe import piqe

METRICS = (*_brisque.METRICS, *_niqe.METRICS, *_piqe.METRICS)
"""The blind metrics."""

__all__ = ["METRICS", "brisque", "brisque_available", "niqe", "piqe"]
