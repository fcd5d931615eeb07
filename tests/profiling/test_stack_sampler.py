from __future__ import annotations

import subprocess
import sys
import threading
from types import FrameType

from onex_analytics.profiling.stack_sampler import DEEPER, DEEPEST, SUSPENDED, Sampled, StackSampler, folded_stack


def deeper(levels: int, root: FrameType, *, with_root: bool) -> str:
    if levels:
        return deeper(levels - 1, root, with_root=with_root)
    return folded_stack(sys._getframe(), root, with_root=with_root)


def test_a_stack_is_told_from_the_root_outermost_first():
    me, below = f"{__name__}.test_a_stack_is_told_from_the_root_outermost_first", f"{__name__}.deeper"
    assert deeper(1, sys._getframe(), with_root=True) == f"{me};{below};{below}"
    assert deeper(1, sys._getframe(), with_root=False) == f"{below};{below}"
    # the root alone is told even so: an empty stack says nothing
    assert folded_stack(sys._getframe(), sys._getframe(), with_root=False) == me


def test_a_thread_that_does_other_things_is_suspended():
    def elsewhere() -> FrameType:
        return sys._getframe()

    assert folded_stack(sys._getframe(), elsewhere(), with_root=True) == SUSPENDED
    assert folded_stack(None, sys._getframe(), with_root=True) == SUSPENDED


def test_a_stack_deeper_than_the_limit_says_where_it_was_cut():
    names = deeper(DEEPEST + 40, sys._getframe(), with_root=True).split(";")
    assert len(names) == DEEPEST + 1 and names[-1] == DEEPER


def test_a_look_that_comes_late_is_one_look():
    sampler, operation = StackSampler(), Sampled(sys._getframe(), 1.0, with_root=True)
    sampler._running.add(operation)
    sampler._look(operation.due - 1e-6)
    assert operation.samples == {}
    late = operation.due + 10
    sampler._look(late)
    assert sum(operation.samples.values()) == 1 and operation.due >= late


def test_one_thread_serves_all_operations():
    sampler = StackSampler()
    one, two = (Sampled(sys._getframe(), 1000.0, with_root=True) for _ in range(2))
    sampler.begin(one)
    thread = sampler._thread
    sampler.begin(two)
    assert sampler._thread is thread and thread.daemon
    assert sampler.end(one) == {} and sampler.end(two) == {} and not sampler._running


FORKED = """
import os, sys, time
from onex_analytics.profiling.stack_sampler import SAMPLER, Sampled
SAMPLER.begin(Sampled(sys._getframe(), 1000.0, with_root=True))
child = os.fork()
if child == 0:
    operation = Sampled(sys._getframe(), 0.5, with_root=True)
    SAMPLER.begin(operation)
    until = time.monotonic() + 30
    while not operation.samples and time.monotonic() < until:
        pass
    os._exit(0 if operation.samples else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_process_has_a_sampling_thread_of_its_own():
    # threads and forks together are deprecated, and done by servers all the same
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], check=False).returncode == 0


def test_operations_of_many_threads_begin_and_end_side_by_side():
    sampler = StackSampler()

    def work() -> None:
        for _ in range(50):
            operation = Sampled(sys._getframe(), 0.1, with_root=True)
            sampler.begin(operation)
            sampler.end(operation)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not sampler._running
