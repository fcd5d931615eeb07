"""What a command reads: one store, or files, and never a guess between them."""

import pytest

from onex_analytics.cli import main
from tests.sources.reading import lines, written

COMMANDS = [["report", "--out", "r.html"], ["store", "sql", "select 1 as n from events"], ["store", "coverage"]]


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ONEX_ANALYTICS_STORE", raising=False)
    path = str(written(tmp_path, "a.jsonl", lines(3)))
    assert main(["ingest", path, "--store", "kept"]) == 0
    return path


@pytest.mark.parametrize("words", COMMANDS)
def test_files_beside_a_store_are_refused_with_what_to_leave_out(words, log, capsys):
    assert main([*words, log, "--store", "kept"]) == 2
    said = capsys.readouterr().err
    assert "--store kept" in said
    assert log in said
    assert "leave out" in said


@pytest.mark.parametrize("words", COMMANDS)
def test_files_win_over_a_store_that_only_the_environment_names(words, log, monkeypatch):
    monkeypatch.setenv("ONEX_ANALYTICS_STORE", "absent")
    assert main([*words, log]) == 0


@pytest.mark.parametrize("words", COMMANDS)
def test_nothing_to_read_is_said_in_plain_words(words, log, capsys):
    assert main(words) == 2
    assert "what to read is 'not named'; wanted a store (--store EVENTS), or raw files" in capsys.readouterr().err


@pytest.mark.parametrize("words", [*COMMANDS, ["traces", "list"], ["profile", "latency"]])
def test_lines_of_raw_files_that_gave_no_event_are_told_of(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ONEX_ANALYTICS_STORE", raising=False)
    path = written(tmp_path, "odd.jsonl", lines(3) + b"[]\n{no\n{no more\n")
    assert main([*words, str(path)]) == 0
    assert "3 of 6 lines gave no event (2 invalid_json, 1 not_an_object)" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--out", "--labels"])
def test_a_log_is_not_generated_into_a_folder_that_is_not_there(option, tmp_path, capsys):
    where = {"--out": str(tmp_path / "log.jsonl"), option: str(tmp_path / "absent" / "x.csv")}
    assert main(["generate", "5", *(word for pair in where.items() for word in pair)]) == 2
    assert "x.csv: cannot be written (No such file or directory). Mend:" in capsys.readouterr().err
