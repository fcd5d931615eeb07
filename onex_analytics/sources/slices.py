"""Slices of a track: begins and ends paired, and who lies inside whom. A track is a thread, or an async id.

Times are whole nanoseconds. Pairing and nesting take one pass in order of time each, whatever the depth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Slice:
    """Work on a track.

    Args:
        event: that told of it (of its begin, where two did).
        position: of that event in the file.
        start_ns: null where only the end was seen.
        end_ns: null where only the begin was seen.
        within_ns: how far it reaches for nesting: to its end, or while open to the end of what it lies in.
        more: the event that ended it.
        parent: the innermost slice that it lies in, or None.
    """

    event: dict[str, Any]
    position: int
    start_ns: int | None
    end_ns: int | None
    within_ns: float
    more: dict[str, Any] | None = None
    parent: Slice | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A begin or an end of work on a track."""

    event: dict[str, Any]
    position: int
    at_ns: int
    begins: bool
    name: str | None


def paired(marks: Iterable[Mark]) -> list[Slice]:
    """Slices made of begins and ends, in the order of the marks.

    An end closes the innermost open slice of its name; without a name, the innermost. What was begun inside of that
    slice and not ended stays open. An end that finds nothing is a slice that has only its end.
    """
    found: list[Slice] = []
    open_slices: list[tuple[Slice, str | None]] = []
    open_names: Counter[str | None] = Counter()
    for mark in sorted(marks, key=lambda mark: (mark.at_ns, mark.position)):
        if mark.begins:
            begun = Slice(mark.event, mark.position, mark.at_ns, None, float("inf"))
            open_slices.append((begun, mark.name))
            open_names[mark.name] += 1
            found.append(begun)
            continue
        if not open_slices or (mark.name is not None and not open_names[mark.name]):
            found.append(Slice(mark.event, mark.position, None, mark.at_ns, mark.at_ns))
            continue
        while True:
            inner, name = open_slices.pop()
            open_names[name] -= 1
            inner.within_ns = mark.at_ns
            if mark.name is None or name == mark.name:
                inner.end_ns, inner.more = mark.at_ns, mark.event
                break
    return found


def nested(slices: Iterable[Slice]) -> None:
    """Set the parent of each slice of one track: the innermost that begins before it and reaches as far.

    Of slices with the same begin and end, the earlier in the file is the outer one.
    """
    placed = [(piece, piece.start_ns) for piece in slices if piece.start_ns is not None]
    placed.sort(key=lambda pair: (pair[1], -pair[0].within_ns, pair[0].position))
    around: list[Slice] = []
    for piece, start in placed:
        # what ended before, or ends sooner than this one, holds nothing that follows either
        while around and (around[-1].within_ns < piece.within_ns or around[-1].within_ns < start):
            around.pop()
        piece.parent = around[-1] if around else None
        around.append(piece)
