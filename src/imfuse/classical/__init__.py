"""Fusion methods without weights."""
