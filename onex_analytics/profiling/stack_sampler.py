"""One thread that looks at the stacks of running operations, each at its own interval, while there are any."""

from __future__ import annotations

import os
import sys
import threading
import time
from types import FrameType
from typing import Final

SUSPENDED: Final = "(suspended)"
"""The stack of an operation that is not on its thread: a coroutine that waits."""
DEEPER: Final = "(deeper)"
"""Stands for the frames beyond the deepest that are kept."""
DEEPEST: Final = 256
_IDLE_SECONDS = 1.0


class Sampled:
    """An operation whose stack is looked at.

    Args:
        root: the frame of the operation; only frames from there on are told.
        with_root: whether `root` is one of them.
        interval_ms: time between two looks.
    """

    __slots__ = ("due", "interval", "root", "samples", "thread_id", "with_root")

    def __init__(self, root: FrameType, interval_ms: float, *, with_root: bool) -> None:
        self.root, self.with_root = root, with_root
        self.thread_id = threading.get_ident()
        self.interval = interval_ms / 1000
        self.due = time.monotonic() + self.interval
        self.samples: dict[str, int] = {}


class StackSampler:
    """Looks at stacks in a daemon thread of its own, which begins with the first operation and ends when idle."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        """As new: a process that was forked has no such thread."""
        self._changed = threading.Condition(threading.Lock())
        self._running: set[Sampled] = set()
        self._thread: threading.Thread | None = None

    def begin(self, operation: Sampled) -> None:
        with self._changed:
            self._running.add(operation)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="onex-stack-sampler", daemon=True)
                self._thread.start()
            self._changed.notify()

    def end(self, operation: Sampled) -> dict[str, int]:
        """Look no more; returns the folded stacks, each with the number of times it was seen."""
        with self._changed:
            self._running.discard(operation)
        del operation.root
        return operation.samples

    def _run(self) -> None:
        with self._changed:
            while True:
                if self._running:
                    self._changed.wait(max(0.0, min(op.due for op in self._running) - time.monotonic()))
                elif not self._changed.wait(_IDLE_SECONDS) and not self._running:
                    self._thread = None
                    return
                self._look(time.monotonic())

    def _look(self, now: float) -> None:
        """Take one sample of each operation that is due; a look that comes late is one look."""
        due = [operation for operation in self._running if operation.due <= now]
        if not due:
            return
        frames = sys._current_frames()
        for operation in due:
            stack = folded_stack(frames.get(operation.thread_id), operation.root, with_root=operation.with_root)
            operation.samples[stack] = operation.samples.get(stack, 0) + 1
            operation.due = max(now, operation.due + operation.interval)


def folded_stack(frame: FrameType | None, root: FrameType, *, with_root: bool) -> str:
    """The frames from `root` (or behind it) to `frame`, outermost first, as `module.function;module.function`."""
    names: list[str] = []
    while frame is not None and frame is not root:
        names.append(_frame_name(frame))
        frame = frame.f_back
    if frame is None:
        return SUSPENDED
    if with_root or not names:
        names.append(_frame_name(root))
    names.reverse()
    return ";".join(names if len(names) <= DEEPEST else [*names[:DEEPEST], DEEPER])


def _frame_name(frame: FrameType) -> str:
    return f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}".replace(";", ":")


SAMPLER: Final = StackSampler()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=SAMPLER._forget)
