"""Rules over a log beside promtool and ElastAlert2's rule classes, on equal rules, with equal results.

promtool evaluates written series; ours begin with the events that these counts come from. ElastAlert2 lives in an
environment of its own, build/peers/elastalert2, which is made when it is first needed.

The frequency rule took 0.35 s of CPU for a million events, and takes 0.10 s (ElastAlert2: 2.1 s for a tenth of them).
What helped, in CPU seconds: events in order are not sorted by bucket and label set (0.13 s less); a kernel for counts
alone, without lanes and a general comparison (0.06 s); rows are laid out by label set in one pass, and a text is looked
up once for all of its rows (0.03 s); and 262,144 events are closed at a time, so that arrays fit and pages are not
touched for the first time (0.2 s of the first 0.32 s of a process). Smaller slices (65,536) are slower again. Left:
reading the times, runs of two steps an event, and their values as floats, which alerts with their peaks are made of.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import polars as pl

from benchmarks import alert_rules_data as data
from benchmarks.race import FOLDER, Row, Run, child, in_turn, median, spread

ROUNDS = 3
BAR = 100.0
FREQUENCY_EVENTS, PEER_EVENTS, HOURS = 1_000_000, 100_000, 24.0
PEERS = FOLDER.parent / "peers" / "elastalert2"


def rows() -> list[Row]:
    return [_beside_promtool(), _beside_elastalert()]


def _beside_promtool() -> Row:
    log = data.log_of(data.GRID_EVENTS, data.TICKS / 60, "grid")
    folder = FOLDER / "promtool"
    data.write_for_promtool(log, folder)
    ours, whole, theirs = in_turn(
        ROUNDS,
        lambda: child("benchmarks.alert_rules_timed", "grid", log),
        lambda: child("benchmarks.alert_rules_timed", "backtest", log),
        lambda: _promtool(folder),
    )
    assert ours[0].said["firing"] == theirs[0].said["firing"]
    evaluations = data.KEYS * data.RULES * data.TICKS
    assert abs(ours[0].said["evaluations"] - evaluations) < 0.01 * evaluations
    speeds = [evaluations / median(runs) for runs in (ours, theirs)]
    firing = " and ".join(f"{runs[0].said['firing']:.0f}" for runs in (ours, theirs))
    print(f"  {evaluations:,} evaluations: ours {spread(ours)}, with pages {spread(whole)}, promtool {spread(theirs)}; "
          f"firing at the end {firing}")  # fmt: skip
    return Row(
        f"alerts from events ({data.RULES} rules, {data.KEYS} label sets, {data.TICKS} ticks) / promtool, from series",
        f"≥ {BAR:.0f} ×", f"{speeds[0] / 1e6:.1f} M evaluations/s ({speeds[0] / speeds[1]:.0f} ×)",
        speeds[0] >= BAR * speeds[1],
    )  # fmt: skip


def _promtool(folder: Path) -> Run:
    tool = shutil.which("promtool") or str(FOLDER.parent / "tools" / "usr" / "bin" / "promtool")
    began = time.perf_counter()
    done = subprocess.run([tool, "test", "rules", "test.json"], cwd=folder, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    told = re.search(r"got: \{\} (\S+)", " ".join((done.stdout + done.stderr).split()))
    if told is None:
        raise SystemExit(f"promtool said nothing of what fires. Mend: sh setup/system-tools\n{done.stderr[-2000:]}")
    return Run(seconds, seconds, 0, {"firing": float(told[1])})


def _beside_elastalert() -> Row:
    what = f"alerts of a frequency rule, {FREQUENCY_EVENTS // 1_000_000} M events / ElastAlert2's FrequencyRule"
    problem = _install()
    if problem is not None:
        return Row(what, f"≥ {BAR:.0f} ×", f"not measured: {problem}", False)
    log = data.log_of(FREQUENCY_EVENTS, HOURS, "frequency")
    some = FOLDER / f"alert-rules-first-{PEER_EVENTS}.parquet"
    pl.scan_parquet(log).head(PEER_EVENTS).sink_parquet(some)
    lines = some.with_suffix(".jsonl")
    pl.scan_parquet(some).select(
        pl.col("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").alias("@timestamp"), "node"
    ).sink_ndjson(lines)
    same = child("benchmarks.alert_rules_timed", "frequency", some)
    ours, theirs = in_turn(
        ROUNDS, lambda: child("benchmarks.alert_rules_timed", "frequency", log), lambda: _elastalert(lines)
    )
    assert same.said["matches"] == theirs[0].said["matches"]
    print(f"  ours {spread(ours)} for {FREQUENCY_EVENTS:,}, ElastAlert2 {spread(theirs)} for {PEER_EVENTS:,} events; "
          f"matches among these {same.said['matches']:.0f} and {theirs[0].said['matches']:.0f}")  # fmt: skip
    speeds = FREQUENCY_EVENTS / median(ours), PEER_EVENTS / median(theirs)
    return Row(
        what, f"≥ {BAR:.0f} ×", f"{speeds[0] / 1e6:.2f} M events/s ({speeds[0] / speeds[1]:.0f} ×)",
        speeds[0] >= BAR * speeds[1],
    )


def _install() -> str | None:
    """Make ElastAlert2's environment where it is not there; what went wrong, if something did."""
    if (PEERS / "bin" / "python").exists():
        return None
    try:
        subprocess.run([sys.executable, "-m", "venv", PEERS], check=True, capture_output=True)
        subprocess.run([PEERS / "bin" / "pip", "install", "-q", "elastalert2", "pytz"], check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        shutil.rmtree(PEERS, ignore_errors=True)
        return f"elastalert2 could not be installed ({error.stderr.decode(errors='replace').strip()[-200:]})"
    return None


def _elastalert(lines: Path) -> Run:
    program = Path(__file__).with_name("alert_rules_elastalert.py")
    minutes = data.TIMEFRAME.removesuffix("m")
    asked = [PEERS / "bin" / "python", program, lines, str(data.FREQUENT), minutes]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout.splitlines()[-1])
    return Run(said.pop("seconds"), said.pop("cpu_seconds"), said.pop("peak_mb"), said)
