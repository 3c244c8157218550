"""Cards of the methods without weights. Nothing is imported that they need at work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imfuse.model_card import ModelCard

GENERAL = ("infrared", "medical", "focus", "exposure")
PAIRS = ("infrared", "medical")


def card(name: str, tasks: tuple[str, ...], paper: str, arguments: Mapping[str, Any] | None = None) -> ModelCard:
    """The card of a method of this project's code, whose network is called as it is, with ``_`` for ``-``.

    Args:
        name: the name that users choose it by.
        tasks: names of the tasks that it serves, the one that it serves by default first.
        paper: full reference.
        arguments: constructor arguments, for the symbols of the paper.
    """
    return ModelCard(
        name=name,
        network=name.replace("-", "_"),
        arguments=arguments or {},
        tasks=tasks,
        paper=paper,
        parameters=0,
        licence="Apache-2.0 (the code; there are no weights)",
        data={},
        recipe={},
        commit="",
        selection="",
        figures={},
        sha256="",
    )


CARDS: tuple[ModelCard, ...] = (
    card(
        "adf",
        PAIRS,
        "D. P. Bavirisetti, R. Dhuli, Fusion of Infrared and Visible Sensor Images Based on Anisotropic Diffusion and "
        "Karhunen-Loeve Transform, IEEE Sensors Journal 16(1), 203-209, 2016, doi:10.1109/JSEN.2015.2478655",
        {"iterations": 10, "step": 0.15, "contrast": 30 / 255},
    ),
    card("average", GENERAL, "the mean of the sources, pixel by pixel; no publication"),
    card(
        "exposure-fusion",
        ("exposure",),
        "T. Mertens, J. Kautz, F. Van Reeth, Exposure Fusion, 15th Pacific Conference on Computer Graphics and "
        "Applications, 382-390, 2007, doi:10.1109/PG.2007.17",
        {"contrast": 1.0, "saturation": 1.0, "exposure": 1.0},
    ),
    card(
        "guided-filter",
        GENERAL,
        "S. Li, X. Kang, J. Hu, Image Fusion With Guided Filtering, IEEE Transactions on Image Processing 22(7), "
        "2864-2875, 2013, doi:10.1109/TIP.2013.2244222",
        {"base_radius": 45, "base_epsilon": 0.3, "detail_radius": 7, "detail_epsilon": 1e-6},
    ),
    card(
        "laplacian-pyramid",
        GENERAL,
        "P. J. Burt, E. H. Adelson, Merging Images Through Pattern Decomposition, Proc. SPIE 575, Applications of "
        "Digital Image Processing VIII, 173-181, 1985",
        {"levels": 4},
    ),
    card("maximum", GENERAL, "the brightest of the sources' pixels; no publication"),
    card(
        "pca",
        GENERAL,
        "V. P. S. Naidu, J. R. Raol, Pixel-level Image Fusion using Wavelets and Principal Component Analysis, Defence "
        "Science Journal 58(3), 338-352, 2008",
    ),
    card(
        "two-scale-saliency",
        PAIRS,
        "D. P. Bavirisetti, R. Dhuli, Two-scale image fusion of visible and infrared images using saliency detection, "
        "Infrared Physics & Technology 76, 52-64, 2016, doi:10.1016/j.infrared.2016.01.009",
        {"window": 35},
    ),
)
"""All of them, by name."""
