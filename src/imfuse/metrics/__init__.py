"""Metrics of fused pictures, each pinned to one definition; `METRICS` is the table of all."""

from imfuse.metrics.blind import brisque, brisque_available, niqe, piqe
from imfuse.metrics.contrast import average_gradient, average_gradient_ifcnn, spatial_frequency, standard_deviation
from imfuse.metrics.correlation import correlation_coefficient, sum_of_correlations_of_differences
from imfuse.metrics.defaults import default_metrics
from imfuse.metrics.fidelity import viff, visual_information_fidelity
from imfuse.metrics.gradient import edge_preservation, fusion_artefacts
from imfuse.metrics.information import (
    entropy,
    mutual_information,
    mutual_information_bits,
    normalised_mutual_information,
)
from imfuse.metrics.mef import mef_ssim, mef_ssim_of_colour, mef_ssim_with_luminance
from imfuse.metrics.metric import Metric
from imfuse.metrics.similarity import issim, ssim_gaussian, ssim_scikit_image
from imfuse.metrics.spectral import hypercomplex_quality_index, relative_global_error, spectral_angle
from imfuse.metrics.table import METRICS, evaluate
from imfuse.metrics.truth import (
    peak_signal_to_noise_ratio,
    root_mean_square_error,
    structural_similarity,
    universal_quality_index,
)

__all__ = [
    "METRICS",
    "Metric",
    "average_gradient",
    "average_gradient_ifcnn",
    "brisque",
    "brisque_available",
    "correlation_coefficient",
    "default_metrics",
    "edge_preservation",
    "entropy",
    "evaluate",
    "fusion_artefacts",
    "hypercomplex_quality_index",
    "issim",
    "mef_ssim",
    "mef_ssim_of_colour",
    "mef_ssim_with_luminance",
    "mutual_information",
    "mutual_information_bits",
    "niqe",
    "normalised_mutual_information",
    "peak_signal_to_noise_ratio",
    "piqe",
    "relative_global_error",
    "root_mean_square_error",
    "spatial_frequency",
    "spectral_angle",
    "ssim_gaussian",
    "ssim_scikit_image",
    "standard_deviation",
    "structural_similarity",
    "sum_of_correlations_of_differences",
    "universal_quality_index",
    "viff",
    "visual_information_fidelity",
]
