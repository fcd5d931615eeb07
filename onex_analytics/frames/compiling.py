"""How kernels that make no array are compiled."""

from __future__ import annotations

from numba import njit

lean = njit(nogil=True, cache=True, _nrt=False)
"""Compiles a function that makes no array, without counting references to those that it is given.

Numba counts them by atomic additions, at each call and wherever an array is given another name; two threads that read
the same arrays then wait for each other. A function that does make an array is refused when it is compiled."""
