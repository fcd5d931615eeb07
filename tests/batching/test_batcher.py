"""The threaded batcher: nothing lost, nothing twice, order kept, whatever threads, clocks and exporters do."""

from __future__ import annotations

import queue
import threading

import pytest
from hypothesis import given, settings

from onex_analytics.batching import BatchPolicy, EventBatcher, ManualClock
from onex_analytics.exceptions import InvalidOption
from tests.batching.drawn import POLICIES, STREAMS, service, slow
from tests.batching.threads import SlowExporter, settle
from tests.laws import examples

SOON = 60


@given(POLICIES.filter(lambda policy: policy.when_full != "block"), STREAMS)
@settings(max_examples=examples(40))
def test_a_batcher_with_its_thread_makes_the_batches_of_the_simulation(policy, stream):
    clock = ManualClock()
    sizes = [size for _, size in stream]
    exporter = SlowExporter(clock, lambda events: 1000 * service(sum(sizes[n] for n in events)))
    lost: list[tuple[int, str]] = []
    batcher = EventBatcher(
        policy, exporter=exporter, clock=clock, measure=lambda n: sizes[n],
        on_dropped=lambda events, reason, _: lost.extend((n, reason) for n in events),
    )  # fmt: skip
    came = 0

    def until(moment: int | None) -> None:
        """Step from one thing that happens by itself to the next."""
        while True:
            settle(batcher, exporter)
            open_until = batcher._backlog.opened + batcher._backlog.max_age if batcher._backlog.open else None
            # a thread that is exporting does not look at a batch whose time is up before it is done
            moments = [one for one in (exporter.until, open_until) if one is not None and one > clock.now()]
            if not moments or (moment is not None and min(moments) > moment):
                return
            clock.set(min(moments))

    for n, (gap, _) in enumerate(stream):
        came += 1000 * gap
        until(came)
        clock.set(came)
        batcher.add_event(n)
    until(None)
    counts = batcher.close()
    expected = slow(policy, stream)
    assert exporter.told == [(one.events, 1000 * one.started, 1000 * one.ended) for one in expected.batches]
    assert [n for n, reason in lost if reason == "full"] == expected.full
    assert [n for n, reason in lost if reason == "oversize"] == expected.oversize
    assert counts.adds_up
    assert counts.pending == 0


