"""Where the time goes: latencies, critical paths, comparisons, and what the nodes say of their own resources.

Every function takes spans, `frames.build_spans(events)` or `store.spans()`, or a frame from elsewhere with the columns
`trace_id`, `span_id`, `parent_span_id`, `name`, `start` and `end`. Names are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onex_analytics.loading import loaded_later

if TYPE_CHECKING:
    from onex_analytics.profiling import export
    from onex_analytics.profiling.attribution import attribute_change
    from onex_analytics.profiling.call_trees import call_graph, call_tree
    from onex_analytics.profiling.comparison import compare
    from onex_analytics.profiling.concurrency import in_flight, queueing
    from onex_analytics.profiling.distributions import ecdf
    from onex_analytics.profiling.emitter import profile_operation
    from onex_analytics.profiling.examples import exemplars
    from onex_analytics.profiling.flames import diff_flame_graph, flame_graph
    from onex_analytics.profiling.heat import heatmap
    from onex_analytics.profiling.histograms import histogram_quantile, histogram_table, merge_histograms
    from onex_analytics.profiling.latency import latency_table, latency_timeseries
    from onex_analytics.profiling.leeway import drag, slack
    from onex_analytics.profiling.objectives import apdex, slo
    from onex_analytics.profiling.profiles import critical_path_profile, profile_difference
    from onex_analytics.profiling.resources import resource_profile
    from onex_analytics.profiling.sampled_stacks import stack_samples
    from onex_analytics.profiling.sections import critical_path
    from onex_analytics.profiling.self_times import self_time
    from onex_analytics.profiling.shifts import change_points
    from onex_analytics.profiling.speedups import what_if
    from onex_analytics.profiling.waterfalls import waterfall

__all__ = [
    "apdex",
    "attribute_change",
    "call_graph",
    "call_tree",
    "change_points",
    "compare",
    "critical_path",
    "critical_path_profile",
    "diff_flame_graph",
    "drag",
    "ecdf",
    "exemplars",
    "export",
    "flame_graph",
    "heatmap",
    "histogram_quantile",
    "histogram_table",
    "in_flight",
    "latency_table",
    "latency_timeseries",
    "merge_histograms",
    "profile_difference",
    "profile_operation",
    "queueing",
    "resource_profile",
    "self_time",
    "slack",
    "slo",
    "stack_samples",
    "waterfall",
    "what_if",
]

_LOADED_LATER: dict[str, tuple[str, ...]] = {
    "export": (),
    "emitter": ("profile_operation",),
    "sampled_stacks": ("stack_samples",),
    "attribution": ("attribute_change",),
    "call_trees": ("call_graph", "call_tree"),
    "comparison": ("compare",),
    "concurrency": ("in_flight", "queueing"),
    "distributions": ("ecdf",),
    "examples": ("exemplars",),
    "flames": ("diff_flame_graph", "flame_graph"),
    "heat": ("heatmap",),
    "histograms": ("histogram_quantile", "histogram_table", "merge_histograms"),
    "latency": ("latency_table", "latency_timeseries"),
    "leeway": ("drag", "slack"),
    "objectives": ("apdex", "slo"),
    "profiles": ("critical_path_profile", "profile_difference"),
    "resources": ("resource_profile",),
    "sections": ("critical_path",),
    "self_times": ("self_time",),
    "shifts": ("change_points",),
    "speedups": ("what_if",),
    "waterfalls": ("waterfall",),
}
__getattr__, __dir__ = loaded_later(__name__, __all__, _LOADED_LATER)
