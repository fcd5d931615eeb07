"""Who is in the fleet: nodes, their operations, who calls whom, and which version runs when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from onex_analytics.exceptions import InvalidOption
from onex_analytics.synthetic.draws import Draws, Floats, Ints
from onex_analytics.synthetic.failures import ordinary_failures
from onex_analytics.synthetic.patterns import PATTERNS

LAYERS = 4
CALLEE_SLOTS = 64
FANOUT_SLOTS = 1024
ROOT_SLOTS = 4096


class NodeSpec(NamedTuple):
    """One node: its layer (0 is called from outside), pattern, error component and (operation, median ms)."""

    name: str
    layer: int
    pattern: str
    component: str
    operations: tuple[tuple[str, float], ...]
    weight: float = 1.0


DEFAULT_NODES: tuple[NodeSpec, ...] = (
    NodeSpec("cli_node", 0, "decorated", "CLI", (("run_command", 40), ("list_nodes", 12), ("describe_node", 8)), 3),
    NodeSpec("scheduler_node", 0, "undecorated", "EVENT", (("run_job", 25), ("sweep", 60)), 1.6),
    NodeSpec("node_manager_node", 0, "decorated", "CLI", (("generate_node", 90), ("maintain_node", 35)), 1.2),
    NodeSpec("scenario_runner_node", 0, "scenario", "TEMPLATE", (("run_scenario", 150),), 0.25),
    NodeSpec("runner_node", 0, "undecorated", "CORE", (("run", 6), ("run_batch", 45)), 1.4),
    NodeSpec("stamper_node", 1, "decorated", "STAMP", (("stamp_file", 18), ("stamp_folder", 85), ("verify", 9)), 3),
    NodeSpec("tree_generator_node", 1, "decorated", "TREE", (("generate_tree", 120), ("validate_tree", 30))),
    NodeSpec("registry_loader_node", 1, "decorated", "REGISTRY", (("load_registry", 55), ("resolve", 7)), 2.4),
    NodeSpec("schema_generator_node", 1, "decorated", "SCHEMA", (("generate_schemas", 210), ("generate_one", 22)), 1.8),
    NodeSpec("parity_validator_node", 1, "decorated", "PARITY", (("validate_parity", 160), ("compare", 28)), 0.7),
    NodeSpec("docstring_generator_node", 1, "undecorated", "TEMPLATE", (("generate_docs", 75),), 0.6),
    NodeSpec("structural_linter_node", 1, "decorated", "TREE", (("lint", 38), ("fix", 52)), 0.8),
    NodeSpec("contract_validator_node", 2, "decorated", "SCHEMA", (("validate", 14), ("load_contract", 6)), 1.6),
    NodeSpec("metadata_extractor_node", 2, "decorated", "STAMP", (("extract", 5), ("extract_block", 3)), 1.8),
    NodeSpec("template_node", 2, "undecorated", "TEMPLATE", (("render", 11), ("compile", 19))),
    NodeSpec("model_router_node", 2, "decorated", "CORE", (("route", 320), ("embed", 95)), 0.7),
    NodeSpec("artifact_store_node", 2, "decorated", "REGISTRY", (("read_artifact", 13), ("write_artifact", 24)), 1.2),
    NodeSpec("event_bus_node", 2, "undecorated", "EVENT", (("publish", 2), ("flush", 15)), 1.4),
    NodeSpec("file_reader_node", 3, "decorated", "CORE", (("read_file", 1.5), ("stat_file", 0.6)), 3.2),
    NodeSpec("file_writer_node", 3, "undecorated", "CORE", (("write_file", 4), ("write_backup", 7)), 1.6),
    NodeSpec("hash_calculator_node", 3, "undecorated", "STAMP", (("hash_content", 0.9), ("verify_hash", 1.1)), 2.0),
    NodeSpec("cache_node", 3, "decorated", "CORE", (("get", 0.5), ("put", 0.8), ("evict", 1.2)), 3.0),
    NodeSpec("logger_node", 3, "undecorated", "LOGGER", (("format_log", 1.3), ("emit_log", 0.9)), 2.0),
    NodeSpec("tool_proxy_node", 1, "proxy", "CLI", (("invoke_tool", 110),), 0.3),
    NodeSpec("registry_node", 0, "announce", "REGISTRY",
             (("announce", 9), ("discover_nodes", 21), ("discover_tools", 17), ("introspect", 14)), 0.3),
)
"""The 25 nodes of the default fleet."""

_OPERATION_PATTERNS = {
    "discover_nodes": "node_discovery", "discover_tools": "tool_discovery", "introspect": "introspection",
}
_OWN_EVENTS = {"decorated": 4, "undecorated": 2, "scenario": 3, "proxy": 3, "log": 1, "restart": 3}

HOSTS = tuple(f"onex-{i:02d}" for i in range(1, 9))
TENANTS = (
    "acme", "globex", "initech", "umbrella", "hooli", "stark", "wayne", "tyrell", "cyberdyne", "soylent", "vandelay",
    "wonka",
)
SCHEMA_VERSIONS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0", "2.0.0")


def node_specs(nodes: int | Sequence[str] | None) -> tuple[NodeSpec, ...]:
    """The specs for a number of nodes or for their names; names we do not know get plain operations.

    >>> [spec.name for spec in node_specs(["stamper_node", "my_node"])]
    ['stamper_node', 'my_node']
    """
    if nodes is None:
        return DEFAULT_NODES
    known = {spec.name: spec for spec in DEFAULT_NODES}
    if isinstance(nodes, int):
        if nodes < 1:
            raise InvalidOption("nodes", nodes, "at least one node, such as 25, or a list of names")
        order = [known[n] for n in ("cli_node", "stamper_node", "file_reader_node")]
        order += [spec for spec in DEFAULT_NODES if spec not in order]
        names = [spec.name for spec in order] + [f"worker_{i}_node" for i in range(len(order) + 1, nodes + 1)]
        nodes = names[:nodes]
    if not nodes or len(set(nodes)) < len(nodes):
        raise InvalidOption("nodes", list(nodes), "one or more names, each once")
    specs = []
    for i, name in enumerate(nodes):
        plain = NodeSpec(
            name, i % LAYERS, "undecorated" if i % 3 == 2 else "decorated", "CORE",
            (("run", 10.0 + 7 * (i % 11)), ("validate", 3.0 + i % 5), ("load", 5.0 + i % 7)),
        )
        specs.append(known.get(name, plain))
    return tuple(specs)


@dataclass(frozen=True)
class Topology:
    """The fleet as arrays, one entry an operation unless it says otherwise."""

    nodes: tuple[NodeSpec, ...]
    operations: tuple[str, ...]
    functions: tuple[str, ...]
    node: NDArray[np.int16]
    pattern: NDArray[np.int16]
    median_us: Floats
    sigma: Floats
    failing: Floats
    """share of calls that fail by themselves on an ordinary day"""
    parallel: NDArray[np.bool_]
    """children run side by side, not one after another"""
    callees: NDArray[np.int16]
    fanout: NDArray[np.int16]
    roots: NDArray[np.int16]
    """4,096 equally likely root operations"""
    failures: NDArray[np.int16]
    """per node: 64 equally likely failures"""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(spec.name for spec in self.nodes)

    def operations_of(self, node: str | None, operation: str | None) -> NDArray[np.bool_]:
        """Which operations bear this node and operation name; None stands for any."""
        chosen = np.ones(len(self.operations), dtype=np.bool_)
        if node is not None:
            if node not in self.names:
                raise InvalidOption("node", node, f"one of the fleet: {', '.join(self.names)}")
            chosen &= self.node == self.names.index(node)
        if operation is not None:
            chosen &= np.array([name == operation for name in self.operations])
            if not chosen.any():
                raise InvalidOption("operation", operation, f"an operation of {node or 'the fleet'}")
        return chosen

    @cached_property
    def calls_per_trace(self) -> Floats:
        """Expected number of calls of each operation in one trace, retries aside."""
        calls = np.bincount(self.roots, minlength=len(self.operations)) / len(self.roots)
        layer = np.array([self.nodes[n].layer for n in self.node])
        for level in range(LAYERS):
            for op in np.flatnonzero((layer == level) & (calls > 0)):
                if self.callees[op, 0] >= 0:
                    share = np.bincount(self.callees[op], minlength=len(calls)) / CALLEE_SLOTS
                    calls = calls + calls[op] * float(self.fanout[op].mean()) * share
        return np.asarray(calls)

    @cached_property
    def own_events(self) -> Floats:
        """Events that one call of each operation emits itself."""
        return np.array([float(_OWN_EVENTS.get(PATTERNS[p], 2)) for p in self.pattern])

    @property
    def events_per_trace(self) -> float:
        """Expected events of one trace."""
        return float((self.calls_per_trace * self.own_events).sum()) * 1.05

    def events_below(self, chosen: NDArray[np.bool_]) -> float:
        """Expected share of a trace's events that the chosen operations and all they call emit."""
        calls = np.where(chosen, self.calls_per_trace, 0.0)
        layer = np.array([self.nodes[n].layer for n in self.node])
        for level in range(LAYERS):
            for op in np.flatnonzero((layer == level) & (calls > 0)):
                if self.callees[op, 0] >= 0:
                    share = np.bincount(self.callees[op], minlength=len(calls)) / CALLEE_SLOTS
                    calls = np.where(chosen, calls, calls + calls[op] * float(self.fanout[op].mean()) * share)
        return min(1.0, float((calls * self.own_events).sum()) * 1.05 / self.events_per_trace)


