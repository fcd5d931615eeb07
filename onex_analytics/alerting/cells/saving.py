"""State as bytes: arrays and frames by name, without code in it."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

Parts = dict[str, "NDArray[np.generic] | pl.DataFrame"]
_FRAME = "|frame"


def packed(parts: Mapping[str, NDArray[np.generic] | pl.DataFrame]) -> bytes:
    """Everything in one file of NumPy's; frames as Arrow IPC inside it."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, part in parts.items():
        if isinstance(part, pl.DataFrame):
            held = io.BytesIO()
            part.write_ipc(held)
            arrays[name + _FRAME] = np.frombuffer(held.getvalue(), np.uint8)
        else:
            arrays[name] = part
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def unpacked(state: bytes) -> Parts:
    """What `packed` was given."""
    found: Parts = {}
    with np.load(io.BytesIO(state), allow_pickle=False) as file:
        for name in file.files:
            array = file[name]
            if name.endswith(_FRAME):
                found[name.removesuffix(_FRAME)] = pl.read_ipc(io.BytesIO(array.tobytes()))
            else:
                found[name] = array
    return found


def below(prefix: str, parts: Mapping[str, NDArray[np.generic] | pl.DataFrame]) -> Parts:
    """The parts of one owner, named after it."""
    return {f"{prefix}/{name}": part for name, part in parts.items()}


def of(prefix: str, parts: Mapping[str, NDArray[np.generic] | pl.DataFrame]) -> Parts:
    """The parts that `below` named after this owner, under their own names."""
    begin = f"{prefix}/"
    return {name.removeprefix(begin): part for name, part in parts.items() if name.startswith(begin)}
