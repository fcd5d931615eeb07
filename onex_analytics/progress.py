"""How far long work is: it tells, and who wants to show it says so once. By default nobody listens, and that is free.

Work tells by `working`; a notebook or a terminal shows what is told by `shown_by`. Work within work is silent, for what
began first knows best how much there is to do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

Tell = Callable[[int, int | None], None]
"""Called with how much is done and how much there is in all (None if unknown)."""

Show = Callable[[str, str], AbstractContextManager[Tell]]
"""Of what is being done and the unit that is counted, such as "events": shows it for as long as the context lasts."""


def untold(done: int, in_all: int | None) -> None:
    """Where nobody listens."""


@dataclass
class _Screen:
    show: Show | None = None
    taken: bool = False


_SCREEN = _Screen()


def shown_by(show: Show | None) -> Show | None:
    """Have work shown from now on, in this process; None: by nobody. Returns who showed it before.

    >>> shown_by(shown_by(None)) is None
    True
    """
    before, _SCREEN.show = _SCREEN.show, show
    return before


@contextmanager
def working(what: str, unit: str) -> Iterator[Tell]:
    """Work that takes long: gives `tell(done, in_all)`.

    Only the main thread is shown: what a server does for somebody else belongs on nobody's screen.

    >>> with working("reading", "events") as tell:
    ...     tell(10, 20)
    """
    if _SCREEN.show is None or _SCREEN.taken or threading.current_thread() is not threading.main_thread():
        yield untold
        return
    _SCREEN.taken = True
    try:
        with _SCREEN.show(what, unit) as tell:
            yield tell
    finally:
        _SCREEN.taken = False
