"""Votes by the codes of one column and of every two columns, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def pair_votes(codes, votes, target, sizes):  # type: ignore[no-untyped-def]
    """Votes, and votes of the target, by every two columns.

    Args:
        codes: a row a row, a column a column, each below its size.
        votes: how much each row counts.
        target: whether the row is of the target.
        sizes: how many codes each column has.

    Returns:
        One table of (cell, [all, target]) and where each pair begins in it; pairs in the order (0, 1), (0, 2), …
    """
    n, width = codes.shape
    pairs = width * (width - 1) // 2
    begins = np.zeros(pairs + 1, dtype=np.int64)
    p = 0
    for i in range(width):
        for j in range(i + 1, width):
            begins[p + 1] = begins[p] + sizes[i] * sizes[j]
            p += 1
    table = np.zeros((begins[pairs], 2))
    for row in range(n):
        vote = votes[row]
        hit = vote if target[row] else 0.0
        p = 0
        for i in range(width):
            first = np.int64(codes[row, i])
            for j in range(i + 1, width):
                cell = begins[p] + first * sizes[j] + codes[row, j]
                table[cell, 0] += vote
                table[cell, 1] += hit
                p += 1
    return table, begins


@njit(nogil=True, cache=True)
def superiority_votes(values, votes, target):  # type: ignore[no-untyped-def]
    """Of sorted values: the share of pairs (target, rest) that the target wins, ties half, and Σ(t³ − t) over ties."""
    n = len(values)
    rest_below = 0.0
    won = 0.0
    of_target = 0.0
    of_rest = 0.0
    ties = 0.0
    i = 0
    while i < n:
        j = i
        here = 0.0
        here_rest = 0.0
        while j < n and values[j] == values[i]:
            if target[j]:
                here += votes[j]
            else:
                here_rest += votes[j]
            j += 1
        won += here * (rest_below + 0.5 * here_rest)
        rest_below += here_rest
        of_target += here
        of_rest += here_rest
        tied = here + here_rest
        if j > i + 1 and tied > 1:
            ties += tied**3 - tied
        i = j
    return won, of_target, of_rest, ties
