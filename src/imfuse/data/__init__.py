"""Data sets, pairing, synthesis, and the built-in sample scenes."""
