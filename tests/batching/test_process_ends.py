"""Programs end, and processes are forked off: what a batcher holds is exported once."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, sys
from onex_analytics.batching import EventBatcher
batcher = EventBatcher(exporter=lambda events: print(os.getpid() == parent, events, flush=True))
parent = os.getpid()
batcher.add_event("before")
"""


def run(rest: str) -> list[str]:
    program = [sys.executable, "-W", "ignore", "-c", PROGRAM + rest]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return sorted(done.stdout.splitlines())


def test_what_is_pending_when_the_program_ends_is_exported():
    assert run("sys.exit()") == ["True ['before']"]


def test_a_forked_process_exports_its_own_events_and_not_those_of_its_parent():
    told = run("pid = os.fork()\nbatcher.add_event('after')\nbatcher.close()\nif pid: os.waitpid(pid, 0)")
    assert told == ["False ['after']", "True ['before', 'after']"]


def test_a_process_of_multiprocessing_exports_what_is_pending_when_it_ends():
    told = run(
        "import multiprocessing\nprocess = multiprocessing.get_context('fork').Process(target=batcher.add_event, "
        "args=('after',))\nprocess.start()\nprocess.join()"
    )
    assert told == ["False ['after']", "True ['before']"]
