"""Looking into a store from the command line."""

import pytest

from onex_analytics.cli import main
from tests.sources.reading import lines, written


@pytest.fixture
def kept(tmp_path) -> str:
    store = str(tmp_path / "s")
    broken = b'{"event_id": tru\n' + b"\x1b[31m" + b"y" * 100 + b'\n{"events": [{"event_id": "e"}]}\n'
    assert main(["ingest", str(written(tmp_path, "a.jsonl", lines(3) + broken)), "--store", store]) == 0
    return store


def test_a_rejected_line_is_shown_in_part_and_as_no_command_for_the_terminal(kept, capsys):
    capsys.readouterr()
    assert main(["store", "rejected", "--store", kept]) == 0
    printed = capsys.readouterr().out
    assert '{"event_id": tru' in printed
    assert "\x1b" not in printed
    assert "y" * 50 in printed
    assert "y" * 70 not in printed


def test_the_detail_of_a_rejected_line_says_more_than_a_place(kept, capsys):
    capsys.readouterr()
    assert main(["store", "rejected", "--store", kept]) == 0
    printed = capsys.readouterr().out
    assert "at byte 13 of the line: no JSON value can go on like this there" in printed
    assert "this object stands around events" in printed


@pytest.mark.parametrize("query", ["drop table events", "delete from events", " create table x as select 1", ""])
def test_sql_that_asks_nothing_is_refused(query, kept, capsys):
    assert main(["store", "sql", query, "--store", kept]) == 2
    assert "wanted a question" in capsys.readouterr().err


@pytest.mark.parametrize("query", ["/* why */ SELECT node FROM events", "with a as (select 1 as n) select * from a"])
def test_sql_that_asks_is_answered(query, kept):
    assert main(["store", "sql", query, "--store", kept]) == 0


def test_an_export_is_not_written_under_a_name_that_says_another_form(kept, tmp_path, capsys):
    assert main(["store", "export", "--store", kept, "--out", str(tmp_path / "s1.csv")]) == 2
    assert "JSON lines are written" in capsys.readouterr().err
    assert not (tmp_path / "s1.csv").exists()
