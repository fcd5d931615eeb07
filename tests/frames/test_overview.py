import polars as pl
import pytest

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames import overview
from onex_analytics.frames.overview import OTHER
from onex_analytics.model.error_codes import ErrorCodeTaxonomy
from tests.frames.rows import at, events, run

EMPTY = events([])
ONE = events([{"at": 0}])


def test_the_totals_count_each_failure_once():
    log = events(run("a", "c1", 0, failed=True) + run("b", "c2", 5) + run("b", "c3", 6)[:2])
    assert overview.totals(log).collect().row(0, named=True) == {
        "events": 10, "first": at(0), "last": at(6.001), "nodes": 2, "event_types": 6, "correlations": 3,
        "finished": 2, "failures": 1, "soft_failures": 0, "unfinished": 1,
    }  # fmt: skip


def test_one_event_of_long_ago_does_not_stretch_the_main_period():
    log = events([{"at": i} for i in range(200)] + [{"at": -1_600_000_000}])
    assert overview.main_period(log).collect().row(0) == (at(0), at(199), 1)


def test_the_most_frequent_types_keep_their_names_and_nothing_is_lost():
    types = ["NODE_START"] * 3 + ["NODE_SUCCESS"] * 2 + ["X", "Y"]
    log = events({"at": 0, "event_type": name} for name in types)
    counted = overview.events_per_minute(log, "30s", limit=2).collect()
    assert counted.rows() == [
        (at(0), OTHER, 2, 4.0), (at(0), "NODE_START", 3, 6.0), (at(0), "NODE_SUCCESS", 2, 4.0),
    ]  # fmt: skip


def test_both_error_rates_stand_side_by_side():
    log = events(run("a", "c1", 0, failed=True) + run("a", "c2", 1) + run("b", "c3", 2))
    rates = overview.error_overview(log, by="node").collect()
    assert rates.select("node", "failures", "rate_of_events", "rate_of_finished").rows() == [
        ("a", 1, 0.125, 0.5), ("b", 0, 0.0, 0.0),
    ]  # fmt: skip


def test_a_quiet_bucket_has_no_rate_where_it_is_filled_in():
    log = events([*run("a", "c1", 0, failed=True), *run("a", "c2", 125)])
    rates = overview.error_overview(log, "1m", fill=True).select("start", "events", "rate_of_events").collect()
    assert rates.rows() == [(at(0), 4, 0.25), (at(60), 0, None), (at(120), 4, 0.0)]


def test_nodes_beyond_the_limit_are_one_last_row():
    log = events(row for node in "abc" for row in run(node, f"c{node}", 0, failed=node == "c"))
    rates = overview.error_overview(log, by="node", limit=1).collect()
    assert rates.select("node", "events", "failures").rows() == [("a", 4, 0), (OTHER, 8, 1)]
    with pytest.raises(InvalidOption, match="`by` is one column"):
        overview.error_overview(log, limit=3)


def test_latency_is_measured_once_an_operation_and_by_nearest_rank():
    log = events(row for i in range(1, 21) for row in run("a", f"c{i}", i, float(i), failed=i == 20))
    assert overview.latency(log).collect().rows() == [("a", "stamp", 20, 1, 10.5, 10.0, 19.0, 20.0, 20.0)]


def test_slow_groups_come_first_and_the_rest_last():
    log = events(row for node, ms in (("a", 5.0), ("b", 50.0), ("c", 500.0)) for i in range(ord("d") - ord(node))
                 for row in run(node, f"{node}{i}", i, ms))  # fmt: skip
    table = overview.latency(log, limit=2).select("node", "operation", "n", "max_ms").collect()
    assert table.rows() == [("b", "stamp", 2, 50.0), ("a", "stamp", 3, 5.0), (OTHER, None, 1, 500.0)]


def test_an_error_is_known_by_code_and_type_and_counted_once():
    log = events(
        run("a", "c1", 0, failed=True, code="E7") + run("b", "c2", 60, failed=True, code="E7") + run("a", "c3", 5)
    )
    (error,) = overview.top_errors(log).collect().to_dicts()
    assert error == {
        "error_code": "E7", "error_type": "ValueError", "error_message": "boom", "messages": 1, "failures": 2,
        "nodes": 2, "node_names": ["a", "b"], "first_seen": at(0.01), "last_seen": at(60.01),
        "spellings": ["E7"], "share": 1.0,
    }  # fmt: skip


def failures(*codes: str | None) -> pl.LazyFrame:
    return events({"event_type": "NODE_FAILURE", "error_code": code, "error_type": "ValueError"} for code in codes)


def test_the_spellings_of_one_code_are_one_error():
    long, short, name = "ONEX_RT_400_NODE_INITIALIZATION_FAILED", "ONEX_RT_400", "NODE_INITIALIZATION_FAILED"
    (error,) = overview.top_errors(failures(name, long, short, long, name, long)).collect().to_dicts()
    assert (error["error_code"], error["failures"], error["spellings"]) == (long, 6, [long, name, short])


