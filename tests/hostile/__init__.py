"""Hostile input: valid files of every format, mutated, each to end in a right result or a plain refusal."""
