"""The dashboard as people use it: the real command, a real Chromium, and no other host. Screenshots are kept."""

from __future__ import annotations

import re

from playwright.sync_api import Page

from onex_analytics import EventStore
from onex_analytics.dashboard.selection import PAGES
from tests.dashboard.logs import EVIL, IN_THE_MIDDLE, evil_events
from tests.dashboard.serving import HUB, TOKEN, proxied, served
from tests.dashboard.watching import PICTURES, WAIT_MS, fact, picture, query, shown

# ---------------------------------------------------------------------- filters, depth, links


def test_filters_depth_and_the_back_button_live_in_the_address(dashboard, opened):
    page = opened(dashboard.address())
    assert "token" not in query(page)
    everything = fact(page, "facts", "events")
    page.get_by_label(re.compile("^cache_node")).check()
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**node=cache_node**")
    shown(page)
    filtered = fact(page, "facts", "events")
    assert int(filtered.replace(",", "")) < int(everything.replace(",", ""))
    assert fact(page, "facts", "nodes") == "1"
    page.get_by_role("link", name="Traces", exact=True).click()
    page.wait_for_url("**page=traces**")
    shown(page)
    assert query(page)["node"] == ["cache_node"]

    click_a_cell(page)
    page.wait_for_url("**at=**")
    shown(page)
    told = page.locator("#exemplars .body p").first.inner_text()
    assert re.match(r"[1-9][\d,]* requests began", told)
    cell = page.url
    page.locator("#exemplars td a").first.click()
    page.wait_for_url("**trace=**")
    shown(page)
    assert page.locator("#waterfall .plot svg").count()
    trace, deep = query(page)["trace"][0], page.url
    assert trace in page.locator("#waterfall").inner_text()

    page.go_back()
    page.wait_for_url(cell)
    shown(page)
    assert page.locator("#exemplars .body p").first.inner_text() == told
    assert "Choose a trace above" in page.locator("#waterfall").inner_text()
    page.go_forward()
    page.wait_for_url(deep)
    shown(page)
    assert trace in page.locator("#waterfall").inner_text()

    other = opened(deep + f"&token={TOKEN}")  # the link alone, in another browser
    assert trace in other.locator("#waterfall").inner_text()
    assert other.locator("details.filters summary").inner_text() == "Time and filters: node cache_node"
    picture(other, "traces-deep")


def click_a_cell(page: Page) -> None:
    """A real click, in the middle of a cell of the heat map that is not empty."""
    place = page.evaluate("""() => {
        const box = document.querySelector('#heat .plot'), trace = box.data.findIndex(t => t.type === 'heatmap');
        const full = box._fullLayout, drawn = box.data[trace], calc = box.calcdata[trace][0];
        box.scrollIntoView();
        let best = null;
        for (let row = 0; row < drawn.z.length; row++) for (let col = 0; col < drawn.z[row].length; col++)
            if (drawn.z[row][col] !== null && (best === null || drawn.z[row][col] > best.z))
                best = {z: drawn.z[row][col], row, col};
        const x = (full.xaxis.d2p(drawn.x[best.col]) + full.xaxis.d2p(drawn.x[best.col + 1])) / 2;
        const y = (full.yaxis.d2p(drawn.y[best.row]) + full.yaxis.d2p(drawn.y[best.row + 1])) / 2;
        const rect = box.getBoundingClientRect();
        return {x: rect.left + full._size.l + x, y: rect.top + full._size.t + y};
    }""")
    page.mouse.move(place["x"] - 3, place["y"])
    page.mouse.move(place["x"], place["y"])
    page.wait_for_selector("#heat .hoverlayer .hovertext")
    page.mouse.click(place["x"], place["y"])


def test_the_lengths_of_a_cell_may_be_typed_as_well(dashboard, opened):
    page = opened(dashboard.address("page=traces"))
    page.get_by_label("Took over, ms").fill("100")
    page.get_by_label("Took over, ms").press("Enter")
    page.wait_for_url("**ms=100**")
    shown(page)
    assert "took over 100 ms" in page.locator("#exemplars").inner_text()


