from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics import EventStore
from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.frames.outcomes import error_rates, failed, finished, operations, operations_of, soft_failed
from onex_analytics.frames.spans import build_spans
from onex_analytics.synthetic import generate
from tests.frames.rows import NOON, at, events, run


def outcomes(log: pl.LazyFrame) -> list[tuple[str, int]]:
    return sorted(operations(log).select("outcome", "witnesses").collect().rows())


def test_one_exception_with_two_witnesses_is_one_failure():
    assert outcomes(events(run("a", "c1", 0, failed=True))) == [("failure", 2)]


def test_what_the_witnesses_say_comes_together_in_one_row():
    log = events(run("a", "c1", 0, 25.0, failed=True, code="ONEX_RT_400"))
    assert operations(log).collect().row(0, named=True) == {
        "node": "a", "correlation_id": "c1", "timestamp": at(0), "finished_at": at(0.025), "outcome": "failure",
        "witnesses": 2, "operation": "stamp", "error_type": "ValueError", "error_code": "ONEX_RT_400",
        "error_message": "boom", "execution_time_ms": 25.0,
    }  # fmt: skip


def test_one_correlation_id_over_two_nodes_is_two_operations():
    assert outcomes(events(run("a", "c1", 0, failed=True) + run("b", "c1", 1))) == [("failure", 2), ("success", 2)]


def test_a_retry_under_the_same_correlation_id_is_a_second_operation():
    log = events(run("a", "c1", 0, failed=True) + run("a", "c1", 1))
    assert outcomes(log) == [("failure", 2), ("success", 2)]
    assert operations(log).sort("timestamp").collect()["timestamp"].to_list() == [at(0), at(1)]


def test_a_node_that_fails_because_one_of_its_operations_failed_is_one_failure():
    log = events([
        {"node": "a", "correlation_id": "c", "event_type": "NODE_START"},
        {"node": "a", "correlation_id": "c", "event_type": "TELEMETRY_OPERATION_START", "operation": "read"},
        {"node": "a", "correlation_id": "c", "event_type": "TELEMETRY_OPERATION_SUCCESS", "operation": "read"},
        {"node": "a", "correlation_id": "c", "event_type": "TELEMETRY_OPERATION_START", "operation": "write"},
        {"node": "a", "correlation_id": "c", "event_type": "TELEMETRY_OPERATION_ERROR", "operation": "write"},
        {"node": "a", "correlation_id": "c", "event_type": "NODE_FAILURE"},
    ])  # fmt: skip
    assert outcomes(log) == [("failure", 2), ("success", 1)]
    assert operations(log).filter(failed()).collect()["operation"].to_list() == ["write"]


def test_the_worse_witness_is_believed():
    swallowed = run("a", "c", 0)
    swallowed[2] = {**swallowed[2], "event_type": "NODE_FAILURE", "error_message": "gone"}
    assert operations(events(swallowed)).select("outcome", "error_message").collect().rows() == [("failure", "gone")]


@pytest.mark.parametrize("status", ["error", "warning", "failure"])
def test_a_success_that_says_error_is_a_soft_failure_and_no_failure(status):
    softly = run("a", "c", 0)
    softly[2] = {**softly[2], "result_status": status}
    assert outcomes(events(softly)) == [("soft_failure", 2)]
    assert error_rates(events(softly)).collect().rows() == [(4, 1, 0, 1, 0.0)]


def test_a_start_without_an_end_is_an_operation_that_has_not_finished():
    assert outcomes(events(run("a", "c", 0)[:2] + run("b", "c", 0))) == [("start", 0), ("success", 2)]


def test_of_two_starts_and_one_end_one_has_not_finished():
    assert outcomes(events(run("a", "c", 0)[:2] + run("a", "c", 5))) == [("start", 0), ("success", 2)]


def test_without_a_correlation_id_each_event_stands_for_itself():
    log = events(run("a", None, 0, failed=True))
    assert outcomes(log) == [("failure", 1), ("failure", 1), ("start", 0), ("start", 0)]


def test_a_request_is_answered_by_another_node():
    log = events([
        {"node": "asker", "correlation_id": "c", "event_type": "TOOL_PROXY_INVOKE"},
        {"node": "proxy", "correlation_id": "c", "event_type": "TOOL_PROXY_TIMEOUT"},
    ])  # fmt: skip
    assert operations(log).select("node", "outcome", "witnesses").collect().rows() == [("proxy", "failure", 1)]


def test_a_dimension_is_carried_from_whichever_witness_has_it():
    log = events(run("a", "c", 0)).with_columns(
        pl.when(pl.col("event_type") == "NODE_START").then(pl.lit("acme")).alias("tenant")
    )
    assert operations(log, carry="tenant").collect()["tenant"].to_list() == ["acme"]


def test_the_rate_over_all_events_and_over_finished_operations():
    log = events(run("a", "c1", 0, failed=True) + run("a", "c2", 70) + run("b", "c3", 75))
    over_events = error_rates(log, "1m", "node").collect()
    assert over_events.columns == ["start", "node", "events", "finished", "failures", "soft_failures", "error_rate"]
    assert over_events.rows() == [
        (at(0), "a", 4, 1, 1, 0, 0.25),
        (at(60), "a", 4, 1, 0, 0, 0.0),
        (at(60), "b", 4, 1, 0, 0, 0.0),
    ]
    over_finished = error_rates(log, by="node", denominator="finished").collect()
    assert over_finished["error_rate"].to_list() == [0.5, 0.0]


