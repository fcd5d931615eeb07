"""The tree of patterns in arrays: a hash table of (node, token) → node (the kernels of matching)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onex_analytics.machine import lean

Numbers = NDArray[np.int64]
Codes = NDArray[np.int32]

_ANY = -2
_ODD = np.uint64(0x9E3779B185EBCA87)


@lean
def _place(keys: Numbers, key: int) -> int:
    """Where a key stands in the table, or would stand."""
    last = keys.shape[0] - 1
    mixed = np.uint64(key) * _ODD
    at = np.int64(mixed >> np.uint64(32)) & last
    while keys[at] != -1 and keys[at] != key:
        at = (at + 1) & last
    return at


@lean
def write_tree(codes: Codes, lengths: Numbers, nodes: int, keys: Numbers, children: Codes, ranks: Codes) -> None:
    """Fill the table; the first `nodes` nodes are the roots, one a length."""
    begin = 0
    for pattern in range(lengths.shape[0]):
        node = lengths[pattern]
        for j in range(begin, begin + lengths[pattern]):
            key = (np.int64(node) << np.int64(32)) | np.int64(codes[j] - _ANY)
            at = _place(keys, key)
            if keys[at] == -1:
                keys[at], children[at] = key, nodes
                nodes += 1
            node = children[at]
        if ranks[node] == -1:
            ranks[node] = pattern
        begin += lengths[pattern]


@lean
def walk(codes: Codes, keys: Numbers, children: Codes, ranks: Codes, todo: Numbers, found: Codes) -> None:
    """The first pattern that each line fits, −1 for none; `todo` has room for two numbers a token, and four."""
    lines, length = codes.shape
    for i in range(lines):
        best = -1
        todo[0] = length  # a node and how many tokens led to it, in one number
        depth = 1
        while depth > 0:
            depth -= 1
            node, read = todo[depth] & np.int64(0xFFFFFFFF), todo[depth] >> np.int64(32)
            if read == length:
                if ranks[node] >= 0 and (best < 0 or ranks[node] < best):
                    best = ranks[node]
                continue
            for way in range(2):
                code = _ANY if way == 0 else codes[i, read]
                if way == 1 and code < 0:
                    continue
                key = (np.int64(node) << np.int64(32)) | np.int64(code - _ANY)
                at = _place(keys, key)
                if keys[at] != -1:
                    todo[depth] = np.int64(children[at]) | ((np.int64(read) + 1) << np.int64(32))
                    depth += 1
        found[i] = best
