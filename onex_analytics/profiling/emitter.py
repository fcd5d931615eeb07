"""Running code tells of its own performance: `profile_operation`, as a context manager and as a decorator."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Generator
from datetime import UTC, datetime
from types import CodeType, FrameType, TracebackType
from typing import Any, ParamSpec, TypeVar, cast

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model import PerformanceProfileEvent
from onex_analytics.model.correlation import Correlation, current_correlation, enter_correlation, leave_correlation
from onex_analytics.model.events import Clock, utc_now
from onex_analytics.profiling.process_meters import GC_CLOCK, MEMORY
from onex_analytics.profiling.stack_sampler import SAMPLER, Sampled

P = ParamSpec("P")
R = TypeVar("R")
Emit = Callable[[PerformanceProfileEvent], object]
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def random_uuid() -> str:
    """A random UUID (version 4) as text, at a quarter of the cost of `str(uuid.uuid4())`.

    >>> from uuid import UUID
    >>> UUID(random_uuid()).version
    4
    """
    try:
        digits = _DIGITS.pop()  # one step of one thread: no two threads get the same
    except IndexError:
        digits = _fresh_digits()
    variant = _VARIANTS[digits[16]]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def _fresh_digits() -> str:
    """128 random bits in hex; a few more are put by, because each word with the system costs as much as a UUID."""
    drawn = os.urandom(16 * _DRAWN).hex()
    _DIGITS.extend(drawn[at:at + 32] for at in range(32, len(drawn), 32))
    return drawn[:32]


_DRAWN = 32
_DIGITS: list[str] = []
_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_DIGITS.clear)  # else parent and child would tell of the same ids


class profile_operation:
    """Measure an operation and hand a `PerformanceProfileEvent` of it to `emit`, however it ends.

    As a decorator, of functions and of `async` functions, it measures every call; as a context manager (`with`,
    `async with`), what is inside. Operations within each other, in tasks too, are linked: each runs in a
    `correlation_scope` of its own, a child of the one around it.

    What an event says, beside its ids and the time of its end:

    - `operation`, `function`, and `success`; where an exception passed through, its `error_type` and `error_message`.
    - `execution_time_ms`: by `wall_ns`.
    - `cpu_time_ms`, `cpu_usage_percent` (of one core): of the thread that ran it, and of an `async` function only of
      its own steps. Absent for `async with`, where the thread's time is that of other tasks as well, and where the
      operation ended on another thread. Threads that it started are not in it: pass `time.process_time_ns` for all.
    - `memory_usage_mb`: resident memory of the process at the end; `memory_peak_mb`: the most that was resident since
      the process began. Both at most 5 ms old; absent where the system does not say.
    - `gc_time_ms`: what garbage collection took in the process meanwhile.
    - `samples`: where `sample_every_ms` is given, the folded stacks from the operation on, each with the number of
      times it was seen (`(suspended)` while a coroutine waits); and `sample_every_ms` itself.

    A call costs about 10 µs where nothing else runs, 25 to 50 µs among other work, which leaves no cache warm: less
    than 2 % of calls that take about 3 ms or longer, up to 5 % of calls of 1 ms. Shorter ones are better measured
    together, by one `with` around many.

    An `emit` that raises fails neither the operation nor its caller: the error goes to `threading.excepthook`, which
    prints it.

    Args:
        operation: its name; a decorator takes the function's name where there is none.
        emit: takes the event, such as a bus's `send` or a list's `append`; it runs in the operation's thread.
        node_id: who does the work.
        node_version: told where given.
        correlation_id: of a context manager; by default a fresh one.
        sample_every_ms: time between two looks at the stack; None looks never.
        clock, new_id, wall_ns, cpu_ns: where time and ids come from.

    Raises:
        InvalidOption: no operation is named, an interval below 0.1 ms, or a generator function is decorated (its time
            would be that of its consumer).

    Source: the clocks of PEP 418 and PEP 564 (`time.perf_counter_ns`, `time.thread_time_ns`).

    >>> told = []
    >>> with profile_operation("stamp", emit=told.append, node_id="stamper_node") as running:
    ...     running.note(cache_hits=3, queue_time_ms=0.5)
    >>> told[0].profile.operation, told[0].profile.success, told[0].profile.cache_hits
    ('stamp', True, 3)
    >>> @profile_operation(emit=told.append, node_id="stamper_node")
    ... def stamp(text):
    ...     raise ValueError(text)
    >>> stamp("no such stamp")
    Traceback (most recent call last):
    ValueError: no such stamp
    >>> told[1].profile.operation, told[1].profile.error_type, told[1].profile.error_message
    ('stamp', 'ValueError', 'no such stamp')
    """

    def __init__(
        self, operation: str | None = None, *, emit: Emit, node_id: str, node_version: str | None = None,
        correlation_id: str | None = None, sample_every_ms: float | None = None, clock: Clock = utc_now,
        new_id: Callable[[], object] = random_uuid, wall_ns: Callable[[], int] = time.perf_counter_ns,
        cpu_ns: Callable[[], int] = time.thread_time_ns,
    ) -> None:  # fmt: skip
        if sample_every_ms is not None and not sample_every_ms >= 0.1:
            raise InvalidOption("sample_every_ms", sample_every_ms, "at least 0.1, or None for no samples")
        self.operation, self.correlation_id, self.sample_every_ms = operation, correlation_id, sample_every_ms
        self.emit, self.clock, self.new_id, self.wall_ns, self.cpu_ns = emit, clock, new_id, wall_ns, cpu_ns
        self.version = {} if node_version is None else {"node_version": node_version}
        # what all events have in common is validated once; the rest is numbers and ids of our own
        self.pattern = PerformanceProfileEvent(
            node_id=node_id, event_id="", timestamp=_NO_TIME, correlation_id="", parent_correlation_id=None,
            trace_id="", metadata=dict(self.version),
        )  # fmt: skip
        self._entered: RunningOperation | None = None
        GC_CLOCK.listen()

    def _begun(self, code: CodeType, module: str, root: FrameType | None) -> RunningOperation:
        if self.operation is None:
            raise InvalidOption("operation", None, "a name: only a decorator can take the function's")
        if self._entered is not None:
            raise InvalidOption(
                "profile_operation", "one that runs already", "a new `profile_operation(…)` for each `with`"
            )
        running = RunningOperation(self, self.operation, f"{module}.{code.co_qualname}", self.correlation_id)
        running.begin(root, with_root=True)
        self._entered = running
        return running

    def __enter__(self) -> RunningOperation:
        frame = sys._getframe(1)
        return self._begun(frame.f_code, frame.f_globals.get("__name__", "?"), frame)

    def __exit__(self, _: type[BaseException] | None, problem: BaseException | None, __: TracebackType | None) -> None:
        running, self._entered = self._entered, None
        if running is not None:
            running.end(problem)

    async def __aenter__(self) -> RunningOperation:
        frame = sys._getframe(1)
        running = self._begun(frame.f_code, frame.f_globals.get("__name__", "?"), frame)
        running.cpu_known = False
        return running

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, where: TracebackType | None
    ) -> None:
        self.__exit__(kind, problem, where)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """The function, measured at every call."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise InvalidOption("function", function, "one that is no generator: measure the code that consumes it")
        name: str = getattr(function, "__qualname__", type(function).__name__)
        operation: str = self.operation if self.operation is not None else getattr(function, "__name__", name)
        full_name = f"{getattr(function, '__module__', None) or '?'}.{name}"
        sampled = self.sample_every_ms is not None
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def stepped(*args: P.args, **kwargs: P.kwargs) -> Any:
                running = RunningOperation(self, operation, full_name, None)
                coroutine: Any = function(*args, **kwargs)
                running.cpu_known = False
                running.begin(coroutine.cr_frame if sampled else None, with_root=True)
                return await running.ended_with(_Steps(coroutine, running))

            return cast("Callable[P, R]", stepped)

        @functools.wraps(function)
        def measured(*args: P.args, **kwargs: P.kwargs) -> R:
            running = RunningOperation(self, operation, full_name, None)
            running.begin(sys._getframe() if sampled else None, with_root=False)
            try:
                result = function(*args, **kwargs)
            except BaseException as problem:
                running.end(problem)
                raise
            running.end(None)
            return result

        return measured


