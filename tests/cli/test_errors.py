"""`onex-analytics errors …` on a fleet of 20,000 events."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from onex_analytics.cli import main
from onex_analytics.error_patterns import TemplateModel
from onex_analytics.store import EventStore
from onex_analytics.synthetic import Incident, generate
from tests.cli.conftest import line


@pytest.fixture(scope="module")
def fleet_store(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("errors")
    cascade = Incident(kind="cascade", node="file_reader_node", start=0.4, end=0.6)
    burst = Incident(kind="new_error", node="cli_node", start=0.7, end=0.8)
    generate(20_000, seed=3, incidents=[cascade, burst]).write(folder / "fleet.jsonl")
    return stored(folder / "fleet.jsonl", folder / "store")


def stored(log: Path, folder: Path) -> str:
    EventStore(str(folder)).append(str(log))
    return str(folder)


def test_groups_add_up_and_a_table_says_what_it_leaves_out(fleet_store, ask, capsys):
    rows = ask("errors", "groups", "--store", fleet_store)
    failures = ask("errors", "groups", "--store", fleet_store, "--kind", "failure")
    assert sum(row["failures"] for row in rows) == sum(row["errors"] for row in failures) > 50
    assert main(["errors", "groups", "--store", fleet_store, "--limit", "2"]) == 0
    told = capsys.readouterr()
    assert len(told.out.splitlines()) >= 3
    assert f"and {len(rows) - 2:,} more groups" in told.err


def test_groups_follow_rules_of_a_file(fleet_store, ask, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("- {name: all, match: {kind: '.'}, group: 'all of {kind}'}\n")
    rows = ask("errors", "groups", "--store", fleet_store, "--rules", str(rules))
    assert {row["title"] for row in rows} == {"all of failure", "all of soft_failure", "all of log"}


def test_codes_that_share_their_spelling_are_counted(fleet_store, ask, capsys):
    rows = ask("errors", "groups", "--store", fleet_store)
    settled, left = (sum(row[name] for row in rows) for name in ("resolved_codes", "ambiguous_codes"))
    assert settled + left > 0
    assert main(["errors", "groups", "--store", fleet_store]) == 0
    assert f"{settled:,} were told by what stands beside them; {left:,} stay ambiguous" in capsys.readouterr().err


def test_a_template_model_is_kept_and_grows(fleet_store, tmp_path, capsys):
    model = tmp_path / "templates.json"
    for version, fresh in ((1, "templates, "), (2, ", 0 of them new")):
        assert main(["errors", "templates", "--store", fleet_store, "--model", str(model)]) == 0
        told = capsys.readouterr().err
        assert f"version {version}, " in told
        assert fresh in told
        assert TemplateModel.load(model).version == version


def test_rates_have_their_interval(fleet_store, ask):
    rows = ask("errors", "rates", "--store", fleet_store, "--by", "node", "--denominator", "finished")
    assert all(row["low"] <= row["error_rate"] <= row["high"] for row in rows if row["error_rate"] is not None)


def test_bursts_are_found_and_more_than_the_budget_are_a_finding(fleet_store, ask):
    words = ["errors", "bursts", "--store", fleet_store, "--every", "2h"]
    rows = ask(*words, "--max-bursts", "0", code=1)
    assert all(row["errors"] >= 2 * row["expected"] for row in rows)
    assert ask(*words, "--max-bursts", str(len(rows))) == rows


def test_what_is_new_since_a_moment_is_a_finding_where_it_is_asked_for(fleet_store, ask):
    begins = "2026-11-04T12:00"
    rows = ask("errors", "compare", begins, "--store", fleet_store, "--fail-on", "new", code=1)
    assert rows[0]["change"] == "new"
    assert "ONEX_SYS_904_RESOURCE_EXHAUSTED" in {row["group"] for row in rows if row["change"] == "new"}
    by_node = ask("errors", "compare", begins, "--store", fleet_store, "--by", "node,error_code")
    assert sum(row["errors_after"] for row in by_node) == sum(row["errors_after"] for row in rows)


def test_the_cascade_is_found_with_its_root(fleet_store, ask, capsys):
    rows = ask("errors", "cascades", "--store", fleet_store)
    assert rows[0]["chain"][0] == {"node": "file_reader_node", "error_code": "ONEX_SYS_904_RESOURCE_EXHAUSTED"}
    assert main(["errors", "cascades", "--store", fleet_store]) == 0
    assert "file_reader_node ONEX_SYS_904_RESOURCE_EXHAUSTED → " in capsys.readouterr().out
    by_time = ["--by-time", "--max-gap", "100ms", "--by", "error_code"]
    codes = [row["chain"][0]["error_code"] for row in ask("errors", "cascades", "--store", fleet_store, *by_time)]
    assert "ONEX_SYS_904_RESOURCE_EXHAUSTED" in codes


def test_what_is_different_about_failures_of_a_code_in_any_spelling(fleet_store, ask):
    words = ["errors", "contrast", "--store", fleet_store, "--max-order", "1"]
    rows = [row for row in ask(*words, "--code", "ONEX_SYS_904") if row["left_out"] is None]
    assert rows[0]["pattern"] == "node=file_reader_node"
    assert not any("kind" in row["columns"] for row in ask("errors", "contrast", "--store", fleet_store))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["groups", "--kind", "warning"], "some of failure, soft_failure, log"),
        (["compare", "2026-11-04", "--fail-on", "worse"], "some of new, regressed"),
        (["compare", "soon"], "MOMENT"),
        (["compare", "2020-01-01"], "of which there are errors"),
        (["bursts", "--method", "magic"], '"tail" or "kleinberg"'),
        (["cascades", "--max-gap", "soon"], "a duration above zero"),
        (["groups", "--rules", "nowhere.yaml"], "nowhere.yaml"),
        (["groups", "--figure", "groups.png"], "ends in .html"),
        (["co-occurrence", "--by", ""], "a column that names a group"),
        (["co-occurrence", "--by", "nowhere"], "missing columns ['nowhere']"),
        (["cascades", "--by", ""], "such as node,error_code"),
        (["cascades", "--min-odds", "-1"], "a ratio of odds"),
        (["bursts", "--by", "nowhere"], "missing columns ['nowhere']"),
        (["rates", "--every", "0s"], "a duration above zero"),
        (["contrast", "--column", "nowhere"], "missing columns ['nowhere']"),
        (["classify", "--min-confidence", "0.2"], "above 0.5"),
        (["tracebacks", "--own", "a b!"], "omnibase.tools"),
        (["templates", "--until", "yesterday"], "an ISO time"),
    ],
)
def test_bad_use_is_said_with_the_mend(words, said, odd_store, capsys):
    assert main(["errors", *words, "--store", odd_store]) == 2
    assert said in capsys.readouterr().err


def test_raw_files_are_read_as_well(fleet_store, ask, tmp_path):
    log = tmp_path / "log.jsonl"
    EventStore(fleet_store).to_jsonl(log)
    rows = ask("errors", "groups", str(log))
    stored = ask("errors", "groups", "--store", fleet_store)
    assert sum(row["errors"] for row in rows) == sum(row["errors"] for row in stored)


STACK = """Traceback (most recent call last):
  File "/app/src/tools/stamper.py", line 40, in stamp
    read(path)
  File "/usr/lib/python3.11/pathlib.py", line 1044, in open
    return io.open(self)
