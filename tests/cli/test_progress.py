import io
import time

import pytest

from onex_analytics.cli import progress as module
from onex_analytics.cli.progress import busy, growing, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_it_is_quiet_where_nobody_looks(capsys, tmp_path):
    with progress("reading") as tell, busy("asking"), growing(tmp_path / "x", "writing"):
        tell(1, 2, 3)
    assert capsys.readouterr() == ("", "")


def terminal(monkeypatch) -> Terminal:
    """Standard error as a terminal, from here to the end of the test: a fixture would come before pytest's own."""
    made = Terminal()
    monkeypatch.setattr("sys.stderr", made)
    monkeypatch.setenv("TERM", "xterm")
    return made


def test_quick_work_is_quiet_on_a_terminal_too(monkeypatch):
    screen = terminal(monkeypatch)
    with progress("reading") as tell:
        tell(1, 2, 3)
    with busy("asking"):
        pass
    assert screen.getvalue().strip() == ""


def test_long_work_shows_what_it_does(monkeypatch):
    screen = terminal(monkeypatch)
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    with progress("reading") as tell:
        time.sleep(0.1)
        tell(500, 1000, 7)
        time.sleep(0.3)
    assert "reading" in screen.getvalue()
    assert "7 rows" in screen.getvalue()


def test_an_error_ends_the_bar_and_goes_on(monkeypatch):
    screen = terminal(monkeypatch)
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    with pytest.raises(ZeroDivisionError), busy("asking"):
        time.sleep(0.2)
        raise ZeroDivisionError
    assert "asking" in screen.getvalue()


def test_the_bar_is_not_full_while_rows_that_were_read_are_still_worked_on(monkeypatch):
    screen = terminal(monkeypatch)
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    with progress("reading") as tell:
        time.sleep(0.1)
        tell(500_000, 500_000, 7)
        time.sleep(0.3)
    assert "495.0/500.0 kB" in screen.getvalue()
