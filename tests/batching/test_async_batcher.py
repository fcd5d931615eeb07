"""The batcher for asyncio: the same decisions and counts as the threaded one, without a thread."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings

from onex_analytics.batching import AsyncEventBatcher, BatchPolicy, ManualClock
from onex_analytics.exceptions import InvalidOption
from tests.batching.drawn import POLICIES, STREAMS, service, slow
from tests.laws import examples


async def rest() -> None:
    """Let every task do what it can do now."""
    for _ in range(20):
        await asyncio.sleep(0)


@given(POLICIES, STREAMS)
@settings(max_examples=examples(60))
def test_a_batcher_with_its_task_makes_the_batches_of_the_simulation(policy, stream):
    sizes = [size for _, size in stream]

    async def main() -> None:
        clock = ManualClock()
        told: list[tuple[tuple[int, ...], int, int]] = []
        ends: list[int] = []
        done = asyncio.Event()
        lost: dict[str, list[int]] = {"full": [], "oversize": []}

        async def exporter(events: list[int]) -> None:
            began = clock.now()
            ends.append(began + 1000 * service(sum(sizes[n] for n in events)))
            told.append((tuple(events), began, ends[-1]))
            while clock.now() < ends[-1]:
                done.clear()
                await done.wait()
            ends.clear()

        clock.wake(done.set)
        batcher = AsyncEventBatcher(
            policy, exporter=exporter, clock=clock, measure=lambda n: sizes[n],
            on_dropped=lambda events, reason, _: lost[reason].extend(events),
        )  # fmt: skip

        async def until(moment: int | None) -> None:
            while True:
                await rest()
                held = batcher._backlog
                moments = [*ends, held.opened + held.max_age if held.open else 0]
                moments = [one for one in moments if one > clock.now()]
                if not moments or (moment is not None and min(moments) > moment):
                    return
                clock.set(min(moments))

        came = 0
        for n, (gap, _) in enumerate(stream):
            came += 1000 * gap
            await until(came)
            clock.set(max(came, clock.now()))
            await rest()
            adding = asyncio.create_task(batcher.add_event(n))
            await rest()
            while not adding.done():  # the queue is full, and this producer waits
                await until(min(ends))
                await rest()
            assert batcher.counts().adds_up
        await until(None)
        counts = await batcher.close()
        expected = slow(policy, stream)
        assert told == [(one.events, 1000 * one.started, 1000 * one.ended) for one in expected.batches]
        assert lost == {"full": expected.full, "oversize": expected.oversize}
        assert counts.adds_up
        assert counts.pending == 0

    asyncio.run(main())


def test_producers_wait_for_room_and_keep_their_order():
    async def main() -> None:
        seen: list[tuple[int, int]] = []

        async def exporter(events: list[tuple[int, int]]) -> None:
            await asyncio.sleep(0)
            seen.extend(events)

        async def produce(producer: int) -> None:
            for number in range(200):
                assert await batcher.add_event((producer, number))

        async with AsyncEventBatcher(max_size=3, queue_limit=5, exporter=exporter) as batcher:
            await asyncio.gather(*map(produce, range(8)))
        assert batcher.counts().exported == 1600
        for producer in range(8):
            assert [number for one, number in seen if one == producer] == list(range(200))

    asyncio.run(main())


def test_closing_lets_in_who_waited_for_room():
    async def main() -> None:
        may_go = asyncio.Event()

        async def exporter(events: list[int]) -> None:
            await may_go.wait()

        batcher = AsyncEventBatcher(max_size=1, queue_limit=1, exporter=exporter, on_dropped=lambda *told: None)
        producers = [asyncio.create_task(batcher.add_event(n)) for n in range(6)]
        await rest()
        assert batcher.counts().added == 2
        closing = asyncio.create_task(batcher.close())
        await rest()
        may_go.set()
        assert all(await asyncio.gather(*producers))
        assert (await closing).pending == 0
        assert batcher.counts().exported == 6

    asyncio.run(main())


def test_age_alone_sends_a_batch_while_no_event_comes():
    async def main() -> None:
        batches: asyncio.Queue[list[str]] = asyncio.Queue()
        async with AsyncEventBatcher(max_age_ms=5, exporter=batches.put) as batcher:
            await batcher.add_event("a")
            assert await asyncio.wait_for(batches.get(), 60) == ["a"]

    asyncio.run(main())


def test_flush_waits_for_what_was_added():
    async def main() -> None:
        batches: list[list[int]] = []
        batcher: AsyncEventBatcher[int] = AsyncEventBatcher(exporter=batches.append)
        assert await batcher.flush()
        await batcher.add_event(1)
        await batcher.add_event(2)
        assert await batcher.flush()
        assert batches == [[1, 2]]
        await batcher.close()
        assert not await batcher.add_event(3)
        assert (await batcher.close()).dropped == {"closed": 1}

    asyncio.run(main())


def test_a_failing_exporter_is_asked_again_and_then_its_events_are_dropped_with_the_error():
    async def main() -> None:
        lost = []

        async def exporter(events: list[str]) -> None:
            if events == ["bad"]:
                raise OSError("down")

        batcher = AsyncEventBatcher(
            max_size=1, exporter=exporter, retry_after_ms=0, on_dropped=lambda *told: lost.append(told)
        )  # fmt: skip
        await batcher.add_event("bad")
        await batcher.add_event("good")
        counts = await batcher.close()
        assert (counts.exported, counts.dropped, counts.failures) == (1, {"failed": 1}, 3)
        assert [(events, reason, str(error)) for events, reason, error in lost] == [(["bad"], "failed", "down")]

    asyncio.run(main())


def test_closing_waits_for_no_retry():
    async def main() -> None:
        def exporter(events: list[str]) -> None:
            raise OSError("down")

        batcher = AsyncEventBatcher(
            max_size=1, exporter=exporter, retry_after_ms=1e9, on_dropped=lambda *told: None
        )  # fmt: skip
        await batcher.add_event("a")
        await rest()
        assert batcher.counts().failures == 1
        assert (await batcher.close()).failures == 3

    asyncio.run(main())


def test_a_loop_that_ends_first_drops_what_is_pending_and_says_so():
    lost: list[tuple[list[int], str]] = []

    async def exporter(events: list[int]) -> None:
        await asyncio.Event().wait()

    async def main() -> AsyncEventBatcher[int]:
        batcher = AsyncEventBatcher(
            max_size=2, queue_limit=4, exporter=exporter, on_dropped=lambda *told: lost.append(told[:2])
        )  # fmt: skip
        for n in range(5):
            await batcher.add_event(n)
            await rest()
        return batcher

    counts = asyncio.run(main()).counts()
    assert lost == [([0, 1], "failed"), ([2, 3], "closed"), ([4], "closed")]
    assert counts.adds_up
    assert counts.pending == 0


def test_a_loop_that_ends_before_the_task_began_drops_what_is_pending_and_says_so():
    lost: list[tuple[list[int], str]] = []

    async def main() -> AsyncEventBatcher[int]:
        batcher = AsyncEventBatcher(exporter=lambda events: None, on_dropped=lambda *told: lost.append(told[:2]))
        await batcher.add_event(1)
        return batcher

    assert asyncio.run(main()).counts().pending == 0
    assert lost == [([1], "closed")]


def test_a_producer_that_waits_when_the_loop_ends_is_told():
    async def main() -> None:
        async def exporter(events: list[int]) -> None:
            await asyncio.Event().wait()

        batcher = AsyncEventBatcher(max_size=1, queue_limit=1, exporter=exporter, on_dropped=lambda *told: None)
        for n in range(2):
            await batcher.add_event(n)
            await rest()
        waiting = asyncio.create_task(batcher.add_event(2))
        await rest()
        assert not waiting.done()
        assert batcher._worker is not None
        batcher._worker.cancel()
        await rest()
        assert not await waiting
        assert batcher.counts().dropped == {"failed": 1, "closed": 2}

    asyncio.run(main())


def test_an_exporter_that_adds_events_itself_does_not_wait_for_itself():
    async def main() -> None:
        async def exporter(events: list[int]) -> None:
            if events == [0]:
                told.extend([await batcher.add_event(1), await batcher.add_event(2), await batcher.flush()])

        told: list[bool] = []
        batcher = AsyncEventBatcher(max_size=1, queue_limit=1, exporter=exporter, on_dropped=lambda *told: None)
        await batcher.add_event(0)
        await rest()
        assert (await batcher.close()).dropped == {"full": 1}
        assert told == [True, False, False]

    asyncio.run(main())


def test_an_event_that_is_no_json_is_refused():
    async def main() -> None:
        lost = []
        batcher = AsyncEventBatcher(
            max_bytes=9, exporter=lambda events: None, on_dropped=lambda *told: lost.append(told[1])
        )  # fmt: skip
        assert not await batcher.add_event({(1, 2): 3})
        assert not await batcher.add_event("x" * 10)
        assert await batcher.add_event("x")
        assert (await batcher.close()).adds_up
        assert lost == ["unserialisable", "oversize"]

    asyncio.run(main())


def test_what_makes_no_batcher_is_refused():
    with pytest.raises(InvalidOption, match="retries"):
        AsyncEventBatcher(exporter=print, retry_after_ms=-1)
    with pytest.raises(InvalidOption, match="beside a whole policy"):
        AsyncEventBatcher(BatchPolicy(), exporter=print, when_full="drop_oldest")
