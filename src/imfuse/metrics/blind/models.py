"""The fitted parameters that BRISQUE and NIQE compare a picture with, and where they are read from."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imfuse.errors import UsageError

BRISQUE_VARIABLE = "IMFUSE_BRISQUE_MODEL"
BRISQUE_FILES = ("brisque_model_live.yml", "brisque_range_live.yml")
NIQE_VARIABLE = "IMFUSE_NIQE_MODEL"
NIQE_MODEL = Path(__file__).with_name("niqe.safetensors")
FEATURES = 36
NIQE_NAMES = (("mean", "covariance"), ("mu_prisparam", "cov_prisparam"), ("mu_pris_param", "cov_pris_param"))


@dataclass(frozen=True)
class BrisqueModel:
    """A support vector regression from 36 features to an opinion score.

    Attributes:
        vectors: the support vectors, (N, 36), scaled features.
        coefficients: their weights, (N,).
        offset: ρ, which is subtracted from the sum.
        gamma: of the radial kernel exp(−γ‖x − y‖²).
        low: the features that are scaled to −1, (36,).
        high: the features that are scaled to 1, (36,).
    """

    vectors: Tensor
    coefficients: Tensor
    offset: float
    gamma: float
    low: Tensor
    high: Tensor

    def predict(self, features: Tensor) -> Tensor:
        """Scores (B,) of features (B, 36): Σ wᵢ exp(−γ‖x − xᵢ‖²) − ρ, with x the scaled features."""
        device = features.device
        low, high = self.low.to(device), self.high.to(device)
        scaled = 2.0 * (features - low) / (high - low) - 1.0
        distances = (scaled[:, None] - self.vectors.to(device)).square().sum(dim=-1)
        return (-self.gamma * distances).exp() @ self.coefficients.to(device) - self.offset


@dataclass(frozen=True)
class NiqeModel:
    """The multivariate Gaussian of the features of pristine pictures.

    Attributes:
        mean: (36,).
        covariance: (36, 36).
    """

    mean: Tensor
    covariance: Tensor


def brisque_available() -> bool:
    """Whether `IMFUSE_BRISQUE_MODEL` names a folder that holds BRISQUE's two files."""
    folder = os.environ.get(BRISQUE_VARIABLE, "")
    return folder != "" and all((Path(folder) / name).is_file() for name in BRISQUE_FILES)


def brisque_model(folder: str | os.PathLike[str] | None = None) -> BrisqueModel:
    """Read BRISQUE's model from a folder, or from the one that `IMFUSE_BRISQUE_MODEL` names.

    Raises:
        UsageError: No folder is given, or its files are missing or damaged.
    """
    folder = folder or os.environ.get(BRISQUE_VARIABLE)
    if not folder:
        raise UsageError(
            "BRISQUE needs a model that may not come with imfuse: get "
            f"{' and '.join(BRISQUE_FILES)} from modules/quality/samples of opencv_contrib, and let the environment "
            f"variable {BRISQUE_VARIABLE} name their folder"
        )
    paths = [Path(folder) / name for name in BRISQUE_FILES]
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise UsageError(
            f"BRISQUE's model is not there: {' and '.join(missing)}; both files come from modules/quality/samples of "
            "opencv_contrib"
        )
    return _read_brisque(*((path, path.stat().st_mtime_ns) for path in paths))


def niqe_model(path: str | os.PathLike[str] | None = None) -> NiqeModel:
    """Read NIQE's model from a file, from the one that `IMFUSE_NIQE_MODEL` names, or imfuse's own.

    Args:
        path: ``.safetensors`` (mean, covariance), or LIVE's as ``.mat`` or ``.npz``.

    Raises:
        UsageError: The file is missing or damaged, or it is a ``.mat`` file and SciPy is not installed.
    """
    chosen = Path(path or os.environ.get(NIQE_VARIABLE) or NIQE_MODEL)
    if not chosen.is_file():
        raise UsageError(f"NIQE's model {chosen} is not there; leave it out to take the one that comes with imfuse")
    return _read_niqe(chosen, chosen.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read_brisque(model: tuple[Path, int], ranges: tuple[Path, int]) -> BrisqueModel:
    """Read OpenCV's two files; with their times of change, so that a changed file is read again."""
    try:
        vectors, coefficients, offset, gamma = _support_vectors(model[0])
        low, high = _matrix(ranges[0])
    except Exception as error:  # OpenCV raises errors of several kinds for a damaged file
        raise UsageError(
            f"BRISQUE's model in {model[0].parent} cannot be read ({error}); it must be OpenCV's for 36 features"
        ) from error
    return BrisqueModel(vectors, coefficients, offset, gamma, low, high)


def _support_vectors(path: Path) -> tuple[Tensor, Tensor, float, float]:
    import cv2

    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_READ)
    root = storage.getFirstTopLevelNode()
    rows = root.getNode("support_vectors")
    vectors = _tensor([_numbers(rows.at(i)) for i in range(rows.size())])
    function = root.getNode("decision_functions").at(0)
    coefficients = _tensor(_numbers(function.getNode("alpha")))
    if vectors.shape != (coefficients.numel(), FEATURES) or coefficients.numel() == 0:
        raise ValueError(f"support vectors {tuple(vectors.shape)} with {coefficients.numel()} weights")
    kernel = root.getNode("kernel")
    if kernel.getNode("type").string() != "RBF":
        raise ValueError("the kernel is not radial")
    return vectors, coefficients, function.getNode("rho").real(), kernel.getNode("gamma").real()


def _matrix(path: Path) -> tuple[Tensor, Tensor]:
    import cv2

    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_READ)  # held: its nodes do not keep it alive
    ranges = storage.getNode("range").mat()
    if ranges is None or ranges.shape != (2, FEATURES):
        raise ValueError("no ranges of 36 features")
    low, high = _tensor(ranges)
    return low, high


def _numbers(node: Any) -> list[float]:
    return [node.at(i).real() for i in range(node.size())]


@lru_cache(maxsize=4)
def _read_niqe(path: Path, changed: int) -> NiqeModel:
    """Read a file; with its time of change, so that a changed file is read again."""
    try:
        arrays = _arrays(path)
        names = next((names for names in NIQE_NAMES if names[0] in arrays), NIQE_NAMES[0])
        mean, covariance = (_tensor(arrays[name]).squeeze() for name in names)
    except ImportError as error:
        raise UsageError(f"reading {path} needs SciPy: pip install scipy, or give the model as .npz") from error
    except Exception as error:  # each reader raises errors of its own for a damaged file
        raise UsageError(f"NIQE's model {path} cannot be read: {type(error).__name__} {error}") from error
    if mean.shape != (FEATURES,) or covariance.shape != (FEATURES, FEATURES):
        raise UsageError(f"NIQE's model {path} has {tuple(mean.shape)} and {tuple(covariance.shape)} numbers, not 36")
    return NiqeModel(mean, covariance)


def _arrays(path: Path) -> dict[str, Any]:
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    if path.suffix == ".mat":
        from scipy.io import loadmat

        return dict(loadmat(path))
    from safetensors.torch import load_file

    return dict(load_file(path))


def _tensor(values: Any) -> Tensor:
    return torch.as_tensor(np.asarray(values, dtype=np.float64))
