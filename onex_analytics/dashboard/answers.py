"""Answers that many pages share: each question is asked once at a time, by a thread, and kept for whoever asks next.

Quick questions, slow ones and those that are asked ahead have threads of their own, so that nobody who turns a page
waits for a backtest, and nobody's backtest for what nobody wants to see yet.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

Done = Callable[["Answer"], None]


@dataclass(eq=False)
class Answer:
    """What became of a question."""

    key: Hashable
    value: Any = None
    problem: BaseException | None = None
    seconds: float = 0.0
    """How long it took."""
    is_begun: bool = False
    is_done: bool = False
    waiting: dict[int, Done] = field(default_factory=dict)
    """Who wants to be told, by a number of theirs."""
    keep: bool = False
    """Asked for later use: it is answered though nobody waits."""


class Answers:
    """A store of answers, which threads fill.

    Args:
        most_bytes: what is kept; what was asked for the longest ago goes first. The size of an answer is `size_of` it.
        quick, slow: threads for the one and the other kind of question; what is asked ahead has one more.
    """

    def __init__(
        self, most_bytes: int = 128 << 20, *, quick: int = 2, slow: int = 3,
        size_of: Callable[[Any], int] = lambda value: len(value) if isinstance(value, str) else 1000,
    ) -> None:  # fmt: skip
        self._most, self._size_of = most_bytes, size_of
        self._held: OrderedDict[Hashable, Answer] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()
        self._quick = ThreadPoolExecutor(quick, "quick")
        self._slow = ThreadPoolExecutor(slow, "slow")
        self._ahead = ThreadPoolExecutor(1, "ahead")

    def ready(self, key: Hashable) -> Answer | None:
        """The answer, where it is known already."""
        with self._lock:
            found = self._held.get(key)
            if found is None or not found.is_done or found.problem is not None:
                return None
            self._held.move_to_end(key)
            return found

    def ask(
        self, key: Hashable, question: Callable[[], Any], done: Done | None = None, *, who: int = 0, slow: bool = False
    ) -> None:
        """Ask, unless somebody did: `done` is called with the answer, at once where it is known, else by a thread.

        Args:
            key: what is asked, of which version and selection.
            question: reckons the answer.
            done: is told; without it, the question is asked ahead, and the answer kept for later.
            who: the number of the asker, who `leaves` by it.
            slow: it takes long.
        """
        with self._lock:
            found = self._held.get(key)
            fresh = found is None or (found.is_done and found.problem is not None)
            if fresh:
                self._forget(key)
                found = self._held[key] = Answer(key)
            assert found is not None
            self._held.move_to_end(key)
            known, begun = found.is_done, found.is_begun
            if not known and done is not None:
                found.waiting[who] = done
            found.keep |= done is None
        if known and done is not None:
            done(found)
        elif done is None and fresh:
            self._ahead.submit(self._answer, found, question)
        elif done is not None and not begun:  # it may wait among those that are asked ahead: who is first begins it
            (self._slow if slow else self._quick).submit(self._answer, found, question)

    def leave(self, who: int) -> None:
        """Tell this asker nothing any more; a question that nobody waits for and nobody began is not asked."""
        with self._lock:
            for answer in self._held.values():
                answer.waiting.pop(who, None)

    def value_of(self, key: Hashable, question: Callable[[], Any]) -> Any:
        """The answer, reckoned here or waited for: for questions within a question, in the thread of that one."""
        with self._lock:
            found = self._held.get(key)
            mine = found is None or (found.is_done and found.problem is not None)
            if mine:
                self._forget(key)
                found = self._held[key] = Answer(key, keep=True)
            assert found is not None
            self._held.move_to_end(key)
            told: Future[Answer] = Future()
            if not mine and not found.is_done:
                found.waiting[id(told)] = told.set_result
            elif not mine:
                told.set_result(found)
        if mine:
            self._answer(found, question)
        else:
            found = told.result()
        if found.problem is not None:
            raise found.problem
        return found.value

    def close(self) -> None:
        """Begin nothing more."""
        self._quick.shutdown(wait=False, cancel_futures=True)
        self._slow.shutdown(wait=False, cancel_futures=True)
        self._ahead.shutdown(wait=False, cancel_futures=True)

    def _answer(self, answer: Answer, question: Callable[[], Any]) -> None:
        with self._lock:
            if answer.is_begun:
                return
            if not answer.waiting and not answer.keep:
                if self._held.get(answer.key) is answer:
                    del self._held[answer.key]
                return
            answer.is_begun = True
        began = time.perf_counter()
        try:
            answer.value = question()
        except BaseException as problem:  # told to who asked; the thread goes on
            answer.problem = problem
        answer.seconds = time.perf_counter() - began
        with self._lock:
            answer.is_done = True
            waiting, answer.waiting = list(answer.waiting.values()), {}
            if answer.problem is not None:
                if self._held.get(answer.key) is answer:
                    del self._held[answer.key]
            else:
                self._bytes += self._size_of(answer.value)
                while self._bytes > self._most and len(self._held) > 1:
                    oldest = next((key for key, one in self._held.items() if one.is_done and one is not answer), None)
                    if oldest is None:
                        break
                    self._forget(oldest)
        for done in waiting:
            done(answer)

    def _forget(self, key: Hashable) -> None:
        gone = self._held.pop(key, None)
        if gone is not None and gone.is_done and gone.problem is None:
            self._bytes -= self._size_of(gone.value)
