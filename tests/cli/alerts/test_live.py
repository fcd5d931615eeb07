"""`alerts live` as a program: killed, stopped, fed by a file or a pipe."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from onex_analytics.alerting import backtest, load_rules
from onex_analytics.alerting.watching import watched
from onex_analytics.cli import main
from onex_analytics.sources.following import FollowedFile
from tests.alerting.receivers.server import Sink

RULES = """
groups:
- name: nodes
  interval: 30s
  rules:
  - alert: Failing
    by: [node]
    when: {{count: {{of: outcome == 'failure', window: 2m}}, op: ">=", threshold: 3}}
    for: 30s
  - alert: Burst
    mode: event
    by: [node]
    when: {{count: {{of: outcome == 'failure', window: 20s}}, op: ">=", threshold: 2}}
notification:
  receivers: [{{name: team, jsonl: "{jsonl}"{webhook}}}]
  route: {{receiver: team, group_by: [node], group_wait: 10s, group_interval: 1m, repeat_interval: 10m}}
"""
PROGRAM = [sys.executable, "-c", "import sys; from onex_analytics.cli import main; sys.exit(main())", "alerts", "live"]
START = datetime(2026, 11, 2, tzinfo=UTC)


def rule_file(folder: Path, webhook: str | None = None) -> Path:
    told = "" if webhook is None else f', webhook: "{webhook}"'
    path = folder / "rules.yaml"
    path.write_text(RULES.format(jsonl=folder / "pages.jsonl", webhook=told))
    return path


def lines(first: int, count: int, chance: random.Random) -> str:
    made = []
    for number in range(first, first + count):
        failed = chance.random() < (0.25 if number // 400 % 2 else 0.02)
        made.append(json.dumps({
            "event_id": f"e{number}", "timestamp": (START + timedelta(seconds=number)).isoformat(),
            "node_id": chance.choice(["a_node", "b_node", "c_node"]),
            "event_type": "NODE_FAILURE" if failed else "NODE_SUCCESS", "metadata": {},
        }))  # fmt: skip
    return "".join(f"{line}\n" for line in made)


def started(log: Path | str, rules: Path, *options: str, **popen) -> subprocess.Popen[str]:
    """The program, once it reads the log."""
    program = subprocess.Popen(
        [*PROGRAM, str(log), "--rules", str(rules), "--clock", "events", *options],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, **popen,
    )  # fmt: skip
    assert program.stderr is not None
    seen = []
    for said in program.stderr:
        seen.append(said)
        if "following" in said:
            return program
    raise AssertionError("".join(seen))


def expected_pages(log: Path, rules: Path) -> list[str]:
    """The ids of the pages that a backtest of the log says."""
    follower, parts = FollowedFile(log), []
    while (found := follower.read()) is not None:
        parts.append(found.events)
    follower.close()
    import polars as pl

    return backtest(watched(load_rules(rules)), pl.concat(parts)).pages["page_id"].to_list()


def kill_again_and_again(folder: Path, kills: int) -> tuple[list[str], list[str], list[str]]:
    """What a backtest says, what the file holds and what the webhook was told, after so many kills."""
    log, chance = folder / "events.jsonl", random.Random(4)
    log.write_text("")
    done = threading.Event()

    def write() -> None:
        number = 0
        while not done.is_set():
            with open(log, "a") as file:
                file.write(lines(number, 20, chance))
            number += 20
            time.sleep(0.01)

    with Sink() as sink:
        rules = rule_file(folder, sink.url)
        writer = threading.Thread(target=write)
        writer.start()
        moments = random.Random(5)
        try:
            for number in range(kills):
                sink.mood = 503 if number % 5 == 3 else "ok"
                program = started(log, rules, "--state", str(folder / "state"), "--checkpoint-every", "100ms")
                time.sleep(moments.random() * 0.6)
                program.send_signal(signal.SIGKILL)
                program.communicate()
        finally:
            done.set()
            writer.join()
        sink.mood = "ok"
        said = "on their way"
        while "on their way" in said:  # an end waits five seconds for its receivers; the checkpoint holds the rest
            last = started(log, rules, "--state", str(folder / "state"), "--until-end")
            said = last.communicate(timeout=120)[1]
            assert last.returncode == 0, said
        written = [json.loads(line)["pageId"] for line in (folder / "pages.jsonl").read_text().splitlines()]
        return expected_pages(log, rules), written, [body["pageId"] for body in sink.taken]


def hold(expected: list[str], written: list[str], posted: list[str], kills: int) -> None:
    assert len(expected) > kills
    assert written == expected                                   # each once, in order
    assert list(dict.fromkeys(posted)) == expected               # none lost, in order
    # a kill between the server's answer and the note of it: the same page again, under the same Idempotency-Key
    assert len(posted) - len(expected) <= kills


def test_four_kills_lose_no_page_and_write_none_twice(tmp_path):
    hold(*kill_again_and_again(tmp_path, 4), kills=4)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_hundred_kills_lose_no_page_and_write_none_twice(tmp_path):
    hold(*kill_again_and_again(tmp_path, 100), kills=100)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_stop_leaves_a_checkpoint_and_the_next_start_goes_on_there(tmp_path, number, code):
    log, rules, chance = tmp_path / "events.jsonl", rule_file(tmp_path), random.Random(1)
    log.write_text(lines(0, 900, chance))
    program = started(log, rules, "--state", str(tmp_path / "state"), "--checkpoint-every", "1h", "--metrics", "0")
    assert program.stderr is not None
    time.sleep(0.5)
    program.send_signal(number)
    said = program.communicate(timeout=60)[1]
    assert program.returncode == code, said
    assert "900 events" in said
    with open(log, "a") as file:
        file.write(lines(900, 900, chance))
    last = started(log, rules, "--state", str(tmp_path / "state"), "--until-end")
    assert "1,800 events" in last.communicate(timeout=60)[1]
    written = [json.loads(line)["pageId"] for line in (tmp_path / "pages.jsonl").read_text().splitlines()]
    assert written == expected_pages(log, rules)
    assert len(written) > 3


def test_a_pipe_is_read_to_its_end_and_metrics_are_answered_meanwhile(tmp_path):
    rules, chance = rule_file(tmp_path), random.Random(2)
    program = subprocess.Popen(
        [*PROGRAM, "-", "--rules", str(rules), "--clock", "events", "--metrics", "0", "--receiver", "stdout"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert program.stdin is not None
    assert program.stderr is not None
    address = ""
    while "following" not in (said := program.stderr.readline()):
        if match := re.search(r"http://\S+/metrics", said):
            address = match[0]
    program.stdin.write(lines(0, 1000, chance))
    program.stdin.flush()
    text, end = "", time.monotonic() + 30
    while "onex_analytics_alerts_events_total 1000" not in text and time.monotonic() < end:
        text = urllib.request.urlopen(address, timeout=10).read().decode()
        time.sleep(0.05)
    assert "onex_analytics_alerts_pages_total" in text
    assert text.endswith("# EOF\n")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(address + "/more", timeout=10)
    printed, said = program.communicate(lines(1000, 10, chance) + "{broken\n", timeout=60)
    assert program.returncode == 0
    assert "1,010 events" in said
    assert "1 lines gave no event" in said
    assert "FIRING → team" in printed


@pytest.mark.parametrize(
    ("options", "mend"),
    [
        (["--clock", "sun"], "wall or events"),
        (["--receiver", "smtp:me"], "stdout, jsonl:PATH"),
        (["--receiver", "nobody=stdout"], "team"),
        (["--grace", "5"], "5s"),
        (["--dimension", "x"], "NAME=PATH:TYPE"),
    ],
)
def test_bad_use_is_told_with_the_mend(tmp_path, capsys, options, mend):
    log = tmp_path / "events.jsonl"
    log.write_text("")
    assert main(["alerts", "live", str(log), "--rules", str(rule_file(tmp_path)), "--until-end", *options]) == 2
    assert mend in capsys.readouterr().err


def test_a_damaged_state_is_told_with_the_mend(tmp_path, capsys):
    log, state = tmp_path / "events.jsonl", tmp_path / "state"
    log.write_text("")
    state.write_text("no state")
    options = ["--rules", str(rule_file(tmp_path)), "--until-end", "--state", str(state)]
    assert main(["alerts", "live", str(log), *options]) == 2
    assert "Mend" in capsys.readouterr().err


def test_dimensions_of_the_command_can_be_used_by_the_rules(tmp_path, capsys):
    rules, log = tmp_path / "rules.yaml", tmp_path / "events.jsonl"
    rules.write_text("""
