"""A time range selects what it shows, and says how much that is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import onex_analytics as ox
from onex_analytics.exceptions import InvalidOption
from onex_analytics.jupyter.widgets import Selection, TimeRange
from tests.laws import examples

START = datetime(2026, 11, 1, 12, tzinfo=UTC)


def log_of(minutes: int = 240) -> pl.DataFrame:
    return pl.DataFrame({
        "timestamp": [START + timedelta(minutes=m) for m in range(minutes)],
        "node": [("a", "b", "c")[m % 3] for m in range(minutes)],
        "outcome": ["failure" if m % 10 == 0 else "success" for m in range(minutes)],
    })


def heard(widget: TimeRange, action: str, **more: Any) -> None:
    widget._handle_custom_msg({"do": action, **more}, [])


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("brush"), st.integers(-3, 260), st.integers(-3, 260)),
        st.tuples(st.just("pick"), st.integers(0, 1), st.lists(st.integers(0, 4), max_size=3)),
        st.sampled_from([("undo",), ("reset",), ("closer",), ("all",)]),
        st.tuples(st.just("select"), st.integers(-10, 250), st.integers(1, 100)),
    ), max_size=8,
)  # fmt: skip
LOG = log_of()


@settings(max_examples=examples(50))
@given(STEPS)
def test_whatever_is_done_what_is_said_to_be_selected_is_selected(steps):
    widget = TimeRange(LOG, by=["node", "outcome"], most=2)
    for step in steps:
        match step:
            case "brush", low, high:
                heard(widget, "brush", **{"from": low, "to": high})
            case "pick", column, places:
                heard(widget, "pick", column=column, places=places)
            case "select", at, length:
                since = START + timedelta(seconds=61 * at)
                widget.select(since=since, until=since + timedelta(minutes=length))
            case (action,):
                heard(widget, action)
        told = widget._told
        assert told["selected"] == widget.selected == widget.events.collect().height
        assert told["total"] == widget.total == LOG.height
        if widget.selection.since is not None and widget.selection.until is not None:
            first, last = (
                (bound - widget._brushing.period.begin) // widget._brushing.period.width
                for bound in (widget.selection.since, widget.selection.until)
            )
            if widget._brushing.period.place(widget.selection.since) == first and (
                widget._brushing.period.place(widget.selection.until) == last
            ):
                assert sum(told["bars"][first:last]) == widget.selected


def test_undo_takes_back_step_by_step_and_reset_is_a_step_like_others():
    widget = TimeRange(log_of())
    seen = [widget._told]
    heard(widget, "brush", **{"from": 30, "to": 90})
    seen.append(widget._told)
    heard(widget, "closer")
    seen.append(widget._told)
    widget.select(filters={"node": ["a"]})
    seen.append(widget._told)
    heard(widget, "reset")
    assert widget.selection == Selection()
    for before in reversed(seen):
        heard(widget, "undo")
        assert widget._told == before
    heard(widget, "undo")  # nothing is left to take back
    assert widget._told == seen[0]


def test_the_first_selection_can_be_taken_back_too():
    widget = TimeRange(log_of())
    widget.select(since=START + timedelta(hours=1))
    widget.undo()
    assert (widget.selection, widget.selected) == (Selection(), 240)


def test_observers_are_told_once_of_each_change():
    widget, seen = TimeRange(log_of()), []
    widget.observe(lambda change: seen.append(change["new"]), "selection")
    heard(widget, "brush", **{"from": 0, "to": 10})
    heard(widget, "brush", **{"from": 0, "to": 10})
    widget.selection = Selection(filters={"node": ("a", "a")})
    assert [(one.since, dict(one.filters)) for one in seen] == [(START, {}), (None, {"node": ("a",)})]


def test_a_closer_look_has_finer_bars_and_a_selection_outside_of_it_ends_it():
    widget = TimeRange(log_of(), buckets=24)
    heard(widget, "brush", **{"from": 2, "to": 4})
    heard(widget, "closer")
    assert widget._told["width"] < 600_000
    assert sum(widget._told["bars"]) == widget.selected == 20
    heard(widget, "brush", **{"from": 0, "to": 0})  # no bar: all that is shown
    assert widget.selected == 20
    widget.select(since=START)
    assert not widget._told["close"]


def test_a_selection_may_be_said_in_other_words():
    widget = TimeRange(log_of())
    widget.select(filters={"outcome": "failure"})
    assert widget.selected == 24
    widget.selection = Selection(datetime(2026, 11, 1, 13), filters={"outcome": "failure"})
    assert widget.selection == Selection(datetime(2026, 11, 1, 13, tzinfo=UTC), None, {"outcome": ("failure",)})
    assert widget.selected == widget.events.collect().height == 18


@pytest.mark.parametrize(
    ("values", "wanted", "count"),
    [([True, False, None], [True], 1), ([1, 2, 2], [2], 2), ([1.5, 2.0, None], [None, 2.0], 2),
     ([START, START, None], [START], 2)],
)  # fmt: skip
def test_columns_of_any_plain_type_can_be_filtered(values, wanted, count):
    widget = TimeRange(log_of(3).with_columns(kind=pl.Series(values)), by="kind")
    widget.select(filters={"kind": wanted})
    assert widget.selected == widget.events.collect().height == count
    assert [value["n"] for value in widget._told["columns"][0]["values"] if value["on"]] != []


def test_a_filter_of_every_value_is_none():
    widget = TimeRange(log_of())
    heard(widget, "pick", column=0, places=[0, 1, 2])
    assert widget.selection == Selection()


def test_rare_values_are_one_that_can_be_chosen_and_its_number_is_said():
    widget = TimeRange(log_of(), most=2)
    (column,) = (one for one in widget._told["columns"] if one["name"] == "node")
    assert column["others"] == 1
    assert [(value["kind"], value["n"]) for value in column["values"]] == [("value", 80), ("value", 80), ("others", 80)]
    widget.select(filters={"node": [...]})
    assert widget.events.collect()["node"].unique().to_list() == ["c"]
    widget.select(filters={"node": ["c"]})  # is listed from now on
    assert [value["text"] for value in widget._told["columns"][0]["values"]] == ["a", "b", "c"]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> ox.EventStore:
    folder = tmp_path_factory.mktemp("widgets")
    ox.generate(3_000, seed=3).write(str(folder / "log.jsonl"))
    store = ox.EventStore(str(folder / "events"))
    store.append(str(folder / "log.jsonl"))
    return store


def test_of_a_store_the_version_of_the_beginning_is_read_until_it_is_refreshed(stored, tmp_path):
    widget = TimeRange(stored)
    before = widget.total
    assert [column["name"] for column in widget._told["columns"]] == ["event_type", "node", "outcome", "severity"]
    widget.select(filters={"event_type": ["NODE_START"], "outcome": ["start"], "severity": [None]})
    assert widget.selected == widget.events.collect().height > 0
    log = tmp_path / "more.jsonl"
    log.write_text('{"event_id":"new","timestamp":"2026-11-01T00:00:00","node_id":"n","event_type":"NODE_START"}\n')
    stored.append(str(log))
    assert widget.total == before == TimeRange(widget.events).total + before - widget.selected
    selected = widget.selected
    widget.refresh()
    assert (widget.total, widget.selected) == (before + 1, selected + 1)


@pytest.mark.parametrize(
    ("options", "mend"),
    [({"buckets": 0}, "from 1"), ({"most": True}, "from 1")],
)
def test_bad_options_are_refused(options, mend):
    with pytest.raises(InvalidOption, match=mend):
        TimeRange(log_of(), **options)


@pytest.mark.parametrize(
    ("selection", "mend"),
    [({"filters": {"tenant": ["x"]}}, "name more as `by`"), ({"filters": {"node": []}}, "some values"),
     ({"since": "2026-11-02", "until": "2026-11-01"}, "before `until`"), ({"since": "noon"}, "ISO time"),
     ({"filters": {"node": [7]}}, "values of type String")],
)  # fmt: skip
def test_a_selection_that_is_none_is_refused_and_nothing_changes(selection, mend):
    widget = TimeRange(log_of())
    with pytest.raises(InvalidOption, match=mend):
        widget.select(**selection)
    assert (widget.selection, widget.selected) == (Selection(), 240)
    heard(widget, "brush", **{"from": 0, "to": 10})
    assert widget.selected == widget.events.collect().height == 10


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("timed", [True, False])
def test_a_log_without_events_or_times_is_shown_as_that(rows, timed):
    log = log_of(rows)
    widget = TimeRange(log if timed else log.with_columns(pl.lit(None, log["timestamp"].dtype).alias("timestamp")))
    assert (widget.total, widget.selected) == (rows, rows)
    assert len(widget._told["bars"]) == (1 if rows and timed else 0)
    heard(widget, "brush", **{"from": 0, "to": 1})
    heard(widget, "closer")
    heard(widget, "what a later version asks")
    assert widget.events.collect().height == rows


def test_strays_are_counted_apart_and_can_be_selected():
    log = pl.concat([log_of(), log_of(1).with_columns(timestamp=pl.lit(datetime(1970, 1, 1, tzinfo=UTC)).cast(
        pl.Datetime("us", "UTC")))])  # fmt: skip
    widget = TimeRange(log)
    assert (widget._told["before"], widget.selected) == (1, 241)
    widget.select(until=START)
    assert widget.selected == 1
