"""From the event logs of an ONEX node system to answers.

    import onex_analytics as ox

    store = ox.EventStore("events")            # a folder, or s3://…
    report = store.append("logs/*.jsonl")      # read = stored + duplicate + rejected
    events = store.scan(since="2026-11-01")    # a polars.LazyFrame of ox.model.EVENTS
    spans = store.spans()                      # paired once, kept beside the events
    ox.profiling.latency_table(spans)

Every name below is loaded when it is first used: importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onex_analytics import alerting, exceptions, frames, model, profiling, sources, synthetic, views
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
    "build_spans",
    "exceptions",
    "frames",
    "generate",
    "model",
    "profiling",
    "sources",
    "synthetic",
    "views",
]

_ROOM_OF = {
    "EventStore": "store",
    "IngestReport": "store",
    "OnexError": "exceptions",
    "OnexEvent": "model",
    "build_spans": "frames",
    "generate": "synthetic",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        found: object = version("onex-analytics")
    elif name in _ROOM_OF:
        found = getattr(import_module(f"{__name__}.{_ROOM_OF[name]}"), name)
    elif name in __all__:
        found = import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
