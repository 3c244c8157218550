"""Sample scenes, built in: one description, drawn as several cameras would see it, with the truth where there is one.

No picture is shipped: scenes are described in metres, degrees Celsius and reflectances, and drawn at any size.

Example:
    >>> from imfuse.data.samples import infrared_pair
    >>> pair = infrared_pair("street", height=120, width=160)
    >>> pair.infrared.shape, pair.visible.shape
    ((120, 160), (120, 160, 3))
"""

from imfuse.data.samples.objects import SceneObject, scene_objects
from imfuse.data.samples.pairs import InfraredPair, SpectralPair, infrared_pair, near_infrared_pair, spectral_pair
from imfuse.data.samples.scenes import SCENES
from imfuse.data.samples.stacks import ExposureStack, FocusStack, exposure_stack, focus_stack

__all__ = [
    "SCENES",
    "ExposureStack",
    "FocusStack",
    "InfraredPair",
    "SceneObject",
    "SpectralPair",
    "exposure_stack",
    "focus_stack",
    "infrared_pair",
    "near_infrared_pair",
    "scene_objects",
    "spectral_pair",
]
