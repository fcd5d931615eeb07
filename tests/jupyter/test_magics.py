"""What is typed in a cell: a store, a report, and a rule whose mistakes are told with the cell's own lines."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from types import SimpleNamespace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

import onex_analytics as ox
from onex_analytics.alerting.loading import presets_text
from onex_analytics.jupyter import rule_cells
from onex_analytics.jupyter.magics import RULE_OPTIONS, WORDS
from onex_analytics.progress import shown_by
from tests.jupyter.results import INCIDENTS, NO_HISTORY, log

RULE = """alert: Failing
by: [node]
when: {count: {of: outcome == 'failure', window: 5m}, threshold: 3}
"""


@pytest.fixture(scope="module")
def one_shell() -> Iterator[InteractiveShell]:
    """Making one takes half a second."""
    before = shown_by(None)
    made = InteractiveShell.instance(config=NO_HISTORY)
    assert made.run_cell("%load_ext onex_analytics").success
    shown_by(None)
    yield made
    InteractiveShell.clear_instance()
    shown_by(before)


@pytest.fixture
def shell(one_shell: InteractiveShell) -> Iterator[InteractiveShell]:
    """With no variable but its own."""
    known = dict(one_shell.user_ns)
    yield one_shell
    one_shell.user_ns.clear()
    one_shell.user_ns.update(known)


@pytest.fixture(scope="session")
def stored(tmp_path_factory) -> ox.EventStore:
    store = ox.EventStore(tmp_path_factory.mktemp("magics") / "events")
    store.append(log(("a", "b")).select("event_id", "timestamp", "event_type", node_id="node"))
    return store


def typed(shell: InteractiveShell, cell: str) -> SimpleNamespace:
    """What a cell came to: its result, what it showed as text, and whether it failed."""
    with capture_output() as seen:
        ran = shell.run_cell(cell)
    shown = [output.data for output in seen.outputs]
    return SimpleNamespace(result=ran.result, text=seen.stdout, shown=shown, failed=not ran.success)


def test_a_store_is_opened_and_shown(shell, stored):
    told = typed(shell, f"%onex store {stored.uri}")
    assert isinstance(shell.user_ns["store"], ox.EventStore)
    assert f"EventStore {stored.uri}\n  events {4 * 120:,} · first (UTC) 2026-11-02 12:00" in told.text
    typed(shell, f"%onex store '{stored.uri}' as mine")
    assert shell.user_ns["mine"].uri == stored.uri


def test_a_path_without_a_store_leaves_the_variable_as_it_is(shell, stored, tmp_path):
    typed(shell, f"%onex store {stored.uri}")
    told = typed(shell, f"%onex store {tmp_path / 'typo'}")
    assert told.failed and "typo holds no event store. Mend: name the folder of one, or make it with" in told.text
    assert shell.user_ns["store"].uri == stored.uri


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%onex stor events", "%onex stor: no such word. Mend: write store."),
        ("%onex tore events", "Mend: write store."),
        ("%onex 7", "Mend: write help or report or store."),
        ("%onex store", "takes a path and perhaps a name"),
        ("%onex store a as b c", "takes a path and perhaps a name"),
        ("%onex store a as 1b", "takes a path and perhaps a name"),
        ("%onex store 'a", "No closing quotation"),
        ("%onex report", "there is no store in the variable `store`. Mend: `%onex store PATH`."),
        (f"%onex store {__file__}", "it is a file"),
    ],
)
def test_a_mistake_is_told_with_its_mend_and_without_a_traceback(shell, line, said):
    told = typed(shell, line)
    assert told.failed
    assert said in told.text
    assert "Traceback (most recent" not in told.text and "jupyter/magics.py" not in told.text


def test_help_says_every_word(shell):
    assert typed(shell, "%onex").text == typed(shell, "%onex help").text
    assert all(f"%onex {word}" in typed(shell, "%onex?").text for word in WORDS)
    assert all(option in typed(shell, "%%onex_rule?").text for option in RULE_OPTIONS)


def test_a_report_is_that_of_the_command(shell, stored, monkeypatch):
    typed(shell, f"%onex store {stored.uri}")
    asked = []

    def run(command, **options):
        asked.append(command)
        return SimpleNamespace(returncode=len(asked) - 1, stdout="wrote report.html\n", stderr="--since is 'never'\n")

    monkeypatch.setattr("subprocess.run", run)
    assert "wrote report.html" in typed(shell, "%onex report --title 'My log'").text
    assert asked[0][3:] == ["report", "--store", stored.uri, "--title", "My log"]
    assert not typed(shell, "%onex report --max-error-rate 0.1").failed, "a finding is no mistake"
    told = typed(shell, "%onex report --since never")
    assert told.failed and "--since is 'never'" in told.text


@pytest.mark.soak
def test_a_report_is_written(shell, stored, tmp_path):
    typed(shell, f"%onex store {stored.uri}")
    told = typed(shell, f"%onex report --rules none --out {tmp_path}/report.html")
    assert not told.failed, told.text
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_rule_in_a_cell_is_tried_on_the_store(shell, stored):
    typed(shell, f"%onex store {stored.uri}")
    shell.user_ns["known"] = INCIDENTS
    told = typed(shell, f"%%onex_rule failing --incidents known\n{RULE}")
    result = shell.user_ns["failing"]
    assert [sorted(one) for one in told.shown] == [
        ["text/html", "text/plain"], ["application/vnd.plotly.v1+json", "text/plain"],
    ]  # fmt: skip
    rules = ox.alerting.load_rules(rule_cells.file_text(RULE)[0])
    expected = ox.alerting.backtest(rules, stored.scan(), INCIDENTS)
    assert result.alerts.equals(expected.alerts)
    assert result.alerts["fired"].count() == 2
    assert result.verdicts["verdict"].to_list() == ["caught"]


def test_a_rule_is_tried_on_a_part_of_a_log_and_on_a_frame(shell, stored):
    half = "--since 2026-11-02T12:40 --until 2026-11-02T12:50"
    shell.user_ns["frame"] = stored.scan().collect()
    for source in (stored.uri, "frame"):
        assert not typed(shell, f"%%onex_rule --store {source} {half}\n{RULE}").failed
        assert shell.user_ns["result"].accounts["cell"]["events"] == 40


@pytest.mark.parametrize("cell", [f"- {RULE.replace(chr(10), chr(10) + '  ')}", presets_text(), f"# mine\n{RULE}"])
def test_a_list_of_rules_and_a_whole_file_are_rules_as_well(shell, stored, cell):
    assert not typed(shell, f"%%onex_rule --store {stored.uri}\n{cell}").failed


MISTAKES = {
    "a misspelt key": (
        "alert: A\nwhen: {coun: {window: 5m}}\nfor: 1m",
        "\n      2  alert: A\n    > 3  when: {coun: {window: 5m}}\n      4  for: 1m",
    ),
    "a column that is not there": ("alert: A\nwhen: {count: {of: nod == 'a', window: 5m}, threshold: 1}", "line 3: of"),
    "no YAML": ("alert: [A", "line 2: no YAML"),
    "no rule": ("# none yet", "the cell holds no rule. Mend: write one below, such as\nalert: ManyFailures"),
    "a list": ("- alert: A\n  when: {count: {window: 5m}, threshold: 1}\n- alert: B\n  wen: 3", "> 5    wen: 3"),
    "a file": ("groups:\n- name: g\n  rools: []", "line 4: unknown key 'rools'"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_in_a_rule_is_told_with_the_line_of_the_cell(shell, stored, what):
    cell, said = MISTAKES[what]
    told = typed(shell, f"%%onex_rule --store {stored.uri}\n{cell}")
    assert told.failed and not told.shown
    assert said in told.text
    assert "Traceback" not in told.text
    assert "result" not in shell.user_ns


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "no store and no frame of events in the variable `store`: it is not there. Mend: `%onex store PATH`"),
        ("--store number", "it holds a int"),
        ("--store", "expected one argument"),
        ("--stoor x", "unrecognized arguments"),
        ("3x", "'3x' is no name of a variable"),
        ("--store frame --since never", "--since is 'never'"),
        ("--store frame --incidents nowhere.json", "nowhere.json"),
    ],
)
def test_a_mistake_in_the_line_of_a_rule_is_told(shell, line, said):
    shell.user_ns |= {"number": 3, "frame": log()}
    told = typed(shell, f"%%onex_rule {line}\n{RULE}")
    assert told.failed
    assert said in told.text


LINES = st.lists(st.text("abc:-{}[]#'\" ,", max_size=9), max_size=5)


@given(LINES)
def test_a_line_of_the_file_is_a_line_of_the_cell(lines):
    cell = "\n".join(lines)
    text, before = rule_cells.file_text(cell)
    for place, line in enumerate(lines):
        assert line.strip() in text.split("\n")[before + place] if line.strip() else True
    if cell.strip():
        mistakes = ox.alerting.check_rules(text)
        assert "line " in rule_cells.mistakes_text(cell, mistakes, before) or not mistakes


def test_words_are_completed_by_tab(shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "mine").mkdir()
    (tmp_path / "evening.txt").touch()

    def completed(line: str) -> list[str]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            return sorted(shell.complete("", line, len(line))[1])

    assert completed("%onex ") == [*WORDS]
    assert completed("%onex st") == ["store"]
    assert completed("%onex store ev") == ["events"]
    assert completed("%onex store events/") == ["events/mine"]
    assert completed("%onex store events a") == ["as"]
    assert completed("%onex store nowhere/") == []
    assert completed("%%onex_rule --s") == ["--since", "--store"]
    assert completed("%%onex_rule --since 2026 --s") == ["--store"]
    assert {"%onex", "%%onex_rule"} <= set(completed("%on"))


def test_a_frame_without_times_of_day_is_refused_as_everywhere(shell):
    shell.user_ns["frame"] = pl.DataFrame({"n": [1]})
    assert "missing columns" in typed(shell, f"%%onex_rule --store frame\n{RULE}").text
