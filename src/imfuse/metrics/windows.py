"""What several families of metrics share."""

import torch
from torch import Tensor

from imfuse.ops.windows import filter_valid, gaussian_taps

__all__ = ["filter_valid", "gaussian_taps", "safe_sqrt"]


def safe_sqrt(values: Tensor) -> Tensor:
    """Square root whose gradient at 0 is 0 rather than infinite."""
    if not values.requires_grad:
        return values.sqrt()
    positive = values > 0
    return torch.where(positive, values, 1.0).sqrt() * positive