def topology(specs: Sequence[NodeSpec], seed: int) -> Topology:
    """The fleet of `specs`; the seed settles who calls whom, how latencies spread and what fails."""
    draws = Draws(seed, 1_000_001)
    node, names, functions, pattern, medians = [], [], [], [], []
    for i, spec in enumerate(specs):
        main = spec.operations[0][0]
        for operation, median_ms in spec.operations:
            node.append(i)
            names.append(operation)
            functions.append(f"run_{spec.name}" if operation == main and spec.layer < 2 else operation)
            pattern.append(PATTERNS.index(_OPERATION_PATTERNS.get(operation, spec.pattern)))
            medians.append(median_ms * 1000)
    n = len(node)
    layer = np.array([specs[i].layer for i in node])
    callable_ = np.array([PATTERNS[p] in ("decorated", "undecorated", "proxy") for p in pattern])
    weight = np.array([specs[i].weight / len(specs[i].operations) for i in node])
    callees = np.full((n, CALLEE_SLOTS), -1, dtype=np.int16)
    fanout = np.zeros((n, FANOUT_SLOTS), dtype=np.int16)
    calling = np.array([PATTERNS[p] in ("decorated", "undecorated", "scenario", "proxy") for p in pattern])
    for level in range(LAYERS - 1):
        below = np.flatnonzero((layer > level) & callable_)
        callers = np.flatnonzero((layer == level) & calling)
        next_down = below[draws.order(len(below))]
        next_down = next_down[layer[next_down] == level + 1]
        for i, op in enumerate(callers if len(below) else callers[:0]):
            # a few at random, and its share of the next layer, so that everybody is called by somebody
            few = np.union1d(below[draws.order(len(below))[:3]], next_down[i::len(callers)])
            callees[op] = _slots(few, weight[few], CALLEE_SLOTS)
            fanout[op] = _fanout(level)
    root_weight = weight * np.where(layer == 0, 1.0, 0.12)
    return Topology(
        nodes=tuple(specs), operations=tuple(names), functions=tuple(functions),
        node=np.array(node, dtype=np.int16), pattern=np.array(pattern, dtype=np.int16),
        median_us=np.array(medians), sigma=0.35 + 0.5 * draws.shares(n), failing=0.002 + 0.01 * draws.shares(n) ** 2,
        parallel=draws.hits(n, 0.3), callees=callees, fanout=fanout,
        roots=_slots(np.arange(n), root_weight, ROOT_SLOTS),
        failures=np.array([_slots(np.array(few), np.ones(len(few)), 64)
                           for few in (_few_failures(spec.component, draws) for spec in specs)]),
    )


