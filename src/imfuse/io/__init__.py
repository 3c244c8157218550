"""Files in and out: sources that are read by windows, writers, and metadata that travels with the pixels.

Importing this package imports no decoder; each is imported when a file needs it.
"""

from imfuse.io.arrays import ArraySource
from imfuse.io.atomic import atomic_path, check_output
from imfuse.io.formats import is_picture_name, supported_endings
from imfuse.io.metadata import icc_color_space
from imfuse.io.opening import open_source
from imfuse.io.parts import remove_dead_parts
from imfuse.io.save import check_format, save_image
from imfuse.io.source import Metadata, PixelSource
from imfuse.io.window import Window
from imfuse.io.writer import ArrayWriter, PixelWriter

__all__ = [
    "ArraySource",
    "ArrayWriter",
    "Metadata",
    "PixelSource",
    "PixelWriter",
    "Window",
    "atomic_path",
    "check_format",
    "check_output",
    "icc_color_space",
    "is_picture_name",
    "open_source",
    "remove_dead_parts",
    "save_image",
    "supported_endings",
]
