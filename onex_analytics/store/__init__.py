"""The cellar: where events rest, and where lines that are none are kept."""

from onex_analytics.store.event_store import EventStore
from onex_analytics.store.report import IngestReport

__all__ = ["EventStore", "IngestReport"]