def test_a_firing_leads_to_the_traces_of_its_time(dashboard, opened):
    page = opened(dashboard.address("page=alerts"))
    page.get_by_role("link", name="traces then").first.click()
    page.wait_for_url("**page=traces**from=**")
    shown(page)
    assert page.locator("#heat .plot").count() == 1
    page.go_back()
    shown(page)
    page.locator("#alerts td a", has_text="CriticalErrorCode").click()
    page.wait_for_url("**rule=CriticalErrorCode")
    shown(page)
    assert page.locator("#values .plot svg").count()
    picture(page, "alerts-rule")


def test_a_link_that_cannot_be_is_a_message_and_not_an_end(dashboard, opened):
    page = opened(dashboard.address("page=overview&from=yesterday"))
    assert "from is 'yesterday'" in page.locator(".problem").inner_text()
    page.get_by_role("link", name="To the overview").click()
    shown(page)
    assert page.locator("#facts dl").count()


# ---------------------------------------------------------------------- every page, as it looks


_UNNAMED = """() => [
    ...[...document.querySelectorAll('input:not([type=hidden]), select')].filter(
        one => !one.labels.length && !one.getAttribute('aria-label')),
    ...[...document.querySelectorAll('a, button')].filter(
        one => !one.textContent.trim() && !one.getAttribute('aria-label') && !one.closest('.plot')),
    ...[...document.querySelectorAll('.plot, section.slot, nav, table')].filter(
        one => !one.getAttribute('aria-label') && !one.querySelector('caption')),
].map(one => one.outerHTML.slice(0, 120))"""
_FITS = "most => [...document.querySelectorAll('.plot .main-svg')].every(one => one.clientWidth <= most)"
GROUND = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 26)"}


def test_every_page_is_drawn_wide_and_narrow_light_and_dark(dashboard, opened):
    page = opened(dashboard.address("page=size"))
    for name, title in PAGES.items():
        page.get_by_role("link", name=title, exact=True).click()
        page.wait_for_url(f"**page={name}**")
        shown(page)
        assert page.title() == f"{title} – events"
        assert page.evaluate(_UNNAMED) == []
        for width, theme in ((1300, "light"), (420, "dark")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=theme)
            page.wait_for_function(_FITS, arg=width)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, width)
            assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == GROUND[theme]
            picture(page, f"{name}-{width}-{theme}")
        page.set_viewport_size({"width": 1300, "height": 900})
        page.emulate_media(color_scheme="light")


def test_the_theme_can_be_chosen_and_stays(dashboard, opened):
    page = opened(dashboard.address("page=size"), theme="light")
    page.get_by_role("button", name="Theme: as the system").click()
    page.get_by_role("button", name="Theme: light").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"
    page.reload()
    shown(page)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"


def test_nothing_that_passes_the_filters_is_said_on_every_page(dashboard, opened):
    page = opened(dashboard.address("page=overview&node=nobody"))
    assert "Widen the time, or clear a filter" in page.locator("#facts").inner_text()
    picture(page, "empty-overview")
    for name, title in PAGES.items():
        page.get_by_role("link", name=title, exact=True).click()
        page.wait_for_url(f"**page={name}&node=nobody")
        shown(page)
        assert page.locator(".problem").count() == 0, name
    picture(page, "empty-size")


def test_plots_offer_no_cloud_and_no_other_site(dashboard, opened):
    page = opened(dashboard.address("page=traces"))
    buttons = page.evaluate("[...document.querySelectorAll('.modebar-btn')].map(one => one.dataset.title || 'logo')")
    assert buttons and not [one for one in buttons if "loud" in one or "logo" in one or "lotly" in one]
    assert page.evaluate("[...document.querySelectorAll('[href], [src]')].map(one => one.href || one.src)"
                         f".filter(one => one && !String(one).startsWith({dashboard.url!r}) && "
                         "!String(one).startsWith('data:'))") == []  # fmt: skip


# ---------------------------------------------------------------------- many at once, and as it grows


