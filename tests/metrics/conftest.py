"""Fixtures of the metrics' tests."""

from pathlib import Path

import numpy as np
import pytest

from brisque_files import write_brisque_model


@pytest.fixture(scope="session")
def made_brisque_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the form of LIVE's, with made-up numbers."""
    rng = np.random.default_rng(3)
    vectors = rng.uniform(-1.0, 1.0, (25, 36))
    return write_brisque_model(tmp_path_factory.mktemp("brisque"), vectors, rng.normal(0.0, 20.0, 25), -40.0, 0.05)


@pytest.fixture(autouse=True)
def brisque_folder(made_brisque_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let BRISQUE find the made-up model, and NIQE imfuse's own."""
    monkeypatch.setenv("IMFUSE_BRISQUE_MODEL", str(made_brisque_folder))
    monkeypatch.delenv("IMFUSE_NIQE_MODEL", raising=False)
    return made_brisque_folder
