"""Items made one ahead."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from onex_analytics.store.ahead import one_ahead


def test_items_come_in_their_order_and_none_is_lost():
    assert list(one_ahead(range(1000))) == list(range(1000))
    assert list(one_ahead([])) == []


def test_the_next_item_is_made_while_one_is_in_use():
    made: list[int] = []

    def items() -> Iterator[int]:
        for i in range(3):
            made.append(i)
            yield i

    using = one_ahead(items())
    assert next(using) == 0
    deadline = time.monotonic() + 10
    while len(made) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert made[:2] == [0, 1]
    using.close()


def test_what_making_an_item_raises_is_raised_to_its_user():
    def items() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    using = one_ahead(items())
    assert next(using) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(using)


def test_an_item_that_never_comes_keeps_nobody_waiting():
    never = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        never.wait()
        yield 2

    using = one_ahead(items())
    assert next(using) == 1
    began = time.monotonic()
    using.close()
    assert time.monotonic() - began < 30
    never.set()