groups:
- name: g
  rules:
  - {alert: Some, by: [tenant], mode: event, when: {count: {window: 1m}, op: ">", threshold: 0}}
notification: {route: {receiver: default, group_wait: 0s}}
""")
    event = {"node_id": "n", "event_type": "NODE_START", "metadata": {"input_state": {"tenant": "acme"}}}
    log.write_text("".join(
        json.dumps({**event, "event_id": str(i), "timestamp": (START + timedelta(seconds=i)).isoformat()}) + "\n"
        for i in range(3)
    ))  # fmt: skip
    options = ["--rules", str(rules), "--until-end", "--clock", "events", "--dimension", "tenant=$.input_state.tenant"]
    assert main(["alerts", "live", str(log), *options]) == 0
    assert "Some{tenant=acme}" in capsys.readouterr().out


def test_an_event_of_the_future_does_not_make_all_others_late(tmp_path, capsys):
    now = datetime.now(UTC)
    times = [now + timedelta(days=365), *(now - timedelta(minutes=10) + timedelta(seconds=10 * n) for n in range(50))]
    log = tmp_path / "events.jsonl"
    log.write_text("".join(json.dumps({
        "event_id": f"e{number}", "timestamp": at.isoformat(), "node_id": "a_node", "event_type": "NODE_FAILURE",
        "metadata": {},
    }) + "\n" for number, at in enumerate(times)))  # fmt: skip
    assert main(["alerts", "live", str(log), "--rules", str(rule_file(tmp_path)), "--until-end"]) == 0
    said = capsys.readouterr().err
    assert "50 events, " in said and "late" not in said
    assert "1 events lay more than 1:00:00 ahead of this machine's clock" in said
    assert (tmp_path / "pages.jsonl").read_text()


def test_the_present_end_of_a_log_that_was_rotated_is_that_of_the_new_file(tmp_path, capsys):
    log, chance = tmp_path / "events.jsonl", random.Random(1)
    command = ["alerts", "live", str(log), "--rules", str(rule_file(tmp_path)), "--until-end", "--clock", "events",
               "--state", str(tmp_path / "alerts.state")]  # fmt: skip
    log.write_text(lines(0, 50, chance))
    assert main(command) == 0
    log.rename(tmp_path / "events.jsonl.1")
    log.write_text(lines(50, 70, chance))
    assert main(command) == 0
    assert "120 events, " in capsys.readouterr().err
