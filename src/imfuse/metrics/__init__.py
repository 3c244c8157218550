"""Metrics of fused pictures, each pinned to one definition; `METRICS` is the table of all."""

from imfuse.metrics.blind import brisque, brisque_available, niqe, piqe
from imfuse.metrics.contrast import average_gradient, spatial_frequency, standard_deviation
from imfuse.metrics.correlation import sum_of_correlations_of_differences
from imfuse.metrics.fidelity import viff, visual_information_fidelity
from imfuse.metrics.information import entropy
from imfuse.metrics.metric import Metric
from imfuse.metrics.table import METRICS, evaluate

__all__ = [
    "METRICS",
    "Metric",
    "average_gradient",
    "brisque",
    "brisque_available",
    "entropy",
    "evaluate",
    "niqe",
    "piqe",
    "spatial_frequency",
    "standard_deviation",
    "sum_of_correlations_of_differences",
    "viff",
    "visual_information_fidelity",
]
