"""JSON paths compiled into the arrays that the scanner walks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onex_analytics.exceptions import InvalidOption

Path = tuple[str, ...]

HASH_FACTOR = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def key_hash(key: bytes, node: int) -> int:
    """The hash by which `(node, key)` is found in the table; the scanner computes the same."""
    head = int.from_bytes(key[:8].ljust(8, b"\0"), "little")
    value = (head ^ (len(key) << 56) ^ (node * 0x51ED2701)) & _MASK
    value = (value * HASH_FACTOR) & _MASK
    return value >> 32


@dataclass(frozen=True, slots=True)
class PathTable:
    """A tree of keys as an open-addressing table. Every node of the tree is a slot of the scan.

    Slot 0 is the root (the whole value). `slots` says which slot a path has.
    """

    slots: dict[Path, int]
    has_children: NDArray[np.uint8]
    table_node: NDArray[np.int32]
    table_offset: NDArray[np.int32]
    table_length: NDArray[np.int32]
    table_child: NDArray[np.int32]
    key_bytes: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.slots)

    def __getitem__(self, path: str) -> int:
        """The slot of a dotted path, such as `metadata.input_state.correlation_id`."""
        return self.slots[tuple(path.split("."))]


def compile_paths(paths: Iterable[Path]) -> PathTable:
    """Compile paths (tuples of keys) and all their prefixes into one table."""
    slots: dict[Path, int] = {(): 0}
    for path in paths:
        for depth in range(1, len(path) + 1):
            slots.setdefault(path[:depth], len(slots))
    has_children = np.zeros(len(slots), np.uint8)
    size = 16
    while size < 4 * len(slots):
        size *= 2
    node = np.full(size, -1, np.int32)
    offset, length, child = (np.zeros(size, np.int32) for _ in range(3))
    keys = bytearray()
    for path, slot in slots.items():
        if not path:
            continue
        parent, key = slots[path[:-1]], path[-1].encode()
        has_children[parent] = 1
        at = key_hash(key, parent) & (size - 1)
        while node[at] >= 0:
            at = (at + 1) & (size - 1)
        node[at], offset[at], length[at], child[at] = parent, len(keys), len(key), slot
        keys += key
    keys += b"\0" * 16
    return PathTable(slots, has_children, node, offset, length, child, np.array(keys, np.uint8))


def parse_path(text: str) -> Path:
    """The keys of a JSON path such as `$.input_state.tenant`.

    Raises:
        InvalidOption: if it is no path of keys (array positions and wildcards are not lifted).

    >>> parse_path("$.input_state.tenant")
    ('input_state', 'tenant')
    """
    body = text[2:] if text.startswith("$.") else ""
    keys = tuple(body.split("."))
    if not body or any(not key or set(key) & set("[]*'\"") for key in keys):
        raise InvalidOption("a dimension's path", text, "keys behind `$.`, such as `$.input_state.tenant`")
    return keys
