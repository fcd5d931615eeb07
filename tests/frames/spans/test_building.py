"""Events pair into spans: each rule by an example, the whole against a slow and obvious pairing."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from onex_analytics import EventStore, build_spans, generate
from onex_analytics.exceptions import MissingColumns
from onex_analytics.frames import operations
from onex_analytics.model.shapes import EVENTS, SPANS
from onex_analytics.synthetic import DIMENSIONS
from tests.frames.rows import NOON, at, events, run
from tests.laws import examples

START, SUCCESS, FAILURE = "NODE_START", "NODE_SUCCESS", "NODE_FAILURE"


def spans(*rows: dict[str, object]) -> pl.DataFrame:
    return build_spans(events(rows)).collect().sort("start", "end", "span_id", nulls_last=True)


def node(event_type: str, seconds: float, **more: object) -> dict[str, object]:
    return {"event_type": event_type, "at": seconds, "correlation_id": "c", **more}


def pairs(found: pl.DataFrame) -> set[tuple[str | None, str | None]]:
    return set(found.select("start_event_id", "end_event_id").iter_rows())


def id_of(place: int) -> str:
    return f"id-{place:06d}"


# ------------------------------------------------------------------ one key


def test_a_start_and_its_end_are_one_span():
    found = spans(node(START, 0, node_version="1.2.0"), node(SUCCESS, 2)).row(0, named=True)
    assert found["duration_ms"] == 2000.0
    assert (found["state"], found["status"], found["outcome"]) == ("closed", "ok", "success")
    assert (found["paired_by"], found["witnesses"], found["name"]) == ("correlation", 1, "a")
    assert (found["span_id"], found["trace_id"], found["node_version"]) == (id_of(0), "c", "1.2.0")


def test_a_start_without_an_end_is_open():
    found = spans(node(START, 0)).row(0, named=True)
    assert (found["state"], found["status"], found["outcome"]) == ("open", "unset", "start")
    assert (found["end"], found["duration_ms"], found["witnesses"]) == (None, None, 0)


def test_an_end_with_its_execution_time_and_no_start_is_closed_and_began_that_long_before():
    found = spans(node(SUCCESS, 5, execution_time_ms=1500.0)).row(0, named=True)
    assert (found["state"], found["start"], found["duration_ms"]) == ("closed", at(3.5), 1500.0)
    assert found["paired_by"] is None


@pytest.mark.parametrize("took", [None, -1.0, float("nan"), float("inf")])
def test_an_end_that_does_not_say_how_long_it_took_has_no_start(took):
    found = spans(node(SUCCESS, 5, execution_time_ms=took)).row(0, named=True)
    assert (found["state"], found["start"], found["duration_ms"]) == ("end_without_start", None, None)


def test_the_duration_is_what_the_node_measured_and_the_times_are_the_clocks():
    found = spans(node(START, 0), node(SUCCESS, 2, execution_time_ms=1234.5)).row(0, named=True)
    assert (found["duration_ms"], found["end"]) == (1234.5, at(2))


def test_of_several_starts_an_end_takes_the_one_that_its_execution_time_fits():
    found = spans(node(START, 0), node(START, 1), node(SUCCESS, 2, execution_time_ms=2000.0), node(SUCCESS, 3))
    assert pairs(found) == {(id_of(0), id_of(2)), (id_of(1), id_of(3))}
    assert set(found["paired_by"]) == {"execution_time", "correlation"}


@pytest.mark.parametrize(("took", "taken"), [(30.0, 0), (40.0, 0), (20.0, 0), (40.1, 1), (19.9, 1)])
def test_a_short_execution_time_fits_within_ten_milliseconds(took, taken):
    """Starts 30 ms and 1 ms before the end."""
    found = spans(node(START, 1.97), node(START, 1.999), node(SUCCESS, 2, execution_time_ms=took))
    assert found.filter(end_event_id=id_of(2))["start_event_id"].item() == id_of(taken)


def test_an_execution_time_that_fits_no_start_leaves_the_last_one():
    found = spans(node(START, 0), node(START, 1.9), node(SUCCESS, 2, execution_time_ms=1000.0))
    assert (id_of(1), id_of(2)) in pairs(found)


def test_five_percent_is_allowed_where_that_is_more_than_ten_milliseconds():
    near, far = 0.049, 0.051
    for off, expected in ((near, 0), (far, 1)):
        found = spans(node(START, 8.0 + off * 2), node(START, 9.99), node(SUCCESS, 10, execution_time_ms=2000.0))
        assert found.filter(pl.col("end_event_id") == id_of(2))["start_event_id"].item() == id_of(expected)


def test_nested_runs_end_last_in_first_out():
    found = spans(node(START, 0), node(START, 1), node(SUCCESS, 2), node(SUCCESS, 3))
    assert pairs(found) == {(id_of(1), id_of(2)), (id_of(0), id_of(3))}


def test_operations_are_told_apart_and_a_missing_one_matches_any():
    found = spans(
        node(START, 0, operation="x"), node(START, 1, operation="y"), node(SUCCESS, 2, operation="x"), node(SUCCESS, 3)
    )
    assert pairs(found) == {(id_of(0), id_of(2)), (id_of(1), id_of(3))}
    assert set(found["operation"]) == {"x", "y"}


def test_different_operations_never_pair():
    found = spans(node(START, 0, operation="x"), node(SUCCESS, 1, operation="y"))
    assert set(found["state"]) == {"open", "end_without_start"}


def test_different_nodes_never_pair():
    found = spans(node(START, 0, node="a"), node(SUCCESS, 1, node="b"))
    assert set(found["state"]) == {"open", "end_without_start"}


def test_an_end_before_its_start_is_a_negative_duration_that_nobody_mends():
    found = spans(node(START, 3), node(SUCCESS, 1)).row(0, named=True)
    assert (found["state"], found["start"], found["end"]) == ("negative_duration", at(3), at(1))
    assert found["duration_ms"] == -2000.0


def test_a_second_start_of_the_same_work_is_a_duplicate():
    found = spans(node(START, 0), node(START, 1), node(SUCCESS, 2))
    assert sorted(found["state"]) == ["closed", "duplicate_start"]
    assert sorted(spans(node(START, 0), node(START, 1))["state"]) == ["duplicate_start", "open"]


def test_a_start_after_the_work_ended_is_new_work():
    assert sorted(spans(node(START, 0), node(SUCCESS, 1), node(START, 2))["state"]) == ["closed", "open"]


def test_work_on_another_input_is_other_work():
    found = spans(
        node(START, 0, input_hash=1), node(START, 1, input_hash=2), node(SUCCESS, 2, input_hash=2),
    )  # fmt: skip
    assert sorted(found["state"]) == ["closed", "open"]


def test_a_second_end_of_the_same_work_is_a_duplicate():
    assert sorted(spans(node(START, 0), node(SUCCESS, 1), node(SUCCESS, 2))["state"]) == ["closed", "duplicate_end"]


def test_a_second_end_that_took_no_longer_than_since_the_first_is_work_whose_start_was_lost():
    found = spans(node(START, 0), node(SUCCESS, 1), node(SUCCESS, 20, execution_time_ms=3000.0))
    assert found["state"].to_list() == ["closed", "closed"]


# ------------------------------------------------------------------ without a correlation


def test_without_a_correlation_id_equal_input_states_pair():
    alone = {"correlation_id": None}
    found = spans(
        node(START, 0, input_hash=1, **alone), node(START, 1, input_hash=2, **alone),
        node(SUCCESS, 2, input_hash=1, **alone), node(SUCCESS, 3, input_hash=2, **alone),
    )  # fmt: skip
    assert pairs(found) == {(id_of(0), id_of(2)), (id_of(1), id_of(3))}
    assert set(found["paired_by"]) == {"input_state"}
    assert set(found["trace_id"]) == {id_of(0), id_of(1)}


def test_what_no_input_state_brings_together_pairs_in_order_within_the_node():
    alone = {"correlation_id": None}
    found = spans(
        node(START, 0, input_hash=1, **alone), node(FAILURE, 1, **alone), node(START, 0, node="b", **alone),
    )  # fmt: skip
    assert pairs(found) == {(id_of(0), id_of(1)), (id_of(2), None)}
    assert set(found["paired_by"]) == {"order", None}


def test_no_order_speaks_against_an_execution_time():
    alone = {"correlation_id": None}
    found = spans(node(START, 0, input_hash=1, **alone), node(FAILURE, 4000, execution_time_ms=5.0, **alone))
    assert sorted(found["state"]) == ["closed", "open"]


def test_a_span_id_pairs_where_there_is_no_correlation_id():
    same = {"correlation_id": None, "trace_id": "t"}
    found = spans(
        node(START, 0, span_id="s1", **same), node(START, 1, span_id="s2", **same),
        node(SUCCESS, 2, span_id="s1", **same), node(SUCCESS, 3, span_id="s2", **same),
    )  # fmt: skip
    assert pairs(found) == {(id_of(0), id_of(2)), (id_of(1), id_of(3))}
    assert set(found["span_id"]) == {"s1", "s2"}


def test_span_ids_tell_work_of_one_correlation_apart():
    found = spans(
        node(START, 0, span_id="s1"), node(START, 1, span_id="s2"), node(SUCCESS, 2, span_id="s1"),
        node(SUCCESS, 3, span_id="s2"),
    )  # fmt: skip
    assert pairs(found) == {(id_of(0), id_of(2)), (id_of(1), id_of(3))}


# ------------------------------------------------------------------ witnesses, requests, profiles


def test_a_node_pair_within_a_telemetry_pair_is_the_same_operation():
    found = spans(*run("a", "c", 0, ms=10.0)).row(0, named=True)
    assert (found["witnesses"], found["name"], found["family"]) == (2, "stamp", "telemetry")
    assert (found["duration_ms"], found["start"]) == (10.0, at(0))


def test_one_exception_told_twice_is_one_failure_with_the_words_of_telemetry_first():
    found = spans(*run("a", "c", 0, failed=True, code="E1")).row(0, named=True)
    assert (found["outcome"], found["status"], found["witnesses"]) == ("failure", "error", 2)
    assert (found["error_code"], found["error_type"], found["error_message"]) == ("E1", "ValueError", "boom")


def test_the_worse_outcome_of_two_witnesses_counts():
    rows = run("a", "c", 0)
    rows[2] = {**rows[2], "result_status": "warning"}
    assert spans(*rows)["outcome"].to_list() == ["soft_failure"]


def test_each_of_nested_runs_has_its_own_two_witnesses():
    inner = [{**row, "at": float(str(row["at"])) + 0.003} for row in run("a", "c", 0, ms=2.0)]
    found = spans(*run("a", "c", 0, ms=10.0), *inner)
    assert found["witnesses"].to_list() == [2, 2]
    assert found["duration_ms"].to_list() == [10.0, 2.0]


def test_work_that_hangs_is_one_open_span_though_two_tell_of_its_start():
    found = spans(*run("a", "c", 0)[:2]).row(0, named=True)
    assert (found["state"], found["name"], found["witnesses"]) == ("open", "stamp", 0)


def test_what_one_witness_lacks_the_other_gives():
    rows = run("a", "c", 0)
    assert spans(*rows[:3]).select("state", "witnesses").row(0) == ("closed", 1)
    assert spans(*rows[1:]).select("state", "witnesses").row(0) == ("closed", 2)


def test_without_a_correlation_nothing_says_that_two_witnesses_tell_of_the_same():
    rows = [{**row, "correlation_id": None} for row in run("a", "c", 0)]
    assert spans(*rows)["witnesses"].to_list() == [1, 1]


def test_a_request_is_answered_by_another_node():
    found = spans(
        {"event_type": "TOOL_PROXY_INVOKE", "at": 0, "node": "a", "correlation_id": "c", "operation": "tool"},
        {"event_type": "TOOL_PROXY_ACCEPTED", "at": 1, "node": "b", "correlation_id": "c"},
        {"event_type": "TOOL_PROXY_TIMEOUT", "at": 2, "node": "b", "correlation_id": "c", "operation": "tool"},
    ).row(0, named=True)
    assert (found["node"], found["kind"], found["status"], found["duration_ms"]) == ("b", "client", "error", 2000.0)


def test_a_profile_gives_its_numbers_to_the_span_of_its_operation():
    profile = {
        "event_type": "PERFORMANCE_PROFILE", "at": 0.012, "node": "a", "correlation_id": "c", "operation": "stamp",
        "cpu_time_ms": 7.5, "execution_time_ms": 9.0,
    }  # fmt: skip
    found = spans(*run("a", "c", 0), profile)
    assert found.select("cpu_time_ms", "duration_ms", "witnesses").rows() == [(7.5, 10.0, 2)]


def test_a_profile_of_nothing_else_is_a_closed_span_of_its_own():
    profile = {
        "event_type": "PERFORMANCE_PROFILE", "at": 5, "node": "a", "correlation_id": "other", "operation": "x",
        "cpu_time_ms": 7.5, "execution_time_ms": 9.0,
    }  # fmt: skip
    found = spans(*run("a", "c", 0), profile).filter(family="profile").row(0, named=True)
    assert (found["state"], found["status"], found["start"]) == ("closed", "unset", at(4.991))
    assert (found["duration_ms"], found["cpu_time_ms"]) == (9.0, 7.5)


def test_a_log_line_makes_no_span():
    assert spans({"event_type": "STRUCTURED_LOG"}, {"event_type": "NODE_REGISTER"}).is_empty()


# ------------------------------------------------------------------ shapes


def test_dimensions_are_carried_and_one_that_bears_a_name_of_ours_is_renamed():
    rows = events([node(START, 0), node(SUCCESS, 1)]).with_columns(
        tenant=pl.lit("acme"), state=pl.lit("Bavaria"), only_at_the_end=pl.when(outcome="success").then(1)
    )
    found = build_spans(rows).collect()
    assert found.columns == [*SPANS, "tenant", "dimension_state", "only_at_the_end"]
    assert found.select("tenant", "state", "dimension_state").row(0) == ("acme", "closed", "Bavaria")
    assert found["only_at_the_end"].to_list() == [1]


def test_an_empty_frame_gives_an_empty_frame_of_the_shape():
    assert build_spans(pl.LazyFrame(schema=EVENTS)).collect().schema == SPANS


def test_any_choice_of_columns_gives_the_same_values():
    rows = events([*run("a", "c", 0), *run("b", "d", 1, failed=True)])
    whole = build_spans(rows).collect()
    for name in whole.columns:
        both = list({"start_event_id", name})
        assert_frame_equal(build_spans(rows).select(both).collect(), whole.select(both), check_row_order=False)
    assert build_spans(rows).filter(pl.col("status") == "error").select(pl.len()).collect().item() == 1


@pytest.mark.parametrize("absent", ["event_id", "timestamp", "family", "outcome", "node", "correlation_id"])
def test_a_column_that_pairing_cannot_do_without_is_asked_for(absent):
    with pytest.raises(MissingColumns, match=absent):
        build_spans(events([]).drop(absent))


def test_six_columns_of_events_are_enough():
    few = events(run("a", "c", 0)).select("event_id", "timestamp", "family", "outcome", "node", "correlation_id")
    assert build_spans(few).collect()["duration_ms"].to_list() == [11.0]


# ------------------------------------------------------------------ laws

TYPES = (START, SUCCESS, FAILURE, "TELEMETRY_OPERATION_START", "TELEMETRY_OPERATION_SUCCESS", "PERFORMANCE_PROFILE",
         "TOOL_PROXY_INVOKE", "TOOL_PROXY_RESULT")  # fmt: skip


@st.composite
def logs(draw: st.DrawFn) -> list[dict[str, object]]:
    rows = []
    for _ in range(draw(st.integers(0, 24))):
        rows.append({
            "event_type": draw(st.sampled_from(TYPES)), "at": draw(st.integers(0, 12)),
            "node": draw(st.sampled_from("ab")), "correlation_id": draw(st.sampled_from([None, "c", "d"])),
            "parent_correlation_id": draw(st.sampled_from([None, None, "c", "d", "gone"])),
            "operation": draw(st.sampled_from([None, "x", "y"])), "span_id": draw(st.sampled_from([None, None, "s"])),
            "execution_time_ms": draw(st.sampled_from([None, 1000.0, 3000.0])),
            "input_hash": draw(st.sampled_from([None, 1, 2])), "trace_id": draw(st.sampled_from([None, None, "t"])),
            "causation_id": draw(st.sampled_from([None, None, id_of(0), id_of(3), "gone"])),
        })  # fmt: skip
    return rows


@settings(max_examples=examples(30))
@given(logs(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(log, chance):
    frame = events(log).collect()
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=chance.randrange(10**6))
    assert_frame_equal(
        build_spans(frame).collect(), build_spans(shuffled).collect(), check_row_order=False, check_exact=True
    )


@settings(max_examples=examples(40))
@given(logs())
def test_no_event_is_lost_and_none_stands_in_two_spans(log):
    frame = events(log).filter(pl.col("outcome") != "other")
    found = build_spans(frame).collect()
    told = found["start_event_id"].drop_nulls().to_list() + found["end_event_id"].drop_nulls().to_list()
    assert len(told) == len(set(told))
    second = found["witnesses"].sum() - found["end_event_id"].drop_nulls().len()
    ends = frame.filter(pl.col("outcome") != "start").collect().height
    assert found["end_event_id"].drop_nulls().len() + second == ends
    assert found.filter(pl.col("state").is_null()).is_empty()


def slow_pairs(log: list[tuple[float, bool, float | None]]) -> set[tuple[int | None, int | None]]:
    """Ends in order of time take the nearest start that fits, else the last one: as the rule is written."""
    free: list[tuple[float, int]] = []
    done: set[tuple[int | None, int | None]] = set()
    for time, is_end, place in sorted((t, e, i) for i, (t, e, _) in enumerate(log)):
        if not is_end:
            free.append((time, place))
            continue
        took = log[place][2]
        if not free:
            continue
        chosen = free[-1]
        if took is not None and len(free) > 1:
            off = [(abs(time - took / 1000 - t), -n) for n, (t, _) in enumerate(free)]
            best = min(off)
            if best[0] <= max(0.010, took / 1000 * 0.05) + 1e-9:
                chosen = free[-best[1]]
        free.remove(chosen)
        done.add((chosen[1], place))
    return done


@settings(max_examples=examples(200))
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([None, 7.0, 30.0, 1000.0, 4000.0])), max_size=40), st.data())
def test_pairing_is_that_of_the_slow_and_obvious_way(kinds, data):
    times = data.draw(st.permutations(range(len(kinds))))
    step = data.draw(st.sampled_from([0.003, 0.5]))
    log = [(t * step, is_end, took if is_end else None) for t, (is_end, took) in zip(times, kinds, strict=True)]
    found = build_spans(events(
        node(SUCCESS if is_end else START, t, execution_time_ms=took) for t, is_end, took in log
    )).filter(pl.col("paired_by").is_not_null() & (pl.col("state") != "negative_duration")).collect()  # fmt: skip
    wanted = {(id_of(a), id_of(b)) for a, b in slow_pairs(log) if a is not None and b is not None}
    assert pairs(found) == wanted


def test_a_key_of_many_events_pairs_in_time():
    """100,000 starts, then their ends, under one key and one time: nothing here may be quadratic."""
    n = 100_000
    one = pl.DataFrame({
        "event_id": [f"s{i:06d}" for i in range(n)] + [f"t{i:06d}" for i in range(n)],
        "timestamp": pl.Series([NOON] * (2 * n)).cast(EVENTS["timestamp"]), "family": "node",
        "outcome": ["start"] * n + ["success"] * n, "node": "a", "correlation_id": "c",
    })  # fmt: skip
    assert build_spans(one).collect()["state"].value_counts().rows() == [("closed", n)]
    apart = one.with_columns(operation=pl.when(outcome="start").then(pl.lit("x")))
    assert build_spans(apart).collect()["state"].value_counts().rows() == [("closed", n)]


# ------------------------------------------------------------------ real and synthetic logs


def test_the_real_log_gives_the_spans_that_are_known_of_it(shared_data: Path, tmp_path: Path):
    store = EventStore(tmp_path / "store")
    store.append(shared_data / "onex" / "omnibase_main_v1.0.0.jsonl")
    found = build_spans(store.scan()).collect()
    assert found.height == 871
    assert found.filter(state="open").is_empty()
    assert found.filter(outcome="failure").height == 22
    assert found.filter(witnesses=2).height == 643
    ways = dict(found.group_by("paired_by").len().iter_rows())
    assert (ways["input_state"], ways["order"]) == (219, 9)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    folder = tmp_path_factory.mktemp("fleet")
    generate(30_000, seed=5).write(folder / "log.jsonl")
    store = EventStore(folder / "store", dimensions=DIMENSIONS)
    store.append(folder / "log.jsonl")
    return store.scan().collect()


def test_spans_and_operations_count_the_same_failures(fleet):
    counted = operations(fleet.lazy()).filter(pl.col("outcome").is_in(["failure", "soft_failure"]))
    ours = build_spans(fleet).filter(pl.col("outcome").is_in(["failure", "soft_failure"]))
    assert dict(ours.group_by("outcome").len().collect().iter_rows()) == dict(
        counted.group_by("outcome").len().collect().iter_rows()
    )


def test_a_tenant_stands_on_every_span_of_an_event_that_names_one(fleet):
    told = fleet.filter(pl.col("tenant").is_not_null(), outcome="start").select("event_id")
    found = build_spans(fleet).select("start_event_id", "tenant", "witnesses").collect()
    assert found.join(told, left_on="start_event_id", right_on="event_id")["tenant"].null_count() == 0
