"""Benchmarks: models × data sets × metrics."""
