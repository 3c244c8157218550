"""Fixtures that all tests share."""

import os
from pathlib import Path

import pytest


def _folder(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set")
    folder = Path(value)
    if not folder.is_dir():
        pytest.skip(f"{variable} names {folder}, which is not a folder")
    return folder


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """Folder of the published reference results, named by IMFUSE_REFERENCE."""
    return _folder("IMFUSE_REFERENCE")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the research data, named by IMFUSE_DATA."""
    return _folder("IMFUSE_DATA")
