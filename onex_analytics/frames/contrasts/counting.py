"""Votes by the codes of one column and of every two columns, compiled."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from onex_analytics.frames.grouping import in_threads, workers
from onex_analytics.machine import lean


def pair_votes(
    codes: NDArray[np.integer], votes: NDArray[np.float64], target: NDArray[np.bool_], sizes: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Votes, and votes of the target, by every two columns, on all cores.

    Args:
        codes: a row a row, a column a column, each below its size.
        votes: how much each row counts.
        target: whether the row is of the target.
        sizes: how many codes each column has.

    Returns:
        One table of (cell, [all, target]) and where each pair begins in it; pairs in the order (0, 1), (0, 2), …
    """
    pairs = np.array(list(combinations(range(codes.shape[1]), 2)), dtype=np.int64).reshape(-1, 2)
    begins = np.concatenate([[0], np.cumsum(sizes[pairs[:, 0]] * sizes[pairs[:, 1]])])
    table = np.zeros((begins[-1], 2))
    shares = [slice(worker, None, workers()) for worker in range(workers())]
    in_threads(
        lambda worker: _pair_votes(
            codes, votes, target, sizes, pairs[shares[worker]].copy(), begins[:-1][shares[worker]].copy(), table
        )
    )
    return table, begins


@lean
def _pair_votes(codes, votes, target, sizes, pairs, begins, table):  # type: ignore[no-untyped-def]
    for row in range(codes.shape[0]):
        vote = votes[row]
        hit = vote if target[row] else 0.0
        for p in range(pairs.shape[0]):
            i, j = pairs[p, 0], pairs[p, 1]
            cell = begins[p] + np.int64(codes[row, i]) * sizes[j] + codes[row, j]
            table[cell, 0] += vote
            table[cell, 1] += hit


def votes_by_code(
    codes: NDArray[np.integer], votes: NDArray[np.float64], target: NDArray[np.bool_], size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Votes, and votes of the target, of each code, added up in the order of the rows."""
    table = np.zeros((size, 2))
    _votes_by_code(codes, votes, target, table)
    return table[:, 0].copy(), table[:, 1].copy()


@lean
def _votes_by_code(codes, votes, target, table):  # type: ignore[no-untyped-def]
    for row in range(codes.shape[0]):
        vote = votes[row]
        table[codes[row], 0] += vote
        table[codes[row], 1] += vote if target[row] else 0.0


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
