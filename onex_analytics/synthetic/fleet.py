"""The front door of the room: a seeded fleet, its incidents and its traps, as a log with truth."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np

from onex_analytics.exceptions import InvalidOption
from onex_analytics.synthetic.blocks import BLOCK_EVENTS
from onex_analytics.synthetic.draws import Draws, Ints
from onex_analytics.synthetic.incidents import Effect, Incident, default_incidents, effects
from onex_analytics.synthetic.load import load
from onex_analytics.synthetic.log import SyntheticLog
from onex_analytics.synthetic.patterns import PATTERNS
from onex_analytics.synthetic.topology import HOSTS, Topology, node_specs, topology, versions
from onex_analytics.synthetic.traces import Scene
from onex_analytics.synthetic.traps import Traps, chosen_traps, node_quirks
from onex_analytics.synthetic.wire import FORMS, Writer

Form = Literal["event", "envelope", "capture", "recording", "cloudevents", "core"]

DEFAULT_START = datetime(2026, 11, 2, tzinfo=UTC)
"""A Monday."""
_MINUTE_US = 60_000_000
_DEPLOYED = "1.5.0"


def generate(
    n_events: int,
    seed: int = 0,
    *,
    incidents: Literal["default"] | Sequence[Incident] | None = "default",
    traps: Literal["default"] | Collection[str] | Traps | None = "default",
    start: datetime = DEFAULT_START,
    days: float = 7.0,
    nodes: int | Sequence[str] | None = None,
    form: Form = "event",
) -> SyntheticLog:
    """A lifelike log of exactly `n_events` events, with its truth.

    The log holds one line an event. Only three traps add lines: `duplicates`, `conflicts` and `broken`; so
    lines written = events + duplicates + conflicts + broken (see `SyntheticLog.trap_counts`). Of the events, those
    that `newer_major` caught are to be quarantined; every other is to be stored.

    Nothing is drawn until the log is asked for; the same arguments give the same bytes everywhere.

    Args:
        n_events: how many events; from 1 to many millions, in flat memory.
        seed: settles everything that is left to chance.
        incidents: "default" (one of each kind), None, or your own (see `incidents`).
        traps: "default" (the realistic mix), None (clean), names of traps, or a `Traps` of rates (see `traps`).
        start: when the span begins; with a zone.
        days: length of the span. Traces begin within it; the last of them may end a little later.
        nodes: None for the default fleet of 25, a number of nodes, or their names.
        form: "event" (one JSON object a line), "envelope", "capture" (an envelope with topic, partition and offset),
            "cloudevents", "core" (`ModelOnexEvent`), or "recording" (one JSON array; no broken elements).

    Raises:
        InvalidOption: an argument, an incident or the name of a trap makes no sense; the message says which would.

    >>> log = generate(1000, seed=7)
    >>> log.n_events, log.labels["kind"].n_unique()
    (1000, 9)
    >>> sum(chunk.count(b"\\n") for chunk in log.chunks()) == log.n_lines
    True
    """
    if n_events < 1:
        raise InvalidOption("n_events", n_events, "at least 1")
    if not 0 < days <= 3700:
        raise InvalidOption("days", days, "above 0 and at most 3,700")
    if start.tzinfo is None:
        raise InvalidOption("start", start, "a time with a zone, such as datetime(2026, 11, 2, tzinfo=UTC)")
    if form not in FORMS:
        raise InvalidOption("form", form, f"one of {', '.join(FORMS)}")
    if isinstance(incidents, str) and incidents != "default":
        raise InvalidOption("incidents", incidents, "'default', None, or a list of `Incident`")
    if seed < 0:
        raise InvalidOption("seed", seed, "a whole number from 0")
    start = start.astimezone(UTC).replace(microsecond=0)
    span_us = round(days * 86400) * 1_000_000 or 1_000_000
    specs = node_specs(nodes)
    fleet = topology(specs, seed)
    wanted = default_incidents(fleet) if isinstance(incidents, str) else tuple(incidents or ())
    found = effects([_with_version(incident) for incident in wanted], fleet, start, span_us)
    brought = [
        (e.node, e.start_us, -1 if e.incident.kind == "deploy" else e.end_us, str(e.value))
        for e in found if e.column == "node_version"
    ]
    restarts = tuple((e, _restarts(e, n_events, seed)) for e in found if e.incident.kind == "crash_loop")
    chosen = _fitting(chosen_traps(traps), form)
    named = np.array([any(e.node == i for e in found) for i in range(len(specs))])
    decorated = np.bincount(fleet.node, weights=fleet.pattern == PATTERNS.index("decorated"), minlength=len(specs)) > 0
    quirks = node_quirks(chosen, decorated, named, seed)
    epoch_us = (start - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    edges = [t for e in found for t in (e.start_us, e.end_us)]
    thinned = [_thinned(e, fleet) for e in found if e.incident.kind in ("silent_node", "coverage_hole")]
    for e, times in restarts:
        usual = max(1.0, n_events * (e.end_us - e.start_us) / span_us)
        thinned.append((e.start_us, e.end_us, 1.0, 1 + 3 * len(times) / usual))
    history = versions(fleet, span_us, seed, brought)
    scene = Scene(
        fleet=fleet, load=load(span_us, epoch_us, edges, thinned), versions=history, effects=found, restarts=restarts,
        two_witnesses=chosen.two_witnesses, seed=seed,
    )
    writer = Writer(fleet, history, quirks, form, epoch_us, span_us // 2)
    return SyntheticLog(scene, writer, chosen, n_events, start, span_us, -(-n_events // BLOCK_EVENTS))


def _with_version(incident: Incident) -> Incident:
    if incident.kind == "deploy" and incident.cause is None:
        return incident.model_copy(update={"cause": f"node_version={_DEPLOYED}"})
    return incident


def _restarts(effect: Effect, n_events: int, seed: int) -> Ints:
    """Evenly spaced with some jitter; in a short log fewer, so that they stay below two per cent of it."""
    minutes = (effect.end_us - effect.start_us) / _MINUTE_US
    count = min(int(minutes * effect.incident.share), n_events // 150)
    if count == 0:
        return np.zeros(0, dtype=np.int64)
    step = (effect.end_us - effect.start_us) // count
    jitter = Draws(seed, 1_000_004, effect.index).below(count, 1000)
    return effect.start_us + np.arange(count) * step + step * jitter // 4000


def _thinned(effect: Effect, fleet: Topology) -> tuple[int, int, float, float]:
    """How many of the usual arrivals, and of their events, there are while a node or the whole source is silent."""
    chosen = effect.operations
    if effect.incident.kind == "silent_node":
        return effect.start_us, effect.end_us, 1.0, 1.0 - 0.999 * fleet.events_below(chosen)
    if effect.node < 0 and effect.column is None:
        return effect.start_us, effect.end_us, 0.0, 0.0
    own = fleet.calls_per_trace * fleet.own_events
    share = float(own[chosen].sum() / own.sum()) * (1 / len(HOSTS) if effect.column == "host" else 1.0)
    return effect.start_us, effect.end_us, 1.0, 1.0 - 0.999 * share


_UNFIT = {
    "recording": ("broken",),
    "cloudevents": ("timestamp_forms", "type_spellings"),
    "core": ("type_spellings", "schema_object", "newer_minor", "newer_major"),
}


def _fitting(traps: Traps, form: str) -> Traps:
    """Without the traps that a form has no room for."""
    return traps.model_copy(update=dict.fromkeys(_UNFIT.get(form, ()), 0.0))
