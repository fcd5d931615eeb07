"""Policies from and for Honeycomb's Refinery: the samplers of its rules file, one a data set or environment.

Where none of its rules matches, Refinery keeps a trace, and so a last policy does that keeps all.

Source: Refinery, "rules.yaml" (RulesVersion 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onex_analytics.exceptions import RuleError
from onex_analytics.model.yaml_tree import Node
from onex_analytics.sampling.deciding import AnyPolicy
from onex_analytics.sampling.dynamic_policies import DynamicPolicy, Method
from onex_analytics.sampling.policies import ProbabilityPolicy
from onex_analytics.sampling.refinery_conditions import COLUMN_OF, condition_of, written_conditions
from onex_analytics.sampling.tail_policies import (
    AlwaysSample,
    And,
    Drop,
    Probabilistic,
    SomeTail,
    TailPolicy,
    told_names,
)
from onex_analytics.sampling.thresholds import RANGE
from onex_analytics.sampling.unmapped import Unmapped, duration_ms, go_duration

ELSE = "no rule matched"
_METHODS: dict[str, Method] = {
    "EMADynamicSampler": "ema", "EMAThroughputSampler": "ema_throughput", "DynamicSampler": "average",
    "TotalThroughputSampler": "total_throughput", "WindowedThroughputSampler": "windowed_throughput",
}  # fmt: skip
_DURATIONS = {"interval_ms", "lookback_ms"}
_OF_AVERAGES = {
    "weight": "Weight", "age_out": "AgeOutValue", "burst_multiple": "BurstMultiple",
    "burst_delay": "BurstDetectionDelay",
}  # fmt: skip
_BOTH = {"by": "FieldList", "max_keys": "MaxKeys"}
_KEYS: dict[Method, dict[str, str]] = {
    "ema": {"goal_rate": "GoalSampleRate", "interval_ms": "AdjustmentInterval", **_OF_AVERAGES, **_BOTH},
    "ema_throughput": {"goal_events_per_second": "GoalThroughputPerSec", "initial_rate": "InitialSampleRate",
                       "interval_ms": "AdjustmentInterval", **_OF_AVERAGES, **_BOTH},
    "average": {"goal_rate": "SampleRate", "interval_ms": "ClearFrequency", **_BOTH},
    "total_throughput": {"goal_events_per_second": "GoalThroughputPerSec", "interval_ms": "ClearFrequency", **_BOTH},
    "windowed_throughput": {"goal_events_per_second": "GoalThroughputPerSec", "interval_ms": "UpdateFrequency",
                            "lookback_ms": "LookbackFrequency", **_BOTH},
}  # fmt: skip


def is_refinery(tree: Node) -> bool:
    """Whether a file is one of Refinery's rules."""
    return tree.get("Samplers") is not None or tree.get("RulesVersion") is not None


def from_refinery(tree: Node, notes: Unmapped) -> list[AnyPolicy]:
    """The policies of a file of rules: one a sampler, by the name of its data set.

    Raises:
        RuleError: a value that Refinery would not take either.
    """
    samplers = tree.get("Samplers")
    if samplers is None or not isinstance(samplers.held, dict):
        mend = "write Samplers: {__default__: {DeterministicSampler: {SampleRate: 10}}}"
        raise RuleError(notes.file, tree.line_of("Samplers"), "Samplers is missing or no mapping", mend)
    notes.note_unread("the file", tree, {"RulesVersion", "Samplers"})
    found = [_sampler(name, kind, inner, notes) for name, node in samplers.items() for kind, inner in node.items()]
    return [one for one in found if one is not None]


def _sampler(name: str, kind: str, node: Node, notes: Unmapped) -> AnyPolicy | None:
    if kind == "DeterministicSampler":
        notes.note_unread(name, node, {"SampleRate"})
        rate = _rate(node, notes)
        return notes.made(ProbabilityPolicy, {"name": name, "probability": 1 / rate if rate else 0.0}, node, {})
    if kind in _METHODS:
        return _dynamic(name, kind, node, notes)
    if kind == "RulesBasedSampler":
        return _rules(name, node, notes)
    notes.note(name, kind, "no such sampler here", node.line)
    return None


