"""Policies from and for the OpenTelemetry collector: its processors `tail_sampling` and `probabilistic_sampler`.

A rate that the collector limits by `spans_per_second: n` lets fewer than n through, ours up to `events_per_second`; so
n is one more. Its `composite` counts as ours does.

Source: opentelemetry-collector-contrib, the processors' configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onex_analytics.exceptions import RuleError
from onex_analytics.model.yaml_tree import Node
from onex_analytics.sampling.deciding import AnyPolicy
from onex_analytics.sampling.policies import ProbabilityPolicy
from onex_analytics.sampling.policy_mistakes import shown
from onex_analytics.sampling.tail_policies import (
    AlwaysSample,
    And,
    BooleanAttribute,
    Composite,
    Drop,
    Latency,
    NumericAttribute,
    Probabilistic,
    RateLimiting,
    SomeTail,
    SpanCount,
    StatusCode,
    StringAttribute,
    TailPolicy,
    told_names,
)
from onex_analytics.sampling.unmapped import Unmapped, duration_ms, go_duration

TAIL, HEAD = "tail_sampling", "probabilistic_sampler"
_NODE = "service.name"
_OF_TAIL = {"decision_wait", "num_traces", "decision_cache", "policies"}
_OF_HEAD = {"sampling_percentage", "sampling_precision", "mode"}
_MODELS: dict[str, type[SomeTail]] = {
    "always_sample": AlwaysSample, "latency": Latency, "status_code": StatusCode, "string_attribute": StringAttribute,
    "numeric_attribute": NumericAttribute, "boolean_attribute": BooleanAttribute, "probabilistic": Probabilistic,
    "rate_limiting": RateLimiting, "span_count": SpanCount, "and": And, "drop": Drop, "composite": Composite,
}  # fmt: skip
_KEYS: dict[str, dict[str, str]] = {
    "always_sample": {}, "latency": {"threshold_ms": "threshold_ms", "upper_threshold_ms": "upper_threshold_ms"},
    "status_code": {"status_codes": "status_codes"},
    "string_attribute": {"key": "key", "values": "values", "regex": "enabled_regex_matching", "invert": "invert_match"},
    "numeric_attribute": {"key": "key", "min_value": "min_value", "max_value": "max_value", "invert": "invert_match"},
    "boolean_attribute": {"key": "key", "value": "value", "invert": "invert_match"},
    "probabilistic": {"probability": "sampling_percentage"}, "rate_limiting": {"events_per_second": "spans_per_second"},
    "span_count": {"min_events": "min_spans", "max_events": "max_spans"},
}  # fmt: skip
_CONDITIONS = (AlwaysSample, Latency, StatusCode, StringAttribute, NumericAttribute, BooleanAttribute, SpanCount)
_PARTS = {"and": "and_sub_policy", "drop": "drop_sub_policy", "composite": "composite_sub_policy"}
_OF_COMPOSITE = {"max_total_spans_per_second", "policy_order", "composite_sub_policy", "rate_allocation"}


def is_collector(tree: Node) -> bool:
    """Whether a file is one of the collector's, or the part of one that is about sampling."""
    keys = {key.partition("/")[0] for key, _ in tree.items()}
    policies = tree.get("policies")
    typed = policies is not None and any(one.get("type") is not None for one in policies.entries())
    return "processors" in keys or TAIL in keys or HEAD in keys or typed


def from_collector(tree: Node, notes: Unmapped) -> list[AnyPolicy]:
    """The policies of a file of the collector.

    Raises:
        RuleError: a value that the collector would not take either.
    """
    if tree.get("policies") is not None:
        return [_tail(TAIL, tree, notes)]
    found: list[AnyPolicy] = []
    processors = tree.get("processors") or tree
    for name, node in processors.items():
        kind = name.partition("/")[0]
        if kind == TAIL:
            found.append(_tail(name, node, notes))
        elif kind == HEAD:
            found.append(_head(name, node, notes))
        elif processors is not tree:
            notes.note(name, "processor", "is no sampler", processors.line_of(name))
    return found


def _head(name: str, node: Node, notes: Unmapped) -> ProbabilityPolicy:
    notes.note_unread(name, node, _OF_HEAD)
    fields = {
        "name": name.partition("/")[2] or name, "precision": _held(node, "sampling_precision"),
        "probability": _share(node.get("sampling_percentage"), notes.file),
    }  # fmt: skip
    return notes.made(ProbabilityPolicy, fields, node, {"probability": "sampling_percentage",
                                                        "precision": "sampling_precision"})  # fmt: skip


