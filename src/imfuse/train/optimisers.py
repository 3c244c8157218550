"""Optimisers beside PyTorch's own."""

from __future__ import annotations

from torch import Tensor, nn, optim

from imfuse.errors import MissingExtraError

_SHARE = 1 / 6
"""What thresholds and momenta, which have no basis, take of the rate that kernels take."""


def soap(network: nn.Module, rate: float) -> optim.Optimizer:
    """SOAP (Vyas et al., arXiv:2409.11321) for a network of kernels (O, I, k, k): Adam in eigenbases of the gradients.

    Neighbouring pixels of natural pictures have much in common, and so have the gradients by neighbouring taps of a
    kernel. In the basis of taps Adam therefore learns fine detail slowly; in the bases of outputs, inputs and taps that
    SOAP follows, every direction gets a step of its own size. It takes about six times the rate of Adam.

    Args:
        network: whose parameters are trained.
        rate: the learning rate of the kernels; other parameters take a sixth. Its groups have this factor as ``share``,
            for schedules.

    Raises:
        MissingExtraError: the library that has SOAP is not installed.
    """
    try:
        from pytorch_optimizer import SOAP
    except ImportError as error:
        raise MissingExtraError("SOAP", "train") from error

    class KernelSOAP(SOAP):
        """With one basis for the taps of a kernel, where the library would merge what comes first."""

        def merge_dims(self, grad: Tensor, max_precondition_dim: int) -> Tensor:
            """Outputs, inputs and taps of a kernel; of a scalar, itself."""
            return grad.flatten(-2) if grad.ndim == 4 else grad.reshape(-1)

    kernels = [parameter for parameter in network.parameters() if parameter.ndim == 4]
    others = [parameter for parameter in network.parameters() if parameter.ndim != 4]
    groups = [{"params": kernels, "share": 1.0}, {"params": others, "share": _SHARE, "lr": _SHARE * rate}]
    return KernelSOAP(groups, lr=rate, weight_decay=0, merge_dims=True)
