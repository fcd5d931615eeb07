"""The widgets as people use them: real Chromium, real pointers and keys, and Python's half behind it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
import yaml

from onex_analytics.alerting import load_rules
from onex_analytics.exceptions import InvalidOption
from onex_analytics.jupyter.widgets import ThresholdSlider, TimeRange, TraceExplorer
from tests.alerting.test_sweeps import COUNT, by_backtest, file_of, told
from tests.jupyter.widgets.stage import DARK, LIGHT, Stage, Staged
from tests.jupyter.widgets.test_threshold_sliders import EVENTS, when
from tests.jupyter.widgets.test_time_ranges import START, log_of
from tests.jupyter.widgets.test_trace_explorers import PAGES, span, spans_of

HOSTILE = """<img src=x onerror="window.broken=1"><script>window.broken=1</script>&amp;{{7*7}}"""
ODD = "\u202eright to left\u202c\u0000\n"


def drag(stage: Stage, selector: str, begin: float, end: float, *, height: float = 0.5) -> None:
    """From one share of an element's width to another."""
    box = stage.page.locator(selector).bounding_box()
    assert box is not None
    y = box["y"] + box["height"] * height
    stage.page.mouse.move(box["x"] + box["width"] * begin, y)
    stage.page.mouse.down()
    stage.page.mouse.move(box["x"] + box["width"] * (begin + end) / 2, y)
    stage.page.mouse.move(box["x"] + box["width"] * end, y)
    stage.page.mouse.up()


# ---------------------------------------------------------------------- time range


def test_a_brush_selects_bars_and_python_sees_it(staged: Staged):
    widget = TimeRange(log_of())
    stage = staged(widget)
    drag(stage, ".onex-chart", 0.25, 0.5)
    stage.until("!document.querySelector('button').disabled")
    chosen = widget.selection
    assert chosen.since is not None and chosen.until is not None
    assert (chosen.until - chosen.since) % timedelta(minutes=1) == timedelta()
    assert 55 < widget.selected < 66
    assert widget.events.collect().height == widget.selected
    assert stage.text(".onex-big") == f"{widget.selected}"
    low = chosen.since
    drag(stage, ".onex-chart", 0.4, 0.5)  # the whole brush, by its inside
    stage.until("document.querySelector('[role=status]').textContent.length > 0")
    assert widget.selection.until - widget.selection.since == chosen.until - low  # type: ignore[operator]
    assert widget.selection.since > low  # type: ignore[operator]


def test_a_brush_is_moved_by_keys_and_the_focus_stays(staged: Staged):
    widget = TimeRange(log_of())
    page = staged(widget).page
    begin = page.get_by_role("slider", name="Begin of the selected time")
    begin.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "Shift+ArrowRight"):
        page.keyboard.press(key)
    assert widget.selection.since == START + timedelta(minutes=21)
    assert page.evaluate("document.activeElement.dataset.grip") == "begin"
    assert begin.get_attribute("aria-valuetext") == "1 Nov 2026 12:21 UTC"
    page.keyboard.press("Escape")
    assert widget.selected == widget.total
    page.keyboard.press("End")
    assert widget.selected == 1
    page.get_by_role("button", name="Undo").click()
    assert widget.selected == widget.total
    page.get_by_role("button", name="Reset").click()
    assert widget.selection.since is None


def test_keys_that_are_faster_than_the_kernel_all_count(staged: Staged):
    widget = TimeRange(log_of())
    stage = staged(widget)
    stage.page.evaluate("window.delay = 700")
    stage.page.get_by_role("slider", name="Begin of the selected time").focus()
    for _ in range(6):
        stage.page.keyboard.press("ArrowRight")
        stage.page.wait_for_timeout(60)
    stage.until("document.querySelector('.onex').getAttribute('aria-busy') === 'true'")
    stage.until("document.querySelector('.onex').getAttribute('aria-busy') === null")
    assert widget.selection.since == START + timedelta(minutes=6)
    assert stage.text(".onex-big") == f"{widget.selected}" == "234"


