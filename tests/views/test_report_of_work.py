"""The part of the report about time, from small logs whose times are known."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from onex_analytics.looks.work import work_frames
from onex_analytics.views.report_of_work import BANDS, WorkFrames, work_sections

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def spans(slow: int = 8, open_since: list[float] | None = None, evil: str = "disk") -> pl.DataFrame:
    """A hundred and sixty pages: each waits for a query, the `slow` last ones 900 ms for `evil`, too."""
    rows = []
    for i in range(160):
        begin = NOON + timedelta(seconds=i)
        ms = 100 + i / 100 + (900 if i >= 160 - slow else 0)
        rows.append((f"t{i}", f"p{i}", None, "page", "web", begin, ms))
        rows.append((f"t{i}", f"q{i}", f"p{i}", "query", "database", begin, 60))
        if i >= 160 - slow:
            rows.append((f"t{i}", f"d{i}", f"p{i}", "read", evil, begin + timedelta(milliseconds=60), 900))
    rows += [
        (f"o{i}", f"o{i}", None, "import", "loader", NOON - timedelta(seconds=s), None)
        for i, s in enumerate(open_since or [])
    ]
    columns = ["trace_id", "span_id", "parent_span_id", "name", "service", "start", "ms"]
    made = pl.DataFrame(rows, schema=columns, orient="row", schema_overrides={"ms": pl.Float64})
    return made.with_columns(end=pl.col("start") + pl.duration(microseconds=pl.col("ms") * 1000)).drop("ms")


def work(**more: object) -> WorkFrames:
    return work_frames(spans(**more).lazy(), now=NOON + timedelta(hours=1))  # type: ignore[arg-type]


def texts(given: WorkFrames) -> dict[str, str]:
    return {section.anchor: section.body for section in work_sections(given)}


def test_the_first_row_is_what_slow_requests_wait_for():
    given = work()
    first = given.tail.row(0, named=True)
    assert (first["node"], first["operation"]) == ("disk", "read")
    assert first["before_ms"] == 0
    assert first["delta_ms"] == pytest.approx(900)
    told = texts(given)["tail"]
    assert "disk · read, 900 ms longer in each slow request" in told
    assert ">80<" in told  # the middle half of 160


def test_a_critical_path_by_node_adds_up_in_every_band():
    profile = work().critical_path
    shares = profile.group_by("band", "band_from", "band_to").agg(pl.col("share").sum()).sort("band")
    assert [*shares["band_from"], 1.0] == list(BANDS)
    assert shares["share"].to_list() == pytest.approx([1, 1, 1, 1])
    assert profile.select("band", "node").is_duplicated().sum() == 0


def test_what_no_path_knows_of_is_said_with_its_reason_and_open_work_is_not_among_it():
    assert "stand in no tree" not in texts(work(open_since=[60.0]))["critical-path"]
    backwards = pl.when(pl.col("name") == "query").then(pl.col("start") - timedelta(hours=1)).otherwise("end")
    given = work_frames(spans().with_columns(end=backwards).lazy(), now=NOON)
    assert given.in_no_tree.rows() == [("negative_duration", 160)]
    assert "160 spans stand in no tree, and are not in the times below: 160 negative duration." in texts(given)[
        "critical-path"
    ]


def test_unfinished_work_is_counted_by_kind_and_the_oldest_stand_first():
    given = work(open_since=[60.0, 7200.0, -3590.0])
    (row,) = given.open_work.to_dicts()
    assert (row["node"], row["open"], row["older"]) == ("loader", 3, 2)
    assert row["longest_age_ms"] == 3 * 3_600_000
    told = texts(given)["unfinished"]
    assert ": 3, 2 of them for over 30 min" in told
    assert told.index("10:00</td>") < told.rindex("11:59</td>")


def test_what_is_all_well_is_said_in_words():
    assert "All work that began has ended." in texts(work())["unfinished"]
    nothing = texts(work_frames(spans().clear().lazy(), now=None))
    assert len(nothing) == 4
    for body in nothing.values():
        assert body.startswith('<p class="empty">')
    equal = spans(slow=0).with_columns(end=pl.col("start") + pl.duration(milliseconds=50))
    assert "take no longer than those in the middle" in texts(work_frames(equal.lazy(), now=NOON))["tail"]


def test_work_that_never_ended_alone_has_no_latency_to_show():
    only_open = spans(open_since=[60.0]).filter(pl.col("end").is_null())
    told = texts(work_frames(only_open.lazy(), now=NOON))
    assert "No operation ended" in told["latency"]
    assert "loader" in told["unfinished"]


def test_names_never_become_markup():
    for body in texts(work(evil="<img src=x>", open_since=[60.0])).values():
        assert "<img" not in body


def test_each_part_says_how_to_read_it():
    for section in work_sections(work(open_since=[60.0])):
        assert section.body.startswith('<p class="dim">'), section.title
