import os
import signal
import subprocess
import sys
import time

import pytest

from onex_analytics.cli import ingest, main
from onex_analytics.exceptions import NotAStore, OnexError

COMMAND = [sys.executable, "-c", "import sys; from onex_analytics.cli import main; sys.exit(main())"]


def test_help_is_quick_because_nothing_heavy_is_imported():
    code = "import sys, onex_analytics.cli; print([m for m in ('polars', 'plotly', 'rich.table') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_help_names_every_command(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in ("demo", "ingest", "generate", "report", "store", "traces", "profile"))


def test_the_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("onex-analytics ")


@pytest.mark.parametrize("words", [["nonsense"], ["ingest"], ["store", "info"], ["generate", "zero", "--out", "x"]])
def test_bad_use_is_2_and_says_what_is_wrong(words, capsys, monkeypatch):
    monkeypatch.delenv("ONEX_ANALYTICS_STORE", raising=False)
    assert main(words) == 2
    assert "rror" in capsys.readouterr().err


def test_a_store_that_is_not_there_is_one_line_with_the_mend(tmp_path, capsys):
    assert main(["store", "info", "--store", str(tmp_path / "absent")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Mend:" in said


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (NotAStore("x", "a file"), 2, "x is not an event store"),
        (OnexError("two\nlines"), 2, "two lines"),
        (KeyError("x"), 70, "unexpected KeyError: 'x'. This is a fault of ours; --debug shows the traceback."),
        (KeyboardInterrupt(), 130, "run the same command again to do the rest"),
    ],
)
def test_errors_are_one_line_and_never_a_traceback(raised, code, said, capsys, monkeypatch):
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr("onex_analytics.cli.ingest.progress", fail)
    assert main(["ingest", "x.jsonl", "--store", "s"]) == code
    shown = capsys.readouterr().err
    assert said in shown
    assert "Traceback" not in shown
    assert ingest is not None


def test_debug_shows_the_traceback_wherever_it_stands(tmp_path):
    with pytest.raises(NotAStore):
        main(["store", "info", "--store", str(tmp_path / "absent"), "--debug"])


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    words = ["generate", "20000", "--out", "-"]
    with subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None and running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        said = running.stderr.read()
        assert running.wait(60) == 141
    assert said == b""


def test_ctrl_c_says_that_running_again_finishes_the_work(tmp_path):
    words = ["generate", "5000000", "--out", str(tmp_path / "log.jsonl")]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen([*COMMAND, *words], stderr=subprocess.PIPE, env=env) as running:
        assert running.stderr is not None
        until = time.monotonic() + 60
        while not (tmp_path / "log.jsonl").exists() and time.monotonic() < until:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        said = running.stderr.read().decode()
        assert running.wait(60) == 130
    assert "run the same command again" in said
    assert "Traceback" not in said