def _rate(node: Node, notes: Unmapped) -> int:
    """The rate that a sampler or rule says; 0 keeps nothing."""
    told = node.get("SampleRate")
    if told is None:
        return 0
    if not isinstance(told.held, int) or isinstance(told.held, bool) or not 0 <= told.held <= RANGE:
        held = told.held if isinstance(told.held, int | float | str | None) else "no number"
        problem = f"SampleRate is {held!r}; wanted a whole number up to 2^56, 1 in how many is kept"
        raise RuleError(notes.file, told.line, problem, "write SampleRate: 10")
    return told.held


def _dynamic(name: str, kind: str, node: Node, notes: Unmapped) -> DynamicPolicy:
    method = _METHODS[kind]
    keys = _KEYS[method]
    notes.note_unread(name, node, set(keys.values()))
    fields: dict[str, Any] = {}
    for field, key in keys.items():
        inner = node.get(key)
        value = duration_ms(inner, notes.file) if field in _DURATIONS else inner.data() if inner is not None else None
        fields[field] = None if value == 0 else value  # Refinery takes 0 for not said
    multiple = fields.get("burst_multiple")
    never = isinstance(multiple, int | float) and multiple < 0
    if never:
        fields["burst_multiple"] = None
    listed = node.get("FieldList")
    fields["by"] = []
    for one in listed.entries() if listed is not None else ():
        column = COLUMN_OF.get(str(one.held), str(one.held))
        notes.note_column(name, column, one.line)
        fields["by"].append(column)
    policy = notes.made(DynamicPolicy, {"name": name, "method": method, **fields}, node, keys)
    return policy.model_copy(update={"burst_multiple": None}) if never else policy


def _rules(name: str, node: Node, notes: Unmapped) -> TailPolicy:
    notes.note_unread(name, node, {"Rules"})
    listed = node.get("Rules")
    rules = [_rule(one, name, notes) for one in (listed.entries() if listed is not None else ())]
    policies = [*(one for one in rules if one is not None), AlwaysSample(name=ELSE)]
    return notes.made(TailPolicy, {"name": name, "match": "first", "policies": policies}, node, {})


def _rule(node: Node, owner: str, notes: Unmapped) -> SomeTail | None:
    """One rule as one policy; None where it, or a part of it, has no counterpart."""
    told = node.get("Name")
    name = None if told is None else str(told.held)
    where = f"{owner}: {name or 'a rule without name'}"
    notes.note_unread(where, node, {"Name", "SampleRate", "Drop", "Scope", "Conditions", "Sampler"})
    listed = node.get("Conditions")
    entries = list(listed.entries()) if listed is not None else []
    scope, dropped = (inner.held if (inner := node.get(key)) is not None else None for key in ("Scope", "Drop"))
    if node.get("Sampler") is not None:
        notes.note(where, "Sampler", "a rule has a share here, and no sampler of its own", node.line_of("Sampler"))
        return None
    if scope == "span" and len(entries) > 1:
        notes.note(where, "Scope", "conditions are each met by any event of a trace here", node.line_of("Scope"))
        return None
    conditions = [condition_of(one, where, notes) for one in entries]
    if None in conditions:
        return None
    parts = conditions or [AlwaysSample()]
    rate = _rate(node, notes)
    if dropped is True or rate == 0:
        return notes.made(Drop, {"name": name, "policies": parts}, node, {})
    share = [Probabilistic(probability=1 / rate)] if rate > 1 else []
    if len([*parts, *share]) == 1:
        return parts[0].model_copy(update={"name": name}) if parts[0] is not None else None
    return notes.made(And, {"name": name, "policies": [*parts, *share]}, node, {})


# ---------------------------------------------------------------------- the way back


