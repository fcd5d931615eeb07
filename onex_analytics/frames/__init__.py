"""The grammar that all questions share: outcomes, windows, quantiles, coverage, the first look.

LazyFrames come in, LazyFrames go out; no file is read and no clock is asked. `coverage` is a module, because it
bears its function's name: `frames.coverage.coverage(events)`. What needs compiled kernels or SciPy (spans, trees,
sketches, contrast) is loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onex_analytics.frames import coverage
from onex_analytics.frames.columns import require
from onex_analytics.frames.coverage import HOLES, covered_time
from onex_analytics.frames.outcomes import (
    error_rates,
    failed,
    finished,
    operations,
    operations_of,
    soft_failed,
    started,
)
from onex_analytics.frames.overview import (
    OTHER,
    error_overview,
    events_per_minute,
    largest,
    latency,
    main_period,
    rejected_reasons,
    repairs,
    schema_adoption,
    top_errors,
    totals,
    unfinished,
    unfinished_by_node,
    violations,
)
from onex_analytics.frames.periods import NOTABLE, incidents_seen, notable
from onex_analytics.frames.quantiles import quantile, quantile_columns, quantile_of
from onex_analytics.frames.windows import bucket, counts_over_time, fitting_width, trailing, width_seconds
from onex_analytics.loading import loaded_later

if TYPE_CHECKING:
    from onex_analytics.frames.contrasts import CONTRAST, contrast
    from onex_analytics.frames.sketch import downscaled, merge_sketches, sketch_of, sketch_quantiles
    from onex_analytics.frames.spans import build_spans, complete_spans, open_spans, span_diagnostics
    from onex_analytics.frames.trees import tree_states

__all__ = [
    "CONTRAST",
    "HOLES",
    "NOTABLE",
    "OTHER",
    "bucket",
    "build_spans",
    "complete_spans",
    "contrast",
    "counts_over_time",
    "coverage",
    "covered_time",
    "downscaled",
    "error_overview",
    "error_rates",
    "events_per_minute",
    "failed",
    "finished",
    "fitting_width",
    "incidents_seen",
    "largest",
    "latency",
    "main_period",
    "merge_sketches",
    "notable",
    "open_spans",
    "operations",
    "operations_of",
    "quantile",
    "quantile_columns",
    "quantile_of",
    "rejected_reasons",
    "repairs",
    "require",
    "schema_adoption",
    "sketch_of",
    "sketch_quantiles",
    "soft_failed",
    "span_diagnostics",
    "started",
    "top_errors",
    "totals",
    "trailing",
    "tree_states",
    "unfinished",
    "unfinished_by_node",
    "violations",
    "width_seconds",
]

_LOADED_LATER: dict[str, tuple[str, ...]] = {
    "contrasts": ("CONTRAST", "contrast"),
    "sketch": ("downscaled", "merge_sketches", "sketch_of", "sketch_quantiles"),
    "spans": ("build_spans", "complete_spans", "open_spans", "span_diagnostics"),
    "trees": ("tree_states",),
}
__getattr__, __dir__ = loaded_later(__name__, __all__, _LOADED_LATER)
