"""Profiles for other programs: speedscope, Chrome's trace viewer and Perfetto, flame graphs, pprof.

Each function takes spans, from anywhere, and gives the content of a file; the door that calls it writes it. Those of
call paths (`folded`, `pprof`, `speedscope`) also take frames of stacks: `flame_graph`, `call_tree`, `stack_samples`.

    folded        text: "page;query 1500", a line a call path
    pprof         bytes: a gzipped profile.proto
    speedscope    text: JSON, one sampled profile of all, and the longest traces one by one
    chrome_trace  text: JSON, every span in its place in time

Names are loaded when first used: the lanes need a compiled kernel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onex_analytics.loading import loaded_later

if TYPE_CHECKING:
    from onex_analytics.profiling.export.profile_proto import pprof
    from onex_analytics.profiling.export.speedscope_file import speedscope
    from onex_analytics.profiling.export.trace_events import chrome_trace
    from onex_analytics.profiling.export.weighed_stacks import folded

__all__ = ["chrome_trace", "folded", "pprof", "speedscope"]

_LOADED_LATER: dict[str, tuple[str, ...]] = {
    "profile_proto": ("pprof",),
    "speedscope_file": ("speedscope",),
    "trace_events": ("chrome_trace",),
    "weighed_stacks": ("folded",),
}
__getattr__, __dir__ = loaded_later(__name__, __all__, _LOADED_LATER)
