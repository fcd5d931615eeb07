from __future__ import annotations

import gc
import subprocess
import sys

import numpy as np
import psutil
import pytest

from onex_analytics.profiling.process_meters import GcClock, MemoryMeter, memory_mb, peak_memory_mb


def test_resident_memory_is_what_the_system_says_of_this_process():
    assert memory_mb() == pytest.approx(psutil.Process().memory_info().rss / 2**20, rel=0.2)
    held = np.ones(64 << 17)
    assert peak_memory_mb() >= held.nbytes / 2**20


FORKED = """
import os, sys
from onex_analytics.profiling.process_meters import memory_mb
before = memory_mb()
child = os.fork()
if child == 0:
    held = bytearray(os.urandom(1)) * (64 << 20)
    os._exit(0 if memory_mb() > before + 40 else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_process_tells_of_itself():
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], check=False).returncode == 0


def test_a_reading_is_taken_again_only_when_it_is_no_longer_fresh():
    lasting, brief = MemoryMeter(fresh_ms=1e6), MemoryMeter(fresh_ms=0)
    assert lasting.read() is lasting.read()
    assert brief.read() is not brief.read() and brief.read()[0] > 1


def test_collections_are_counted_once_however_often_it_was_asked_for():
    clock = GcClock()
    try:
        clock.listen()
        clock.listen()
        assert gc.callbacks.count(clock._told) == 1
        gc.collect()
        assert clock.total_ns > 0
    finally:
        gc.callbacks.remove(clock._told)


def test_an_end_whose_begin_was_not_heard_counts_nothing():
    clock = GcClock()
    clock._told("stop", {})
    assert clock.total_ns == 0
