"""Every result that a user holds shows itself, whatever its texts hold, and says what was left out."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
import typing
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import plotly.graph_objects as go
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

import onex_analytics as ox
from onex_analytics.jupyter.card_html import card_html
from onex_analytics.jupyter.card_text import card_text
from onex_analytics.jupyter.cards import Card, CardTable
from onex_analytics.jupyter.formatters import FIGURE, LARGEST_BYTES, bundle, card_of, drawn, figure_bundle, register
from onex_analytics.jupyter.showing.classes import CARDS, DRAWN
from onex_analytics.views.tables import Column
from tests.jupyter.results import MAKE, NO_HISTORY, backtest, log, made

SHOWN_AS_THEY_ARE = {
    "Alertmanager": "holds an address, perhaps with a password in it",
    "Arithmetic": "its repr is the text that it was written as",
    "Correlation": "three ids: its repr",
    "Delivery": "hands over pages for the engine",
    "Filter": "its repr is the text that it was written as",
    "JsonLines": "where pages go: nothing to look at",
    "Limits": "a policy as plain numbers, for kernels",
    "ManualClock": "a clock",
    "MonotonicClock": "a clock",
    "Notifier": "has no result of its own: it gives pages",
    "OnexErrorCode": "an enumeration",
    "OnexEventType": "an enumeration",
    "Outbox": "the engine's way to its receivers",
    "Printed": "where pages go: nothing to look at",
    "SchemaVersion": "its repr is the version",
    "Webhook": "holds an address, perhaps with a password in it",
    "profile_operation": "wraps a function",
    "Card": "how results look, not a result",
    "PageAlert": "a part of a page, which shows it",
}
"""Public classes without a card, and why."""

OF_A_ROOM_ITSELF = ("alerting.cells", "cli", "dashboard", "frames.trees", "jupyter", "views", "profiling.export")
"""What these export is for rooms, not for users."""


def public_classes() -> dict[str, type]:
    """Those in an `__all__`, and those that public functions and methods return, by name."""
    found: dict[str, type] = {}

    def add(hint: object) -> None:
        ours = inspect.isclass(hint) and hint.__module__.startswith("onex_analytics.")
        if ours and not issubclass(hint, BaseException) and not getattr(hint, "_is_protocol", False):
            found.setdefault(hint.__name__, hint)
        for part in typing.get_args(hint):
            add(part)

    names = {"onex_analytics.settings", "onex_analytics.pipeline"}
    names |= {m.name for m in pkgutil.walk_packages(ox.__path__, "onex_analytics.") if m.ispkg}
    own = tuple(f"onex_analytics.{name}" for name in OF_A_ROOM_ITSELF)
    for name in sorted(name for name in names if not name.startswith(own)):
        room = importlib.import_module(name)
        for public in getattr(room, "__all__", [n for n, o in vars(room).items() if _is_of(o, name) and n[0] != "_"]):
            one = getattr(room, public)
            add(one)
            if inspect.isfunction(one):
                add(_returned(one))
    seen: set[str] = set()
    while new := set(found) - seen:
        seen |= new
        for name in new:
            for method in _methods(found[name]):
                add(_returned(method))
    return found


def _is_of(one: object, module: str) -> bool:
    return getattr(one, "__module__", None) == module and (inspect.isclass(one) or inspect.isfunction(one))


def _methods(one: type) -> Iterator[object]:
    for base in one.__mro__:
        if base.__module__.startswith("onex_analytics."):
            for name, held in vars(base).items():
                held = getattr(held, "fget", None) or getattr(held, "func", None) or getattr(held, "__func__", held)
                if not name.startswith("_") and inspect.isfunction(held):
                    yield held


def _returned(function: object) -> object:
    """The annotation of what it returns; a class that is only imported for type checkers is found by its name."""
    try:
        return typing.get_type_hints(function).get("return")
    except NameError:
        told = inspect.get_annotations(function).get("return", "")
        known = {name: getattr(importlib.import_module(module), name) for module, name in CARDS if name in told}
        return typing.Union.__getitem__(tuple(known.values())) if known else None


def has_card(one: type) -> bool:
    return any((base.__module__, base.__name__) in CARDS for base in one.__mro__)


def test_every_public_class_has_a_card_or_a_reason_why_not():
    found = public_classes()
    without = {name for name, one in found.items() if not has_card(one)}
    assert without <= set(SHOWN_AS_THEY_ARE), "these have neither"
    assert {"Backtest", "EventStore", "BatchingResult", "RuleTestReport", "Load"} <= set(found)


def test_every_card_is_of_a_class_that_is_there_and_of_a_function_that_is_there():
    for (module, name), (file, function) in CARDS.items():
        assert inspect.isclass(getattr(importlib.import_module(module), name))
        assert callable(getattr(importlib.import_module(f"onex_analytics.jupyter.showing.{file}"), function))


def test_one_of_every_class_is_shown_in_these_tests():
    made = set(MAKE) | {"EventStore", "IngestReport"}
    assert made - {"OnexEvent"} >= {name for _, name in CARDS} - {"OnexEventV1_0"}


class Tags(HTMLParser):
    """The tags, attributes and texts of a page, as a browser would find them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


OURS = {
    "caption", "code", "dd", "div", "dl", "dt", "li", "p", "pre", "style", "table", "tbody", "td", "th", "thead", "tr",
    "ul",
}  # fmt: skip


def is_safe(page: str) -> Tags:
    read = Tags(page)
    assert set(read.tags) <= OURS
    assert read.attributes <= {"class", "scope", "aria-label"}
    assert not read.open
    return read


