"""Memory that is used again: to touch new memory for the first time costs as much as to fill it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


class Buffers:
    """Buffers of bytes, each lent again once no array, column or frame holds anything of it.

    >>> buffers = Buffers()
    >>> first = buffers.take(8)
    >>> place = first.ctypes.data
    >>> del first
    >>> buffers.take(5).ctypes.data == place
    True
    """

    def __init__(self) -> None:
        self._free: list[Bytes] = []

    def take(self, size: int) -> Bytes:
        """A buffer of so many bytes, which hold anything. One that came back and is smaller is given up."""
        held = None
        while self._free and held is None:
            last = self._free.pop()
            held = last if last.size >= size else None
        return np.asarray(_Lent(np.empty(size, np.uint8) if held is None else held, self._free))[:size]


class _Lent:
    """What every array made of a buffer holds, however far removed."""

    def __init__(self, held: Bytes, free: list[Bytes]) -> None:
        self._held, self._free = held, free
        self.__array_interface__ = held.__array_interface__

    def __del__(self) -> None:
        self._free.append(self._held)
