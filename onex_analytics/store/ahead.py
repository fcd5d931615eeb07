"""Items made one ahead of their use, in a thread that never keeps a process from ending."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")
_LOOK_SECONDS = 0.1
_PATIENCE_SECONDS = 1.0


def one_ahead(items: Iterable[T]) -> Iterator[T]:
    """The same items in the same order, the next one being made while one is in use.

    What making one raises is raised here. If the use ends early, as by Ctrl-C, an item that is being waited for (a pipe
    with nothing in it) is given up.

    >>> list(one_ahead([1, 2, 3]))
    [1, 2, 3]
    """
    ready: Queue[tuple[T | None, BaseException | None, bool]] = Queue(maxsize=1)
    stopped = Event()

    def offer(item: T | None, problem: BaseException | None, last: bool) -> None:
        while not stopped.is_set():
            try:
                return ready.put((item, problem, last), timeout=_LOOK_SECONDS)
            except Full:
                continue

    def work() -> None:
        try:
            for item in items:
                offer(item, None, False)
                if stopped.is_set():
                    return
        except BaseException as problem:
            offer(None, problem, True)
        else:
            offer(None, None, True)

    thread = Thread(target=work, name="onex-bytes", daemon=True)
    thread.start()
    try:
        while True:
            try:
                # Polars has the system begin a wait anew after a signal: only one that ends by itself sees Ctrl-C
                item, problem, last = ready.get(timeout=_LOOK_SECONDS)
            except Empty:
                continue
            if problem is not None:
                raise problem
            if last:
                return
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join(_PATIENCE_SECONDS)