def _tail(name: str, node: Node, notes: Unmapped) -> TailPolicy:
    notes.note_unread(name, node, _OF_TAIL)
    listed = node.get("policies")
    parts = [part for one in (listed.entries() if listed else ()) if (part := _part(one, name, notes)) is not None]
    if not parts:
        mend = "name one of " + ", ".join(_MODELS)
        raise RuleError(notes.file, node.line_of("policies"), f"no policy of {name} has a counterpart here", mend)
    cache = node.get("decision_cache")
    sizes = [size.held for _, size in cache.items()] if cache is not None else []
    if len(set(map(str, sizes))) > 1:
        reason = "one size for all decisions here: the greater"
        notes.note(name, "decision_cache", reason, node.line_of("decision_cache"))
    fields = {
        "name": name.partition("/")[2] or name, "policies": parts, "max_traces": _held(node, "num_traces"),
        "decision_wait_ms": duration_ms(node.get("decision_wait"), notes.file),
        "max_remembered": max((size for size in sizes if isinstance(size, int)), default=0) or None,
    }  # fmt: skip
    keys = {"max_traces": "num_traces", "decision_wait_ms": "decision_wait", "max_remembered": "decision_cache"}
    return notes.made(TailPolicy, fields, node, keys)


def _part(node: Node, owner: str, notes: Unmapped) -> SomeTail | None:
    """One policy of a list; None where it, or a part of it, has no counterpart."""
    kind = str(_held(node, "type"))
    name = _held(node, "name")
    told = f"{owner}: {name if name is not None else kind}"
    if kind not in _MODELS:
        notes.note(told, kind, "no such policy here", node.line_of("type"))
        return None
    inner = node.get(kind) or Node(node.line, {})
    notes.note_unread(told, node, {"name", "type", kind})
    if kind in _PARTS:
        return _whole(kind, name, inner, told, notes)
    keys = _KEYS[kind]
    notes.note_unread(told, inner, set(keys.values()))
    fields = {field: _held(inner, key) for field, key in keys.items()}
    match kind:
        case "probabilistic":
            fields["probability"] = _share(inner.get("sampling_percentage"), notes.file)
        case "rate_limiting":
            fields["events_per_second"] = _one_less(inner, "spans_per_second", notes.file)
        case "latency" | "span_count":
            upper = "upper_threshold_ms" if kind == "latency" else "max_events"
            fields[upper] = fields[upper] or None  # 0 is none
    if "key" in fields:
        fields["key"] = "node" if fields["key"] == _NODE else fields["key"]
        notes.note_column(told, str(fields["key"]), inner.line_of("key"))
    return notes.made(_MODELS[kind], {"name": name, **fields}, inner, keys)


def _whole(kind: str, name: Any, inner: Node, told: str, notes: Unmapped) -> SomeTail | None:
    listed = inner.get(_PARTS[kind])
    named = [_part(one, told, notes) for one in (listed.entries() if listed is not None else ())]
    parts = [one for one in named if one is not None]
    if len(parts) < len(named):
        notes.note(told, kind, "a part of it has no counterpart here", inner.line)
        return None
    fields: dict[str, Any] = {"name": name, "policies": parts}
    if kind == "composite":
        notes.note_unread(told, inner, _OF_COMPOSITE)
        fields |= _of_composite(inner, parts)
    else:
        notes.note_unread(told, inner, {_PARTS[kind]})
    if (reason := _unfit(kind, parts)) is not None:
        notes.note(told, kind, reason, inner.line)
        return None
    return notes.made(_MODELS[kind], fields, inner, {"policies": _PARTS[kind], "events_per_second":
                                                     "max_total_spans_per_second"})  # fmt: skip


def _unfit(kind: str, parts: list[SomeTail]) -> str | None:
    """Why parts that each have a counterpart have none together."""
    if kind == "drop" and not all(type(one) in _CONDITIONS for one in parts):
        return "drops by what a trace is; what drops by chance or by a rate is not nested"
    if kind == "and" and not all(type(one) in (*_CONDITIONS, Probabilistic, RateLimiting) for one in parts):
        return "takes no policies of policies here"
    limited = any(isinstance(one, RateLimiting) or (isinstance(one, And) and one.limits) for one in parts)
    if kind == "composite" and (limited or not all(type(one) in (*_CONDITIONS, Probabilistic, And) for one in parts)):
        return "takes no policies that limit by themselves, nor others of policies but `and`"
    return None


def _of_composite(inner: Node, parts: list[SomeTail]) -> dict[str, Any]:
    order = inner.get("policy_order")
    names = told_names(parts)
    wanted = [str(one.held) for one in order.entries()] if order is not None else names
    parts.sort(key=lambda one: wanted.index(one.name) if one.name in wanted else len(wanted))
    even = 1 / max(len(parts), 1)
    allocation = dict.fromkeys(names, 0.0)
    listed = inner.get("rate_allocation")
    for one in listed.entries() if listed is not None else ():
        percent = _held(one, "percent")
        allocation[str(_held(one, "policy"))] = round(percent / 100, 14) if percent else even
    return {"events_per_second": _held(inner, "max_total_spans_per_second"), "rate_allocation": allocation}


