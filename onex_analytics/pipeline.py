"""The live chain: sample → size → protect → batch → export. What is not asked for is not in the way.

Each stage is the live half of a question and decides as its simulation does: what you simulate is what you ship.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from pydantic import BaseModel

from onex_analytics.batching import BatchPolicy, EventBatcher
from onex_analytics.batching.clocks import Clock
from onex_analytics.exceptions import InvalidOption, OversizedEvent
from onex_analytics.sampling import Decision
from onex_analytics.sizing import SizePolicy, encode

if TYPE_CHECKING:
    from onex_analytics.sampling.tail_sampler import Decided
    from onex_analytics.settings import Settings

Event = BaseModel | Mapping[str, Any]
Stage = Literal["sample", "size", "protect", "batch"]
STAGES: tuple[Stage, ...] = ("sample", "size", "protect", "batch")

REASONS: Mapping[str, str] = {
    "sampled_out": "the sampling policy does not keep it",
    "no_event": "it is neither a model nor a mapping, so that nothing says what it belongs to",
    "too_large": "it is larger than the size policy sends, whatever that may do about it",
    "unserialisable": "it holds what JSON does not have",
    "unclaimed": "it was too large, and the store of claims failed",
    "unprotected": "protecting it failed; it is not sent bare",
    "full": "the queue was full, and the policy drops then",
    "oversize": "one event over `max_bytes` of a batch, which the policy refuses",
    "failed": "the exporter failed at each try",
    "closed": "it came when the pipeline was closed",
}
"""Why an event was not exported."""

OnLost = Callable[[list[Any], str, BaseException | None], None]
"""Called with what was lost (events, or payloads behind `size` and `protect`), the reason (a word of `REASONS`) and the
error where one is the cause."""

_log = logging.getLogger(__name__)


@runtime_checkable
class Decides(Protocol):
    """A sampler that says at once what becomes of an event."""

    def decide(self, event: Event) -> Decision:
        """What becomes of an event."""


@runtime_checkable
class Holds(Protocol):
    """A sampler that holds events until it can decide."""

    def process(self, event: Event) -> Iterable[Decided]:
        """Take an event; those that are decided by its arrival."""

    def advance(self, to: datetime) -> Iterable[Decided]:
        """Move its clock on; those that are decided by it."""

    def close(self) -> Iterable[Decided]:
        """Decide all that is left."""


@dataclass(frozen=True)
class StageCounts:
    """What became of the events of one stage: `entered` = `passed` + all of `dropped` + `pending`."""

    stage: Stage
    entered: int
    passed: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    pending: int = 0

    @property
    def adds_up(self) -> bool:
        """Whether nothing was lost in silence."""
        return self.entered == self.passed + sum(self.dropped.values()) + self.pending


@dataclass(frozen=True)
class PipelineCounts:
    """What became of the events so far, stage by stage: what one passes the next is entered by."""

    emitted: int
    """Events that came, whatever became of them."""
    exported: int
    """Events of which the exporter returned."""
    pending: int
    """Events whose trace is not decided yet, that wait in a batch, or are being exported."""
    stages: tuple[StageCounts, ...]
    """Of the stages that there are, in their order. Where the events come in and go out there always is one: "sample"
    and "batch"."""

    @property
    def dropped(self) -> dict[str, int]:
        """Events that will never be exported, by why: a word of `REASONS`."""
        found: Counter[str] = Counter()
        for stage in self.stages:
            found.update({reason: n for reason, n in stage.dropped.items() if n})
        return dict(found)

    @property
    def adds_up(self) -> bool:
        """Whether nothing was lost in silence, in a stage, between two, or in all."""
        borders = zip(self.stages, self.stages[1:], strict=False)
        return (
            self.emitted == self.exported + self.pending + sum(self.dropped.values())
            and all(stage.adds_up for stage in self.stages)
            and all(before.passed == after.entered for before, after in borders)
        )


class EventPipeline:
    """Takes events one by one and exports what is to be kept of them, in their order.

    Any number of threads may emit, and so may the exporter and `on_lost` themselves. Without any stage each event goes
    to the exporter as it is, alone and at once. An event of which a share below 1 was kept is sent with
    `sampling_probability` and `adjusted_count`, so that what arrives can be counted (`sampling.estimate`).

    Args:
        exporter: called with a list: of events, or of payloads (bytes, see `sizing.decode`) where there is `size` or
            `protect`. With `batch` it is called in the batcher's thread, and tried again where it raises.
        sample: keeps some events: an `EventSampler`, a `DynamicSampler`, or a `TailSampler`, which holds them until
            their trace is decided. None keeps all.
        size: what is sent of an event; None sends it as it is.
        protect: makes of a payload what may be sent: it comes behind `size`, as what is encrypted cannot be compressed.
            Where it raises, the event is dropped ("unprotected").
        batch: how events become batches; None sends each alone, in the thread that emits it. A queue that is full
            (`queue_limit`) holds up whoever emits, or drops, as the policy has it.
        claims: where the size policy's `claim_check` puts events that are too large.
        on_lost: told of events that will not be exported, but for those that the sampler does not keep; else the first
            of each kind is logged.
        retries, retry_after_ms, clock: as `batching.EventBatcher` has them.

    Raises:
        InvalidOption: the size policy needs `claims`.

    >>> from onex_analytics.sizing import SizePolicy, decode
    >>> sent = []
    >>> with EventPipeline(sent.extend, size=SizePolicy(), batch=BatchPolicy(max_size=2)) as pipeline:
    ...     for number in range(3):
    ...         _ = pipeline.emit({"event_id": f"e{number}", "event_type": "NODE_START", "node_id": "n"})
    >>> decode(sent[0])["event_id"], pipeline.counts().exported, pipeline.counts().adds_up
    ('e0', 3, True)
    """

    def __init__(
        self, exporter: Callable[[list[Any]], object], *, sample: Decides | Holds | None = None,
        size: SizePolicy | None = None, protect: Callable[[bytes], bytes] | None = None,
        batch: BatchPolicy | None = None, claims: MutableMapping[str, bytes] | None = None,
        on_lost: OnLost | None = None, retries: int = 2, retry_after_ms: float = 100, clock: Clock | None = None,
    ) -> None:  # fmt: skip
        if size is not None and size.on_oversize == "claim_check" and claims is None:
            raise InvalidOption("claims", None, "where the policy's `claim_check` puts events that are too large")
        self.sample, self.size, self.protect, self.batch = sample, size, protect, batch
        self._claims, self._on_lost = claims, on_lost
        self._packs = SizePolicy(warn_bytes=None, max_bytes=2**62, compress_over=None) if size is None else size
        self._decide = sample.decide if isinstance(sample, Decides) else None
        self._holder = sample if isinstance(sample, Holds) else None
        if sample is not None and self._decide is None and self._holder is None:
            raise InvalidOption("sample", type(sample).__name__, "an EventSampler, a DynamicSampler or a TailSampler")
        self._calling_out = threading.local()
        self._exporter = exporter if self._holder is None else self._called_out(exporter)
        self._batcher: EventBatcher[Any] | None = None
        if batch is not None:
            self._batcher = EventBatcher(
                batch, exporter=self._exporter, retries=retries, retry_after_ms=retry_after_ms, clock=clock,
                on_dropped=self._tell,
            )  # fmt: skip
        self._deciding = threading.Lock()
        self._taking_up = threading.Lock()
        self._decided: deque[Decided] = deque()
        self._lock = threading.Lock()
        self._emitted = self._kept = self._alone = 0
        self._dropped: dict[Stage, Counter[str]] = {stage: Counter() for stage in STAGES}
        self._warned: set[str] = set()
        self._closing = False

    @classmethod
    def from_settings(
        cls, settings: Settings, exporter: Callable[[list[Any]], object], **others: Any
    ) -> EventPipeline:
        """The pipeline that the settings ask for: a stage whose flag is off is not there.

        Args:
            settings: see `settings.Settings`; by default nothing is enabled, and events go out as they are.
            exporter, others: as the pipeline has them.

        >>> from onex_analytics.settings import Settings
        >>> pipeline = EventPipeline.from_settings(Settings(), print)
        >>> _ = pipeline.emit({"event_id": "e1"})
        [{'event_id': 'e1'}]
        """
        stages = {
            "sample": settings.sampling.sampler(), "size": settings.sizing.policy(),
            "batch": settings.batching.policy(),
        }  # fmt: skip
        return cls(exporter, **{**stages, **others})

    # ------------------------------------------------------------------ in

    def emit(self, event: Event) -> bool:
        """Take an event in; whether it goes on its way, or waits until its trace is decided. Else it was counted.

        Never raises for what an event is: whoever emits it has other things to do.
        """
        with self._lock:
            self._emitted += 1
        if self._closing:
            return self._drop("sample", "closed", event)
        if self._holder is not None:
            return self._hold(event)
        decision: Decision | None = None
        if self._decide is not None:
            try:
                with self._deciding:  # a sampler that counts is used by one thread at a time
                    decision = self._decide(event)
            except Exception as error:
                return self._drop("sample", "no_event", event, error)
        return self._go_on(event, decision)

    def advance(self, to: datetime) -> None:
        """Tell a sampler that holds traces what time it is, where no event does: it decides those that are due."""
        if self._holder is not None:
            with self._deciding:
                self._decided.extend(self._holder.advance(to))
            self._take_up()

    def _hold(self, event: Event) -> bool:
        assert self._holder is not None
        reason, problem = "", None
        with self._deciding:
            if self._closing:
                reason = "closed"
            else:
                try:
                    self._decided.extend(self._holder.process(event))
                except Exception as error:
                    reason, problem = "no_event", error
        if reason:
            self._drop("sample", reason, event, problem)
        self._take_up()
        return not reason

    def _take_up(self) -> None:
        """What is decided goes on in its order, by one thread at a time; others wait, as the exporter may hold it up.

        Whom the pipeline called must not wait for the pipeline: what the exporter emits goes on with what comes next.
        """
        if getattr(self._calling_out, "depth", 0):
            return
        while self._decided:
            with self._taking_up, self._out():
                while self._decided:
                    one = self._decided.popleft()
                    self._go_on(one.event, one.decision)

    @contextmanager
    def _out(self) -> Iterator[None]:
        """While somebody else's function runs in this thread."""
        depth = getattr(self._calling_out, "depth", 0)
        self._calling_out.depth = depth + 1
        try:
            yield
        finally:
            self._calling_out.depth = depth

    def _called_out(self, exporter: Callable[[list[Any]], object]) -> Callable[[list[Any]], object]:
        def called(items: list[Any]) -> object:
            with self._out():
                return exporter(items)

        return called

    def _go_on(self, event: Event, decision: Decision | None) -> bool:
        """What was decided on goes through the other stages."""
        item: Any = event
        stage: Stage = "size"
        if decision is not None:
            if not decision.keep:
                return self._drop("sample", "sampled_out")
            item = _weighed(event, decision)
        if self.size is not None or self.protect is not None:
            try:
                item = encode(item, self._packs, claims=self._claims).payload
                if self.protect is not None:
                    stage = "protect"
                    item = self.protect(item)
            except OversizedEvent as error:
                return self._drop(stage, "too_large", event, error)
            except Exception as error:
                return self._drop(stage, _reason(stage, error), event, error)
        with self._lock:
            self._kept += 1
        if self._batcher is not None:
            return self._batcher.add_event(item)
        return self._send(item)

    def _send(self, item: Any) -> bool:
        """Export one event alone, here and now."""
        try:
            self._exporter([item])
        except Exception as error:
            with self._lock:
                self._kept -= 1  # `_drop` counts it again
            return self._drop("batch", "failed", item, error)
        with self._lock:
            self._alone += 1
        return True

    def _drop(self, stage: Stage, reason: str, event: Any = None, error: BaseException | None = None) -> bool:
        with self._lock:
            self._kept += stage != "sample"
            self._dropped[stage][reason] += 1
        if reason != "sampled_out":
            self._tell([event], reason, error)
        return False

    def _tell(self, lost: list[Any], reason: str, error: BaseException | None) -> None:
        """Tell of what is lost. An error of `on_lost` itself is logged: whoever emits does not see it."""
        if self._on_lost is not None:
            try:
                with self._out():
                    self._on_lost(lost, reason, error)
            except Exception:
                _log.exception("on_lost failed for %d events that were lost (%s)", len(lost), reason)
        elif reason not in self._warned:
            self._warned.add(reason)
            _log.warning(
                "%d events lost: %s%s. Said once for each reason; `counts()` has all. "
                "Mend: pass `on_lost` to keep them elsewhere.",
                len(lost), REASONS[reason], "" if error is None else f" ({type(error).__name__})",
            )  # fmt: skip

    # ------------------------------------------------------------------ out

    def flush(self, timeout_s: float | None = None) -> bool:
        """Export all that was emitted before; whether all of it is out, or was dropped, within the time."""
        self._take_up()
        return True if self._batcher is None else self._batcher.flush(timeout_s)

    def close(self, timeout_s: float | None = None) -> PipelineCounts:
        """Export what is pending; what is emitted later is dropped ("closed"). May be called again."""
        self._closing = True
        if self._holder is not None:
            with self._deciding:
                self._decided.extend(self._holder.close())
            self._take_up()
        if self._batcher is not None:
            self._batcher.close(timeout_s)
        return self.counts()

    def counts(self) -> PipelineCounts:
        """What became of the events so far, stage by stage."""
        batches = self._batcher.counts() if self._batcher is not None else None  # first: what it has was emitted before
        with self._lock:
            emitted, kept, exported = self._emitted, self._kept, self._alone
            dropped: dict[Stage, Mapping[str, int]] = {stage: dict(self._dropped[stage]) for stage in STAGES}
        if batches is not None:
            exported, dropped["batch"] = batches.exported, {str(why): n for why, n in batches.dropped.items() if n}
        packed = kept - sum(dropped["size"].values())
        protected = packed - sum(dropped["protect"].values())
        passed: dict[Stage, int] = {"sample": kept, "size": packed, "protect": protected, "batch": exported}
        there = {"sample": True, "size": self.size or self.protect, "protect": self.protect, "batch": True}
        stages, entered = [], emitted
        for stage in STAGES:
            if there[stage]:
                lost = dropped[stage]
                stages.append(StageCounts(
                    stage, entered, passed[stage], lost, entered - passed[stage] - sum(lost.values())
                ))  # fmt: skip
            entered = passed[stage]
        return PipelineCounts(emitted, exported, sum(stage.pending for stage in stages), tuple(stages))

    def __enter__(self) -> EventPipeline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _reason(stage: Stage, error: Exception) -> str:
    """Why an event is lost that a stage could not work on."""
    if stage == "sample":
        return "no_event"
    if stage == "protect":
        return "unprotected"
    return "unserialisable" if isinstance(error, InvalidOption) else "unclaimed"


def _weighed(event: Event, decision: Decision) -> Event:
    """The event with what it stands for, on top of what was sampled before."""
    if decision.probability >= 1 or decision.adjusted_count is None:
        return event
    if isinstance(event, BaseModel):
        as_dict = getattr(event, "as_dict", None)
        event = as_dict() if as_dict is not None else event.model_dump(mode="json")
    given, before = event.get("sampling_probability"), event.get("adjusted_count")
    if not isinstance(before, int | float):
        before = 1 / given if isinstance(given, int | float) and given else 1.0
    count = before * decision.adjusted_count
    return {**event, "sampling_probability": 1 / count if count else None, "adjusted_count": count}
