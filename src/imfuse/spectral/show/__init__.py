"""Looking at sharpened bands: composites, error maps and spectra."""
