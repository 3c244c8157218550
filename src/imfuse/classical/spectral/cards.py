"""Cards of the spectral methods. Reading them needs no torch."""

from __future__ import annotations

from imfuse.classical.cards import card
from imfuse.model_card import ModelCard

_PAPERS = {
    "bicubic": "Keys, Cubic convolution interpolation for digital image processing, IEEE Transactions on Acoustics, "
    "Speech, and Signal Processing 29(6), 1981",
    "brovey": "Gillespie, Kahle, Walker, Color enhancement of highly correlated images II: channel ratio and "
    "'chromaticity' transformation techniques, Remote Sensing of Environment 22(3), 1987",
    "gsa": "Aiazzi, Baronti, Selva, Improving component substitution pansharpening through multivariate regression of "
    "MS+Pan data, IEEE Transactions on Geoscience and Remote Sensing 45(10), 2007",
    "glp-hs": "Selva, Aiazzi, Butera, Chiarantini, Baronti, Hyper-sharpening: a first approach on SIM-GA data, IEEE "
    "Journal of Selected Topics in Applied Earth Observations and Remote Sensing 8(6), 2015",
    "sfim": "Liu, Smoothing filter-based intensity modulation: a spectral preserve image fusion technique for "
    "improving spatial details, International Journal of Remote Sensing 21(18), 2000",
    "cnmf": "Yokoya, Yairi, Iwasaki, Coupled nonnegative matrix factorization unmixing for hyperspectral and "
    "multispectral data fusion, IEEE Transactions on Geoscience and Remote Sensing 50(2), 2012",
}

SPECTRAL_NETWORKS: dict[str, str] = {
    "bicubic": "imfuse.classical.spectral.bicubic:Bicubic",
    "brovey": "imfuse.classical.spectral.brovey:Brovey",
    "gsa": "imfuse.classical.spectral.gsa:GSA",
    "glp_hs": "imfuse.classical.spectral.glp_hs:GLPHS",
    "sfim": "imfuse.classical.spectral.sfim:SFIM",
    "cnmf": "imfuse.classical.spectral.cnmf:CNMF",
}
"""Network names of these cards → modules and classes."""

SPECTRAL: tuple[ModelCard, ...] = tuple(card(name, ("spectral",), paper) for name, paper in _PAPERS.items())
"""The methods of the task ``spectral`` that have no weights."""
