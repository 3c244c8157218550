"""Metrics of fused pictures, each pinned to one definition; `METRICS` is the table of all."""

from imfuse.metrics.contrast import average_gradient, spatial_frequency, standard_deviation
from imfuse.metrics.correlation import sum_of_correlations_of_differences
from imfuse.metrics.defaults import default_metrics
from imfuse.metrics.fidelity import viff, visual_information_fidelity
from imfuse.metrics.information import entropy
from imfuse.metrics.mef import mef_ssim, mef_ssim_of_colour, mef_ssim_with_luminance
from imfuse.metrics.metric import Metric
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
    "default_metrics",
    "entropy",
    "evaluate",
    "hypercomplex_quality_index",
    "mef_ssim",
    "mef_ssim_of_colour",
    "mef_ssim_with_luminance",
    "peak_signal_to_noise_ratio",
    "relative_global_error",
    "root_mean_square_error",
    "spatial_frequency",
    "spectral_angle",
    "standard_deviation",
    "structural_similarity",
    "sum_of_correlations_of_differences",
    "universal_quality_index",
    "viff",
    "visual_information_fidelity",
]
