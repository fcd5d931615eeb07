"""Alerts really arrive in Debian's Alertmanager, and what it then tells is what the backtest says."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.request
from collections import defaultdict
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
import yaml

from onex_analytics.alerting import AlertEngine, Alertmanager, RuleSet, backtest
from onex_analytics.model import EVENTS
from tests.alerting.receivers.server import Sink, wait_until
from tests.alerting.test_engine import event, when

RULES = RuleSet.model_validate({
    "groups": [{"name": "g", "interval": "1s", "rules": [
        {"alert": "Down", "by": ["node"], "when": when(count={"of": "outcome == 'failure'", "window": "2s"}),
         "labels": {"severity": "critical"}, "annotations": {"summary": "{{ labels.node }} is down"}},
        {"alert": "Slow", "by": ["node"], "when": when(count={"of": "outcome == 'success'", "window": "2s"})},
    ]}],
    "notification": {
        "receivers": [{"name": "team"}, {"name": "quiet", "send_resolved": False}],
        # ticks are whole seconds and looks at groups lie between them: nobody's delay changes their order
        "route": {"receiver": "team", "group_by": ["alertname"], "group_wait": "1500ms", "group_interval": "4s",
                  "repeat_interval": "6s", "routes": [{"matchers": ['node =~ "c|d"'], "receiver": "quiet",
                                                       "group_by": ["node"]}]},
        "inhibit_rules": [{"source_matchers": ["severity = critical"], "target_matchers": ['alertname = "Slow"'],
                           "equal": ["node"]}],
    },
})  # fmt: skip
# outcome, node, from, until: an event every half second
SCRIPT = [("failure", "a", 0, 7), ("failure", "b", 3, 5), ("success", "a", 1, 11), ("success", "c", 2, 12)]
LENGTH_S, BEHIND_S = 20.0, 0.25


class StoodStill(Exception):
    """The machine stood still for too long to say anything about times."""


def configuration(url: str) -> str:
    """The rules' notification as Alertmanager's configuration: the words are the same."""
    told = RULES.notification.model_dump(mode="json", exclude_none=True)
    told["receivers"] = [
        {"name": r.name, "webhook_configs": [{"url": url, "send_resolved": r.send_resolved}]}
        for r in RULES.notification.receivers
    ]
    return yaml.safe_dump({name: told[name] for name in ("route", "receivers", "inhibit_rules")})


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextmanager
def running(alertmanager, tmp_path):
    """An Alertmanager of its own, its address, and what its webhook was told."""
    with Sink() as sink:
        tmp_path.mkdir()
        (tmp_path / "alertmanager.yml").write_text(configuration(sink.url))
        address = f"127.0.0.1:{free_port()}"
        program = subprocess.Popen(
            [alertmanager, f"--config.file={tmp_path}/alertmanager.yml", f"--storage.path={tmp_path}/data",
             f"--web.listen-address={address}", "--cluster.listen-address=", "--log.level=warn"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            wait_until(lambda: ready(address) or program.poll() is not None)
            assert program.poll() is None, program.communicate()[0]
            yield f"http://{address}", sink
        finally:
            program.kill()
            program.communicate()


def ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/-/ready", timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


def played(url: str) -> tuple[AlertEngine, list[dict]]:
    """The script in real time through an engine that posts to the Alertmanager."""
    manager = Alertmanager(url, resend_s=1.0)
    engine = AlertEngine(RULES, {"team": manager}, self_watch=False)
    engine.process([event(0, 0)])  # all is loaded before the clock runs
    engine = AlertEngine(RULES, {"team": manager}, self_watch=False)
    begin = datetime.fromtimestamp(int(time.time()) + 2, UTC)
    planned = sorted(
        (begin + timedelta(seconds=start + half / 2 + 0.1), outcome, node)
        for outcome, node, start, end in SCRIPT for half in range(2 * (end - start))
    )  # fmt: skip
    events: list[dict] = []
    before = now = datetime.now(UTC)
    while (now - begin).total_seconds() < LENGTH_S:
        before, now = now, datetime.now(UTC)
        if events and (now - before).total_seconds() > BEHIND_S:
            raise StoodStill
        while planned and planned[0][0] <= now:
            at, outcome, node = planned.pop(0)
            events.append({**event(len(events), 0, node, outcome), "timestamp": at, "arrived_at": at})
            engine.process(events[-1:])
        if events:
            engine.advance(now - timedelta(seconds=BEHIND_S))
        time.sleep(0.02)
    assert manager.drain(10)
    assert engine.close()
    return engine, events


def by_group(pages: list[tuple]) -> dict[tuple[str, str], list[tuple]]:
    found = defaultdict(list)
    for receiver, key, *rest in pages:
        found[receiver, key].append(tuple(rest))
    return dict(found)


def test_the_pages_of_a_real_alertmanager_are_those_of_the_backtest(alertmanager, tmp_path):
    for attempt in range(5):
        try:
            with running(alertmanager, tmp_path / str(attempt)) as (url, sink):
                engine, events = played(url)
            break
        except StoodStill:
            continue
    else:
        pytest.fail("the machine stood still again and again; nothing can be said of times")
    log = pl.DataFrame(events, schema=EVENTS, orient="row")
    said = backtest(RULES, log, as_of="arrival", advances=engine.advances)

    def nodes(alerts):
        return sorted(label["value"] for alert in alerts for label in alert["labels"] if label["name"] == "node")

    ideal = by_group([
        (row["receiver"], row["group_key"], row["status"], nodes(row["firing"]), nodes(row["resolved"]))
        for row in said.pages.iter_rows(named=True)
    ])  # fmt: skip
    def told(body, state):
        return sorted(alert["labels"]["node"] for alert in body["alerts"] if alert["status"] == state)

    real = by_group([
        (body["receiver"], body["groupKey"], body["status"], told(body, "firing"), told(body, "resolved"))
        for body in sink.taken
    ])  # fmt: skip
    assert real == ideal
    assert len(sink.taken) >= 6
    assert set(said.pages["reason"].unique()) == {"new", "resolved", "repeat"}

    when_real = sorted(sink.times)
    when_ideal = sorted(at.timestamp() for at in said.pages["at"])
    assert max(abs(a - b) for a, b in zip(when_real, when_ideal, strict=True)) < 1.5

    ours = {alert["fingerprint"]: alert for page in engine_payloads(engine, said) for alert in page["alerts"]}
    for body in sink.taken:
        for alert in body["alerts"]:
            assert alert["annotations"] == ours[alert["fingerprint"]]["annotations"]
            assert alert["labels"] == ours[alert["fingerprint"]]["labels"]


def engine_payloads(engine: AlertEngine, said) -> list[dict]:
    """The backtest's pages in the payload of our own webhook."""
    from onex_analytics.alerting.notification import Notifier
    from onex_analytics.alerting.receivers import webhook_payload

    notifier = Notifier(RULES)
    notifier.observe_all(said.transitions)
    assert engine.clock is not None
    return [json.loads(json.dumps(webhook_payload(page))) for page in notifier.advance(engine.clock)]
