"""One small log with hand-made traces, and a way to ask a command."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from onex_analytics.cli import main
from onex_analytics.store import EventStore

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def line(number: int, node: str, event_type: str, second: float, correlation: str, parent: str | None, **metadata):
    return json.dumps({
        "event_id": f"00000000-0000-4000-8000-{number:012d}", "node_id": f"{node}:{metadata.pop('version', '1.0.0')}",
        "timestamp": (NOON + timedelta(seconds=second)).isoformat(), "event_type": event_type,
        "correlation_id": correlation, "parent_correlation_id": parent, "metadata": metadata,
    })  # fmt: skip


def call(number: int, node: str, correlation: str, start: float, ms: float | None, parent: str | None = None,
         failed: bool = False, **metadata) -> list[str]:  # fmt: skip
    """A node's start and, where it took `ms`, its end."""
    lines = [line(2 * number, node, "NODE_START", start, correlation, parent, **metadata)]
    if ms is not None:
        ended = {**metadata, "execution_time_ms": ms}
        ended |= {"error": "[ONEX_CORE_021_FILE_NOT_FOUND] a.yaml"} if failed else {}
        word = "NODE_FAILURE" if failed else "NODE_SUCCESS"
        lines.append(line(2 * number + 1, node, word, start + ms / 1000, correlation, parent, **ended))
    return lines


def trace(
    number: int, at: float, ms: float, *, version: str = "1.3.0", name: str = "page", ends: bool = True
) -> list[str]:  # fmt: skip
    """A page that waits for a query, which begins after 2 ms and takes all but 4 ms; every third of them fails."""
    page, query = f"{name}-{number}", f"query-{number}"
    return [
        *call(4 * number, "page_node", page, at, ms if ends else None, version=version),
        *call(4 * number + 1, "query_node", query, at + 0.002, ms - 4, page, failed=number % 3 == 2, version=version),
    ]


@pytest.fixture(scope="session")
def traces_log(tmp_path_factory) -> Path:
    """Eighty pages, a minute apart: the last forty are of 1.4.0 and take twice as long; one never ends."""
    lines = [text for i in range(40) for text in trace(i, 60 * i, 20 + i % 7)]
    lines += [text for i in range(40, 80) for text in trace(i, 60 * i, 40 + i % 7, version="1.4.0")]
    lines += trace(80, 60 * 10, 900, name="stuck", ends=False)
    path = tmp_path_factory.mktemp("traces") / "traces.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def traces_store(traces_log, tmp_path_factory) -> str:
    uri = str(tmp_path_factory.mktemp("store") / "events")
    EventStore(uri).append(str(traces_log))
    return uri


@pytest.fixture
def ask(capsys, monkeypatch):
    """Ask a command for JSON: gives what it printed and its exit code, and holds that to `code`."""
    monkeypatch.delenv("ONEX_ANALYTICS_STORE", raising=False)

    def asked(*words: str, code: int = 0):
        capsys.readouterr()
        found = main([*words, "--json"])
        printed = capsys.readouterr()
        assert found == code, printed.err
        return json.loads(printed.out)

    return asked