def test_ten_people_look_at_once(dashboard, opened):
    """Each has a session of the server's of his own, and a selection of his own; all are asked for at the same time."""
    nodes = ["cache_node", "stamper_node", "cli_node", "logger_node", "runner_node", "scheduler_node",
             "file_reader_node", "file_writer_node", "hash_calculator_node", "event_bus_node"]  # fmt: skip
    first = opened(dashboard.address("page=size"), 500)
    tabs = [first.context.new_page() for _ in range(10)]
    for place, page in enumerate(tabs):
        page.goto(f"{dashboard.url}?page=size&node={nodes[place]}", wait_until="commit")
    for place, page in enumerate(tabs):
        shown(page)
        assert query(page)["node"] == [nodes[place]]
        assert page.locator(".problem").count() == 0
        assert page.locator("#sizes .plot svg").count()
        assert page.locator("details.filters summary").inner_text().endswith(nodes[place])
    first.get_by_role("link", name="Latency", exact=True).click()
    first.wait_for_url("**page=latency**")
    shown(first)


def test_a_store_that_grows_is_offered_and_the_place_is_kept(opened, tmp_path):
    """Behind a proxy that hands its own part of the path on, too."""
    store = EventStore(tmp_path / "events")
    store.append(evil_events())
    prefix = "/user/ann/proxy/absolute/5006"
    with proxied(prefix, strips=False) as proxy, served(
        store.uri, tmp_path, "--refresh", "0.3", "--rules", "none", "--prefix", prefix, "--allow-origin",
        f"127.0.0.1:{proxy.port}",
    ) as running:  # fmt: skip
        proxy.target = running.port
        home = f"http://127.0.0.1:{proxy.port}{prefix}/"
        page = opened(f"{home}?token={TOKEN}&page=overview", 900)
        assert page.url.startswith(f"{home}?page=overview")
        assert fact(page, "facts", "events") == "48"
        page.evaluate("window.scrollTo(0, 500)")
        store.append(evil_events(IN_THE_MIDDLE + 5000, runs=3))
        page.get_by_role("button", name="Show it").wait_for(timeout=WAIT_MS)
        page.screenshot(path=PICTURES / "dashboard-grown.png")
        page.get_by_role("button", name="Show it").click()
        page.wait_for_selector("#page[data-version='2']", timeout=WAIT_MS)
        shown(page)
        assert fact(page, "facts", "events") == "60"
        assert page.evaluate("window.scrollY") == 500
        page.get_by_label("follow the store as it grows").check()
        store.append(evil_events(IN_THE_MIDDLE + 9000, runs=3))
        page.wait_for_selector("#page[data-version='3']", timeout=WAIT_MS)
        shown(page)
        assert fact(page, "facts", "events") == "72"
        page.get_by_role("link", name="Alerts", exact=True).click()
        page.wait_for_url(f"{home}?page=alerts")
        shown(page)
        assert "Start the dashboard with --rules FILE" in page.locator("#alerts").inner_text()
        picture(page, "alerts-without-rules")


def test_it_works_behind_the_prefix_of_a_hub(dashboard, hub, opened):
    home = f"http://127.0.0.1:{hub.port}{HUB}/"
    page = opened(f"{home}?token={TOKEN}&page=overview&node=cli_node", 600)
    page.get_by_role("link", name="Traces", exact=True).click()
    page.wait_for_url(f"{home}?page=traces&node=cli_node")
    shown(page)
    page.reload()
    shown(page)
    assert page.locator("#heat .plot svg").count()


# ---------------------------------------------------------------------- the report, as one file


def test_the_report_shows_the_same_sections_and_asks_no_host(opened, tmp_path):
    from onex_analytics.cli import main

    store = EventStore(tmp_path / "events")
    store.append(evil_events())
    assert main(["report", "--store", store.uri, "--out", str(tmp_path / "report.html")]) == 0
    page = opened((tmp_path / "report.html").as_uri(), wait=False)
    page.wait_for_selector(".plot svg")
    titles = page.locator("h2").all_inner_texts()
    for title in ("Events a minute", "Error rate", "What stands out", "How long work takes", "Where the time goes",
                  "What alert rules would have done", "What goes wrong", "Coverage"):  # fmt: skip
        assert title in titles
    assert EVIL in page.locator("body").inner_text()
    buttons = page.evaluate("[...document.querySelectorAll('.modebar-btn')].map(one => one.dataset.title || 'logo')")
    assert not [one for one in buttons if "loud" in one or "logo" in one]
    picture(page, "report")


