"""`events.onex.totals()`: our functions on the frame that they are about.

Nothing is reckoned or explained here: each name is a public function with the frame already given, its other arguments
and its documentation those of the function. A function is loaded when it is first asked for.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import polars as pl

_BY_ROOM: dict[str, dict[str, tuple[str, ...]]] = {
    "frames": {
        "events": (
            "build_spans", "counts_over_time", "covered_time", "error_overview", "events_per_minute", "latency",
            "main_period", "notable", "operations", "repairs", "schema_adoption", "top_errors", "totals", "unfinished",
            "unfinished_by_node", "violations",
        ),
        "spans": ("open_spans", "operations_of", "span_diagnostics", "tree_states"),
        "rows": ("contrast",),
        "frame": ("sketch_of",),
    },
    "profiling": {
        "spans": (
            "apdex", "call_graph", "call_tree", "critical_path", "critical_path_profile", "drag", "exemplars",
            "flame_graph", "heatmap", "histogram_table", "in_flight", "latency_table", "latency_timeseries", "queueing",
            "resource_profile", "self_time", "slack", "slo", "waterfall", "what_if",
        ),
        "events": ("stack_samples",),
        "baseline": ("attribute_change", "compare"),
        "before": ("diff_flame_graph", "profile_difference"),
        "series": ("change_points",),
        "histogram": ("ecdf", "histogram_quantile"),
    },
    "error_patterns": {
        "events": ("error_rates", "errors_of"),
        "errors": (
            "cascades", "classify_errors", "co_occurrence", "compare_periods", "detect_bursts", "extract_error_codes",
            "fingerprint", "group_errors", "parse_tracebacks",
        ),
        "events_or_messages": ("extract_parameters", "mine_templates"),
    },
    "alerting": {"events": ("backtest", "compare_rules", "suggest", "sweep", "what_if_sampled")},
    "sampling": {"events": ("apply", "choose", "simulate"), "sample": ("estimate",)},
    "batching": {"events": ("calibrate_compression", "compare_policies", "simulate_batching")},
    "sizing": {
        "events": ("compression_report", "simulate_encoding", "size_distribution", "size_report", "train_dictionary"),
        "simulated": ("encoding_outcomes",),
    },
}  # fmt: skip
_SHORTER = {"build_spans": "spans", "group_errors": "groups", "apply": "sample"}
"""What a function is called here, where its name says of which frame it is, which stands before it already."""


class Forwarded(NamedTuple):
    """A public function, and which of its arguments the frame is."""

    room: str
    function: str
    argument: str

    def load(self) -> Callable[..., Any]:
        """The function."""
        found: Callable[..., Any] = getattr(import_module(f"onex_analytics.{self.room}"), self.function)
        return found


FORWARDED: Mapping[str, Forwarded] = MappingProxyType({
    _SHORTER.get(function, function): Forwarded(room, function, argument)
    for room, arguments in _BY_ROOM.items()
    for argument, functions in arguments.items()
    for function in functions
})  # fmt: skip
"""Every name of `frame.onex`."""


class Analyses:
    """The questions that a frame can be asked: `frame.onex.<tab>` names them, `frame.onex.totals?` explains one.

    Each is a function of a room with the frame given. A frame of events has `spans()`, and these have the questions of
    `profiling`. Results are lazy where those of the function are: `.collect()` them.

    >>> import polars as pl, onex_analytics as ox
    >>> pl.LazyFrame(schema=ox.model.EVENTS).onex.totals().collect()["events"].item()
    0
    """

    __slots__ = ("_frame",)

    def __init__(self, frame: pl.LazyFrame | pl.DataFrame) -> None:
        self._frame = frame.lazy().clone()  # another object: the frame keeps this one, and shall not keep itself alive

    def __getattr__(self, name: str) -> Callable[..., Any]:
        found = FORWARDED.get(name)
        if found is None:
            raise AttributeError(f"no question {name!r} of a frame; there are {', '.join(sorted(FORWARDED))}")
        return _with(found.load(), found.argument, self._frame)

    def __dir__(self) -> list[str]:
        return sorted(FORWARDED)

    def __repr__(self) -> str:
        return f"frame.onex: {', '.join(sorted(FORWARDED))}"


def register() -> None:
    """Have every frame know `.onex`. Polars is there already."""
    import polars as pl

    if not hasattr(pl.LazyFrame, "onex"):
        pl.api.register_lazyframe_namespace("onex")(Analyses)
        pl.api.register_dataframe_namespace("onex")(Analyses)


def _with(function: Callable[..., Any], argument: str, frame: pl.LazyFrame) -> Callable[..., Any]:
    """The function with its frame given: signature and documentation of the rest."""
    signature = inspect.signature(function)
    rest = signature.replace(parameters=[one for name, one in signature.parameters.items() if name != argument])

    def ask(*args: Any, **kwargs: Any) -> Any:
        given = rest.bind(*args, **kwargs)
        return function(**_flat(rest, given), **{argument: frame})

    ask.__name__, ask.__qualname__ = function.__name__, f"onex.{function.__name__}"
    ask.__doc__, ask.__module__ = function.__doc__, function.__module__
    vars(ask)["__signature__"] = rest
    return ask


def _flat(signature: inspect.Signature, given: inspect.BoundArguments) -> dict[str, Any]:
    """All arguments by name."""
    named = dict(given.arguments)
    for name, one in signature.parameters.items():
        if one.kind is inspect.Parameter.VAR_KEYWORD:
            named |= named.pop(name, {})
    return named
