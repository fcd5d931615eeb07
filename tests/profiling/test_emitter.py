from __future__ import annotations

import asyncio
import gc
import inspect
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from uuid import RFC_4122, UUID

import polars as pl
import pytest

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model import PerformanceProfileEvent, correlation_scope, current_correlation
from onex_analytics.profiling import profile_operation, stack_samples
from onex_analytics.profiling.emitter import random_uuid
from onex_analytics.profiling.process_meters import GC_CLOCK
from onex_analytics.profiling.stack_sampler import SAMPLER, SUSPENDED
from tests.sources.reading import read_source, written

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DEADLINE = 20_000_000
"""Turns of a loop after which a sample that never came is a failure."""


def ticking(*readings: int) -> Iterator[int]:
    return iter(readings)


def measured(told: list[PerformanceProfileEvent], **options: object) -> profile_operation:
    return profile_operation("stamp", emit=told.append, node_id="stamper_node", **options)


def test_an_event_says_what_the_clocks_said():
    told: list[PerformanceProfileEvent] = []
    wall, cpu, ids = ticking(1_000_000, 5_000_000), ticking(10, 2_000_010), iter(["c1", "e1"])
    with measured(
        told, clock=lambda: NOON, new_id=ids.__next__, wall_ns=wall.__next__, cpu_ns=cpu.__next__, node_version="1.4.0"
    ):
        pass
    event = told[0]
    assert (event.event_id, event.correlation_id, event.timestamp) == ("e1", "c1", NOON)
    assert event.parent_correlation_id is None and len(event.trace_id) == 32
    said = event.metadata
    assert (said["execution_time_ms"], said["cpu_time_ms"], said["cpu_usage_percent"]) == (4.0, 2.0, 50.0)
    assert said["operation"] == "stamp" and said["success"] is True and said["node_version"] == "1.4.0"
    assert said["function"].endswith("test_emitter.test_an_event_says_what_the_clocks_said")
    assert "samples" not in said


def test_what_is_emitted_is_what_validation_would_have_made():
    told: list[PerformanceProfileEvent] = []
    with measured(told) as running:
        pass
    assert running.event is told[0]
    assert PerformanceProfileEvent.model_validate(told[0].as_dict()) == told[0]
    assert PerformanceProfileEvent(**told[0].as_dict()).profile.memory_usage_mb > 1
    assert told[0].profile.memory_peak_mb > 1 and told[0].profile.gc_time_ms >= 0


@pytest.mark.parametrize("time", [NOON.astimezone(timezone(timedelta(hours=-5))), NOON.replace(tzinfo=None)])
def test_whatever_zone_the_clock_has_the_event_is_in_utc(time):
    told: list[PerformanceProfileEvent] = []
    with measured(told, clock=lambda: time):
        pass
    assert told[0].timestamp == NOON and told[0].timestamp.tzinfo is UTC


def test_the_store_reads_what_was_emitted(tmp_path):
    told: list[PerformanceProfileEvent] = []
    with measured(told) as running:
        running.note(cache_hits=3, queue_time_ms=1.5)
    read = read_source(written(tmp_path, "log.jsonl", json.dumps(told[0].as_dict()).encode() + b"\n"))
    assert read.events.select("event_type", "operation", "cache_hits", "queue_time_ms", "family").rows() == [
        ("PERFORMANCE_PROFILE", "stamp", 3, 1.5, "profile")
    ]
    assert read.events["violations"].to_list() == [[]]


def test_a_decorated_function_keeps_its_name_its_arguments_and_its_result():
    told: list[PerformanceProfileEvent] = []

    @profile_operation(emit=told.append, node_id="n")
    def add(one: int, *, two: int) -> int:
        """Adds."""
        return one + two

    assert add(1, two=2) == 3 and add.__doc__ == "Adds." and list(inspect.signature(add).parameters) == ["one", "two"]
    assert told[0].profile.operation == "add" and told[0].profile.function.endswith("add")


def test_operations_within_each_other_are_parent_and_child_in_one_trace():
    told: list[PerformanceProfileEvent] = []

    @profile_operation(emit=told.append, node_id="n")
    def inner() -> None:
        pass

    @profile_operation(emit=told.append, node_id="n")
    def outer(depth: int) -> None:
        inner()
        if depth:
            outer(depth - 1)

    with correlation_scope("run"):
        outer(1)
    assert current_correlation() is None
    first_inner, second_inner, second, first = told
    assert first.parent_correlation_id == "run"
    assert first_inner.parent_correlation_id == second.parent_correlation_id == first.correlation_id
    assert second_inner.parent_correlation_id == second.correlation_id
    assert len({event.trace_id for event in told}) == 1 and len({event.correlation_id for event in told}) == 4


