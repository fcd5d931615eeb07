import base64
import hashlib
import re
from dataclasses import replace

import polars as pl
import pytest

from onex_analytics.cli.first_look import first_look
from onex_analytics.frames import latency
from onex_analytics.model.shapes import LABELS, REJECTED
from onex_analytics.views import ReportFrames, overview, report_page
from tests.frames.rows import at, events, run

EVIL = '<script>document.title="pwned"</script><img src=x onerror=alert(1)>'


def frames_of(log: pl.LazyFrame, **more: pl.LazyFrame) -> ReportFrames:
    look = first_look(log, **more)
    return ReportFrames(**look.answers, work=look.work, errors=look.errors)


def page(log: pl.LazyFrame, **more: pl.LazyFrame) -> str:
    return report_page(frames_of(log, **more), title=EVIL, every="1m", source=EVIL)


def without_library(html: str) -> str:
    """The page without the scripts that run: Plotly itself speaks of hosts and tags."""
    return re.sub(r"<script>.*?</script>", "", html, flags=re.S)


BUSY = events([
    *(row for i in range(40) for row in run("a", f"c{i}", 10 * i, 5.0 + i, failed=i % 7 == 0, code=EVIL)),
    {"at": 1, "node": EVIL, "event_type": EVIL, "schema_version": EVIL, "violations": [EVIL], "event_type_raw": EVIL},
    *run(EVIL, "stuck", 0)[:2],
    {"at": 4000},
])  # fmt: skip
LABELLED = pl.LazyFrame(
    [{"incident_id": EVIL, "kind": EVIL, "node": EVIL, "cause": EVIL, "start": at(0), "end": at(60), "events": 3}],
    schema=LABELS,
)
REFUSED = pl.LazyFrame([{"reason": EVIL, "detail": EVIL, "source": EVIL}], schema=REJECTED)


def test_text_of_users_never_becomes_markup():
    html = without_library(page(BUSY, labels=LABELLED, rejected=REFUSED))
    assert "pwned" in html
    assert not re.search(r"<script>document|<img", html)


def test_only_our_two_scripts_may_run_and_no_host_may_be_asked():
    html = page(BUSY)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; ")
    scripts = re.findall(r"<script>(.*?)</script>", html, flags=re.S)
    assert len(scripts) == 2
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy[1]
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", without_library(html))


def test_every_figure_is_told_in_words():
    html = without_library(page(BUSY))
    figures = re.findall(r"<figure>.*?</figure>", html, flags=re.S)
    assert len(figures) >= 4
    for figure in figures:
        assert re.search(r'role="img" aria-label="[^"]{20,}"', figure)
        assert "<figcaption>" in figure


@pytest.mark.parametrize("log", [events([]), events([{"at": 0}])], ids=["no event", "one event"])
def test_a_report_of_almost_nothing_can_be_read(log):
    html = page(log)
    assert "Nothing stands out." in html
    assert "NaN" not in without_library(html)


def test_what_was_read_is_accounted_for():
    counts = {"read": 1010, "stored": 1000, "duplicate": 7, "rejected": 3}
    html = report_page(replace(frames_of(BUSY), ingest=counts), title="t", every="1m", source="s")
    assert "Read 1,010 = 1,000 stored + 7 duplicate + 3 rejected." in html


def test_the_same_log_gives_the_same_page():
    assert page(BUSY) == page(BUSY)


def test_a_lone_event_of_long_ago_is_named_and_not_drawn():
    long_ago = events([{"at": -1_600_000_000, "event_id": "old"}])
    html = page(pl.concat([BUSY, long_ago]))
    assert "Events far outside the period of nearly all others: 1." in html


@pytest.mark.parametrize("dark_or_light", ["prefers-color-scheme: dark", "color-scheme: light dark"])
def test_the_page_knows_dark_and_light(dark_or_light):
    assert dark_or_light in page(events([]))


def test_figures_draw_each_row_they_are_given():
    frames = frames_of(BUSY)
    drawn = overview.events_per_minute(frames.events_per_minute)
    assert sum(len(trace.x) for trace in drawn.data) == frames.events_per_minute.height
    table = latency(BUSY).collect()
    assert len(overview.latency(table).layout.yaxis.ticktext) == table.height


def test_a_zero_duration_can_be_drawn_though_logarithms_cannot():
    log = events(row for i in range(3) for row in run("a", f"c{i}", i, 0.0))
    assert overview.latency(latency(log).collect()).layout.xaxis.type == "linear"
