"""From the event logs of an ONEX node system to answers.

    import onex_analytics as ox

    store = ox.EventStore("events")            # a folder, or s3://…
    report = store.append("logs/*.jsonl")      # read = stored + duplicate + rejected
    events = store.scan(since="2026-11-01")    # a polars.LazyFrame of ox.model.EVENTS
    spans = store.spans()                      # paired once, kept beside the events
    ox.profiling.latency_table(spans)

Every name below is loaded when it is first used: importing the package costs next to nothing.

Where Polars is loaded, every frame knows `frame.onex`; in IPython and JupyterLab results show themselves, and
`%load_ext onex_analytics` brings `%onex` and `%%onex_rule`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from onex_analytics.kernel_cache import see_to_kernel_cache
from onex_analytics.loading import loaded_later, once_loaded

if TYPE_CHECKING:
    from onex_analytics import (
        alerting,
        batching,
        error_patterns,
        exceptions,
        frames,
        jupyter,
        model,
        pipeline,
        profiling,
        sampling,
        settings,
        sizing,
        sources,
        synthetic,
        views,
    )
    from onex_analytics.exceptions import OnexError
    from onex_analytics.frames import build_spans
    from onex_analytics.model import OnexEvent
    from onex_analytics.store import EventStore, IngestReport
    from onex_analytics.synthetic import generate

    __version__: str

__all__ = [
    "EventStore",
    "IngestReport",
    "OnexError",
    "OnexEvent",
    "__version__",
    "alerting",
    "batching",
    "build_spans",
    "error_patterns",
    "exceptions",
    "frames",
    "generate",
    "jupyter",
    "model",
    "pipeline",
    "profiling",
    "sampling",
    "settings",
    "sizing",
    "sources",
    "synthetic",
    "views",
]

_LOADED_LATER: dict[str, tuple[str, ...]] = {
    "alerting": (),
    "batching": (),
    "error_patterns": (),
    "exceptions": ("OnexError",),
    "frames": ("build_spans",),
    "jupyter": (),
    "model": ("OnexEvent",),
    "pipeline": (),
    "profiling": (),
    "sampling": (),
    "settings": (),
    "sizing": (),
    "sources": (),
    "store": ("EventStore", "IngestReport"),
    "synthetic": ("generate",),
    "views": (),
}
_find, __dir__ = loaded_later(__name__, __all__, _LOADED_LATER)


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        found = globals()[name] = version("onex-analytics")
        return found
    if name in _LOADED_LATER and name in __all__:
        return import_module(f"{__name__}.{name}")
    return _find(name)


def load_ipython_extension(shell: object) -> None:
    """`%load_ext onex_analytics`: results show themselves, and `%onex` and `%%onex_rule` are there."""
    import_module(f"{__name__}.jupyter.extension").load(shell)


def _know_frames() -> None:
    import_module(f"{__name__}.jupyter.namespaces").register()


see_to_kernel_cache(Path(__file__).parent)
once_loaded("polars", _know_frames)
if (_shell := getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()) is not None:
    import_module(f"{__name__}.jupyter.extension").greet(_shell)