def _few_failures(component: str, draws: Draws) -> list[int]:
    found = ordinary_failures(component)
    return [found[i] for i in draws.order(len(found))[:6]]


def _slots(values: NDArray[Any], weights: Floats, slots: int) -> NDArray[np.int16]:
    """`slots` entries of `values` in proportion to their weights."""
    edges = np.cumsum(weights) / np.sum(weights)
    places = (np.arange(slots) + 0.5) / slots
    return values[np.minimum(np.searchsorted(edges, places), len(values) - 1)].astype(np.int16)


def _fanout(layer: int) -> NDArray[np.int16]:
    """Equally likely numbers of children: heavy-tailed at the root (Pareto, exponent 1.3), few below."""
    places = (np.arange(FANOUT_SLOTS) + 0.5) / FANOUT_SLOTS
    if layer == 0:
        return np.minimum((1 - places) ** (-1 / 1.3), 60).astype(np.int16)
    if layer == 1:
        return np.minimum(1.2 * (1 - places) ** (-1 / 2.2) - 0.9, 20).astype(np.int16)
    return (places > 0.55).astype(np.int16) + (places > 0.93)


class Deploy(NamedTuple):
    """From `at` (microseconds after the start of the span; very early means from the beginning) a version runs."""

    node: int
    at: int
    node_version: str
    schema: int


