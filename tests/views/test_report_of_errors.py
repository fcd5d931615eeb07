"""The part of the report that is about errors, from small logs in which it is known what goes wrong."""

from __future__ import annotations

import re

import polars as pl
import pytest

from onex_analytics.frames import build_spans, main_period
from onex_analytics.looks.errors import error_look
from onex_analytics.views import ErrorFrames
from onex_analytics.views.report_of_errors import error_sections
from tests.frames.rows import at, events, run

EVIL = '<script>document.title="pwned"</script><img src=x onerror=alert(1)>'


def asked(log: pl.LazyFrame, **more: object) -> ErrorFrames:
    return error_look(log, build_spans(log), period=main_period(log).collect(), **more)  # type: ignore[arg-type]


def texts(errors: ErrorFrames) -> dict[str, str]:
    return {section.anchor: section.body for section in error_sections(errors)}


def fleet(new_from: float = 300, code: str = "E7") -> pl.LazyFrame:
    """Four hundred calls, a second apart: every twentieth fails as always, and from `new_from` on every fifth anew."""
    return events(
        row
        for i in range(400)
        for row in run("old" if i < new_from or i % 5 else "fresh", f"c{i}", i, 5.0,
                       failed=i % 20 == 0 or (i >= new_from and i % 5 == 0),
                       code=code if i >= new_from and i % 5 == 0 else "E1")
    )  # fmt: skip


def test_groups_add_up_and_say_why_they_are_one():
    told = texts(asked(fleet()))["errors-groups"]
    assert "<dt>errors</dt><dd>35</dd>" in told
    assert re.search(r'<td class="number">20</td><td class="number">57\.1 %</td><td>E7</td><td>its code</td>', told)


def test_what_is_new_since_a_moment_is_told_and_the_moment_can_be_chosen():
    found = asked(fleet(), moment=at(250))
    assert found.changes is not None
    assert found.changes.moment == at(250)
    rows = found.changes.changes.select("title", pl.col("change").cast(pl.String)).rows()
    assert rows[0] == ("E7", "new")
    assert "Before and after 2026-01-01 12:04: " in texts(found)["errors-changes"]
    assert '<td class="whole">new</td><td>E7</td>' in texts(found)["errors-changes"]


def test_without_a_moment_the_last_fifth_is_held_against_the_rest():
    found = asked(fleet()).changes
    assert found is not None
    assert (found.end - found.moment) / (found.end - found.start) == pytest.approx(0.2, abs=0.001)
    assert "last fifth of the log" in found.occasion


def test_what_is_different_about_failed_work_names_the_node():
    found = asked(fleet())
    first, *rest = found.contrasts
    assert (first.code, first.failures) == (None, 35)
    assert [(one.code, one.failures) for one in rest] == [("E7", 20)]
    told = texts(found)["errors-contrast"]
    assert told.index("node=fresh") > told.index("All work that failed: 35")
    assert told.count('class="plot"') == 2
    assert "What is different about failed work: " in told
    assert "What is different about failures with E7: " in told
    assert "Work that failed with E7: 20" in told


def test_errors_that_follow_each_other_in_many_traces_are_a_chain_and_one_of_them_is_the_example():
    log = events(
        row for i in range(12)
        for row in (*run("deep", f"d{i}", 60 * i, 5.0, failed=True, code="E1"),
                    *run("high", f"h{i}", 60 * i + 0.05, 5.0, failed=True, code="E2"))
    )  # fmt: skip
    told = texts(asked(log.with_columns(trace_id=pl.col("correlation_id").str.slice(1))))
    assert "deep · E1 → high · E2" in told["errors-together"]
    assert "<td>E1 → E2</td>" in told["errors-together"]
    assert "The most frequent is deep · E1, then high · E2: in 12 traces, half of them within 50 ms." in told[
        "errors-together"
    ]
    assert "The most frequent is E1, then E2: in 12 episodes, half of them within 50 ms." in told["errors-together"]
    assert "<code>11</code>" in told["errors-example"]
    assert "2 errors of one trace, in 2 lanes" in told["errors-example"]
    assert "1 arrow leads from an error to the one that it draws after it" in told["errors-example"]


