"""Makes BRISQUE models for the tests."""

from pathlib import Path

import cv2
import numpy as np


def write_brisque_model(folder: Path, vectors: np.ndarray, weights: np.ndarray, offset: float, gamma: float) -> Path:
    """Write a model in OpenCV's two files; features are scaled from ranges [−1, 3] to [−1, 1]."""
    rows = "\n".join(f"      - [ {', '.join(f'{value:.17e}' for value in row)} ]" for row in vectors)
    (folder / "brisque_model_live.yml").write_text(
        "%YAML:1.0\n---\nopencv_ml_svm:\n   format: 3\n   svmType: EPS_SVR\n   kernel:\n      type: RBF\n"
        f"      gamma: {gamma!r}\n   var_count: {vectors.shape[1]}\n   sv_total: {len(vectors)}\n"
        f"   support_vectors:\n{rows}\n   decision_functions:\n      -\n         sv_count: {len(vectors)}\n"
        f"         rho: {offset!r}\n         alpha: [ {', '.join(f'{weight:.17e}' for weight in weights)} ]\n"
    )
    storage = cv2.FileStorage(str(folder / "brisque_range_live.yml"), cv2.FILE_STORAGE_WRITE)
    storage.write("range", np.repeat(np.array([[-1.0], [3.0]], dtype=np.float32), vectors.shape[1], axis=1))
    storage.release()
    return folder