FileNotFoundError: no such file: a.yaml"""
MESSAGES = (
    None, "", "\0\x1b[31mred\r\n\u202e", "🙂 lost 3 rows", "lost 4 rows", "[ONEX_SYS_901] 3 MB left", "[OURS_1] lost",
    "x" * 20_000, "{name} %s <b>&amp;</b>",
)  # fmt: skip


@pytest.fixture(scope="module")
def odd_store(tmp_path_factory) -> str:
    """Ninety failures of nine messages that nobody would wish for, every ninth of them with a traceback."""
    folder = tmp_path_factory.mktemp("odd")
    path = folder / "odd.jsonl"
    told = [
        {"error": MESSAGES[place % len(MESSAGES)]} | ({"stack_trace": STACK} if place % 9 == 4 else {})
        for place in range(90)
    ]
    lines = [
        line(place, f"node_{place % 2}", "NODE_FAILURE", 60 * place, f"c{place // 3}", None, **more)
        for place, more in enumerate(told)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return stored(path, folder / "store")


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("empty")
    (folder / "nothing.jsonl").touch()
    return stored(folder / "nothing.jsonl", folder / "store")


EVERY_COMMAND = (
    ["groups"], ["templates"], ["classify"], ["tracebacks"], ["rates"], ["rates", "--every", "10m", "--by", "node"],
    ["bursts"], ["bursts", "--by", "group"], ["co-occurrence"], ["co-occurrence", "--by", "node,error_code"],
    ["cascades"], ["cascades", "--by-time"], ["contrast"],
)  # fmt: skip


@pytest.mark.parametrize("words", EVERY_COMMAND, ids=" ".join)
def test_messages_that_nobody_would_wish_for_are_rows_like_all_others(words, odd_store, ask, tmp_path, capsys):
    assert isinstance(ask("errors", *words, "--store", odd_store), list)
    path = tmp_path / "figure.html"
    drawn = [] if words[0] in ("classify", "tracebacks") else ["--figure", str(path)]
    assert main(["errors", *words, "--store", odd_store, *drawn]) == 0
    told = capsys.readouterr().out
    assert "\x1b[31m" not in told
    assert "x" * 300 not in told.replace("\n", "").replace(" ", "")
    page = path.read_text(encoding="utf-8") if drawn else ""
    assert "<b>&amp;</b>" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


@pytest.mark.parametrize("words", EVERY_COMMAND, ids=" ".join)
def test_of_an_empty_store_there_is_nothing_to_tell(words, empty_store, ask, tmp_path, capsys):
    rows = ask("errors", *words, "--store", empty_store)
    assert [row for row in rows if row.get("left_out") is None] == []  # contrast names columns that take no part
    drawn = [] if words[0] in ("classify", "tracebacks") else ["--figure", str(tmp_path / "figure.html")]
    assert main(["errors", *words, "--store", empty_store, *drawn]) == 0


def test_odd_messages_are_counted_each(odd_store, ask):
    for command in ("groups", "templates"):
        rows = ask("errors", command, "--store", odd_store)
        assert sum(row["errors" if command == "groups" else "count"] for row in rows) == 90 - 10 * (command != "groups")
    assert len(ask("errors", "classify", "--store", odd_store)) == 90


def test_each_error_is_classified_once_and_rules_give_codes(odd_store, ask, tmp_path, capsys):
    rules = tmp_path / "rules.yaml"
    rules.write_text("- {match: '^lost \\d', code: ONEX_CORE_022_FILE_READ_ERROR}\n")
    rows = ask("errors", "classify", "--store", odd_store, "--rules", str(rules))
    by_rule = [row for row in rows if row["method"] == "rule"]
    assert [row["code"] for row in by_rule] == ["ONEX_CORE_022_FILE_READ_ERROR"] * 10
    assert {row["method"] for row in rows} == {"rule", "explicit", "none"}
    assert main(["errors", "classify", "--store", odd_store]) == 0
    told = capsys.readouterr()
    assert "ONEX_SYS_901_DISK_FULL" in told.out
    assert "of 90 errors have no code that is sure" in told.err


def test_tracebacks_are_told_by_where_they_are_raised_and_the_others_counted(odd_store, ask, capsys):
    rows = ask("errors", "tracebacks", "--store", odd_store)
    assert [row["exception_type"] for row in rows] == ["FileNotFoundError"] * 10
    assert main(["errors", "tracebacks", "--store", odd_store]) == 0
    told = capsys.readouterr()
    assert "tools.stamper stamp:40" in told.out
    assert "80 of 90 errors have no traceback" in told.err
    assert main(["errors", "tracebacks", "--store", odd_store, "--own", "pathlib"]) == 0
    assert "pathlib open:1044" in capsys.readouterr().out


def test_pairs_that_come_together_are_found_among_all_traces(fleet_store, ask, capsys):
    rows = ask("errors", "co-occurrence", "--store", fleet_store)
    assert rows[0]["group_right"] == "ONEX_SYS_904_RESOURCE_EXHAUSTED"
    assert rows[0]["q"] < 0.01 < 10 < rows[0]["lift"]
    by_code = ask("errors", "co-occurrence", "--store", fleet_store, "--by", "error_code", "--kind", "failure")
    assert by_code[0]["error_code_right"] == "ONEX_SYS_904_RESOURCE_EXHAUSTED"
    assert main(["errors", "co-occurrence", "--store", fleet_store, "--limit", "1"]) == 0
    assert f"{rows[0]['n_tests']:,} pairs tested, among " in capsys.readouterr().err


def test_codes_of_ones_own_are_known_by_every_command(odd_store, ask, tmp_path):
    codes = tmp_path / "codes.yaml"
    codes.write_text("ONEX_OURS_001_ROWS_LOST: rows were lost\nONEX_OURS_002_OURS_1: another\n")
    rows = ask("errors", "classify", "--store", odd_store, "--taxonomy", str(codes))
    assert sum(row["code"] == "ONEX_OURS_002_OURS_1" for row in rows) == 10
    titles = [row["title"] for row in ask("errors", "groups", "--store", odd_store, "--taxonomy", str(codes))]
    assert "ONEX_OURS_002_OURS_1" in titles


@pytest.mark.parametrize(
    "words",
    [["groups"], ["classify"], ["bursts"], ["compare", "2026-11-01T12:30"], ["co-occurrence"], ["cascades"],
     ["contrast"]], ids=lambda words: words[0],
)  # fmt: skip
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"ONEX_SYS_901_OTHER: mine", "cannot be redefined"),
        (b"ONEX_SYS_901_DISK_FULL: {severity: WARNING}", "cannot be redefined"),
        (b"nonsense: mine", "a long form such as"),
        (b"- [", "a YAML file of error codes"),
        (b"\xff\xfe\x00", "no text in UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_a_taxonomy_that_cannot_be_is_refused_with_the_mend(words, text, said, odd_store, tmp_path, capsys):
    codes = tmp_path / "codes.yaml"
    if text is not None:
        codes.write_bytes(text)
    assert main(["errors", *words, "--store", odd_store, "--taxonomy", str(codes)]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("command", ["groups", "classify"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"- {name: a, match: {error_message: '(('}, group: x}", "rule 1 of"),
        (b"- {match: '((', code: A}", "rule 1 of"),
        (b"- {match: '(?<=a)b', code: A}", "rule 1 of"),
        (b"- [", "rules.yaml"),
        (b"", "NoneType"),
        (b"\xff\xfe\x00", "no text in UTF-8"),
    ],
)
def test_impossible_rules_are_refused_with_their_place(command, text, said, odd_store, tmp_path, capsys):
    rules = tmp_path / "rules.yaml"
    rules.write_bytes(text)
    assert main(["errors", command, "--store", odd_store, "--rules", str(rules)]) == 2
    assert said in capsys.readouterr().err


def test_a_rule_on_a_column_that_errors_do_not_have_says_which_they_have(odd_store, tmp_path, capsys):
    rules = tmp_path / "rules.yaml"
    rules.write_text("- {name: a, match: {tenant: x}, group: x}\n")
    assert main(["errors", "groups", "--store", odd_store, "--rules", str(rules)]) == 2
    told = capsys.readouterr().err
    assert "tenant" in told
    assert "error_message" in told


def test_a_report_holds_errors_before_and_after_a_moment_against_each_other(fleet_store, tmp_path, capsys):
    out = tmp_path / "report.html"
    words = ["report", "--store", fleet_store, "--out", str(out), "--rules", "none"]
    assert main([*words, "--moment", "2026-11-04T12:00"]) == 0
    told = out.read_text(encoding="utf-8")
    assert "Before and after 2026-11-04 12:00" in told
    assert "the last fifth of the log began" not in told
    assert main([*words, "--moment", "2020-01-01"]) == 2
    assert "of which there are errors" in capsys.readouterr().err
    assert main([*words, "--moment", "soon"]) == 2
    assert "--moment" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["groups"], "errors by group, of "),
        (["templates"], "events by message and time, of "),
        (["templates", "--kind", "log"], "events by message and time, of "),
        (["rates"], "failures over time, of "),
        (["rates", "--by", "", "--every", "6h"], "The failed share over time"),
        (["bursts", "--every", "2h"], "; the strongest"),
        (["bursts", "--by", "group"], "failures over time, of "),
        (["bursts", "--kind", "log"], "events by message and time, of "),
        (["compare", "2026-11-04T12:00"], "groups of errors was first and last seen"),
        (["co-occurrence"], "errors that come in the same traces"),
        (["cascades"], "pairs of errors that come in one order"),
        (["contrast"], "What is different about failed work"),
        (["contrast", "--code", "ONEX_SYS_904"], "failures with ONEX_SYS_904_RESOURCE_EXHAUSTED"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_answer_is_drawn_in_a_file_that_asks_no_host(words, said, fleet_store, ask, tmp_path):
    path = tmp_path / "figure.html"
    ask("errors", *words, "--store", fleet_store, "--figure", str(path))
    page = path.read_text(encoding="utf-8")
    assert any(said in told for told in re.findall(r'aria-label="([^"]*)"', page))
    assert "default-src 'none'" in page


@pytest.mark.parametrize("command", ["templates", "bursts"])
def test_a_figure_counts_every_error(command, fleet_store, ask, tmp_path):
    path = tmp_path / "figure.html"
    ask("errors", command, "--store", fleet_store, "--figure", str(path))
    errors = sum(row["errors"] for row in ask("errors", "groups", "--store", fleet_store))
    assert f'aria-label="{errors:,} events by message and time' in path.read_text(encoding="utf-8")