def test_without_chains_their_absence_is_told_and_the_example_has_the_order_of_time():
    log = events(
        row for code in ("E1", "E2")
        for row in run(code, f"c{code}", int(code[1]), 5.0, failed=True, code=code)
    ).with_columns(trace_id=pl.lit("one"))  # fmt: skip
    told = texts(asked(log))
    assert "No chain within traces: no two groups come in one order" in told["errors-together"]
    assert "No chain within episodes: no two groups come in one order" in told["errors-together"]
    assert "In order: E1, E2." in told["errors-example"]
    assert "cascades" not in told["errors-example"]


def test_groups_that_come_together_more_often_than_by_chance_are_drawn_and_others_are_told_of():
    def pairs(together: bool, every: int = 3) -> str:
        """Of ninety traces, one of so many has E1, and the same one or the next has E2."""
        log = events(
            row for i in range(90)
            for row in (*run("deep", f"d{i}", 60 * i, 5.0, failed=i % every == 0, code="E1"),
                        *run("high", f"h{i}", 60 * i + 0.05, 5.0, failed=(i - (not together)) % every == 0, code="E2"))
        )  # fmt: skip
        told = texts(asked(log.with_columns(trace_id=pl.col("correlation_id").str.slice(1))))["errors-together"]
        return told.partition("<h3>One after the other</h3>")[0]

    assert "Heat map of 2 errors that come in the same traces" in pairs(True)
    assert "Of 1 pair tested, 1 came in a trace at all, 1 more often than by chance." in pairs(True)
    assert "No two groups come together: of those that came in three traces or more, no trace has two." in pairs(False)
    always = "more often than by chance: of 1 pair tested, 1 came in a trace at all."
    assert always in pairs(True, every=1)
    assert 'class="plot"' not in pairs(False) + pairs(True, every=1)


def test_nothing_wrong_is_said_in_words():
    for log in (events([]), events([{"at": 0}]), events(row for i in range(9) for row in run("a", f"c{i}", i, 5.0))):
        (section,) = error_sections(asked(log))
        assert section.body.startswith('<p class="empty">Nothing goes wrong')


def test_a_single_error_reads_well():
    for log in (events(run("a", "c", 0, 5.0, failed=True, code="E1")), events([{"at": 0, "outcome": "failure"}])):
        told = texts(asked(log))
        assert "<dt>errors</dt><dd>1</dd>" in told["errors-groups"]
        assert "No group comes in bursts." in told["errors-bursts"]
        assert "No two groups come together" in told["errors-together"]
        for body in told.values():
            said = re.sub(r'<script type="application/json">.*?</script>', "", body)
            assert not re.search(r"\bnan\b|None|inf\b", said)


def test_of_many_groups_the_rest_is_counted():
    log = events(row for i in range(60) for row in run("a", f"c{i}", i, 5.0, failed=True, code=f"E{i}"))
    assert "20 rarer groups have no row: 20 errors." in texts(asked(log))["errors-groups"]


def test_groups_with_one_title_are_told_apart():
    message = "[E1] x\nTraceback (most recent call last):\n  File \"/app/src/t/{}.py\", line 4, in f\n    g()\nE: x"
    log = events(
        {**row, "error_message": message.format("ab"[i % 2]), "error_code": None, "error_type": "E"}
        for i in range(8) for row in run("a", f"c{i}", i, 5.0, failed=True)
    )  # fmt: skip
    titles = asked(log).groups["title"]
    assert titles.n_unique() == titles.len()


def test_text_of_users_never_becomes_markup():
    log = fleet(code=EVIL).with_columns(pl.lit(EVIL).alias("error_message"))
    for body in texts(asked(log)).values():
        assert not re.search(r"<script>document|<img", body)
    assert "pwned" in texts(asked(log))["errors-groups"]
