"""Debian's Alertmanager and our notifier are told of the same alerts at the same times, and tell the same pages."""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from tests.alerting.notification.random_worlds import (
    END_S,
    STATIC,
    World,
    hangs_on_moments,
    pages_of,
    random_world,
    rules_of,
    short,
)
from tests.alerting.receivers.server import Sink, wait_until
from tests.alerting.receivers.test_arrival import ready

WORLDS, AT_ONCE = 100, 60


def ports() -> Iterator[int]:
    """Ports below those that a machine gives out by itself, so that nobody else takes one meanwhile."""
    for port in range(21_000, 30_000):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)):
                yield port


PORTS = ports()


def configuration(world: World, url: str) -> str:
    """The world's words are Alertmanager's; only the receivers get an address."""
    told = world.configuration()
    told["receivers"] = [
        {"name": r["name"], "webhook_configs": [{"url": url, "send_resolved": r.get("send_resolved", True)}]}
        for r in told["receivers"]
    ]
    return yaml.safe_dump(told)


def iso(begin: datetime, second: float) -> str:
    return (begin + timedelta(seconds=second)).isoformat(timespec="milliseconds")


def posted(url: str, body: Any = None) -> None:
    asked = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=10):
            pass
    except urllib.error.HTTPError as refused:
        raise AssertionError(f"{url}: {refused.read().decode()} to {body}") from None


