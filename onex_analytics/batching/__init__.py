"""Many events, few exports: batches by size, bytes and age, live and on history by one decision.

Names are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onex_analytics.loading import loaded_later

if TYPE_CHECKING:
    from onex_analytics.batching.async_batcher import AsyncEventBatcher
    from onex_analytics.batching.backlog import BatchCounts
    from onex_analytics.batching.batcher import EventBatcher
    from onex_analytics.batching.clocks import ManualClock, MonotonicClock
    from onex_analytics.batching.policies import BatchPolicy

__all__ = [
    "AsyncEventBatcher",
    "BatchCounts",
    "BatchPolicy",
    "EventBatcher",
    "ManualClock",
    "MonotonicClock",
]

_LOADED_LATER: dict[str, tuple[str, ...]] = {
    "async_batcher": ("AsyncEventBatcher",),
    "backlog": ("BatchCounts",),
    "batcher": ("EventBatcher",),
    "clocks": ("ManualClock", "MonotonicClock"),
    "policies": ("BatchPolicy",),
}
__getattr__, __dir__ = loaded_later(__name__, __all__, _LOADED_LATER)
