"""The loops of :mod:`imfuse.blocks.compiled_map`; importing them needs numba.

Sums are written out, two filters or three taps at a time: what is read is used more than once, and the compiler makes
vector instructions of the loops over pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse.ops.compiling import compiled

Map = NDArray[np.float32]

FILTERS = 4
"""Codes have a multiple of so many filters."""
TAPS = 3
"""And there is a multiple of so many products."""

_RUN = 256
"""Pixels of a row whose codes are made together: 48 KB of 48 filters."""


@compiled(fastmath=True)  # pixels are numbers: levels are not found of others
def code_rows(
    residuals: Map,
    spacings: NDArray[np.int64],
    analysis: Map,
    thresholds: Map,
    last: Map,
    step: int,
    out: Map,
    top: int,
    bottom: int,
) -> None:
    """Make the codes of some rows, and what a matrix makes of them.

    Args:
        residuals: of every unit so far, with margins, (n, H + 2m, W + 2m).
        spacings: of at least those units.
        analysis: (≥ n, q, 10), the tenth added; q a multiple of ``FILTERS``.
        thresholds: (≥ n, q).
        last: the next unit's filters, (9, q); or the head, (3, q) with two rows that do not count.
        step: pixels from one tap of these to the next; 0 for the head.
        out: (H, W), the map; or the next unit's residual, from which a pixel's products are taken that lie around it,
            outside the picture by reflection. Larger than ``step`` on both sides.
        top: the first row.
        bottom: the row after the last.
    """
    height, width = out.shape
    margin = (residuals.shape[1] - height) // 2
    code = np.zeros((analysis.shape[1], _RUN), np.float32)
    products = np.zeros((last.shape[0], _RUN), np.float32)
    for row in range(top, bottom):
        for left in range(0, width, _RUN):
            count = min(_RUN, width - left)
            code[:] = 0
            for unit in range(residuals.shape[0]):
                gap = spacings[unit]
                x, stop = left + margin - gap, left + margin + gap + count
                above = residuals[unit, row + margin - gap, x:stop]
                here = residuals[unit, row + margin, x:stop]
                below = residuals[unit, row + margin + gap, x:stop]
                _add_unit(above, here, below, gap, analysis[unit], thresholds[unit], code, count)
            _multiply(last, code, products, count)
            if step == 0:
                out[row, left : left + count] = products[0, :count]
            else:
                for tap in range(9):
                    _take(products[tap], row, left, count, step * (tap // 3 - 1), step * (tap % 3 - 1), out)


@compiled(fastmath=True)
def _add_unit(
    above: Map, here: Map, below: Map, gap: int, analysis: Map, thresholds: Map, code: Map, count: int
) -> None:
    """Add what a unit's filters make of three rows of a residual (count + 2 gap) to codes (q, count); threshold."""
    a0, a1, a2 = above[:count], above[gap : gap + count], above[2 * gap : 2 * gap + count]
    a3, a4, a5 = here[:count], here[gap : gap + count], here[2 * gap : 2 * gap + count]
    a6, a7, a8 = below[:count], below[gap : gap + count], below[2 * gap : 2 * gap + count]
    for k in range(0, analysis.shape[0], 2):
        w, limit, one = analysis[k], thresholds[k], code[k]
        w0, w1, w2, w3, w4, w5, w6, w7, w8, w9 = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9]
        v, other_limit, other = analysis[k + 1], thresholds[k + 1], code[k + 1]
        v0, v1, v2, v3, v4, v5, v6, v7, v8, v9 = v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9]
        for j in range(count):
            p = one[j] + w9 + w0 * a0[j] + w1 * a1[j] + w2 * a2[j] + w3 * a3[j] + w4 * a4[j]
            p = p + w5 * a5[j] + w6 * a6[j] + w7 * a7[j] + w8 * a8[j]
            q = other[j] + v9 + v0 * a0[j] + v1 * a1[j] + v2 * a2[j] + v3 * a3[j] + v4 * a4[j]
            q = q + v5 * a5[j] + v6 * a6[j] + v7 * a7[j] + v8 * a8[j]
            one[j] = p - min(max(p, -limit), limit)
            other[j] = q - min(max(q, -other_limit), other_limit)


@compiled(fastmath=True)
def _multiply(last: Map, code: Map, products: Map, count: int) -> None:
    """Write ``last @ code`` to the products (t, count)."""
    products[:] = 0
    for t in range(0, last.shape[0], 3):
        first, second, third = products[t], products[t + 1], products[t + 2]
        for k in range(0, last.shape[1], 4):
            w0, w1, w2, w3 = last[t, k], last[t, k + 1], last[t, k + 2], last[t, k + 3]
            v0, v1, v2, v3 = last[t + 1, k], last[t + 1, k + 1], last[t + 1, k + 2], last[t + 1, k + 3]
            u0, u1, u2, u3 = last[t + 2, k], last[t + 2, k + 1], last[t + 2, k + 2], last[t + 2, k + 3]
            c0, c1, c2, c3 = code[k], code[k + 1], code[k + 2], code[k + 3]
            for j in range(count):
                first[j] += w0 * c0[j] + w1 * c1[j] + w2 * c2[j] + w3 * c3[j]
                second[j] += v0 * c0[j] + v1 * c1[j] + v2 * c2[j] + v3 * c3[j]
                third[j] += u0 * c0[j] + u1 * c1[j] + u2 * c2[j] + u3 * c3[j]


@compiled(fastmath=True)
def _take(product: Map, row: int, left: int, count: int, down: int, right: int, out: Map) -> None:
    """Take a run's product of one tap from the pixels that have the run in the tap's direction.

    That is the row and columns as far away the other way, and those that find the run there by reflection.
    """
    height = out.shape[0]
    direct = row - down
    if 0 <= direct < height:
        _take_row(product, left, count, right, out[direct])
    mirrored = (0 if down < 0 else 2 * (height - 1)) - row - down
    if down != 0 and mirrored != direct and 0 <= mirrored < height:
        _take_row(product, left, count, right, out[mirrored])


@compiled(fastmath=True)
def _take_row(product: Map, left: int, count: int, right: int, total: Map) -> None:
    width = len(total)
    start, stop = max(0, right - left), min(count, width + right - left)
    if stop > start:
        there, taken = total[left + start - right : left + stop - right], product[start:stop]
        for j in range(stop - start):
            there[j] -= taken[j]
    if right < 0:
        for j in range(max(1 - left, 0), min(1 - right - left, count)):
            total[-right - left - j] -= product[j]
    if right > 0:
        for j in range(max(width - 1 - right - left, 0), min(width - 1 - left, count)):
            total[2 * (width - 1) - right - left - j] -= product[j]