def test_a_context_manager_may_go_on_with_a_given_correlation():
    told: list[PerformanceProfileEvent] = []
    with correlation_scope("run"), measured(told, correlation_id="run") as running:
        assert running.correlation.correlation_id == "run"
    assert (told[0].correlation_id, told[0].parent_correlation_id) == ("run", None)


@pytest.mark.parametrize("error", [ValueError("no such stamp"), KeyboardInterrupt(), SystemExit(3)])
def test_an_exception_passes_through_and_is_told(error):
    told: list[PerformanceProfileEvent] = []

    @profile_operation(emit=told.append, node_id="n")
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        fail()
    with pytest.raises(type(error)), measured(told):
        raise error
    assert caught.value is error
    for event in told:
        assert event.profile.success is False
        assert (event.profile.error_type, event.profile.error_message) == (type(error).__name__, str(error))
    assert len(told) == 2 and current_correlation() is None


def test_an_exception_whose_text_cannot_be_had_is_told_all_the_same():
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    told: list[PerformanceProfileEvent] = []
    with pytest.raises(Mute), measured(told):
        raise Mute
    assert told[0].profile.error_message == "(its text cannot be had: RuntimeError)"


def test_an_emit_that_fails_fails_nobody_and_is_told_to_the_hook(monkeypatch):
    heard: list[object] = []
    monkeypatch.setattr(threading, "excepthook", heard.append)

    def emit(event: PerformanceProfileEvent) -> None:
        raise OSError("the bus is away")

    @profile_operation(emit=emit, node_id="n")
    def work() -> int:
        return 7

    assert work() == 7 and current_correlation() is None
    assert [str(told.exc_value) for told in heard] == ["the bus is away"]
    assert heard[0].exc_value.__notes__ == ["A profile of 'work' could not be handed on; the operation itself went on."]


def test_python_prints_what_went_wrong(monkeypatch, capsys):
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)

    @profile_operation(emit=lambda event: 1 / 0, node_id="n")
    def work() -> int:
        return 7

    assert work() == 7
    printed = capsys.readouterr().err
    assert "ZeroDivisionError" in printed and "could not be handed on" in printed


async def two_steps(turns: int) -> int:
    for _ in range(turns):
        await asyncio.sleep(0)
    return turns


def test_an_async_function_is_told_only_its_own_steps():
    told: list[PerformanceProfileEvent] = []
    readings = iter(range(0, 10_000_000, 1_000_000))
    work = profile_operation(emit=told.append, node_id="n", cpu_ns=readings.__next__)(two_steps)
    assert inspect.iscoroutinefunction(work)
    assert asyncio.run(work(2)) == 2
    # three steps of one tick each; the ticks between them are other tasks'
    assert told[0].profile.cpu_time_ms == 3.0 and told[0].profile.operation == "two_steps"


def test_tasks_side_by_side_are_children_of_the_same_parent():
    told: list[PerformanceProfileEvent] = []
    work = profile_operation(emit=told.append, node_id="n")(two_steps)

    async def main() -> None:
        async with profile_operation("main", emit=told.append, node_id="n"):
            await asyncio.gather(work(1), work(3))

    asyncio.run(main())
    parents = {event.parent_correlation_id for event in told[:2]}
    assert parents == {told[2].correlation_id} and told[2].parent_correlation_id is None
    assert "cpu_time_ms" not in told[2].metadata and "cpu_time_ms" in told[0].metadata


def test_a_cancelled_task_is_told_and_stays_cancelled():
    told: list[PerformanceProfileEvent] = []
    cleaned: list[str] = []

    @profile_operation(emit=told.append, node_id="n")
    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append("up")

    async def main() -> None:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert told[0].profile.error_type == "CancelledError" and cleaned == ["up"]


def test_an_exception_thrown_into_a_coroutine_can_be_caught_there():
    told: list[PerformanceProfileEvent] = []

    @profile_operation(emit=told.append, node_id="n")
    async def patient() -> str:
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            return "late"
        return "never"

    assert asyncio.run(patient()) == "late" and told[0].profile.success is True


def test_threads_have_correlations_of_their_own():
    told: list[PerformanceProfileEvent] = []

    @profile_operation(emit=told.append, node_id="n")
    def work() -> None:
        pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({event.correlation_id for event in told}) == 8
    assert {event.parent_correlation_id for event in told} == {None}


