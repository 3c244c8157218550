"""Optimisers beside PyTorch's own."""

from __future__ import annotations

import pytorch_optimizer
import torch
from torch import nn

_SHARE = 1 / 6
"""What thresholds and momenta, which have no basis, take of the rate that kernels take."""


def soap(network: nn.Module, rate: float) -> torch.optim.Optimizer:
    """SOAP (Vyas et al., arXiv:2409.11321) for a network of kernels (O, I, k, k): Adam in eigenbases of the gradients.

    Neighbouring pixels of natural pictures have much in common, and so have the gradients by neighbouring taps of a
    kernel. In the basis of taps Adam therefore learns fine detail slowly; in the bases of features and of taps that
    SOAP follows, every direction gets a step of its own size. It takes about six times the rate of Adam. Its groups
    have ``share``, the factor of the rate: other parameters than kernels take a sixth.

    Args:
        network: whose parameters are trained.
        rate: the learning rate of the kernels.
    """
    kernels = [parameter for parameter in network.parameters() if parameter.ndim == 4]
    others = [parameter for parameter in network.parameters() if parameter.ndim != 4]
    # The library merges neighbouring dimensions up to this product: rows and columns of a kernel become one, that of
    # its taps, and features stay by themselves. Where all would become one, nothing is merged.
    most = max((max(*kernel.shape[:2], kernel.shape[2:].numel()) for kernel in kernels), default=1)
    merged = all(kernel.numel() > most for kernel in kernels)
    groups = [{"params": kernels, "share": 1.0}, {"params": others, "share": _SHARE}]
    return pytorch_optimizer.SOAP(groups, lr=rate, weight_decay=0, merge_dims=merged, max_precondition_dim=most)
