"""Linear unmixing of spectra: nonnegative matrix factorisation and its start."""

from __future__ import annotations

import torch
from torch import Tensor

NOT_ZERO = 1e-12
"""Added to denominators, as is usual: a quotient of two zeros is then 0."""


def squared_error(data: Tensor, endmembers: Tensor, abundances: Tensor) -> Tensor:
    """``‖X − W A‖²``, what the updates lower: X (L, n), W (L, p), A (p, n) → a scalar."""
    return (data - endmembers @ abundances).square().sum()


def update_abundances(data: Tensor, endmembers: Tensor, abundances: Tensor, count: int = 1) -> None:
    """``A ← A ∘ (Wᵀ X) / (Wᵀ W A)``, in place, ``count`` times; never raises ``‖X − W A‖²``, never leaves A ≥ 0.

    Lee and Seung, "Learning the parts of objects by non-negative matrix factorization", 1999; Yokoya et al. 2012.

    Args:
        data: X, (L, n), not negative.
        endmembers: W, (L, p), not negative.
        abundances: A, (p, n), not negative.
        count: how many updates.
    """
    # W stays as it is: what does not change is computed once.
    wanted, mixing = endmembers.mT @ data, endmembers.mT @ endmembers
    quotient = torch.empty_like(abundances)
    for _ in range(count):
        torch.mm(mixing, abundances, out=quotient)
        abundances.mul_(torch.div(wanted, quotient.add_(NOT_ZERO), out=quotient))


def update_endmembers(data: Tensor, endmembers: Tensor, abundances: Tensor, count: int = 1) -> None:
    """``W ← W ∘ (X Aᵀ) / (W A Aᵀ)``, in place, ``count`` times; the mirror of :func:`update_abundances`."""
    wanted, mixing = data @ abundances.mT, abundances @ abundances.mT
    for _ in range(count):
        endmembers.mul_(wanted / (endmembers @ mixing).add_(NOT_ZERO))


def successive_projection(data: Tensor, count: int) -> Tensor:
    """Spectra of the data of which the others are mixtures: the largest one, then the largest remainder, and so on.

    Of every spectrum the part along those chosen so far is taken away, and the next one is that of the largest
    remainder; the first of equals. M. Araújo et al., "The successive projections algorithm for variable selection in
    spectroscopic multicomponent analysis", 2001. Unlike vertex component analysis it draws nothing at random.

    Args:
        data: (L, n).
        count: how many at most.

    Returns:
        (L, p): columns of ``data``, p ≤ count; fewer where nothing remains, and one at least.
    """
    remainder = data.double().clone()
    lengths = remainder.square().sum(0)
    smallest = 1e-10 * lengths.max()
    chosen = [int(lengths.argmax())]
    while len(chosen) < min(count, *data.shape):
        last = remainder[:, chosen[-1]]
        square = last.square().sum()
        if square > 0:
            remainder -= torch.outer(last / square, last @ remainder)
        lengths = remainder.square().sum(0)
        if lengths.max() <= smallest:
            break
        chosen.append(int(lengths.argmax()))
    return data[:, chosen]
