"""`onex-analytics alerts live`: rules on a log that is still being written."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.alerts.options import lies_ahead, longest_ahead
from onex_analytics.cli.ingest import named_paths
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    from onex_analytics.alerting import AlertEngine, RuleSet
    from onex_analytics.alerting.receivers.targets import Target
    from onex_analytics.servers.metrics import MetricsServer
    from onex_analytics.sources.following import Follower

_WAIT_S = 0.2
_ADVANCED_EVERY_S = 1.0


def live(
    log: Annotated[str, typer.Argument(help='A JSONL file that grows, or "-" for standard input.')],
    rules: Annotated[Path, typer.Option("--rules", help="The rule file.")],
    state: Annotated[
        Path | None,
        typer.Option("--state", help="Where the checkpoint goes; the same command goes on there after a stop or kill."),
    ] = None,
    receiver: Annotated[
        list[str] | None,
        typer.Option(
            "--receiver",
            help="stdout, jsonl:PATH, webhook:URL or alertmanager:URL, for all pages; NAME=… for one receiver's.",
        ),
    ] = None,
    dimension: Annotated[
        list[str] | None,
        typer.Option("--dimension", help="NAME=PATH:TYPE, a column to lift out of the metadata; may stand repeatedly."),
    ] = None,
    clock: Annotated[
        str, typer.Option(help="wall: this machine's clock goes on where no event comes; events: only events move it.")
    ] = "wall",
    grace: Annotated[
        str, typer.Option(help="How far behind the wall clock stays, so that what is being written is not late.")
    ] = "5s",
    checkpoint_every: Annotated[str, typer.Option(help="The longest time between two checkpoints.")] = "10s",
    metrics: Annotated[
        int | None, typer.Option("--metrics", min=0, max=65535, help="Answer /metrics on this port of loopback.")
    ] = None,
    self_watch: Annotated[
        bool, typer.Option("--self-watch/--no-self-watch", help="Fire SourceStalled where no event comes.")
    ] = True,
    until_end: Annotated[bool, typer.Option("--until-end", help="Stop at the present end of the file.")] = False,
) -> int:
    """Evaluate rules on events as they are written, and tell receivers.

    What is told is what `alerts backtest` of the same log says. SIGTERM and Ctrl-C leave a checkpoint.
    """
    if clock not in ("wall", "events"):
        raise InvalidOption("--clock", clock, "wall or events")
    from onex_analytics.alerting import AlertEngine, load_rules
    from onex_analytics.alerting.durations import parse_duration
    from onex_analytics.sources.following import FollowedFile, FollowedPipe
    from onex_analytics.sources.layout import parse_dimensions

    behind, every_s = parse_duration(grace), parse_duration(checkpoint_every).total_seconds()
    declared = parse_dimensions(named_paths(dimension or []))
    found = load_rules(rules, dimensions={name: one.type for name, one in declared.items()})
    if declared:
        found = found.model_copy(update={"dimensions": {n: d.type for n, d in declared.items()} | {**found.dimensions}})
    with ExitStack() as held:
        stop = held.enter_context(_Stop())
        engine = AlertEngine(found, _targets(found, receiver or []), state=state, self_watch=self_watch, failed=_say)
        if state is not None and engine.restore():
            _say(f"going on after {engine.counts['events']:,} events")
        follower: Follower = (
            FollowedPipe(dimensions=declared) if log == "-"
            else FollowedFile(log, position=engine.position, dimensions=declared)
        )  # fmt: skip
        held.callback(follower.close)
        server = None
        if metrics is not None:
            from onex_analytics.servers.metrics import MetricsServer

            server = MetricsServer(metrics)
            held.callback(server.close)
            _say(f"metrics at http://127.0.0.1:{server.port}/metrics")
        _say(f"following {log}")
        rejected = _follow(
            engine, follower, stop, server, behind=behind if clock == "wall" else None, every_s=every_s,
            until_end=until_end,
        )  # fmt: skip
        if not engine.close():
            _say(f"{engine.outbox.waiting:,} pages are still on their way" + (
                "; the checkpoint holds them" if state is not None else "; without --state they are lost"))  # fmt: skip
        _say(_summary(engine, rejected))
        if stop.by_hand:
            raise KeyboardInterrupt
    return 0


class _Stop:
    """Notes SIGTERM and Ctrl-C, so that a batch is finished and a checkpoint written before the end."""

    def __init__(self) -> None:
        self.asked = self.by_hand = False

    def __enter__(self) -> _Stop:
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _note(self, number: int, _: object) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt  # asked twice: at once
        self.asked, self.by_hand = True, number == signal.SIGINT


def _follow(
    engine: AlertEngine, follower: Follower, stop: _Stop, server: MetricsServer | None, *, behind: timedelta | None,
    every_s: float, until_end: bool,
) -> int:  # fmt: skip
    """Read and evaluate until it is told to stop; the number of lines that gave no event."""
    from onex_analytics.cli.alerts.steady_clock import SteadyClock

    clock = SteadyClock()
    max_ahead = longest_ahead(engine.rules)
    rejected, ahead, checkpointed, advanced = 0, 0, time.monotonic(), 0.0
    said: set[str] = set()
    while not stop.asked:
        # a file that was rotated away is left at the second look only
        found = (follower.read() or follower.read()) if until_end else follower.read(_WAIT_S)
        if found is not None:
            for note in found.notes:
                _say(note)
            rejected += found.rejected.height
            events = found.events
            if behind is not None:
                events = events.filter(~lies_ahead(clock.now() + max_ahead))
                if events.height < found.events.height and not ahead:
                    _say(f"events lie more than {max_ahead} ahead of this machine's clock; they are set aside")
                ahead += found.events.height - events.height
            engine.process(events, position=follower.position())
            for limit in engine.limits:
                if limit not in said:
                    said.add(limit)
                    _say(limit)
        elif follower.ended or until_end:
            break
        now = time.monotonic()
        if found is None and behind is not None and now - advanced >= _ADVANCED_EVERY_S:
            advanced = now
            engine.advance(clock.now() - behind)
        if engine.path is not None and now - checkpointed >= every_s:
            checkpointed = now
            try:
                engine.checkpoint()
            except OSError as problem:
                _say(f"{engine.path}: the state cannot be written ({problem}); the next attempt is in {every_s:g} s")
        if server is not None:
            from onex_analytics.servers.metrics import engine_metrics

            server.show(engine_metrics(engine))
    if ahead:
        _say(f"{ahead:,} events lay more than {max_ahead} ahead of this machine's clock")
    return rejected


def _targets(rules: RuleSet, given: Sequence[str]) -> dict[str, list[Target]]:
    """The targets of the rules' receivers and of the command; standard output where neither names any."""
    from onex_analytics.alerting.receivers.alertmanager import Alertmanager
    from onex_analytics.alerting.receivers.targets import receivers_of, target_of

    found = receivers_of(rules.notification)
    for text in given:
        name, equals, word = text.partition("=")
        named = bool(equals) and ":" not in name
        if named and name not in found:
            raise InvalidOption("--receiver", text, f"a name of the rules' receivers: {', '.join(found)}")
        target = target_of(word if named else text)
        for receiver in [name] if named else list(found):
            found[receiver].append(target)
            if isinstance(target, Alertmanager):
                break  # it is told of every alert, whatever the receiver
    if not any(found.values()):
        for targets in found.values():
            targets.append(target_of("stdout"))
    return found


def _summary(engine: AlertEngine, rejected: int) -> str:
    counts = engine.counts
    said = f"{counts['events']:,} events, {counts['transitions']:,} changes of state, {counts['pages']:,} pages"
    late = max((group["late"] for group in engine.by_group.values()), default=0)
    said += f", {len(engine.firing):,} alerts fire"
    return said + (f"; {late:,} events were late" if late else "") + (
        f"; {rejected:,} lines gave no event" if rejected else "")  # fmt: skip


def _say(text: str) -> None:
    print(f"alerts live: {text}", file=sys.stderr, flush=True)
