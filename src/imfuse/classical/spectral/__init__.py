"""Classical sharpening of multi- and hyperspectral bands by a guide of higher resolution."""
