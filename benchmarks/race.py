"""Two programs run in turn, each in a process of its own; what is told is the ratio of their medians."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "build" / "bench"
"""Logs, stores and Parquet files of the benchmarks; made when first needed, removed by `make clean`."""


@dataclass(frozen=True)
class Run:
    """One run: wall and CPU seconds of what it timed, and the largest memory of the whole process."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    said: dict[str, float]


@dataclass(frozen=True)
class Row:
    """One line of the results."""

    what: str
    bar: str
    measured: str
    met: bool

    def __str__(self) -> str:
        return f"| {self.what} | {self.bar} | {self.measured} | {'met' if self.met else 'NOT met'} |"


def child(module: str, *args: object, **environment: str) -> Run:
    """Run `python -m module args` and read the JSON line that it ends with."""
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, args)], capture_output=True, text=True, check=False,
        env={**os.environ, **environment}, cwd=Path(__file__).resolve().parents[1],
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{module} {' '.join(map(str, args))} failed:\n{done.stderr[-3000:]}")
    said = json.loads(done.stdout.strip().splitlines()[-1])
    return Run(said.pop("seconds"), said.pop("cpu_seconds"), said.pop("peak_mb"), said)


def in_turn(rounds: int, *runs: Callable[[], Run]) -> list[list[Run]]:
    """Each program `rounds` times, one after the other, so that a noisy minute strikes all."""
    found: list[list[Run]] = [[] for _ in runs]
    for _ in range(rounds):
        for results, run in zip(found, runs, strict=True):
            results.append(run())
    return found


def median(runs: Sequence[Run]) -> float:
    return statistics.median(run.seconds for run in runs)


def spread(runs: Sequence[Run]) -> str:
    seconds = [run.seconds for run in runs]
    cpu = statistics.median(run.cpu_seconds for run in runs)
    return f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f}; CPU {cpu:.1f} s)"
