"""Spans from anywhere get every column, and lose nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.frames import complete_spans
from onex_analytics.model.shapes import SPANS

NOON = datetime(2026, 11, 1, 12)
SIX = ("trace_id", "span_id", "parent_span_id", "name", "start", "end")


def foreign(**columns: object) -> pl.DataFrame:
    given = {
        "trace_id": ["t"], "span_id": ["s"], "parent_span_id": [None], "name": ["n"], "start": [NOON],
        "end": [NOON.replace(second=2)],
    }  # fmt: skip
    return pl.DataFrame({**given, **columns}, strict=False)


def test_six_columns_are_enough_and_all_of_ours_come_out_in_their_order_and_types():
    assert complete_spans(foreign()).collect_schema() == SPANS


def test_a_column_of_the_users_own_stays_and_comes_last():
    done = complete_spans(foreign(tag=[7])).collect()
    assert done.columns == [*SPANS, "tag"]
    assert done["tag"].to_list() == [7]


def test_what_is_given_is_kept_as_it_is():
    done = complete_spans(foreign(kind=["server"], status=["error"], duration_ms=[5.0], state=["orphan"])).collect()
    assert done.select("kind", "status", "duration_ms", "state").row(0) == ("server", "error", 5.0, "orphan")


def test_the_service_is_the_node_and_the_name_is_the_operation():
    done = complete_spans(foreign(service=["web"])).collect()
    assert done.select("node", "operation", "duration_ms").row(0) == ("web", "n", 2000.0)


@pytest.mark.parametrize(
    ("start", "end", "state"),
    [
        (NOON, NOON, "closed"),
        (NOON, None, "open"),
        (None, NOON, "end_without_start"),
        (NOON.replace(second=1), NOON, "negative_duration"),
        (None, None, "open"),
    ],
)
def test_a_row_shows_its_state(start, end, state):
    frame = foreign().with_columns(start=pl.lit(start, pl.Datetime("us")), end=pl.lit(end, pl.Datetime("us")))
    assert complete_spans(frame).collect()["state"].to_list() == [state]


def test_a_naive_time_is_utc_and_any_zone_and_unit_becomes_ours():
    winter = pl.Series([datetime(2026, 1, 1, 13)]).dt.cast_time_unit("ns").dt.replace_time_zone("Europe/Berlin")
    done = complete_spans(foreign(start=winter)).collect()
    assert done.select("start", "end").row(0) == (
        datetime(2026, 1, 1, 12, tzinfo=UTC),
        NOON.replace(second=2, tzinfo=UTC),
    )


@pytest.mark.parametrize(("start", "mend"), [(1_700_000_000, "from_epoch"), ("2026-11-01T12:00:00", "to_datetime")])
def test_numbers_and_texts_are_no_times_and_the_error_tells_the_mend(start, mend):
    with pytest.raises(InvalidOption, match=mend):
        complete_spans(foreign(start=[start]))


@pytest.mark.parametrize("absent", SIX)
def test_each_of_the_six_columns_is_required_and_the_error_says_how_spans_are_made(absent):
    with pytest.raises(MissingColumns, match=rf"\['{absent}'\].*build_spans"):
        complete_spans(foreign().drop(absent))


def test_a_frame_without_rows_or_types_passes():
    assert complete_spans(pl.DataFrame({name: [] for name in SIX})).collect().schema == SPANS


def test_a_complete_frame_passes_through_unchanged():
    done = complete_spans(foreign(tag=[7]))
    assert complete_spans(done).explain() == done.explain()