def _share(node: Node | None, file: str) -> float:
    """A percentage as a share; from 100 on all is kept, and where none is said nothing."""
    held = 0 if node is None else node.held
    if node is not None and (isinstance(held, bool) or not isinstance(held, int | float) or held < 0):
        problem = f"sampling_percentage is {shown(node.data())}; wanted a number from 0 to 100"
        raise RuleError(file, node.line, problem, "write sampling_percentage: 10")
    return round(min(held / 100, 1.0), 14) if isinstance(held, int | float) else 0.0


def _one_less(node: Node, key: str, file: str) -> Any:
    """What a rate lets through that nothing reaches."""
    held = _held(node, key)
    if isinstance(held, bool) or not isinstance(held, int):
        return held
    if held < 2:
        problem = f"{key} is {held}, and fewer than that are let through: none"
        raise RuleError(file, node.line_of(key), problem, f"write {key}: 100, or leave the policy out")
    return held - 1


def _held(node: Node, key: str) -> Any:
    inner = node.get(key)
    return None if inner is None else inner.data()


# ---------------------------------------------------------------------- the way back


def to_collector(policies: Sequence[AnyPolicy], notes: Unmapped) -> dict[str, Any]:
    """Policies as the processors of a collector; what it has no counterpart for is noted."""
    processors: dict[str, Any] = {}
    for policy in policies:
        if isinstance(policy, ProbabilityPolicy):
            if policy.scope == "event":
                notes.note(policy.name, "scope", "the collector samples traces")
            processors[_name(HEAD, policy.name)] = {
                "mode": "proportional", "sampling_percentage": _percentage(policy.probability),
                "sampling_precision": policy.precision,
            }  # fmt: skip
        elif isinstance(policy, TailPolicy) and policy.match == "any":
            processors[_name(TAIL, policy.name)] = _written(policy, notes)
        else:
            field = "match" if isinstance(policy, TailPolicy) else policy.kind
            notes.note(policy.name, field, "the collector has no such policy")
    return {"processors": processors}


def _name(kind: str, name: str) -> str:
    return kind if name == kind else f"{kind}/{name}"


def _written(policy: TailPolicy, notes: Unmapped) -> dict[str, Any]:
    for field in ("remember_ms", "max_events", "precision"):
        if getattr(policy, field) != TailPolicy.model_fields[field].default:
            notes.note(policy.name, field, "the collector has no such option")
    parts = zip(told_names(policy.policies), policy.policies, strict=True)
    cache = dict.fromkeys(("sampled_cache_size", "non_sampled_cache_size"), policy.max_remembered)
    return {
        "decision_wait": go_duration(policy.decision_wait_ms), "num_traces": policy.max_traces,
        "decision_cache": cache,
        "policies": [found for name, one in parts if (found := _part_written(name, one, policy.name, notes))],
    }  # fmt: skip


def _part_written(name: str, part: SomeTail, owner: str, notes: Unmapped) -> dict[str, Any] | None:
    inner: dict[str, Any] = {}
    if isinstance(part, And | Drop | Composite):
        named = zip(told_names(part.policies), part.policies, strict=True)
        inner[_PARTS[part.kind]] = [_part_written(one, policy, f"{owner}: {name}", notes) for one, policy in named]
        if None in inner[_PARTS[part.kind]]:
            notes.note(f"{owner}: {name}", part.kind, "a part of it has no counterpart in the collector")
            return None
        if isinstance(part, Composite):
            names = told_names(part.policies)
            given = dict(part.rate_allocation)
            inner |= {
                "max_total_spans_per_second": part.events_per_second, "policy_order": names,
                "rate_allocation": [
                    {"policy": one, "percent": _percentage(given.get(one, 1 / len(names)))} for one in names
                ],
            }  # fmt: skip
    else:
        for field, key in _KEYS[part.kind].items():
            value = getattr(part, field)
            if value is None or value is False:
                continue
            if isinstance(value, float) and part.kind != "probabilistic":
                if not value.is_integer():
                    notes.note(f"{owner}: {name}", field, "the collector takes whole numbers")
                    return None
                value = int(value)
            inner[key] = list(value) if isinstance(value, tuple) else value
        if "spans_per_second" in inner:
            inner["spans_per_second"] += 1
        if "sampling_percentage" in inner:
            inner["sampling_percentage"] = _percentage(inner["sampling_percentage"])
        if inner.get("key") == "node":
            inner["key"] = _NODE
        if isinstance(part, BooleanAttribute):
            inner["value"] = part.value
    return {"name": name, "type": part.kind, **({part.kind: inner} if inner else {})}


def _percentage(share: float) -> float:
    return round(100 * share, 12)