@pytest.mark.parametrize(("threads", "events"), [
    (8, 3_000), pytest.param(8, 250_000, marks=pytest.mark.soak),
])  # fmt: skip
@pytest.mark.parametrize("queue_limit", [None, 700])
def test_many_threads_lose_nothing_repeat_nothing_and_keep_their_order(threads, events, queue_limit):
    batches: list[list[tuple[int, int]]] = []
    batcher = EventBatcher(max_size=500, max_age_ms=5, queue_limit=queue_limit, exporter=batches.append)
    begin = threading.Barrier(threads)

    def produce(producer: int) -> None:
        begin.wait()
        for number in range(events):
            assert batcher.add_event((producer, number))

    workers = [threading.Thread(target=produce, args=(producer,)) for producer in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    counts = batcher.close()
    assert counts.added == counts.exported == threads * events
    assert max(map(len, batches)) <= 500
    seen: dict[int, list[int]] = {producer: [] for producer in range(threads)}
    for batch in batches:
        for producer, number in batch:
            seen[producer].append(number)
    assert all(numbers == list(range(events)) for numbers in seen.values())


def test_threads_that_drop_count_each_event_once_however_the_exporter_fails():
    exported: list[int] = []
    lost: list[tuple[int, str]] = []
    guard = threading.Lock()

    def exporter(events: list[int]) -> None:
        if sum(events) % 3 == 0:
            raise OSError("down")
        exported.extend(events)

    def on_dropped(events: list[int], reason: str, error: object) -> None:
        with guard:
            lost.extend((n, reason) for n in events)

    batcher = EventBatcher(
        max_size=7, max_age_ms=1, queue_limit=20, when_full="drop_oldest", exporter=exporter, retries=1,
        retry_after_ms=0, on_dropped=on_dropped,
    )  # fmt: skip

    def produce(residue: int) -> None:
        for n in range(residue, 8000, 4):
            batcher.add_event(n)

    workers = [threading.Thread(target=produce, args=(residue,)) for residue in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    counts = batcher.close()
    assert counts.adds_up
    assert counts.dropped == {reason: sum(why == reason for _, why in lost) for reason in counts.dropped}
    assert sorted([*exported, *(n for n, _ in lost)]) == list(range(8000))
    assert set(counts.dropped) == {"full", "failed"}


def test_age_alone_sends_a_batch_while_no_event_comes():
    batches: queue.Queue[list[str]] = queue.Queue()
    with EventBatcher(max_age_ms=5, exporter=batches.put) as batcher:
        batcher.add_event("a")
        assert batches.get(timeout=SOON) == ["a"]
        assert batcher.add_event("b")
        assert batches.get(timeout=SOON) == ["b"]


def test_a_fake_clock_ages_a_batch_at_once_and_age_counts_from_the_first_event():
    clock, batches = ManualClock(), queue.Queue()
    with EventBatcher(max_age_ms=1000, exporter=batches.put, clock=clock) as batcher:
        batcher.add_event("a")
        clock.advance(600)
        batcher.add_event("b")
        clock.advance(399.999)
        assert batcher.counts().pending == 2
        clock.advance(0.001)
        assert batches.get(timeout=SOON) == ["a", "b"]


def test_a_clock_that_goes_back_delays_no_batch():
    clock, batches = ManualClock(now_ms=5000), queue.Queue()
    with EventBatcher(max_age_ms=1000, exporter=batches.put, clock=clock) as batcher:
        batcher.add_event("a")
        clock.advance(700)
        batcher.add_event("b")
        clock.advance(-4000)
        batcher.add_event("c")
        clock.advance(300)
        assert batches.get(timeout=SOON) == ["a", "b", "c"]


def test_flush_sends_what_is_there_and_nothing_where_nothing_is():
    batches: list[list[int]] = []
    with EventBatcher(exporter=batches.append) as batcher:
        assert batcher.flush()
        for n in range(3):
            batcher.add_event(n)
        assert batcher.flush()
        assert batches == [[0, 1, 2]]
        assert batcher.flush()
    assert batches == [[0, 1, 2]]


def test_closing_exports_what_is_pending_and_what_comes_later_is_refused_with_the_reason():
    batches, lost = [], []
    batcher = EventBatcher(exporter=batches.append, on_dropped=lambda *told: lost.append(told))
    batcher.add_event("a")
    assert batcher.close().exported == 1
    assert not batcher.add_event("b")
    counts = batcher.close()
    assert (counts.added, counts.exported, counts.dropped) == (2, 1, {"closed": 1})
    assert (batches, lost) == ([["a"]], [(["b"], "closed", None)])


class AskedClock(ManualClock):
    """Notes how long it was asked to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_ms: list[float] = []

    def seconds(self, nanoseconds: int) -> float | None:
        self.asked_ms.append(nanoseconds / 1e6)
        return None


def test_an_exporter_that_fails_is_asked_again_later_each_time():
    clock, told = AskedClock(), queue.Queue()

    def exporter(events: list[str]) -> None:
        told.put(clock.now() // 1_000_000)
        if clock.now() < 300_000_000:
            raise OSError("down")

    batcher = EventBatcher(max_size=1, exporter=exporter, retries=2, retry_after_ms=100, clock=clock)
    batcher.add_event("a")
    for now, step in ((0, 100), (100, 200)):
        assert told.get(timeout=SOON) == now
        wait_for(lambda step=step: step in clock.asked_ms)
        clock.advance(step)
    assert told.get(timeout=SOON) == 300
    assert batcher.flush(SOON)
    counts = batcher.close()
    assert (counts.exported, counts.failures) == (1, 2)


def wait_for(holds) -> None:
    for _ in range(10**6):
        if holds():
            return
        threading.Event().wait(0.0005)
    raise AssertionError("it never holds")


def test_what_an_exporter_never_takes_is_dropped_with_the_error_and_the_next_batch_goes_on():
    lost, exported = [], []

    def exporter(events: list[str]) -> None:
        if "bad" in events:
            raise ValueError("no bad ones")
        exported.extend(events)

    with EventBatcher(max_size=2, exporter=exporter, retries=1, retry_after_ms=0,
                      on_dropped=lambda *told: lost.append(told)) as batcher:  # fmt: skip
        for event in ("a", "bad", "b", "c"):
            batcher.add_event(event)
    counts = batcher.counts()
    assert exported == ["b", "c"]
    assert (counts.failures, counts.dropped) == (2, {"failed": 2})
    (events, reason, error), = lost  # fmt: skip
    assert (events, reason, str(error)) == (["a", "bad"], "failed", "no bad ones")


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_an_exporter_that_wants_to_end_the_program_does_not_end_the_thread(error):
    def exporter(events: list[str]) -> None:
        if events == ["a"]:
            raise error

    with EventBatcher(max_size=1, exporter=exporter, on_dropped=lambda *told: None) as batcher:
        batcher.add_event("a")
        batcher.add_event("b")
    counts = batcher.counts()
    assert (counts.exported, counts.dropped, counts.failures) == (1, {"failed": 1}, 1)  # it is not asked again


def test_closing_waits_for_no_retry():
    clock = ManualClock()

    def exporter(events: list[str]) -> None:
        raise OSError("down")

    batcher = EventBatcher(
        max_size=1, exporter=exporter, retry_after_ms=1e9, clock=clock, on_dropped=lambda *told: None
    )  # fmt: skip
    batcher.add_event("a")
    assert batcher.close(SOON).dropped == {"failed": 1}
    assert batcher.counts().failures == 3


def test_an_exporter_that_empties_its_list_loses_nothing_of_the_count():
    with EventBatcher(max_size=2, exporter=list.clear) as batcher:
        for n in range(5):
            batcher.add_event(n)
    assert batcher.counts().exported == 5


def test_a_full_queue_blocks_until_the_exporter_takes_a_batch():
    may_go, exported = threading.Semaphore(0), []

    def exporter(events: list[int]) -> None:
        may_go.acquire()
        exported.extend(events)

    batcher = EventBatcher(max_size=2, queue_limit=2, exporter=exporter)
    producer = threading.Thread(target=lambda: [batcher.add_event(n) for n in range(7)])
    producer.start()
    wait_for(lambda: batcher._blocked and batcher.counts().added == 4)  # a batch at the exporter, and one that waits
    for _ in range(10):
        may_go.release()
    producer.join()
    assert batcher.close().exported == 7
    assert exported == list(range(7))


def test_closing_lets_in_who_waited_for_room():
    may_go = threading.Event()
    batcher = EventBatcher(max_size=1, queue_limit=1, exporter=lambda events: may_go.wait(SOON))
    producer = threading.Thread(target=lambda: [batcher.add_event(n) for n in range(3)])
    producer.start()
    wait_for(lambda: batcher._blocked and batcher.counts().added == 2)  # the last one waits: later ones are refused
    closer = threading.Thread(target=batcher.close)
    closer.start()
    may_go.set()
    producer.join()
    closer.join()
    assert (batcher.counts().exported, batcher.counts().pending) == (3, 0)


def test_an_exporter_that_adds_events_itself_does_not_wait_for_itself():
    def exporter(events: list[int]) -> None:
        told.append(batcher.flush())
        if events == [0]:
            told.extend(batcher.add_event(n) for n in (2, 3))

    told, lost = [], []
    batcher = EventBatcher(max_size=1, queue_limit=1, exporter=exporter, on_dropped=lambda *told: lost.append(told[:2]))
    batcher.add_event(0)
    wait_for(lambda: batcher.counts().exported == 2)
    assert batcher.close().dropped == {"full": 1}
    assert lost == [([3], "full")]
    assert told == [False, True, False, False]


def test_an_event_too_large_or_no_json_is_refused_with_the_reason():
    circle: list[object] = []
    circle.append(circle)
    lost = {}

    def on_dropped(events: list[object], reason: str, error: BaseException | None) -> None:
        lost[reason] = type(error)

    with EventBatcher(max_bytes=20, exporter=lambda events: None, on_dropped=on_dropped) as batcher:
        taken = [batcher.add_event(event) for event in ({"a": 1}, {"a": "x" * 30}, circle)]
    assert taken == [True, False, False]
    assert lost == {"oversize": type(None), "unserialisable": ValueError}
    assert batcher.counts().adds_up


def test_a_close_that_has_not_the_time_says_what_is_pending(caplog):
    may_go = threading.Event()
    batcher = EventBatcher(max_size=1, exporter=lambda events: may_go.wait(SOON))
    batcher.add_event("a")
    assert batcher.close(timeout_s=0.01).pending == 1
    assert "1 events are still pending" in caplog.text
    may_go.set()
    assert batcher.close().exported == 1


def test_without_an_exporter_batches_are_fetched():
    clock = ManualClock()
    batcher: EventBatcher[int] = EventBatcher(max_size=2, clock=clock)
    for n in range(3):
        batcher.add_event(n)
    assert (batcher.take(), batcher.take()) == ([0, 1], [])
    clock.advance(1000)
    assert batcher.take() == [2]
    batcher.add_event(3)
    batcher.close()
    assert batcher.take() == [3]
    assert batcher.counts().exported == 4


@pytest.mark.parametrize(("make", "message"), [
    (lambda: EventBatcher(BatchPolicy(), max_age_ms=3), "beside a whole policy"),
    (lambda: EventBatcher(retries=-1), "retries"),
    (lambda: EventBatcher(queue_limit=100), "drop_newest"),
    (lambda: EventBatcher(exporter=print).take(), "one without"),
])  # fmt: skip
def test_what_makes_no_batcher_is_refused(make, message):
    with pytest.raises(InvalidOption, match=message):
        make()


def test_where_no_thread_can_be_had_flush_and_close_export_and_nobody_waits_for_ever(monkeypatch):
    """As when a program is ending: Python starts no thread any more."""

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    batches: list[list[int]] = []
    batcher = EventBatcher(max_size=2, queue_limit=2, exporter=batches.append, on_dropped=lambda *told: None)
    monkeypatch.setattr(threading.Thread, "start", start)
    assert [batcher.add_event(n) for n in range(3)] == [True, True, False]
    assert batcher.flush()
    batcher.add_event(3)
    assert batcher.close().dropped == {"full": 1}
    assert batches == [[0, 1], [3]]