@dataclass(frozen=True)
class Versions:
    """Which version of each node runs when."""

    deploys: tuple[Deploy, ...]

    @cached_property
    def _keys(self) -> Ints:
        return np.array([(d.node << 52) + d.at + (1 << 40) for d in self.deploys], dtype=np.int64)

    def at(self, node: NDArray[Any], time_us: Ints) -> Ints:
        """Index into `deploys` of what runs on `node` at `time_us`."""
        return np.searchsorted(self._keys, (node.astype(np.int64) << 52) + time_us + (1 << 40), side="right") - 1

    @cached_property
    def schema(self) -> NDArray[np.int8]:
        return np.array([d.schema for d in self.deploys], dtype=np.int8)


_ADOPTED = (1, 3, 2, 3, 1, 2, 3, 4)
"""Which schema version (index) the next node adopts that leaves 1.0.0 behind."""


def versions(fleet: Topology, span_us: int, seed: int, extra: Sequence[tuple[int, int, int, str]]) -> Versions:
    """A history of deploys: up to four versions a node.

    Every second node, counted by its traffic, adopts a newer schema version with one of its deploys, and keeps it.
    `extra` holds (node, from, until, version): a version that an incident brings; at `until` the version
    before it returns (until < 0: it stays, and later deploys fall away).
    """
    draws = Draws(seed, 1_000_002)
    n = len(fleet.nodes)
    traffic = np.bincount(fleet.node, weights=fleet.calls_per_trace * fleet.own_events, minlength=n)
    busiest = np.argsort(-traffic, kind="stable")
    adopts = np.zeros(n, dtype=np.int64)
    second = draws.below(n, 2)
    for place in range(0, n, 2):
        chosen = busiest[min(place + int(second[place]), n - 1)]
        adopts[chosen] = _ADOPTED[place // 2 % len(_ADOPTED)]
    found: list[Deploy] = []
    for node in range(n):
        shares = np.sort(draws.shares(3)[: int(draws.below(1, 4)[0])])
        adoption = 0.3 + 0.6 * float(draws.shares(1)[0])
        if adopts[node]:
            shares = np.sort(np.append(shares[:2], adoption))
        times = [-(1 << 38), *(int(span_us * share) for share in shares)]
        patches = draws.below(4, 9)
        for i, at in enumerate(times):
            schema = int(adopts[node]) if i and at >= int(span_us * adoption) else 0
            found.append(Deploy(node, at, f"1.{i}.{patches[i]}", schema))
    for node, start, until, version in extra:
        before = [d for d in found if d.node == node and d.at <= start][-1]
        inside = [d for d in found if d.node == node and d.at > start and (until < 0 or d.at <= until)]
        found = [d for d in found if d not in inside]
        found.append(Deploy(node, start, version, before.schema))
        if until >= 0:
            last = inside[-1] if inside else before
            found.append(last._replace(at=until))
        found.sort(key=lambda d: (d.node, d.at))
    return Versions(tuple(found))