class RunningOperation:
    """An operation under way; `event` once it has ended."""

    __slots__ = (
        "_correlation_id", "_cpu", "_function", "_gc", "_name", "_notes", "_of", "_sampled", "_thread", "_token",
        "_wall", "correlation", "cpu_known", "event", "steps_ns",
    )  # fmt: skip

    correlation: Correlation

    def __init__(self, of: profile_operation, name: str, function: str, correlation_id: str | None) -> None:
        self._of, self._name, self._function, self._correlation_id = of, name, function, correlation_id
        self._notes: dict[str, Any] | None = None
        self._sampled: Sampled | None = None
        self.event: PerformanceProfileEvent | None = None
        self.cpu_known, self.steps_ns = True, -1

    def note(self, **numbers: Any) -> None:
        """Add to the metadata: cache_hits, cache_misses, queue_time_ms, disk_io_mb, network_io_mb, or keys of yours."""
        self._notes = {**(self._notes or {}), **numbers}

    def begin(self, root: FrameType | None, *, with_root: bool) -> None:
        of = self._of
        own = self._correlation_id
        # a UUID of our own needs no look at its letters to become the trace id of a root
        trace = None
        if own is None:
            own = str(of.new_id())
            if of.new_id is random_uuid and current_correlation() is None:
                trace = own.replace("-", "")
        self.correlation, self._token = enter_correlation(own, None, trace)
        if of.sample_every_ms is not None and root is not None:
            self._sampled = Sampled(root, of.sample_every_ms, with_root=with_root)
            SAMPLER.begin(self._sampled)
        self._gc, self._thread = GC_CLOCK.total_ns, threading.get_ident()
        self._wall = of.wall_ns()
        self._cpu = of.cpu_ns() if self.cpu_known else 0

    def end(self, problem: BaseException | None) -> None:
        of = self._of
        if self.cpu_known and self._thread == threading.get_ident():
            self.steps_ns = of.cpu_ns() - self._cpu
        wall = of.wall_ns() - self._wall
        collected = GC_CLOCK.total_ns - self._gc
        samples = SAMPLER.end(self._sampled) if self._sampled is not None else None
        try:
            self._tell(wall, collected, samples, problem)
        except Exception as found:
            found.add_note(f"A profile of {self._name!r} could not be handed on; the operation itself went on.")
            threading.excepthook(
                threading.ExceptHookArgs((type(found), found, found.__traceback__, threading.current_thread()))
            )
        finally:
            leave_correlation(self._token)

    def _tell(
        self, wall_ns: int, collected_ns: int, samples: dict[str, int] | None, problem: BaseException | None
    ) -> None:
        of, link = self._of, self.correlation
        metadata: dict[str, Any] = {
            **of.version, "operation": self._name, "function": self._function, "execution_time_ms": wall_ns / 1e6,
        }  # fmt: skip
        if self.steps_ns >= 0:
            metadata["cpu_time_ms"] = self.steps_ns / 1e6
            if wall_ns > 0:
                metadata["cpu_usage_percent"] = 100 * self.steps_ns / wall_ns
        memory, peak = MEMORY.read()
        if memory is not None:
            metadata["memory_usage_mb"] = memory
        if peak is not None:
            metadata["memory_peak_mb"] = peak
        metadata["gc_time_ms"] = collected_ns / 1e6
        metadata["success"] = problem is None
        if problem is not None:
            metadata["error_type"], metadata["error_message"] = type(problem).__name__, _message(problem)
        if samples is not None:
            metadata["samples"], metadata["sample_every_ms"] = samples, of.sample_every_ms
        if self._notes:
            metadata.update(self._notes)
        time_now = of.clock()
        if time_now.tzinfo is not UTC:
            time_now = time_now.astimezone(UTC) if time_now.tzinfo else time_now.replace(tzinfo=UTC)
        self.event = event = of.pattern.__copy__()
        # straight into the copy: `model_copy` and validation each cost as much as all the rest
        event.__dict__.update(
            event_id=str(of.new_id()), timestamp=time_now, metadata=metadata, correlation_id=link.correlation_id,
            parent_correlation_id=link.parent_correlation_id, trace_id=link.trace_id,
        )  # fmt: skip
        of.emit(event)

    async def ended_with(self, steps: _Steps) -> Any:
        """Run a coroutine to its end, and this operation with it."""
        try:
            result = await steps
        except BaseException as problem:
            self.end(problem)
            raise
        self.end(None)
        return result


class _Steps:
    """A coroutine whose steps are timed: what the thread does for others between them is not in it."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], running: RunningOperation) -> None:
        self._coroutine, self._running = coroutine, running

    def __await__(self) -> Generator[Any, Any, Any]:
        coroutine, running, cpu_ns = self._coroutine, self._running, self._running._of.cpu_ns
        step: Callable[[Any], Any] = coroutine.send
        value: Any = None
        spent = 0
        try:
            while True:
                began = cpu_ns()
                try:
                    awaited = step(value)
                except StopIteration as stop:
                    return stop.value
                finally:
                    spent += cpu_ns() - began
                try:
                    value, step = (yield awaited), coroutine.send
                except GeneratorExit:
                    coroutine.close()
                    raise
                except BaseException as problem:
                    value, step = problem, coroutine.throw
        finally:
            running.steps_ns = spent


def _message(problem: BaseException) -> str:
    try:
        return str(problem)
    except Exception as second:
        return f"(its text cannot be had: {type(second).__name__})"
