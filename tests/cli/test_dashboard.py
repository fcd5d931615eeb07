"""What the command says where it cannot serve; that it serves stands in tests/dashboard."""

from __future__ import annotations

import socket

import pytest

from onex_analytics.cli import dashboard, main
from tests.dashboard.logs import evil_events


@pytest.fixture
def filled(store):
    store.append(evil_events(runs=2))
    return store.uri


def test_without_the_extra_the_line_that_installs_it_is_said(monkeypatch, filled, capsys):
    monkeypatch.setattr(dashboard, "find_spec", lambda name: None)
    assert main(["dashboard", "--store", filled]) == 2
    assert "pip install 'onex-analytics[dashboard]'" in capsys.readouterr().err


def test_a_token_that_is_too_short_is_refused_before_anything_is_read(filled, capsys):
    assert main(["dashboard", "--store", filled, "--token", "short"]) == 2
    assert "--token is '5 letters'; wanted at least 16" in capsys.readouterr().err


def test_a_store_that_is_not_there_and_one_without_events_are_named(tmp_path, capsys):
    assert main(["dashboard", "--store", str(tmp_path / "nowhere")]) == 2
    assert "there is no such folder" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["dashboard", "--store", str(tmp_path / "empty")]) == 2
    assert "there is no event table here yet" in capsys.readouterr().err


def test_a_port_that_is_taken_says_how_to_choose_another(filled, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["dashboard", "--store", filled, "--port", port, "--no-browser"]) == 2
    assert "name another one with --port" in capsys.readouterr().err