def test_a_spelling_of_several_codes_or_of_none_stays_apart():
    log = failures("ONEX_REGISTRY_001", "ONEX_REGISTRY_001_TOOL_NOT_FOUND", "TOOL_NOT_FOUND", "SC001", None)
    errors = overview.top_errors(log).select("error_code", "failures", "spellings").collect()
    assert errors.rows() == [
        ("ONEX_REGISTRY_001_TOOL_NOT_FOUND", 2, ["ONEX_REGISTRY_001_TOOL_NOT_FOUND", "TOOL_NOT_FOUND"]),
        (None, 1, []), ("ONEX_REGISTRY_001", 1, ["ONEX_REGISTRY_001"]), ("SC001", 1, ["SC001"]),
    ]  # fmt: skip


def test_the_codes_of_a_user_have_spellings_too():
    ours = ErrorCodeTaxonomy.default().extended({"ONEX_BILLING_001_CARD_DECLINED": "the bank said no"})
    log = failures("CARD_DECLINED", "ONEX_BILLING_001")
    assert overview.top_errors(log).collect().height == 2
    assert overview.top_errors(log, taxonomy=ours).collect()["failures"].to_list() == [2]


def test_an_error_without_code_and_type_is_known_by_its_message():
    log = events(
        {"node": "a", "event_type": "NODE_FAILURE", "error_message": text} for text in ("gone", "full", "gone", None)
    )
    errors = overview.top_errors(log).select("error_message", "failures").collect().rows()
    assert errors == [("gone", 2), (None, 1), ("full", 1)]


def test_errors_beyond_the_limit_are_one_last_row():
    log = events({"event_type": "NODE_FAILURE", "error_code": code} for code in "AAABBC")
    errors = overview.top_errors(log, limit=1).select("error_code", "failures", "share", "spellings").collect()
    assert errors.rows() == [("A", 3, 0.5, ["A"]), (OTHER, 3, 0.5, None)]


def test_repairs_are_counted_by_node_and_kind():
    log = events([
        {"node": "a", "clock_offset_ms": -18_000_000, "timestamp_original": "2026-01-01T07:00:00"},
        {"node": "a", "event_type_raw": "node_start"},
        {"node": "b"},
    ])  # fmt: skip
    assert overview.repairs(log).collect().rows() == [("a", 2, 1, [-18_000_000], 1, 1)]
    assert overview.repairs(log, limit=0).collect().rows() == [(OTHER, 3, 1, [-18_000_000], 1, 1)]


def test_violations_are_counted_by_their_text():
    log = events([{"node": "a", "violations": ["no error", "no input"]}, {"node": "b", "violations": ["no error"]}])
    found = overview.violations(log).collect().rows()
    assert found == [("no error", 2, 2, "id-000000"), ("no input", 1, 1, "id-000000")]


def test_rejected_lines_are_counted_by_reason():
    rejected = pl.LazyFrame(
        {"reason": ["conflict", "strict", "strict"], "detail": ["x", "b", "a"], "source": ["f"] * 3}
    )
    assert overview.rejected_reasons(rejected).collect().rows() == [("strict", 2, 1, "a"), ("conflict", 1, 1, "x")]


def test_the_adoption_of_a_version_is_its_share_of_each_bucket():
    log = events([
        {"at": 0, "schema_version": "1.0.0"}, {"at": 70, "schema_version": "1.0.0"},
        {"at": 75, "schema_version": "1.1.0"},
    ])  # fmt: skip
    assert overview.schema_adoption(log, "1m").collect().rows() == [
        (at(0), "1.0.0", 1, 1.0), (at(0), "1.1.0", 0, 0.0), (at(60), "1.0.0", 1, 0.5), (at(60), "1.1.0", 1, 0.5),
    ]  # fmt: skip


def test_an_operation_is_unfinished_after_thirty_minutes_and_not_before():
    log = events(run("a", "old", 0)[:2] + run("a", "young", 1)[:2] + [{"at": 1800}])
    assert overview.unfinished(log).collect().rows() == [("a", "stamp", "old", at(0), 1800.0)]
    assert overview.unfinished(log, "10m").collect()["correlation_id"].to_list() == ["old", "young"]
    assert overview.unfinished(log, now=at(3600)).collect()["age_s"].to_list() == [3600.0, 3599.0]
    assert overview.unfinished_by_node(log, "10m").collect().rows() == [("a", "stamp", 2, at(0), 1800.0)]


def test_a_start_without_a_correlation_id_is_not_called_unfinished():
    assert overview.unfinished(events([*run("a", None, 0)[:2], {"at": 9999}])).collect().is_empty()


def test_no_events_are_counted_as_none_and_have_no_period():
    reversed_range = ONE.filter(pl.col("timestamp").is_between(at(9), at(1), closed="left"))
    (row,) = overview.totals(reversed_range).collect().to_dicts()
    assert row.pop("first") is None
    assert row.pop("last") is None
    assert set(row.values()) == {0}
    assert overview.main_period(reversed_range).collect().rows() == [(None, None, 0)]
    assert overview.error_overview(reversed_range).collect().rows() == [(0, 0, 0, 0, None, None)]


@pytest.mark.parametrize("log", [EMPTY, ONE], ids=["empty", "one event"])
@pytest.mark.parametrize(
    "question",
    [
        overview.totals, overview.main_period, overview.events_per_minute, overview.error_overview, overview.latency,
        overview.top_errors, overview.repairs, overview.violations, overview.schema_adoption, overview.unfinished,
        overview.unfinished_by_node,
    ],
)  # fmt: skip
def test_the_shape_is_the_same_for_an_empty_log_and_for_one_event(question, log):
    found = question(log)
    assert found.collect().schema == found.collect_schema()
