"""What to keep of a log, and what that costs: one decision function, live and on history.

Names are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onex_analytics.loading import loaded_later

if TYPE_CHECKING:
    from onex_analytics.sampling.choosing import Choice, choose
    from onex_analytics.sampling.deciding import Decision, apply
    from onex_analytics.sampling.dynamic_policies import DynamicPolicy
    from onex_analytics.sampling.dynamic_sampler import DynamicSampler
    from onex_analytics.sampling.estimates import estimate
    from onex_analytics.sampling.metrics import Metric, metric_of
    from onex_analytics.sampling.policies import ProbabilityPolicy, RulePolicy, SampleRule
    from onex_analytics.sampling.policy_files import PolicyFile, PolicyText, dump_policies, load_policies
    from onex_analytics.sampling.sampler import EventSampler
    from onex_analytics.sampling.simulation import Prices, Simulation, simulate
    from onex_analytics.sampling.tail_policies import TailPolicy
    from onex_analytics.sampling.tail_sampler import TailSampler
    from onex_analytics.sampling.thresholds import threshold_to_tracestate, tracestate_to_threshold
    from onex_analytics.sampling.trace_id_ratio import TraceIdRatioBased

__all__ = [
    "Choice",
    "Decision",
    "DynamicPolicy",
    "DynamicSampler",
    "EventSampler",
    "Metric",
    "PolicyFile",
    "PolicyText",
    "Prices",
    "ProbabilityPolicy",
    "RulePolicy",
    "SampleRule",
    "Simulation",
    "TailPolicy",
    "TailSampler",
    "TraceIdRatioBased",
    "apply",
    "choose",
    "dump_policies",
    "estimate",
    "load_policies",
    "metric_of",
    "simulate",
    "threshold_to_tracestate",
    "tracestate_to_threshold",
]

_LOADED_LATER: dict[str, tuple[str, ...]] = {
    "choosing": ("Choice", "choose"),
    "deciding": ("Decision", "apply"),
    "estimates": ("estimate",),
    "metrics": ("Metric", "metric_of"),
    "dynamic_policies": ("DynamicPolicy",),
    "dynamic_sampler": ("DynamicSampler",),
    "policies": ("ProbabilityPolicy", "RulePolicy", "SampleRule"),
    "policy_files": ("PolicyFile", "PolicyText", "dump_policies", "load_policies"),
    "sampler": ("EventSampler",),
    "simulation": ("Prices", "Simulation", "simulate"),
    "tail_policies": ("TailPolicy",),
    "tail_sampler": ("TailSampler",),
    "trace_id_ratio": ("TraceIdRatioBased",),
    "thresholds": ("threshold_to_tracestate", "tracestate_to_threshold"),
}
__getattr__, __dir__ = loaded_later(__name__, __all__, _LOADED_LATER)
