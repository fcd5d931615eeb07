"""All three widgets in a real JupyterLab: what is done in the browser reaches the kernel, and the next cell sees it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.jupyter.widgets.stage import SCREENSHOTS
from tests.notebooks.lab import jupyter_lab
from tests.notebooks.lab_page import LabPage

MAKE = """
from datetime import datetime, timedelta
import polars as pl
from onex_analytics.alerting import Rule
from onex_analytics.jupyter.widgets import ThresholdSlider, TimeRange, TraceExplorer
start = datetime(2026, 11, 1, 12)
log = pl.DataFrame({
    "event_id": [str(n) for n in range(240)], "node": ["a", "b"] * 120,
    "timestamp": [start + timedelta(seconds=n * n % 3600) for n in range(240)],
})
spans = pl.DataFrame({
    "trace_id": [f"t{n // 3}" for n in range(60)], "span_id": [f"s{n}" for n in range(60)],
    "parent_span_id": [None if n % 3 == 0 else f"s{n // 3 * 3}" for n in range(60)],
    "name": ["page", "query", "mail"] * 20,
    "start": [start + timedelta(seconds=n // 3) for n in range(60)],
    "end": [start + timedelta(seconds=n // 3, milliseconds=30 if n % 3 == 0 else 10 + n % 3) for n in range(60)],
})
busy = Rule.model_validate({"alert": "Busy", "by": ["node"], "when": {"count": {"window": "5m"}, "threshold": 9}})
brush, slider, traces = TimeRange(log), ThresholdSlider(busy, log), TraceExplorer(spans)
"""
NEW_CELL = "window.jupyterapp.shell.currentWidget.content.activeCell.model"
PAGES = "[data-tile='pages'] .onex-big"
ASK = """
import json
from onex_analytics.alerting import RuleSet, backtest
of_rule = backtest(RuleSet.model_validate({"groups": [{"name": "g", "rules": [slider.rule]}]}), log)
print("answer", json.dumps([
    brush.events.collect().height, brush.selected, slider.threshold, of_rule.summary["firings"][0],
    int(slider.row["pages"]), slider.step, traces.trace_id, traces.waterfall.height,
]))
"""


def cell(source: str, number: int) -> dict[str, Any]:
    return {"cell_type": "code", "id": f"c{number}", "source": source.strip(), "metadata": {}, "outputs": [],
            "execution_count": None}  # fmt: skip


def test_what_is_done_in_the_browser_reaches_the_kernel(require_tool: Callable[..., Path], tmp_path: Path):
    served = tmp_path / "served"
    folder = served / "notebooks"
    folder.mkdir(parents=True)
    sources = [MAKE, "brush", "slider", "traces"]
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {
        "name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": [cell(source, number) for number, source in enumerate(sources)]}  # fmt: skip
    (folder / "widgets.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    with jupyter_lab(served, tmp_path) as lab, sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=require_tool("chromium"), args=arguments)
        page = browser.new_context(viewport={"width": 1300, "height": 2600}).new_page()
        opened = LabPage(lab, page)
        opened.enter()
        cells = opened.run_all("widgets.ipynb")
        outputs = [output for one in cells for output in one["outputs"]]
        assert [output for output in outputs if output["output_type"] in ("error", "stream")] == []
        page.wait_for_selector(".onex-time-range .onex-chart path")
        page.wait_for_selector(".onex-traces tbody tr")

        box = page.locator(".onex-chart").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60, steps=5)
        page.mouse.up()
        page.wait_for_function("() => !document.querySelector('.onex-time-range button').disabled")

        before = page.locator(PAGES).inner_text()
        slider = page.get_by_role("slider", name="Threshold")
        slider.focus()
        page.keyboard.press("Home")
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        page.wait_for_function(f"() => document.querySelector(`{PAGES}`).textContent !== '{before}'")

        page.get_by_role("button", name="slowest: page, 30 ms").first.focus()
        page.keyboard.press("Enter")  # which is JupyterLab's, elsewhere in a notebook
        page.wait_for_selector("[data-lane='2']")
        page.locator("[data-lane='1']").click()
        page.wait_for_selector(".onex-traces dd")

        for theme in ("Dark", "Light"):
            opened.picture(SCREENSHOTS / f"jupyterlab-{theme.lower()}.png", theme)
        shown = [page.locator(PAGES.replace("pages", name)).inner_text() for name in ("threshold", "alerts", "pages")]
        selected = page.locator(".onex-time-range .onex-big").inner_text()

        opened.command("notebook:insert-cell-below")
        page.evaluate(f"text => {NEW_CELL}.sharedModel.setSource(text)", ASK)
        opened.command("notebook:run-cell")
        answer = page.locator(".jp-OutputArea-output pre").filter(has_text=re.compile("^answer"))
        found = json.loads(answer.inner_text().removeprefix("answer "))
        assert opened.complaints == []
        assert opened.foreign == [] and lab.asked == []
        browser.close()
    assert 0 < found[0] == found[1] == int(selected) < 240
    assert [float(text) for text in shown] == found[2:5]
    assert found[5:] == [3, "t9", 3]