def to_refinery(policies: Sequence[AnyPolicy], notes: Unmapped) -> dict[str, Any]:
    """Policies as the samplers of a rules file; what Refinery has no counterpart for is noted.

    Refinery asks for a sampler named `__default__`; where no policy is named so, it is one that keeps all.
    """
    samplers: dict[str, Any] = {}
    for policy in policies:
        written = _sampler_written(policy, notes)
        if written is not None:
            samplers[policy.name] = written
    samplers.setdefault("__default__", {"DeterministicSampler": {"SampleRate": 1}})
    return {"RulesVersion": 2, "Samplers": samplers}


def _sampler_written(policy: AnyPolicy, notes: Unmapped) -> dict[str, Any] | None:
    match policy:
        case ProbabilityPolicy():
            if (rate := _rate_of(policy.probability)) is None:
                notes.note(policy.name, "probability", "Refinery keeps one in a whole number")
                return None
            return {"DeterministicSampler": {"SampleRate": rate}}
        case DynamicPolicy():
            return _dynamic_written(policy, notes)
        case TailPolicy(match="first"):
            rules = [
                found for name, one in zip(told_names(policy.policies), policy.policies, strict=True)
                if (found := _rule_written(name, one, policy.name, notes)) is not None
            ]  # fmt: skip
            if not isinstance(policy.policies[-1], AlwaysSample):
                rules.append({"Name": "nothing else", "Drop": True})
            elif rules and rules[-1] == {"Name": ELSE, "SampleRate": 1}:
                rules.pop()
            return {"RulesBasedSampler": {"Rules": rules}}
        case TailPolicy():
            notes.note(policy.name, "match", "Refinery takes the first rule that matches")
        case _:
            notes.note(policy.name, policy.kind, "Refinery has no such sampler")
    return None


def _rate_of(share: float) -> int | None:
    """One in how many a share is; None where it is none."""
    rate = round(1 / share) if share else 0
    return rate if rate and abs(share * rate - 1) < 1e-12 else None


def _dynamic_written(policy: DynamicPolicy, notes: Unmapped) -> dict[str, Any] | None:
    kind = next(kind for kind, method in _METHODS.items() if method == policy.method)
    columns = {column: field for field, column in COLUMN_OF.items()}
    written: dict[str, Any] = {}
    for field, key in _KEYS[policy.method].items():
        value = getattr(policy, field)
        if field in _DURATIONS:
            value = go_duration(value)
        elif field == "by":
            value = [columns.get(one, one) for one in value]
        elif field == "burst_multiple" and value is None:
            value = -1
        elif field == "goal_events_per_second":
            if not float(value).is_integer():
                notes.note(policy.name, field, "Refinery takes whole numbers")
                return None
            value = int(value)
        elif field == "burst_delay" and value == 0:
            notes.note(policy.name, field, "Refinery takes 0 for the usual 3")
        written[key] = value
    if policy.scope == "event":
        notes.note(policy.name, "scope", "Refinery samples traces")
    return {kind: written}


def _rule_written(name: str, policy: SomeTail, owner: str, notes: Unmapped) -> dict[str, Any] | None:
    parts = list(policy.policies) if isinstance(policy, And | Drop) else [policy]
    asked = [one for one in parts if not isinstance(one, Probabilistic)]
    conditions = written_conditions(asked, f"{owner}: {name}", notes)
    if conditions is None:
        return None
    rule: dict[str, Any] = {"Name": name, **({"Conditions": conditions} if conditions else {})}
    if isinstance(policy, Drop):
        return {**rule, "Drop": True}
    share = min((one.probability for one in parts if isinstance(one, Probabilistic)), default=1.0)
    if share == 0:
        return {**rule, "Drop": True}
    if (rate := _rate_of(share)) is None:
        notes.note(f"{owner}: {name}", "probability", "Refinery keeps one in a whole number")
        return None
    return {**rule, "SampleRate": rate}