def test_garbage_collection_is_counted_and_one_listener_is_enough_for_all():
    told: list[PerformanceProfileEvent] = []
    with measured(told), measured(told):
        gc.collect()
    assert min(event.profile.gc_time_ms for event in told) > 0
    assert gc.callbacks.count(GC_CLOCK._told) == 1


def busy_until_seen(seen: object) -> int:
    turns = 0
    while not seen() and turns < DEADLINE:
        turns += 1
    return turns


def test_a_sampling_thread_sees_the_stack_from_the_operation_on():
    told: list[PerformanceProfileEvent] = []

    @profile_operation(emit=told.append, node_id="n", sample_every_ms=0.5)
    def work() -> None:
        busy_until_seen(lambda: any("busy" in stack for op in list(SAMPLER._running) for stack in list(op.samples)))

    work()
    said = told[0].metadata
    assert said["sample_every_ms"] == 0.5
    seen = [stack.split(";") for stack in said["samples"]]
    assert {path[0] for path in seen if "busy" in ";".join(path)} == {f"{__name__}.{work.__qualname__}"}
    assert any(f"{__name__}.busy_until_seen" in path for path in seen)
    events = pl.DataFrame({"event_type": [told[0].event_type.value], "metadata": [json.dumps(said)]})
    assert stack_samples(events).collect()["samples"].sum() == sum(said["samples"].values())


def test_a_context_manager_is_sampled_with_the_function_around_it():
    told: list[PerformanceProfileEvent] = []
    with measured(told, sample_every_ms=0.5):
        busy_until_seen(lambda: any("busy" in stack for op in list(SAMPLER._running) for stack in list(op.samples)))
    first = {stack.split(";")[0] for stack in told[0].metadata["samples"]}
    assert first == {f"{__name__}.test_a_context_manager_is_sampled_with_the_function_around_it"}


def test_a_coroutine_that_waits_is_seen_as_suspended():
    told: list[PerformanceProfileEvent] = []

    @profile_operation(emit=told.append, node_id="n", sample_every_ms=0.5)
    async def wait() -> None:
        for _ in range(10_000):
            await asyncio.sleep(0.001)
            if any(SUSPENDED in op.samples for op in list(SAMPLER._running)):
                return

    asyncio.run(wait())
    assert told[0].metadata["samples"][SUSPENDED] >= 1 and not SAMPLER._running


def test_a_very_deep_stack_is_cut_where_it_says_so():
    told: list[PerformanceProfileEvent] = []

    def down(levels: int) -> None:
        if levels:
            down(levels - 1)
        else:
            busy_until_seen(lambda: any("down" in stack for op in list(SAMPLER._running) for stack in list(op.samples)))

    with measured(told, sample_every_ms=0.5):
        down(400)
    deepest = max(told[0].metadata["samples"], key=len).split(";")
    assert len(deepest) == 257 and deepest[-1] == "(deeper)"


def generator() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("use", "text"),
    [
        (lambda: profile_operation(emit=print, node_id="n", sample_every_ms=0), "at least 0.1"),
        (lambda: profile_operation(emit=print, node_id="n", sample_every_ms=float("nan")), "at least 0.1"),
        (lambda: profile_operation(emit=print, node_id="n")(generator), "no generator"),
        (lambda: profile_operation(emit=print, node_id="n").__enter__(), "only a decorator can take"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_the_mend(use, text):
    with pytest.raises(InvalidOption, match=text):
        use()


def test_one_context_manager_is_for_one_operation_at_a_time():
    told: list[PerformanceProfileEvent] = []
    both = measured(told)
    with both, pytest.raises(InvalidOption, match="for each `with`"), both:
        pass
    with both:
        pass
    assert len(told) == 2


def test_ids_are_random_uuids_of_version_four_and_no_two_are_the_same():
    ids = [random_uuid() for _ in range(500)]
    assert len(set(ids)) == 500
    assert all(str(UUID(each)) == each and UUID(each).version == 4 and UUID(each).variant == RFC_4122 for each in ids)


def test_a_forked_process_tells_of_other_ids_than_its_parent():
    program = (
        "import os\n"
        "from onex_analytics.profiling.emitter import random_uuid\n"
        "random_uuid()\n"
        "child = os.fork()\n"
        "child == 0 or os.waitpid(child, 0)\n"  # one after the other: they write to one pipe
        "print(random_uuid(), flush=True)\n"
        "child or os._exit(0)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert len(set(told)) == 2
