"""Widgets are there when they are used, and whoever lacks what they need is told what to install."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from onex_analytics.exceptions import MissingExtra
from onex_analytics.jupyter import widgets
from onex_analytics.jupyter.widgets import Selection, ThresholdSlider, TimeRange, TraceExplorer
from tests.alerting.test_sweeps import COUNT, file_of
from tests.jupyter.widgets.test_threshold_sliders import EVENTS
from tests.jupyter.widgets.test_time_ranges import log_of
from tests.jupyter.widgets.test_trace_explorers import PAGES


def test_the_names_are_sorted_and_each_opens():
    assert widgets.__all__ == sorted(set(widgets.__all__))
    assert [getattr(widgets, name).__name__ for name in widgets.__all__] == widgets.__all__
    assert widgets.Selection is Selection


def test_importing_the_room_loads_no_widget():
    program = "import sys, onex_analytics.jupyter.widgets; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"anywidget", "ipywidgets", "traitlets", "polars"} & set(done.stdout.split())


@pytest.mark.parametrize("name", ["ThresholdSlider", "TimeRange", "TraceExplorer"])
def test_without_anywidget_the_install_line_is_said(monkeypatch: pytest.MonkeyPatch, name: str):
    room = "onex_analytics.jupyter.widgets"
    monkeypatch.setitem(sys.modules, "anywidget", None)
    for module in ("shown", "threshold_sliders", "time_ranges", "trace_explorers"):
        monkeypatch.delitem(sys.modules, f"{room}.{module}", raising=False)
        monkeypatch.delattr(import_module(room), module, raising=False)
    monkeypatch.delitem(vars(import_module(room)), name, raising=False)
    with pytest.raises(MissingExtra, match=r"pip install 'onex-analytics\[jupyter\]'"):
        getattr(widgets, name)


def test_in_a_terminal_a_widget_says_what_it_stands_at():
    explorer = TraceExplorer(PAGES)
    assert repr(explorer).startswith("TraceExplorer(43 spans, ")
    explorer.trace_id = "t10"
    assert repr(explorer).endswith("traces to look at, showing t10)")
    brush = TimeRange(log_of())
    brush.select(filters={"node": ["a"]})
    assert repr(brush) == "TimeRange(80 of 240 events selected)"
    assert repr(ThresholdSlider(file_of(COUNT, ">", 0, 0, 7), EVENTS)) == "ThresholdSlider(A: > 7, 10 steps)"


def test_what_a_widget_sends_is_shipped_whole_and_asks_nobody():
    for one in (TimeRange, ThresholdSlider, TraceExplorer):
        assert one._esm.count("export default { render };") == 1
        assert "innerHTML" not in one._esm
        address = "http" + "://www.w3.org/2000/svg"  # a name, not a place
        assert one._esm.count("://") == one._esm.count(address) == 1
        assert "://" not in one._css and "@import" not in one._css and "url(" not in one._css
