"""Products of hypercomplex numbers, whose components are the bands of a picture."""

from functools import cache

import torch
from torch import Tensor


@cache
def product_signs(size: int) -> Tensor:
    """Signs of the products of the units of a Cayley–Dickson algebra: e_j · e_k = ±e_(j xor k).

    Halves of the components multiply as (a, b)(c, d) = (ac − d̄b, ād̄ + cb̄): the convention of Garzelli's and Nencini's
    release. Others differ in signs, and with them Q2n differs a little.

    Args:
        size: number of components, a power of two.

    Returns:
        float64 tensor (size, size) of ±1; row j, column k.
    """
    if size == 1:
        return torch.ones(1, 1, dtype=torch.float64)
    half = product_signs(size // 2)
    conjugate = conjugate_signs(size // 2)
    # The quarters are a·c, ā·d̄, c·b̄ and −d̄·b: in the lower two the second number's units stand first.
    return torch.cat(
        [
            torch.cat([half, conjugate[:, None] * conjugate * half], dim=1),
            torch.cat([conjugate[:, None] * half.T, -conjugate * half.T], dim=1),
        ]
    )


def conjugate_signs(size: int) -> Tensor:
    """1 for the real component and −1 for the others, float64 (size,)."""
    signs = -torch.ones(size, dtype=torch.float64)
    signs[0] = 1.0
    return signs


def sum_of_products(moments: Tensor) -> Tensor:
    """Sum z · w̄ over samples of two hypercomplex numbers, from the sums of the products of their components.

    Args:
        moments: (…, n, n): Σ z_j w_k in row j and column k; n a power of two.

    Returns:
        (…, n): the components of Σ z · w̄.
    """
    size = moments.size(-1)
    signs = (product_signs(size) * conjugate_signs(size)).to(moments)
    rows = torch.arange(size, device=moments.device)
    # Component i gathers the products e_j · e_k with k = j xor i.
    return (signs * moments)[..., rows, rows[:, None] ^ rows].sum(dim=-1)
