"""The chain keeps, packs, protects and batches; whatever becomes of an event is counted at its stage."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics import EventStore, OnexEvent, generate
from onex_analytics.batching import BatchPolicy, ManualClock
from onex_analytics.exceptions import InvalidOption
from onex_analytics.pipeline import REASONS, EventPipeline
from onex_analytics.sampling import EventSampler, ProbabilityPolicy, TailPolicy, TailSampler, apply
from onex_analytics.sizing import SizePolicy, decode

NO_JSON = {"event_id": "e", "metadata": {"when": object()}}


def event(number: int, **more: object) -> dict[str, Any]:
    return {"event_id": f"e{number}", "event_type": "NODE_START", "node_id": "n", **more}


def half() -> EventSampler:
    return EventSampler(ProbabilityPolicy(probability=0.5))


def inverted(payload: bytes) -> bytes:
    return bytes(255 - byte for byte in payload)


def failing(*_: object) -> None:
    raise OSError("away")


def test_without_stages_every_event_goes_out_as_it_is_alone_and_at_once():
    sent: list[list[Any]] = []
    pipeline = EventPipeline(sent.append)
    events = [event(1), OnexEvent(node_id="n", event_type="NODE_START")]
    assert [pipeline.emit(one) for one in events] == [True, True]
    assert sent == [[one] for one in events]
    assert sent[0][0] is events[0]


def test_stages_come_in_their_order():
    sent: list[bytes] = []
    with EventPipeline(
        sent.extend, sample=half(), size=SizePolicy(compress_over=0), protect=inverted, batch=BatchPolicy(max_size=7)
    ) as pipeline:
        kept = [number for number in range(100) if pipeline.emit(event(number))]
    arrived = [decode(inverted(payload)) for payload in sent]
    assert [one["event_id"] for one in arrived] == [f"e{number}" for number in kept]
    assert 30 < len(kept) < 70
    assert {one["adjusted_count"] for one in arrived} == {2.0}
    assert [stage.stage for stage in pipeline.counts().stages] == ["sample", "size", "protect", "batch"]
    assert pipeline.counts().adds_up


def test_what_arrives_is_what_the_simulation_keeps_and_stands_for_as_much(tmp_path):
    generate(3_000, seed=5).write(tmp_path / "log.jsonl")
    store = EventStore(tmp_path / "store")
    store.append(tmp_path / "log.jsonl")
    sampler = EventSampler({"NODE_*": 0.3}, default=0.8, scope="trace")
    rows: list[dict[str, Any]] = []
    pipeline = EventPipeline(rows.extend, sample=sampler)
    for row in store.scan().collect().iter_rows(named=True):
        pipeline.emit(row)
    simulated = apply(sampler.policy, store.scan()).filter("keep").select("event_id", "adjusted_count").collect()
    arrived = pl.DataFrame([{name: row[name] for name in simulated.columns} for row in rows])
    assert arrived.sort("event_id").equals(simulated.sort("event_id"))


def test_an_event_that_was_sampled_before_stands_for_more():
    sent: list[dict[str, Any]] = []
    pipeline = EventPipeline(sent.extend, sample=half())
    for number in range(20):
        pipeline.emit(event(number, sampling_probability=0.25))
        pipeline.emit(event(number, adjusted_count=4.0))
    assert {(one["adjusted_count"], one["sampling_probability"]) for one in sent} == {(8.0, 0.125)}


@pytest.mark.parametrize(("stages", "lost", "reason", "stage"), [
    ({"sample": half()}, "no event", "no_event", "sample"),
    ({"size": SizePolicy(max_bytes=20)}, event(1, metadata={"x": "y" * 50}), "too_large", "size"),
    ({"size": SizePolicy()}, NO_JSON, "unserialisable", "size"),
    ({"size": SizePolicy()}, "no event", "unserialisable", "size"),
    ({"protect": failing}, event(1), "unprotected", "protect"),
])  # fmt: skip
def test_what_a_stage_cannot_work_on_is_counted_there_and_told_of(stages, lost, reason, stage):
    told: list[tuple[list[Any], str, bool]] = []
    sent: list[Any] = []
    pipeline = EventPipeline(
        sent.extend, **stages, on_lost=lambda events, why, error: told.append((events, why, error is not None))
    )
    assert not pipeline.emit(lost)
    counts = pipeline.counts()
    assert (sent, told, counts.dropped) == ([], [([lost], reason, True)], {reason: 1})
    assert [one.stage for one in counts.stages if one.dropped] == [stage]
    assert counts.adds_up


def test_a_store_of_claims_that_is_away_loses_no_count():
    class Away(dict[str, bytes]):
        def __setitem__(self, *_: object) -> None:
            raise OSError("away")

    policy = SizePolicy(max_bytes=400, compress_over=None, on_oversize="claim_check")
    pipeline = EventPipeline(print, size=policy, claims=Away(), on_lost=lambda *_: None)
    assert not pipeline.emit(event(1, metadata={"x": "y" * 500}))
    assert pipeline.counts().dropped == {"unclaimed": 1}


def test_a_policy_of_claims_needs_a_place_for_them():
    with pytest.raises(InvalidOption, match="claims is None; wanted where"):
        EventPipeline(print, size=SizePolicy(on_oversize="claim_check"))


def test_an_exporter_that_fails_is_counted_with_batches_and_without():
    for batch in (None, BatchPolicy(max_size=2)):
        pipeline = EventPipeline(failing, batch=batch, retries=0, on_lost=lambda *_: None)
        for number in range(3):
            pipeline.emit(event(number))
        assert pipeline.close().dropped == {"failed": 3}
        assert pipeline.counts().adds_up


def test_what_comes_after_closing_is_counted():
    for batch in (None, BatchPolicy()):
        pipeline = EventPipeline(lambda _: None, batch=batch, on_lost=lambda *_: None)
        pipeline.emit(event(1))
        pipeline.close()
        assert not pipeline.emit(event(2))
        assert (pipeline.counts().exported, pipeline.counts().dropped) == (1, {"closed": 1})


def test_a_full_queue_drops_where_the_policy_says_so_and_what_waits_is_pending():
    gate, begun = threading.Event(), threading.Event()

    def slow(_: list[Any]) -> None:
        begun.set()
        gate.wait(30)

    policy = BatchPolicy(max_size=2, queue_limit=2, when_full="drop_newest")
    pipeline = EventPipeline(slow, batch=policy, on_lost=lambda *_: None)
    for number in range(2):
        pipeline.emit(event(number))
    begun.wait(30)
    results = [pipeline.emit(event(number)) for number in range(2, 6)]
    counts = pipeline.counts()
    assert (results, counts.pending, counts.dropped) == ([True, True, False, False], 4, {"full": 2})
    assert counts.adds_up
    gate.set()
    assert pipeline.close().exported == 4


def test_a_full_queue_holds_up_whoever_emits():
    gate, begun = threading.Event(), threading.Event()

    def slow(_: list[Any]) -> None:
        begun.set()
        gate.wait(30)

    pipeline = EventPipeline(slow, batch=BatchPolicy(max_size=1, queue_limit=1))
    pipeline.emit(event(0))
    begun.wait(30)
    pipeline.emit(event(1))
    third = threading.Thread(target=pipeline.emit, args=(event(2),))
    third.start()
    third.join(0.05)
    assert third.is_alive()
    gate.set()
    third.join(30)
    assert pipeline.close().exported == 3


def test_a_batch_goes_out_by_age_though_no_event_comes():
    clock, gone = ManualClock(), threading.Event()
    pipeline = EventPipeline(lambda _: gone.set(), batch=BatchPolicy(max_age_ms=500), clock=clock)
    pipeline.emit(event(1))
    assert not gone.wait(0.05)
    clock.advance(500)
    assert gone.wait(30)
    pipeline.close()


def test_many_threads_lose_nothing():
    sent: list[bytes] = []
    pipeline = EventPipeline(sent.extend, sample=half(), size=SizePolicy(), batch=BatchPolicy(max_size=10))

    def produce(first: int) -> None:
        for number in range(first, first + 500):
            pipeline.emit(event(number))
            if number % 50 == 0:
                assert pipeline.counts().adds_up

    producers = [threading.Thread(target=produce, args=(first,)) for first in range(0, 4000, 500)]
    for producer in producers:
        producer.start()
    for producer in producers:
        producer.join()
    counts = pipeline.close()
    sampler = half()
    wanted = {f"e{number}" for number in range(4000) if sampler.decide(event(number)).keep}
    arrived = [decode(payload)["event_id"] for payload in sent]
    assert (len(arrived), set(arrived)) == (len(wanted), wanted)
    assert counts.adds_up and counts.exported == len(wanted) and counts.pending == 0


def at(second: float) -> str:
    return (datetime(2026, 11, 1, 9, tzinfo=UTC) + timedelta(seconds=second)).isoformat()


def test_a_sampler_that_holds_traces_lets_them_go_on_once_they_are_decided():
    sent: list[dict[str, Any]] = []
    policy = TailPolicy(policies=[{"kind": "status_code"}], decision_wait_ms=2000)
    pipeline = EventPipeline(sent.extend, sample=TailSampler(policy))
    assert pipeline.emit(event(1, trace_id="a", timestamp=at(0)))
    assert pipeline.emit(event(2, trace_id="a", timestamp=at(1)) | {"event_type": "NODE_FAILURE"})
    assert pipeline.emit(event(3, trace_id="b", timestamp=at(1.5)))
    assert (sent, pipeline.counts().pending) == ([], 3)
    pipeline.advance(datetime(2026, 11, 1, 9, 0, 2, tzinfo=UTC))
    assert [one["event_id"] for one in sent] == ["e1", "e2"]
    counts = pipeline.close()
    assert (counts.exported, counts.dropped, counts.pending) == (2, {"sampled_out": 1}, 0)
    assert counts.adds_up
    assert not pipeline.emit(event(4)) and pipeline.counts().adds_up


def held_from(number: int) -> dict[str, Any]:
    """An event of a trace of its own, that comes when those before it are decided."""
    return event(number, trace_id=f"t{number}", timestamp=at(40 * number))


def ended(work: Any) -> Any:
    """What a function returns, in a thread of its own; fails where it never does."""
    told: list[Any] = []
    thread = threading.Thread(target=lambda: told.append(work()), daemon=True)
    thread.start()
    thread.join(60)
    assert told, "it waits for itself"
    return told[0]


@pytest.mark.parametrize("batch", [None, BatchPolicy(max_size=1, queue_limit=1), BatchPolicy(max_size=2)], ids=repr)
def test_an_exporter_may_emit_while_traces_are_held(batch):
    sent: list[str] = []
    own: list[int] = []
    pipeline: EventPipeline

    def exporter(events: list[dict[str, Any]]) -> None:
        sent.extend(one["event_id"] for one in events)
        if len(sent) <= 10:
            own.append(1000 + len(sent))
            pipeline.emit(held_from(own[-1]))

    policy = TailPolicy(policies=[{"kind": "always_sample"}])
    pipeline = EventPipeline(exporter, sample=TailSampler(policy), batch=batch)

    def work() -> Any:
        for number in range(20):
            pipeline.emit(held_from(number))
            pipeline.flush()
        return pipeline.close()

    counts = ended(work)
    assert counts.adds_up and counts.pending == 0
    assert counts.emitted == 20 + len(own) == counts.exported + counts.dropped.get("closed", 0)
    assert own and counts.exported == len(sent) == len(set(sent))


def test_what_protects_may_emit_while_traces_are_held():
    pipeline: EventPipeline

    def protect(payload: bytes) -> bytes:
        if pipeline.counts().emitted < 5:
            pipeline.emit(held_from(pipeline.counts().emitted))
        return payload

    pipeline = EventPipeline(
        print, sample=TailSampler(TailPolicy(policies=[{"kind": "always_sample"}])), protect=protect,
        batch=BatchPolicy(),
    )  # fmt: skip
    counts = ended(lambda: [pipeline.emit(held_from(number)) for number in range(2)] and pipeline.close())
    assert counts.adds_up and counts.pending == 0
    assert counts.emitted >= 3 and counts.emitted == counts.exported + counts.dropped.get("closed", 0)


def test_who_is_told_of_losses_may_emit_while_traces_are_held():
    told: list[str] = []
    pipeline: EventPipeline

    def on_lost(lost: list[Any], reason: str, error: BaseException | None) -> None:
        told.append(reason)
        if len(told) < 3:
            pipeline.emit(held_from(100 + len(told)))

    pipeline = EventPipeline(
        print, sample=TailSampler(TailPolicy(policies=[{"kind": "always_sample"}])), on_lost=on_lost,
        size=SizePolicy(max_bytes=10, warn_bytes=None),
    )  # fmt: skip
    counts = ended(lambda: [pipeline.emit(held_from(number)) for number in range(3)] and pipeline.close())
    assert (counts.adds_up, counts.pending, counts.exported) == (True, 0, 0)
    assert sum(counts.dropped.values()) == counts.emitted == len(told)


def test_what_is_emitted_in_many_threads_goes_on_in_the_order_of_its_decisions():
    sent: list[dict[str, Any]] = []
    sampler = TailSampler(TailPolicy(policies=[{"kind": "always_sample"}], decision_wait_ms=1000))
    pipeline = EventPipeline(sent.extend, sample=sampler, batch=BatchPolicy(max_size=3, queue_limit=3))

    def produce(first: int) -> None:
        for number in range(200):
            pipeline.emit(event(first + number, trace_id=f"t{first}", timestamp=at(number)))

    producers = [threading.Thread(target=produce, args=(first,)) for first in (0, 1000, 2000)]
    for producer in producers:
        producer.start()
    for producer in producers:
        producer.join()
    counts = pipeline.close()
    assert (counts.exported, counts.pending, counts.adds_up) == (600, 0, True)
    for first in (0, 1000, 2000):
        own = [int(one["event_id"][1:]) for one in sent if one["trace_id"] == f"t{first}"]
        assert own == list(range(first, first + 200))


def test_what_cannot_sample_is_refused():
    with pytest.raises(InvalidOption, match=r"sample is 'ProbabilityPolicy'"):
        EventPipeline(print, sample=ProbabilityPolicy(probability=0.5))  # type: ignore[arg-type]


@given(st.lists(st.sampled_from(["fine", "large", "no JSON", "no event"]), max_size=30), st.booleans(), st.booleans())
def test_counts_add_up_whatever_comes(kinds, is_sampled, is_batched):
    made = {"fine": event(1), "large": event(2, metadata={"x": "y" * 300}), "no JSON": NO_JSON, "no event": 3}
    sent: list[bytes] = []
    pipeline = EventPipeline(
        sent.extend, sample=half() if is_sampled else None, size=SizePolicy(max_bytes=200, compress_over=None),
        batch=BatchPolicy(max_size=3) if is_batched else None, on_lost=lambda *_: None,
    )  # fmt: skip
    for kind in kinds:
        pipeline.emit(made[kind])  # type: ignore[arg-type]
    counts = pipeline.close()
    assert counts.adds_up and counts.emitted == len(kinds) and counts.exported == len(sent)
    assert set(counts.dropped) <= set(REASONS)


def test_losses_are_logged_once_for_each_reason_and_never_show_the_event(caplog):
    pipeline = EventPipeline(print, size=SizePolicy())
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            pipeline.emit({"event_id": "secret", "metadata": {"x": object()}})
    assert len(caplog.records) == 1
    assert "what JSON does not have" in caplog.text and "secret" not in caplog.text


def test_an_error_of_who_is_told_is_logged_and_not_raised(caplog):
    pipeline = EventPipeline(print, size=SizePolicy(), on_lost=failing)
    assert not pipeline.emit(NO_JSON)
    assert "on_lost failed" in caplog.text