def test_where_nothing_finished_there_is_no_rate_over_finished_operations():
    assert error_rates(events(run("a", "c", 0)[:2]), denominator="finished").collect()["error_rate"].to_list() == [None]


def test_an_empty_log_has_no_operations_and_no_rate():
    assert operations(events([])).collect().is_empty()
    assert error_rates(events([])).collect().rows() == [(0, 0, 0, 0, None)]
    assert error_rates(events([]), "1m", "node").collect().is_empty()


def test_an_unknown_denominator_is_refused():
    with pytest.raises(InvalidOption, match='"events" or "finished"'):
        error_rates(events([]), denominator="all")  # type: ignore[arg-type]


RUNS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from(["c1", "c2", None]),
        st.integers(0, 300),
        st.booleans(),
        st.integers(1, 4),
    ),
    max_size=12,
)


def slow_counts(rows: list[dict[str, object]]) -> Counter[str]:
    """The rule of `outcomes` in plain words: per key, the larger of the two families, and failures likewise."""
    counts: Counter[str] = Counter()
    keys = {(r["node"], r["correlation_id"] or f"event {i}") for i, r in enumerate(rows)}
    for node, thread in keys:
        types = [
            str(r["event_type"])
            for i, r in enumerate(rows)
            if r["node"] == node and (r["correlation_id"] or f"event {i}") == thread
        ]

        def most(*ends: str, types: list[str] = types) -> int:
            return max(sum(t.startswith(family) and t.endswith(ends) for t in types) for family in ("NODE", "TELEM"))

        ended = most("SUCCESS", "FAILURE", "ERROR")
        counts["failure"] += most("FAILURE", "ERROR")
        counts["success"] += ended - most("FAILURE", "ERROR")
        counts["start"] += max(most("START") - ended, 0)
    return +counts


@given(RUNS, st.randoms())
def test_it_counts_as_the_rule_says_whatever_the_order(runs, random):
    rows = [row for node, thread, begin, fails, n in runs for row in run(node, thread, begin, failed=fails)[:n]]
    rows = random.sample(rows, len(rows))
    found = operations(events(rows)).collect()
    assert Counter(found["outcome"].to_list()) == slow_counts(rows)
    assert found["witnesses"].sum() == sum(not str(row["event_type"]).endswith("START") for row in rows)


@given(RUNS)
def test_failures_of_the_nodes_add_up_to_all_failures(runs):
    log = events(row for node, thread, begin, fails, n in runs for row in run(node, thread, begin, failed=fails)[:n])
    counts = ["events", "finished", "failures", "soft_failures"]
    whole = error_rates(log).select(counts).collect().row(0)
    assert error_rates(log, by="node").select(pl.col(counts).sum()).collect().row(0) == whole
    assert error_rates(log, "1m", by="node").select(pl.col(counts).sum()).collect().row(0) == whole


def test_the_real_log_has_33_failure_events_that_are_22_failures(shared_data, store):
    store.append(shared_data / "onex" / "omnibase_main_v1.0.0.jsonl")
    log = store.scan()
    assert log.select(failed().sum(), soft_failed().sum().alias("soft")).collect().row(0) == (33, 119)
    told = operations(log).filter(failed()).collect()
    assert (told.height, told.filter(pl.col("witnesses") == 2).height) == (22, 11)


# ---------------------------------------------------------------- operations that were paired into spans


def told(work: pl.LazyFrame) -> list[tuple[object, ...]]:
    return work.drop("execution_time_ms", "finished_at").collect().sort("timestamp", "correlation_id").rows()


def test_the_operations_of_spans_are_those_of_their_events():
    log = events(
        run("a", "c1", 0, failed=True, code="E7") + run("a", "c2", 5) + run("b", "c3", 9)[:2] + [{"at": 12}]
    )
    work = operations_of(build_spans(log))
    assert work.collect_schema() == operations(log).collect_schema()
    assert told(work) == told(operations(log))


def test_an_operation_without_a_correlation_id_has_its_start_and_its_end_once_it_is_a_span():
    log = events(run("a", None, 0, ms=20.0))
    assert operations(log).collect().height == 4
    work = operations_of(build_spans(log)).collect()
    assert work["outcome"].to_list() == ["success", "success"]
    assert (work["timestamp"] < work["finished_at"]).all()


@pytest.mark.parametrize("correlation", ["c1", None])
def test_two_events_that_nothing_but_their_order_brought_together_measure_no_duration(correlation):
    lost = [{"correlation_id": correlation, "at": second, "event_type": word} for second, word in
            ((0, "NODE_START"), (200_000, "NODE_SUCCESS"))]  # fmt: skip
    (took,) = operations_of(build_spans(events(lost))).collect()["execution_time_ms"]
    assert took == (None if correlation is None else 200_000_000.0)


def test_a_seeded_log_has_as_many_failures_by_operations_as_by_spans(tmp_path):
    generate(6_000, seed=5, traps=None).write(tmp_path / "log.jsonl")
    store = EventStore(str(tmp_path / "store"))
    store.append(str(tmp_path / "log.jsonl"))
    count = pl.len().alias("n")
    by_event, by_span = (
        work.filter(finished()).group_by("node", "outcome").agg(count).collect().sort("node", "outcome")
        for work in (operations(store.scan()), operations_of(store.spans()))
    )
    assert by_event.equals(by_span)


def test_spans_of_elsewhere_without_our_columns_are_refused_with_the_mend():
    with pytest.raises(MissingColumns, match="outcome"):
        operations_of(pl.LazyFrame({"start": [NOON], "end": [NOON]}))