def test_two_views_of_a_widget_show_the_same(staged: Staged):
    widget = TimeRange(log_of())
    stage = staged(widget)
    stage.page.evaluate("() => { window.again(); }")
    begins = stage.page.get_by_role("slider", name="Begin of the selected time")
    for view, key in ((0, "ArrowRight"), (1, "ArrowRight"), (0, "Shift+ArrowRight"), (1, "ArrowLeft")):
        begins.nth(view).focus()
        stage.page.keyboard.press(key)
        stage.until(f"document.querySelectorAll('.onex-big')[{1 - view}].textContent === '{widget.selected}'")
        assert begins.nth(0).get_attribute("aria-valuetext") == begins.nth(1).get_attribute("aria-valuetext")
    assert widget.selection.since == START + timedelta(minutes=21)


def test_what_goes_wrong_behind_the_browser_is_said_there(staged: Staged, monkeypatch: pytest.MonkeyPatch):
    widget = TimeRange(log_of())
    stage = staged(widget)

    def gone(*_: Any) -> None:
        raise InvalidOption("version", 3, "one whose files `vacuum` did not take")

    monkeypatch.setattr(widget._brushing, "show", gone)
    drag(stage, ".onex-chart", 0.25, 0.5)
    stage.until("document.querySelector('[role=alert]').textContent.includes('version is 3; wanted one whose files')")
    monkeypatch.undo()
    stage.page.get_by_label("failure").check()
    stage.until("document.querySelector('[role=alert]').textContent === ''")
    assert widget.selected == widget.events.collect().height == 24


