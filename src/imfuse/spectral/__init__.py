"""The task ``spectral``: low-resolution bands, sharpened by a guide of the same area and of higher resolution.

:class:`imfuse.spectral.fuser.SpectralFuser` does it, by any method or network of the task, in memory or from file to
file. Importing this package imports nothing.
"""
