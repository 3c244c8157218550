"""Cubes of bands from files and to files, by windows, with the georeference and whatever else travels with them.

Importing this package imports no reader; each is imported when a file needs it.
"""

from imfuse.cubes.arrays import ArrayCube, ArrayCubeWriter
from imfuse.cubes.creating import create_cube, cube_endings
from imfuse.cubes.cube import Cube, CubeDescription, CubeWriter
from imfuse.cubes.footprints import footprint_notes, footprint_scale, footprint_text, fused_description
from imfuse.cubes.georeference import Georeference
from imfuse.cubes.opening import open_cube

__all__ = [
    "ArrayCube",
    "ArrayCubeWriter",
    "Cube",
    "CubeDescription",
    "CubeWriter",
    "Georeference",
    "create_cube",
    "cube_endings",
    "footprint_notes",
    "footprint_scale",
    "footprint_text",
    "fused_description",
    "open_cube",
]
