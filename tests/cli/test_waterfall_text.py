from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from onex_analytics.cli.waterfall_text import AWAITED_BY_NOBODY, CRITICAL, OPEN, length, waterfall_lines
from onex_analytics.profiling import waterfall

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def rows(*spans: tuple[str, str | None, str, float, float | None], most: int = 200) -> pl.DataFrame:
    """The waterfall of spans (id, parent, name, begin, end), in seconds after noon."""
    made = pl.DataFrame({
        "trace_id": ["t"] * len(spans), "span_id": [s[0] for s in spans],
        "parent_span_id": pl.Series([s[1] for s in spans], dtype=pl.String), "name": [s[2] for s in spans],
        "start": [NOON + timedelta(seconds=s[3]) for s in spans],
        "end": pl.Series(
            [None if s[4] is None else NOON + timedelta(seconds=s[4]) for s in spans], dtype=pl.Datetime("us", "UTC")
        ),
    })  # fmt: skip
    return waterfall(made, trace_id="t", max_lanes=most).collect()



def test_a_bar_stands_where_its_span_was_in_time():
    given = rows(("a", None, "page", 0, 10), ("b", "a", "query", 5, 10))
    page, query = waterfall_lines(given, width=100)[3:]
    assert page.index(CRITICAL) < page.index(AWAITED_BY_NOBODY)
    assert page.count(CRITICAL) == pytest.approx(page.count(AWAITED_BY_NOBODY), abs=2)
    assert query.index(CRITICAL) == pytest.approx(page.index(AWAITED_BY_NOBODY), abs=1)
    assert query.count(CRITICAL) == pytest.approx(page.count(AWAITED_BY_NOBODY), abs=1)


def test_what_never_ended_reaches_to_the_last_sign_of_life():
    lines = waterfall_lines(rows(("a", None, "page", 0, 10), ("b", "a", "mail", 2, None)), width=100)
    assert "1 open" in lines[0]
    assert lines[-1].endswith("open")
    assert OPEN in lines[-1]
    assert CRITICAL not in lines[-1]


def test_what_was_folded_is_counted():
    many = [(f"c{i}", "a", "call", i / 100, i / 100 + 0.001) for i in range(50)]
    lines = waterfall_lines(rows(("a", None, "page", 0, 10), *many, most=5), width=100)
    assert len(lines) == 3 + 5
    assert any("other (" in line for line in lines)


def test_a_trace_of_a_moment_can_be_drawn():
    (line,) = waterfall_lines(rows(("a", None, "page", 0, 0)), width=80)[3:]
    assert line.startswith("page")


@pytest.mark.parametrize("width", [20, 60, 250])
def test_no_line_is_much_wider_than_the_terminal(width):
    deep = [(f"s{i}", f"s{i - 1}" if i else None, "n" * 60, i, 100 - i) for i in range(30)]
    for line in waterfall_lines(rows(*deep), width=width)[3:]:
        assert len(line) <= max(width, 120)


@pytest.mark.parametrize(
    ("ms", "text"), [(0.0, "0 ms"), (999.0, "999 ms"), (1000.0, "1 s"), (119_000.0, "119 s"), (86_400_000.0, "24 h")]
)
def test_durations_are_said_in_a_unit_that_fits(ms, text):
    assert length(ms) == text
