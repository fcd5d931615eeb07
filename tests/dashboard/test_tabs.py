"""What a tab is told: the numbers of the analyses, no markup of users, and errors that end nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from threading import Event

import polars as pl
import pytest

from onex_analytics import EventStore, frames, profiling
from onex_analytics.alerting import presets
from onex_analytics.dashboard import alerts, overview, pages, traces
from onex_analytics.dashboard.library import Library
from onex_analytics.dashboard.sections import Slot
from onex_analytics.dashboard.selection import PAGES, Cell, Selection, View
from onex_analytics.dashboard.tabs import Tab
from onex_analytics.views.tables import plain
from tests.dashboard.logs import IN_THE_MIDDLE, evil_events, fleet_store


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    store = fleet_store(tmp_path_factory.mktemp("fleet"))
    store.append(evil_events())
    held = Library(store, presets(), "The rules <b>of ours</b>")
    yield held
    held.answers.close()


class Browser:
    """A tab without a browser: what it was told."""

    def __init__(self, library: Library) -> None:
        self.told, self._done, self._number = [], Event(), 0
        self.tab = Tab(library, self._hear)
        library.join(self.tab)

    def _hear(self, told) -> None:
        self.told.append(told)
        if told["kind"] == "done":
            self._done.set()

    def show(self, query: str, how: str = "go") -> dict[str, str]:
        """The sections of a view, by their anchors, once all have come."""
        self._done.clear()
        self.told, self._number = [], self._number + 1
        self.tab.hear({"ask": query, "number": self._number, "how": how})
        assert self._done.wait(120)
        return {one["anchor"]: one["html"] for one in self.told if one["kind"] == "slot" and not one["busy"]}


@pytest.fixture
def browser(library):
    held = Browser(library)
    yield held
    held.tab.leave()


def fact(html: str, name: str) -> str:
    return re.search(rf"<dt>{name}</dt><dd>([^<]*)</dd>", html)[1]


def test_the_overview_shows_the_numbers_of_the_analyses_for_the_selection_of_the_link(library, browser):
    store = library.store
    chosen = Selection(node=("cache_node", "stamper_node"))
    shown = browser.show(View(selection=chosen).query())["facts"]
    events = store.scan(nodes=list(chosen.node))
    work = frames.operations_of(store.spans().filter(pl.col("node").is_in(list(chosen.node))))
    total = frames.totals(events, work=work).collect().row(0, named=True)
    rates = frames.error_overview(events, work=work).collect().row(0, named=True)
    assert total["failures"] > 0
    assert fact(shown, "events") == plain(total["events"], "count")
    assert fact(shown, "failures") == plain(total["failures"], "count")
    assert fact(shown, "finished operations") == plain(total["finished"], "count")
    assert fact(shown, "failed, of finished") == plain(rates["rate_of_finished"], "share")


@pytest.mark.parametrize("page", PAGES)
def test_text_of_users_never_becomes_markup(page, library, browser):
    shown = browser.show(View(page, rule="<b>no such rule</b>" if page == "alerts" else None).query())
    assert set(shown) == {slot.anchor for slot in pages.SLOTS[page]}
    head = next(one["head"] for one in browser.told if one["kind"] == "page")
    for html in (head, *shown.values()):
        assert not re.search(r"<img|<script>document|<b>of ours|<b>no such", html)
        assert "traceback" not in html.lower()
    everything = head + "".join(shown.values())
    assert "pwned" in everything  # it is told of, as text
    assert str(library.uri) not in everything


def test_a_cell_of_the_heat_map_leads_to_its_traces_and_one_of_them_to_its_waterfall(library, browser):
    spans = library.store.spans()
    cells = profiling.heatmap(spans.filter(pl.col("parent_span_id").is_null()), "1h").collect()
    fullest = cells.sort("n", descending=True).row(0, named=True)
    cell = Cell(fullest["start"], fullest["start"] + timedelta(hours=1), fullest["lower_ms"], fullest["upper_ms"])
    shown = browser.show(View("traces", cell=cell).query())
    assert f"<p>{fullest['n']:,} requests began" in shown["exemplars"]
    links = re.findall(r'href="(\?page=traces[^"]*trace=[^"]*)"', shown["exemplars"])
    assert 1 <= len(links) <= 12
    trace = re.search(r"trace=([0-9a-f-]+)", links[0])[1]
    shown = browser.show(links[0].replace("&amp;", "&"))
    of_trace = spans.filter(pl.col("trace_id") == trace).collect()
    assert fact(shown["waterfall"], "spans") == str(of_trace.height)
    assert "Waterfall of trace" in shown["waterfall"]


def test_a_trace_that_is_not_there_is_said_to_be_so(browser):
    shown = browser.show(View("traces", trace="<i>nowhere</i>").query())
    assert "There is no trace &lt;i&gt;nowhere&lt;/i&gt;" in shown["waterfall"]


def test_the_slowest_are_the_slowest_of_the_store(library):
    found = traces.slowest(library.asking(), View("traces"))
    roots = library.store.spans().filter(pl.col("parent_span_id").is_null(), pl.col("duration_ms").is_not_null())
    expected = roots.sort("duration_ms", "trace_id", "span_id", descending=[True, False, False]).head(15).collect()
    assert found["span_id"].to_list() == expected["span_id"].to_list()


def test_a_link_that_cannot_be_says_why_and_leads_on(browser):
    browser.show("?page=traces&from=yesterday")
    problem = next(one for one in browser.told if one["kind"] == "page")
    assert "from is" in problem["html"]
    assert "To the overview" in problem["html"]
    assert browser.show("?page=overview")["facts"]


def test_a_fault_of_one_section_ends_neither_the_page_nor_the_server(monkeypatch, browser, capsys):
    def broken(*_):
        raise RuntimeError("secret /srv/place")

    slots = (Slot("broken", "Broken", broken), *overview.SLOTS[:1])
    monkeypatch.setitem(pages.SLOTS, "overview", slots)
    shown = browser.show("?page=overview&node=cli_node")
    assert "unexpected RuntimeError" in shown["broken"]
    assert "secret" not in shown["broken"]
    assert "secret" in capsys.readouterr().err
    assert "<dt>events</dt>" in shown["facts"]


def test_what_the_browser_says_wrongly_is_left_alone(browser):
    for told in (None, 7, [], {}, {"ask": 3, "number": 1}, {"ask": "?", "number": "x"}):
        browser.tab.hear(told)
    assert browser.told == []


def test_filters_that_nothing_passes_are_said_to_be_too_narrow(browser):
    shown = browser.show(View(selection=Selection(node=("nobody",))).query())
    assert "Widen the time, or clear a filter" in shown["facts"]
    for page in PAGES:
        assert browser.show(View(page, Selection(node=("nobody",))).query())


def test_alerts_of_a_range_are_those_of_the_backtest_that_were_active_in_it(library):
    asking = library.asking()
    whole = alerts.whole(asking)
    assert whole is not None and whole.alerts.height
    middle = whole.begin + (whole.end - whole.begin) / 2
    middle = middle.replace(second=0, microsecond=0)
    found = alerts.chosen(asking, View("alerts", Selection(since=middle)))
    expected = whole.alerts.filter((pl.col("resolved") > middle).fill_null(True))
    assert found.alerts.equals(expected)
    assert alerts.chosen(asking, View("alerts")) is whole


def test_a_store_that_grows_is_told_of_and_shown_when_the_user_wants_it(tmp_path):
    store = EventStore(tmp_path / "events")
    store.append(evil_events())
    library = Library(store)
    browser = Browser(library)
    before = browser.show("?page=overview")["facts"]
    library.watch()
    assert [one["kind"] for one in browser.told if one["kind"] == "grown"] == []
    store.append(evil_events(IN_THE_MIDDLE + 5000, runs=3))
    library.watch()
    assert browser.told[-1] == {"kind": "grown", "text": "The store has grown: version 2, +12 events."}
    after = browser.show("?page=overview", "again")["facts"]
    assert (fact(before, "events"), fact(after, "events")) == ("48", "60")
    assert not [one for one in browser.told if one["kind"] == "page"]  # nothing was taken away meanwhile
    browser.tab.leave()
    library.answers.close()
