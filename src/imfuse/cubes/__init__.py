"""Cubes of bands from files and to files, by windows, with the georeference and whatever else travels with them.

Importing this package imports no reader; each is imported when a file needs it.
"""

from imfuse.cubes.cube import Cube, CubeDescription, CubeWriter
from imfuse.cubes.georeference import Georeference

__all__ = ["Cube", "CubeDescription", "CubeWriter", "Georeference"]
