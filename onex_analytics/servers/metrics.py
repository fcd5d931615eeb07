"""What a running engine says of itself: `/metrics` in the OpenMetrics text format."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    from onex_analytics.alerting import AlertEngine

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Metric(NamedTuple):
    """One metric with its samples: labels and value."""

    name: str
    kind: str
    help: str
    samples: list[tuple[dict[str, str], float]]


def openmetrics(metrics: Iterable[Metric]) -> str:
    """Metrics as OpenMetrics text, version 1.0.

    >>> print(openmetrics([Metric("pages", "counter", "pages sent", [({"to": "a"}, 2)])]))
    # TYPE pages counter
    # HELP pages pages sent
    pages_total{to="a"} 2
    # EOF
    """
    lines = []
    for metric in metrics:
        lines += [f"# TYPE {metric.name} {metric.kind}", f"# HELP {metric.name} {_escaped(metric.help)}"]
        suffix = "_total" if metric.kind == "counter" else ""
        for labels, value in metric.samples:
            inner = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
            number = f"{value:.17g}" if value != int(value) else f"{int(value)}"
            lines.append(f"{metric.name}{suffix}{{{inner}}} {number}" if inner else f"{metric.name}{suffix} {number}")
    return "\n".join([*lines, "# EOF"])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def engine_metrics(engine: AlertEngine) -> list[Metric]:
    """What an engine counts, as metrics that begin with `onex_analytics_alerts_`."""
    groups = engine.by_group

    def of_group(word: str) -> list[tuple[dict[str, str], float]]:
        return [({"group": name}, float(counts.get(word, 0))) for name, counts in groups.items()]

    ways = engine.outbox.ways
    outcomes = [
        ({"receiver": name, "outcome": outcome}, float(count))
        for name, way in ways.items() for outcome, count in way.counts.items()
    ]  # fmt: skip
    clock = engine.clock
    found = [
        Metric("events", "counter", "events that were handed over", [({}, engine.counts["events"])]),
        *(Metric(f"{word}_events", "counter", f"events set aside as {word}", of_group(word))
          for word in ("late", "ahead", "untimed")),
        Metric("label_sets_left_out", "counter", "label sets beyond max_series, as far as they are told apart",
               of_group("over_series_limit")),
        Metric("evaluations", "counter", "evaluations of a rule for a label set", of_group("evaluations")),
        Metric("transitions", "counter", "changes of state", [({}, engine.counts["transitions"])]),
        Metric("firing", "gauge", "alerts that fire", [({}, len(engine.firing))]),
        Metric("pages", "counter", "pages that were decided upon", [({}, engine.counts["pages"])]),
        Metric("delivered", "counter", "pages and alerts by what became of them", outcomes),
        Metric("waiting", "gauge", "pages and alerts on their way to a receiver",
               [({"receiver": name}, way.waiting) for name, way in ways.items()]),
        Metric("checkpoints", "counter", "checkpoints that were written", [({}, engine.counts["checkpoints"])]),
        Metric("clock_seconds", "gauge", "the clock of the evaluations, seconds since 1970",
               [] if clock is None else [({}, clock.timestamp())]),
    ]  # fmt: skip
    return [metric._replace(name=f"onex_analytics_alerts_{metric.name}") for metric in found]


class MetricsServer:
    """Answers `GET /metrics` with the text that was last given to `show`.

    The text is made by whoever runs the engine, between two calls: a reader never sees half of a change.

    Args:
        port: 0 takes a free one; see `port`.
        host: loopback by default: what it says is for this machine.

    Raises:
        InvalidOption: the address is taken or may not be used.
    """

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self._text = openmetrics([]).encode()
        self._server = _listening(host, port, lambda: self._text)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def show(self, metrics: Iterable[Metric]) -> None:
        """Answer with these from now on."""
        self._text = (openmetrics(metrics) + "\n").encode()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _listening(host: str, port: int, text: Callable[[], bytes]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path.partition("?")[0] == "/metrics"
            body = text() if known else b"there is /metrics\n"
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", CONTENT_TYPE if known else "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Scrapes are not worth a line each."""

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except (OSError, OverflowError) as problem:
        raise InvalidOption("the address of /metrics", f"{host}:{port}", f"one that is free ({problem})") from problem
    server.daemon_threads = True
    return server