@pytest.mark.parametrize("name", MAKE)
def test_a_result_is_shown_safely_and_small(name):
    result = made(name)
    shown = bundle(result)
    is_safe(shown["text/html"])
    assert len(shown["text/html"].encode()) < 60_000
    assert len(shown["text/plain"].splitlines()) < 150
    assert card_of(result).title in shown["text/plain"]
    assert len(repr(result)) < 2_000


@pytest.mark.parametrize("name", sorted({name for _, name in DRAWN}))
def test_what_people_would_rather_look_at_is_drawn_and_told_in_words(name):
    shown = figure_bundle(made(name))
    assert shown is not None
    assert shown[FIGURE]["data"] and len(shown["text/plain"]) > 20
    assert shown[FIGURE]["config"]["showSendToCloud"] is False
    assert len(json.dumps(shown)) < LARGEST_BYTES


def test_a_figure_that_is_too_large_after_all_is_told_in_words():
    told = drawn(go.Figure(go.Scatter(y=["x" * 100] * 30_000)))
    assert list(told) == ["text/plain"]
    assert "The figure has 3." in told["text/plain"]


def test_only_those_are_drawn_that_say_so():
    for name in set(MAKE) - {name for _, name in DRAWN}:
        assert figure_bundle(made(name)) is None, name


@given(st.text(st.characters(codec="utf-8")))
def test_no_text_becomes_markup_and_none_moves_a_cursor(text):
    rows = pl.DataFrame({"text": [text], "labels": [[{"name": text, "value": text}]]})
    table = CardTable(text, rows, [Column("text", text, "code"), Column("labels", text)], empty=text, order=text)
    none = CardTable(text, rows.clear(), [Column("text", text)], empty=text)
    card = Card(text, text, {text: (text, "text")}, (table, none), [text], text)
    assert is_safe(card_html(card)).tags.count("table") == 1
    assert all(sign.isprintable() for line in card_text(card).split("\n") for sign in line)


def test_a_table_shows_few_rows_and_says_how_many_there_are():
    rows = pl.DataFrame({"n": range(1_000_000)})
    table = CardTable(".rows", rows, [Column("n", "number", "count")], order="the first")
    page = card_html(Card("Many", tables=(table,)))
    assert is_safe(page).tags.count("tr") == 7
    assert ".rows: 6 of 1,000,000 rows, the first" in page


def test_a_long_text_is_cut_and_the_rest_is_counted():
    page = is_safe(card_html(Card("Long", lead="x" * 10**6, code="line\n" * 10**5, left_out=["y" * 10**6])))
    assert "and 98,800 lines more" in page.text
    assert len(page.text) < 10_000


def test_what_rules_did_not_see_is_said():
    late = log().with_columns(arrived_at=pl.col("timestamp") + pl.duration(minutes=pl.int_range(pl.len()) % 7 * 9))
    result = ox.alerting.backtest(backtest().rules, late, as_of="arrival")
    count = result.accounts["g"]["late"]
    assert count > 0
    assert f"as their evaluations had been made when they came: {count} by group g" in bundle(result)["text/html"]


def test_a_store_and_what_was_read_into_it_are_shown(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"event_id":"e1","timestamp":"2026-11-01T00:00:00","node_id":"n","event_type":"NODE_START"}\nno\n')
    store = ox.EventStore(tmp_path / "events")
    assert "nothing was stored" in bundle(store)["text/plain"].lower() or card_of(store).left_out
    report = store.append(path)
    assert "read 2 = stored 1 + duplicate 0 + rejected 1" in bundle(report)["text/html"]
    assert card_of(store).facts["events"] == (1, "count")
    assert card_of(store).left_out == ["1 rejected lines are kept in store.rejected()"]
    is_safe(bundle(store)["text/html"])


def test_what_has_no_card_is_refused():
    with pytest.raises(LookupError, match="object is shown by no card"):
        card_of(object())


# ---------------------------------------------------------------------- in IPython


@pytest.fixture
def shell() -> InteractiveShell:
    return InteractiveShell(config=NO_HISTORY)


def test_a_shell_shows_html_and_text_and_the_figure_below(shell, capsys):
    register(shell)
    register(shell)
    shown = shell.display_formatter.format(backtest().rules)[0]
    assert shown["text/html"].startswith('<div class="onex-card">')
    assert shown["text/plain"].startswith("Rules\n")
    published = []
    shell.display_pub.publish = lambda data, **_: published.append(data)
    assert shell.display_formatter.format(backtest()) == ({}, {})
    assert [sorted(one) for one in published] == [["text/html", "text/plain"], [FIGURE, "text/plain"]]


def test_a_terminal_shows_text_only(shell):
    shell.display_formatter.active_types = ["text/plain"]
    register(shell)
    shown = shell.display_formatter.format(backtest())[0]
    assert list(shown) == ["text/plain"]
    assert shown["text/plain"].startswith("Backtest\n  rules 1 · firings 2")


def test_within_a_list_a_result_is_one_line(shell):
    register(shell)
    assert shell.display_formatter.format([backtest().rules])[0]["text/plain"] == "[RuleSet(1 rules: Busy)]"


def test_importing_us_in_a_running_shell_is_enough_and_loads_nothing_else():
    program = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import sys, onex_analytics
print(*(name in sys.modules for name in ("polars", "plotly", "tqdm")))
key = ("onex_analytics.alerting.backtesting", "Backtest")
print(key in shell.display_formatter.formatters["text/html"].deferred_printers)
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["False", "False", "False", "True"]


def test_no_card_reads_more_than_a_look_at_the_package_allows():
    """A card is made of what a result holds: nothing of it reads a log again, or draws before it is asked to."""
    folder = Path(ox.__file__).parent / "jupyter" / "showing"
    texts = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    for word in (".stretches(", ".states(", ".evidence", ".scan(", ".collect("):
        assert word not in texts, word