class Program:
    """An Alertmanager of its own, and the webhook that it tells."""

    def __init__(self, alertmanager: Path, folder: Path) -> None:
        self.folder, self.sink = folder, Sink()
        folder.mkdir(parents=True)
        self.address = f"127.0.0.1:{next(PORTS)}"
        self.configure("route: {receiver: r}\nreceivers: [{name: r}]\n")
        self.process = subprocess.Popen(
            [alertmanager, f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/data",
             f"--web.listen-address={self.address}", "--cluster.listen-address=", "--log.level=error"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def configure(self, text: str) -> None:
        (self.folder / "alertmanager.yml").write_text(text)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.sink.close()

    def play(self, world: World, begin: datetime) -> World:
        """The world with the times at which its alerts were really posted.

        The configuration is read anew at `begin`: from then on Alertmanager clears away empty groups every 30 s.
        """
        self.configure(configuration(world, self.sink.url))
        sleep_until(begin.timestamp())
        assert self.process.poll() is None, "another program holds its port"
        posted(f"http://{self.address}/-/reload")
        for matchers, start, end in world.silences:
            posted(f"http://{self.address}/api/v2/silences", silence(matchers, iso(begin, start), iso(begin, end)))
        really, starts = [], {}
        for change in world.changes:
            labels = {"node": change.node, **STATIC[change.rule], "alertname": change.rule}
            labels = {name: value for name, value in labels.items() if value}
            if change.firing:
                starts[change.rule, change.node] = change.at_s
            begun = iso(begin, starts[change.rule, change.node])
            ends = iso(begin, 3600 if change.firing else change.at_s)
            sleep_until(begin.timestamp() + change.known_s)
            before = time.time()
            posted(f"http://{self.address}/api/v2/alerts", [{"labels": labels, "startsAt": begun, "endsAt": ends}])
            known = (before + time.time()) / 2 - begin.timestamp()
            really.append(replace(change, known_s=max(known, change.known_s)))
        sleep_until(begin.timestamp() + END_S)
        self.told, self.times = list(self.sink.taken), list(self.sink.times)
        return replace(world, changes=tuple(really))


def sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


def silence(matchers: tuple[str, ...], start: str, end: str) -> dict[str, Any]:
    from onex_analytics.alerting.routing import Matcher

    tests = [Matcher.model_validate(text) for text in matchers]
    return {
        "matchers": [{"name": m.name, "value": m.value, "isRegex": "~" in m.op, "isEqual": not m.op.startswith("!")}
                     for m in tests],
        "startsAt": start, "endsAt": end, "createdBy": "test", "comment": "test",
    }  # fmt: skip


def in_short(bodies: list[dict[str, Any]], resolved_too: dict[str, bool]) -> dict[tuple[str, str], list[tuple]]:
    """As `short`. Alertmanager does not say why it tells: that is read from the page before of the same group."""
    found: dict[tuple[str, str], list[tuple]] = {}
    for body in bodies:
        sides = []
        for state in ("firing", "resolved"):
            alerts = [a for a in body["alerts"] if a["status"] == state]
            sides.append(sorted((tuple(sorted(a["labels"].items())), milliseconds(a["startsAt"])) for a in alerts))
        before = found.setdefault((body["receiver"], body["groupKey"]), [])
        reason = None
        if resolved_too[body["receiver"]]:
            firing, resolved = ({labels for labels, _ in side} for side in sides)
            had = ({labels for labels, _ in side} for side in before[-1][1:]) if before else (set(), set())
            had_firing, had_resolved = had
            ended = not firing or not resolved <= had_resolved
            reason = "new" if not firing <= had_firing else "resolved" if ended else "repeat"
        before.append((reason, *sides))
    return found


def milliseconds(text: str) -> int:
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (at - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)


def worlds_of(seed: int, begin: datetime, wanted: int) -> list[World]:
    """Worlds whose pages do not hang on a moment, and in which something is told."""
    chance, found = Random(seed), []
    while len(found) < wanted:
        world = random_world(chance, begin)
        if len(pages_of(world, begin)) >= 3 and not hangs_on_moments(world, begin, chance.randrange(2**32)):
            found.append(world)
    return found


def compared(program: Program, world: World, begin: datetime) -> str | None:
    """What differs, in words; None where nothing does."""
    resolved_too = {r.name: r.send_resolved for r in rules_of(world, begin).notification.receivers}
    pages = pages_of(world, begin)
    ours, theirs = short(pages), in_short(program.told, resolved_too)
    ours = {key: [(why if resolved_too[key[0]] else None, *rest) for why, *rest in told] for key, told in ours.items()}
    if ours != theirs:
        keys = sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
        return "\n".join(f"{key}\n  ours   {ours.get(key)}\n  theirs {theirs.get(key)}" for key in keys)
    moments: dict[tuple[str, str], list[float]] = {}
    for body, at in zip(program.told, program.times, strict=True):
        moments.setdefault((body["receiver"], body["groupKey"]), []).append(at)
    for page in pages:
        late = moments[page.receiver, page.group_key].pop(0) - page.at_us / 1e6
        if not -0.5 < late < 1.0:
            return f"{page.receiver} {page.group_key}: told {late:.3f} s after ours"
    return None


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_random_configurations_tell_what_a_real_alertmanager_tells(alertmanager, tmp_path):
    seed, played, unclear, pages, different = int(os.environ.get("SEED", "1")), 0, 0, 0, []
    while played < WORLDS:
        seed += 1
        begin = datetime.fromtimestamp(math.ceil((time.time() + 25) / 30) * 30, UTC)
        worlds = worlds_of(seed, begin, AT_ONCE)
        assert datetime.now(UTC) < begin - timedelta(seconds=5), "worlds took too long to make"
        with ExitStack() as running:
            programs = [running.enter_context(Program(alertmanager, tmp_path / f"{seed}-{n}")) for n in range(AT_ONCE)]
            for program in programs:
                wait_until(lambda program=program: ready(program.address))
            with ThreadPoolExecutor(AT_ONCE) as threads:
                really = list(threads.map(Program.play, programs, worlds, [begin] * AT_ONCE))
        for n, (program, world) in enumerate(zip(programs, really, strict=True)):
            if hangs_on_moments(world, begin, n):
                unclear += 1  # the machine stood still for a moment
                continue
            played += 1
            pages += len(program.told)
            if said := compared(program, world, begin):
                different.append(f"--- world {n} of seed {seed}\n{said}\n{yaml.safe_dump(world.configuration())}"
                                 f"{world.silences}\n{world.changes}")  # fmt: skip
        assert unclear < WORLDS, "the machine stood still again and again; nothing can be said of times"
    assert not different, f"{len(different)} of {played} worlds, {pages} pages\n" + "\n\n".join(different)
    assert pages > 5 * played
