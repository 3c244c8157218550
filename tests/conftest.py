"""Fixtures that all tests share."""

import os
import signal
from pathlib import Path

import pytest

# Shells start background jobs with Ctrl-C ignored, and children inherit that: the tests of Ctrl-C would wait in vain.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
