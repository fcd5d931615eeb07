import json
from datetime import UTC, datetime

import polars as pl
import pytest

from onex_analytics.cli.output import Output, shown
from onex_analytics.exceptions import InvalidOption, SourceError

ROWS = pl.DataFrame({
    "node": ["a", None], "n": [1200, 3], "share": [0.25, None], "kinds": [["x", "y"], []],
    "at": [datetime(2026, 1, 1, tzinfo=UTC)] * 2, "raw": [b"\xff{", b""],
})  # fmt: skip


def test_json_is_a_list_of_objects(capsys):
    Output(as_json=True).frame(ROWS)
    assert json.loads(capsys.readouterr().out)[0] == {
        "node": "a", "n": 1200, "share": 0.25, "kinds": ["x", "y"], "at": "2026-01-01T00:00:00+00:00", "raw": "�{",
    }  # fmt: skip


def test_csv_keeps_lists_with_a_bar_between(capsys):
    Output(as_csv=True).frame(ROWS.select("node", "n", "kinds"))
    assert capsys.readouterr().out == 'node,n,kinds\na,1200,x | y\n,3,""\n'


def test_a_table_is_whole_where_no_terminal_sets_a_width(capsys):
    Output().frame(pl.DataFrame({"text": ["word " * 30], "markup": ["[red]x[/red]"]}))
    printed = capsys.readouterr().out
    assert "[red]x[/red]" in printed
    assert printed.count("word") == 30
    assert "…" not in printed


@pytest.mark.parametrize("name", ["t.json", "t.jsonl", "t.csv", "t.parquet", "t.txt"])
def test_the_name_of_the_file_says_its_form(name, tmp_path, capsys):
    Output(out=tmp_path / name).frame(ROWS.select("node", "n"))
    assert capsys.readouterr().out == ""
    written = tmp_path / name
    readers = {
        ".json": pl.read_json, ".jsonl": pl.read_ndjson, ".csv": pl.read_csv, ".parquet": pl.read_parquet,
    }  # fmt: skip
    if reader := readers.get(written.suffix):
        assert reader(written).rows() == [("a", 1200), (None, 3)]
    else:
        assert "1,200" in written.read_text()


def test_facts_are_one_object_or_a_row_each(capsys):
    facts = {"read": 3, "reasons": {"strict": 2}}
    Output(as_json=True).facts(facts)
    assert json.loads(capsys.readouterr().out) == facts
    Output(as_csv=True).facts(facts)
    assert capsys.readouterr().out == "what,value\nread,3\nreasons: strict,2\n"


def test_two_forms_at_once_are_refused():
    with pytest.raises(InvalidOption, match="one of them"):
        Output(as_json=True, as_csv=True)


@pytest.mark.parametrize(
    ("value", "text"), [(True, "yes"), (1234567, "1,234,567"), (1234.5, "1,234"), (0.5, "0.5"), (None, "–"), ([], "–")]
)
def test_values_are_written_as_people_write_them(value, text):
    assert shown(value) == text


@pytest.mark.parametrize(("name", "option"), [("t.csv", "as_json"), ("t.json", "as_csv"), ("t.parquet", "as_json")])
def test_a_file_whose_name_says_another_form_is_refused(name, option, tmp_path):
    with pytest.raises(InvalidOption, match=r"--out is .*a name that ends in \.(json|csv), or no --"):
        Output(out=tmp_path / name, **{option: True})


@pytest.mark.parametrize("name", ["t.json", "t.jsonl", "t.csv", "t.parquet", "t.txt"])
def test_a_file_that_cannot_be_written_is_said_with_the_mend(name, tmp_path):
    with pytest.raises(SourceError, match=rf"{name}: cannot be written .*Mend: name another file"):
        Output(out=tmp_path / "absent" / name).frame(ROWS.select("node", "n"))
