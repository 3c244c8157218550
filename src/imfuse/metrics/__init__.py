"""Metrics of fused pictures, each pinned to one definition; `METRICS` is the table of all."""

from imfuse.metrics.contrast import (
    average_gradient,
    average_gradient_ifcnn,
    spatial_frequency,
    standard_deviation,
)
from imfuse.metrics.correlation import correlation_coefficient, sum_of_correlations_of_differences
from imfuse.metrics.fidelity import viff, visual_information_fidelity
from imfuse.metrics.gradient import edge_preservation, fusion_artefacts
from imfuse.metrics.information import (
    entropy,
    mutual_information,
    mutual_information_bits,
    normalised_mutual_information,
)
from imfuse.metrics.metric import Metric
from imfuse.metrics.similarity import issim, ssim_gaussian, ssim_scikit_image
from imfuse.metrics.table import METRICS, evaluate

__all__ = [
    "METRICS",
    "Metric",
    "average_gradient",
    "average_gradient_ifcnn",
    "correlation_coefficient",
    "edge_preservation",
    "entropy",
    "evaluate",
    "fusion_artefacts",
    "issim",
    "mutual_information",
    "mutual_information_bits",
    "normalised_mutual_information",
    "spatial_frequency",
    "ssim_gaussian",
    "ssim_scikit_image",
    "standard_deviation",
    "sum_of_correlations_of_differences",
    "viff",
    "visual_information_fidelity",
]