def test_a_finger_brushes_too(staged: Staged):
    widget = TimeRange(log_of())
    stage = staged(widget, size=(420, 700))
    box = stage.page.locator(".onex-chart").bounding_box()
    assert box is not None
    touch = stage.page.context.new_cdp_session(stage.page)
    for kind, share in (("touchStart", 0.3), ("touchMove", 0.4), ("touchMove", 0.6), ("touchEnd", None)):
        points = [] if share is None else [{"x": box["x"] + share * box["width"], "y": box["y"] + 60}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    stage.until("!document.querySelector('button').disabled")
    assert 60 < widget.selected < 90


def test_filters_are_ticked_and_their_counts_follow(staged: Staged):
    widget = TimeRange(log_of(), most=2)
    stage = staged(widget)
    stage.page.get_by_label("(other: 1 value)").check()
    assert widget.selection.filters == {"node": (...,)}
    stage.until("document.querySelector('.onex-big').textContent === '80'")
    assert stage.page.get_by_label("failure").locator("..").locator(".onex-number").inner_text() == "8"
    stage.page.get_by_label("failure").check()
    stage.until("document.querySelector('.onex-big').textContent === '8'")
    assert stage.page.evaluate("document.activeElement.parentElement.textContent").startswith("failure")
    widget.undo()
    stage.tell()
    assert not stage.page.get_by_label("failure").is_checked()


# ---------------------------------------------------------------------- threshold slider

INCIDENTS = told([(20, 30, "a", "incident"), (300, 20, "b", "incident")])


def tile(stage: Stage, name: str) -> str:
    return stage.text(f"[data-tile='{name}'] .onex-big")


def test_the_slider_shows_what_a_backtest_says_at_once(staged: Staged):
    file = file_of(COUNT, ">", 0, 0)
    widget = ThresholdSlider(file, EVENTS, INCIDENTS, lead="20s", until=when(420))
    stage = staged(widget)
    slider = stage.page.get_by_role("slider", name="Threshold")
    slider.focus()
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowRight", "End", "ArrowLeft"):
        stage.page.keyboard.press(key)
        theirs = by_backtest(file, widget.threshold, EVENTS, INCIDENTS)
        assert tile(stage, "alerts") == f"{theirs['firings']}"
        assert tile(stage, "pages") == f"{theirs['pages']}"
        assert stage.text("[data-tile='recall'] .onex-note") == f"{theirs['caught']} of 2 incidents caught"
        assert load_rules(stage.text("pre")).rule("A") == widget.rule
    assert widget.step == widget.sweep.height - 2
    words = slider.get_attribute("aria-valuetext") or ""
    assert words.startswith("threshold ") and "alert" in words and "of 2 incidents caught" in words


def test_the_threshold_is_moved_on_the_values_and_on_the_curves(staged: Staged):
    widget = ThresholdSlider(file_of(COUNT, ">", 0, 0), EVENTS, until=when(420))
    stage = staged(widget)
    drag(stage, ".onex-lift", 0.5, 0.5, height=0.3)
    high = widget.threshold
    drag(stage, ".onex-lift", 0.5, 0.5, height=0.7)
    assert widget.threshold is not None and high is not None and widget.threshold < high
    drag(stage, ".onex-drag", 0.5, 0.99)
    assert widget.step == widget.sweep.height - 1
    stage.page.get_by_role("button", name="As the rule has it").click()
    assert widget.threshold == 1.0
    widget.step = 0
    stage.tell()
    assert stage.page.get_by_role("slider", name="Threshold").input_value() == "0"


def test_pages_that_were_not_simulated_yet_come_by_themselves(staged: Staged, monkeypatch: pytest.MonkeyPatch):
    from onex_analytics.jupyter.widgets import threshold_sliders

    monkeypatch.setattr(threshold_sliders, "_AT_FIRST", 1)
    monkeypatch.setattr(threshold_sliders, "_AT_ONCE", 30)
    widget = ThresholdSlider(file_of(COUNT, ">", 0, 0), EVENTS, until=when(420))
    assert widget._more
    stage = staged(widget)
    stage.until("!window.model.get('_more')")
    assert widget.sweep["pages"].null_count() == 0


@pytest.mark.parametrize("threshold", [-2.0, 1e-7, 1.5e21, 0.1 + 0.2])
def test_the_text_to_copy_says_the_threshold_to_the_last_digit(staged: Staged, threshold: float):
    widget = ThresholdSlider(file_of(COUNT, ">", 0, 0, threshold), EVENTS, until=when(420))
    text = staged(widget).text("pre")
    assert load_rules(text).rule("A").when.threshold == threshold
    said = yaml.safe_load(text)["groups"][0]["rules"][0]["when"]["threshold"]
    assert isinstance(said, float), "YAML 1.1 reads 1e-7 as a text"


def test_the_rule_is_copied(staged: Staged):
    widget = ThresholdSlider(file_of(COUNT, ">", 0, 0), EVENTS, until=when(420))
    stage = staged(widget)
    stage.page.get_by_role("button", name="Copy the rule").click()
    stage.until("document.body.textContent.includes('copied')")
    assert load_rules(stage.page.evaluate("window.getSelection().toString()")).rule("A") == widget.rule


# ---------------------------------------------------------------------- trace explorer


def test_from_a_cell_to_a_trace_to_a_span(staged: Staged):
    widget = TraceExplorer(PAGES)
    stage = staged(widget)
    page = stage.page
    page.locator(".onex-map").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    stage.until("document.body.textContent.includes('in the cell')")
    page.get_by_role("button", name="Next").click()
    stage.until("document.querySelectorAll('[data-lane]').length > 0")
    assert widget.trace_id == widget.exemplars["trace_id"][0]
    page.get_by_role("button", name="Back to all kinds").click()
    page.get_by_role("button", name="most spans: page, 10 ms").click()
    stage.until("document.querySelectorAll('[data-lane]').length === 6")
    assert widget.trace_id == "t10"
    page.locator("[data-lane='0']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    stage.until("document.querySelectorAll('dt').length > 3")
    assert widget.span["name"] == "query"
    assert page.locator("[data-lane='1']").get_attribute("aria-selected") == "true"
    assert "on the critical path" in (page.locator("[data-lane='0']").get_attribute("aria-label") or "")


def test_a_click_into_the_heat_map_lists_the_cell_under_the_pointer(staged: Staged):
    widget = TraceExplorer(PAGES)
    stage = staged(widget)
    column, row, n = max(widget._told["map"]["cells"], key=lambda cell: cell[2])
    rows = max(place for place, *_ in widget._told["map"]["bounds"]) + 1
    box = stage.page.locator(".onex-map").bounding_box()
    assert box is not None
    wide = (box["width"] - 72) / widget._told["map"]["columns"]
    stage.page.mouse.click(box["x"] + 60 + (column + 0.5) * wide, box["y"] + 2 + (rows - row - 0.5) * 9)
    stage.until("document.body.textContent.includes('in the cell')")
    assert (widget._told["cell"], widget.exemplars.height) == ((column, row), n)
    stage.page.get_by_label("failed only").check()
    stage.until("document.body.textContent.includes('failed')")
    assert widget.exemplars["trace_id"].to_list() == ["broken"]


# ---------------------------------------------------------------------- whatever a log says


def widgets_of(text: str) -> list[Any]:
    """Each widget on a log whose names, labels and messages are this text."""
    log = pl.DataFrame({"event_id": [str(n) for n in range(40)], "node": [text] * 40, "outcome": ["failure"] * 40,
                        "timestamp": [START + timedelta(seconds=9 * n) for n in range(40)]})  # fmt: skip
    rule = {"alert": text, "by": ["node"], "when": {"count": {"window": "1m"}, "threshold": 1},
            "annotations": {"summary": text}}  # fmt: skip
    incidents = [{"id": text, "start": START, "end": START + timedelta(minutes=2)}]
    from onex_analytics.alerting import Rule

    spans = spans_of(span("t", "s", name=text, status="error"), span("t", "s2", "s", name=text)).with_columns(
        node=pl.lit(text), error_code=pl.lit(text), error_message=pl.lit(text)
    )
    explorer = TraceExplorer(spans)
    explorer.trace_id = "t"
    explorer._handle_custom_msg({"do": "span", "lane": 0}, [])
    return [TimeRange(log), ThresholdSlider(Rule.model_validate(rule), log, incidents), explorer]


@pytest.mark.parametrize("text", [
    pytest.param(HOSTILE, id="markup"), pytest.param("x" * 3_000, id="long", marks=pytest.mark.soak),
    pytest.param(ODD, id="odd", marks=pytest.mark.soak),
])  # fmt: skip
def test_text_of_a_log_is_shown_as_text(staged: Staged, text: str):
    for widget in widgets_of(text):
        stage = staged(widget, size=(420, 900))
        assert stage.page.evaluate("window.broken === undefined")
        assert stage.page.locator("img, script:not(head script)").count() == 0
        if text == HOSTILE:
            assert "<img src=x onerror" in stage.page.locator("#stage").inner_text()
        assert stage.page.evaluate("document.documentElement.scrollWidth <= 420"), "wider than the page"


def ordinary() -> dict[str, Any]:
    """Each widget, with something chosen."""
    explorer = TraceExplorer(PAGES)
    explorer.trace_id = "t10"
    explorer._handle_custom_msg({"do": "span", "lane": 1}, [])
    brushed = TimeRange(log_of())
    brushed.select(since=START + timedelta(hours=1), until=START + timedelta(hours=2), filters={"node": ["a", "b"]})
    slider = ThresholdSlider(file_of(COUNT, ">", 0, 0), EVENTS, INCIDENTS, until=when(420))
    return {"time-range": brushed, "threshold": slider, "traces": explorer}


def extreme() -> dict[str, Any]:
    """Each widget on no data, and on data that nobody would draw."""
    burst = pl.concat([log_of(3), log_of(1).select(pl.all().repeat_by(50_000).explode())])
    wide = spans_of(span("t", "s", ms=0.001), span("u", "r", ms=1e10), span("v", "q", ms=0, at=86_400 * 300.0))
    file = file_of(COUNT, ">", 0, 0)
    return {
        "time-range-empty": TimeRange(log_of().head(0)), "time-range-burst": TimeRange(burst),
        "threshold-empty": ThresholdSlider(file, EVENTS.head(0)),
        "threshold-far": ThresholdSlider(file_of(COUNT, ">", 0, 0, 1e300), EVENTS, until=when(420)),
        "traces-empty": TraceExplorer(PAGES.head(0)), "traces-extreme": TraceExplorer(wide),
    }  # fmt: skip


CONTRAST = """() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (c) => { const v = c / 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const ground = parts(getComputedStyle(document.querySelector(".onex")).backgroundColor);
  const aside = "option, button, select, pre, :disabled, .onex-hidden";
  const says = (node) => node.children.length === 0 && node.textContent.trim() && node.getClientRects().length;
  return [...document.querySelectorAll(".onex *")].filter((node) => says(node) && !node.closest(aside)).map((node) => {
    const style = getComputedStyle(node);
    const ink = parts(node.namespaceURI.endsWith("svg") ? style.fill : style.color);
    const alpha = ink.length > 3 ? ink[3] : 1;
    const mixed = ink.slice(0, 3).map((c, i) => c * alpha + ground[i] * (1 - alpha));
    const [a, b] = [luminance(mixed), luminance(ground)].sort((one, other) => other - one);
    return [(a + 0.05) / (b + 0.05), node.textContent];
  }).filter(([contrast, text]) => contrast < 4.5 && !["✕"].includes(text));
}"""


NAMELESS = """() => [...document.querySelectorAll("button, select, input, [tabindex='0'], [role=slider]")]
  .filter((node) => !(node.getAttribute("aria-label") || node.textContent.trim() || node.closest("label")))
  .map((node) => node.outerHTML.slice(0, 80))"""


def look_at(staged: Staged, name: str, widget: Any, theme: dict[str, str], wide: int, system: str = "light") -> None:
    stage = staged(widget, size=(wide, 900), theme=theme, system=system)
    assert stage.page.evaluate(CONTRAST) == [], name
    assert stage.page.evaluate(NAMELESS) == [], name
    assert stage.page.evaluate(f"document.documentElement.scrollWidth <= {wide}"), f"{name} is wider than the page"
    stage.screenshot(f"{name}-{wide}")


def test_all_texts_are_legible_and_every_control_has_a_name(staged: Staged):
    for name, widget in ordinary().items():
        look_at(staged, f"{name}-light", widget, LIGHT, 1300)
        look_at(staged, f"{name}-dark", widget, DARK, 420)
        look_at(staged, f"{name}-dark-system", widget, {}, 420, "dark")


@pytest.mark.soak
def test_so_it_is_with_no_data_and_with_extreme_data(staged: Staged):
    for name, widget in extreme().items():
        for wide in (420, 1300):
            look_at(staged, f"{name}-light", widget, LIGHT, wide)
            look_at(staged, f"{name}-dark", widget, DARK, wide)


def test_a_closed_view_leaves_nothing_behind(staged: Staged):
    for widget in (TimeRange(log_of()), ThresholdSlider(file_of(COUNT, ">", 0, 0), EVENTS), TraceExplorer(PAGES)):
        stage = staged(widget)
        stage.page.evaluate("window.cleanup()")
        assert stage.page.locator(".onex").count() == 0
        for name in ("_told", "step", "_pages", "_trace"):
            stage.page.evaluate("(name) => window.take({[name]: window.model.get(name)})", name)


@pytest.mark.soak
def test_moments_of_one_microsecond_and_of_a_thousand_years_have_an_axis(staged: Staged):
    for length in (timedelta(microseconds=1), timedelta(days=365_000)):
        log = pl.DataFrame({"timestamp": [datetime(1971, 1, 1, tzinfo=UTC), datetime(1971, 1, 1, tzinfo=UTC) + length]})
        stage = staged(TimeRange(log))
        assert stage.page.locator("svg text").count() >= 3
