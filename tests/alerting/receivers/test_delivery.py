"""Pages on their way to one receiver."""

from __future__ import annotations

import threading
import time

import pytest

from onex_analytics.alerting.receivers import Delivery, Refused, Webhook
from tests.alerting.receivers.made import a_page
from tests.alerting.receivers.server import Sink, wait_until


@pytest.fixture
def sink():
    with Sink() as sink:
        yield sink


def test_pages_come_in_order_and_each_is_noted():
    got, noted = [], []
    delivery = Delivery("team", got.append, taken=noted.append)
    pages = [a_page(second) for second in range(200)]
    for page in pages:
        delivery.put(page)
    assert delivery.drain(10)
    delivery.close(5)
    assert got == noted == pages
    assert delivery.counts == {"taken": 200, "failed_attempts": 0, "refused": 0, "dropped": 0}


def test_a_webhook_that_fails_and_recovers_has_every_page_once_and_in_order(sink):
    problems = []
    delivery = Delivery("team", Webhook(sink.url), first_pause_s=0.01, failed=problems.append)
    sink.mood = 503
    pages = [a_page(second) for second in range(5)]
    for page in pages:
        delivery.put(page)
    wait_until(lambda: sink.attempts >= 3)
    assert delivery.waiting == 5
    sink.mood = "ok"
    assert delivery.drain(10)
    delivery.close(5)
    assert [body["pageId"] for body in sink.taken] == [page.page_id for page in pages]
    assert "answered 503: said so" in problems[0]
    assert delivery.counts["failed_attempts"] >= 3


def test_a_webhook_that_stalls_is_left_after_the_timeout_and_tried_again(sink):
    problems = []
    sink.mood = "stall"
    delivery = Delivery("team", Webhook(sink.url, timeout_s=0.2), first_pause_s=0.01, failed=problems.append)
    delivery.put(a_page())
    wait_until(lambda: sink.attempts >= 2)
    sink.mood = "ok"
    assert delivery.drain(10)
    delivery.close(5)
    assert len(sink.taken) == 1
    assert "did not answer within 0.2 s" in problems[0]


def test_a_webhook_that_is_not_there_yet_is_tried_until_it_is():
    with Sink() as gone:
        url = gone.url
    problems = []
    delivery = Delivery("team", Webhook(url), first_pause_s=0.01, failed=problems.append)
    delivery.put(a_page())
    wait_until(lambda: len(problems) >= 3)
    delivery.close(5)
    assert "cannot be reached" in problems[0]
    assert delivery.waiting == 1


def test_a_hanging_receiver_holds_nobody_up():
    released = threading.Event()
    delivery = Delivery("team", lambda page: released.wait(30))
    begun = time.monotonic()
    for second in range(1000):
        delivery.put(a_page(second))
    assert time.monotonic() - begun < 15
    assert delivery.waiting == 1000
    released.set()
    assert delivery.drain(10)


def test_what_is_refused_is_not_tried_again_and_holds_up_nothing(sink):
    sink.mood = 400
    problems = []
    delivery = Delivery("team", Webhook(sink.url), failed=problems.append)
    delivery.put(a_page(1))
    wait_until(lambda: delivery.counts["refused"] == 1)
    sink.mood = "ok"
    delivery.put(a_page(2))
    assert delivery.drain(10)
    delivery.close(5)
    assert [body["at"] for body in sink.taken] == ["1970-01-01T00:00:02Z"]
    assert sink.attempts == 2
    assert "refused a page" in problems[0]


def test_a_callable_with_a_bug_is_given_up_after_its_attempts():
    calls = []

    def faulty(page):
        calls.append(page)
        raise ZeroDivisionError

    delivery = Delivery("team", faulty, attempts=3, first_pause_s=0.001)
    delivery.put(a_page(1))
    delivery.put(a_page(2))
    assert delivery.drain(10)
    assert len(calls) == 6
    assert delivery.counts["refused"] == 2


def test_where_too_many_pages_wait_one_that_a_newer_one_makes_out_of_date_is_dropped_first():
    released, got, done = threading.Event(), [], []

    def slow(page):
        released.wait(30)
        got.append((page.at_us // 1_000_000, dict(page.group_labels)["node"]))

    delivery = Delivery("team", slow, most_waiting=3, taken=done.append)
    for page in (a_page(1), a_page(2, group="y"), a_page(3, group="z"), a_page(4, group="z"), a_page(5, group="q")):
        delivery.put(page)
    assert [page.at_us // 1_000_000 for page in done] == [3, 2]
    released.set()
    assert delivery.drain(10)
    assert got == [(1, "x"), (4, "z"), (5, "q")]
    assert delivery.counts["dropped"] == 2


def test_a_closed_delivery_keeps_what_it_did_not_send():
    started, released = threading.Event(), threading.Event()

    def slow(page):
        started.set()
        released.wait(30)
        raise Refused("no")

    delivery = Delivery("team", slow)
    delivery.put(a_page(1))
    delivery.put(a_page(2))
    assert started.wait(10)
    threading.Timer(0.05, released.set).start()
    delivery.close(10)
    assert delivery.waiting == 1
