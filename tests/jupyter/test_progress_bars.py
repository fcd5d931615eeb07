"""Long work says how far it is, once, to whoever shows it; what is quick shows nothing."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager

import polars as pl
import pytest
import tqdm.std
from hypothesis import given
from hypothesis import strategies as st

import onex_analytics as ox
from onex_analytics.jupyter.extension import greet, load
from onex_analytics.jupyter.progress_bars import NotebookBar, TerminalBar, for_shell, shows
from onex_analytics.progress import shown_by, working
from tests.jupyter.results import INCIDENTS, NO_HISTORY, log, rules


class Screen:
    """Notes what bars would show, on a clock that moves when it is told."""

    def __init__(self) -> None:
        self.now, self.seen, self.open = 0.0, [], 0
        self.show = shows(self.draw, lambda: self.now)

    def draw(self, what: str, unit: str) -> Screen:
        self.seen.append((what, unit))
        self.open += 1
        return self

    def move(self, done: int, in_all: int | None) -> None:
        self.seen.append((done, in_all))

    def close(self) -> None:
        self.open -= 1


@pytest.fixture
def told():
    """What work tells, as (what, unit, [(done, in all), …])."""
    found = []

    @contextmanager
    def show(what, unit):
        steps = []
        found.append((what, unit, steps))
        yield lambda done, in_all: steps.append((done, in_all))

    before = shown_by(show)
    yield found
    shown_by(before)


def test_reading_a_log_tells_how_many_bytes_are_done(told, tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"event_id":"e1","timestamp":"2026-11-01T00:00:00","node_id":"n","event_type":"NODE_START"}\n')
    ox.EventStore(tmp_path / "events").append(path)
    size = path.stat().st_size
    assert told == [("reading", "bytes", [(size, size)])]
    seen = []
    ox.EventStore(tmp_path / "others").append(path, progress=lambda *step: seen.append(step))
    assert len(told) == 1 and seen == [(size, size, 1)]


def test_a_backtest_tells_how_many_events_it_has_seen(told):
    ox.alerting.backtest(rules(), log())
    assert told == [("following the log", "events", [(480, 480)])]


def test_draws_are_told_and_the_backtests_within_are_not(told):
    ox.alerting.what_if_sampled(rules(), log(), pl.lit(0.5), INCIDENTS, seeds=3)
    assert told[0][0] == "following the log"
    assert told[1:] == [("drawing and following the log", "draws", [(1, 3), (2, 3), (3, 3)])]


def test_work_that_fails_leaves_room_for_the_next(told):
    with pytest.raises(KeyError), working("one", "steps"):
        raise KeyError
    with working("two", "steps") as tell, working("within", "steps") as silent:
        silent(1, 2)
        tell(3, 4)
    assert told == [("one", "steps", []), ("two", "steps", [(3, 4)])]


@given(st.lists(st.floats(0, 3), max_size=8))
def test_nothing_is_shown_before_a_second_and_every_bar_goes(lengths):
    screen = Screen()
    with screen.show("work", "steps") as tell:
        for place, length in enumerate(lengths):
            screen.now += length
            tell(place, len(lengths))
            assert (screen.now >= 1) == bool(screen.seen)
    assert screen.open == 0


def test_what_is_done_when_it_is_first_told_needs_no_bar():
    screen = Screen()
    with screen.show("work", "steps") as tell:
        screen.now = 60.0
        tell(5, 5)
    assert screen.seen == []


@pytest.mark.parametrize("bar", [NotebookBar, TerminalBar])
def test_a_bar_moves_and_goes(bar, capsys, monkeypatch):
    drawn = bar("reading", "bytes")
    for step in ((0, None), (10, 100), (100, 100), (100, 200)):
        drawn.move(*step)
    drawn.close()


def test_without_ipywidgets_a_notebook_has_a_bar_of_text(monkeypatch, capsys):
    monkeypatch.setattr("onex_analytics.jupyter.progress_bars.find_spec", lambda name: name != "ipywidgets" or None)
    bar = NotebookBar("reading", "bytes")
    assert type(bar._bar) is tqdm.std.tqdm
    bar.close()


class Kernel:
    """As much of a kernel's shell as is asked for."""

    kernel = object()


def test_a_kernel_has_tqdm_and_a_terminal_has_rich(monkeypatch):
    assert for_shell(Kernel()) is not None
    monkeypatch.setattr("onex_analytics.jupyter.progress_bars.find_spec", lambda name: None)
    assert for_shell(Kernel()) is None
    assert for_shell(object()) is not None


def test_without_tqdm_the_extension_says_what_to_install(monkeypatch, capsys):
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.setattr("onex_analytics.jupyter.progress_bars.find_spec", lambda name: None)
    shell = InteractiveShell(config=NO_HISTORY)
    shell.kernel = object()
    before = shown_by(None)
    try:
        greet(shell)
        assert capsys.readouterr().out == ""
        load(shell)
        assert "pip install 'onex-analytics[jupyter]'" in capsys.readouterr().out
    finally:
        shown_by(before)


def test_the_package_works_where_no_part_of_the_extra_is_installed():
    program = """
import sys
for name in ("IPython", "ipywidgets", "tqdm", "anywidget", "traitlets"):
    sys.modules[name] = None
import onex_analytics as ox
from onex_analytics.jupyter.formatters import bundle
print(bundle(ox.alerting.presets())["text/plain"].splitlines()[0])
print(ox.alerting.presets().rules is not None, "totals" in dir(__import__("polars").LazyFrame().onex))
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["Rules", "True", "True"]
