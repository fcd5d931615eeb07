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
    from onex_analytics.batching.compression import CompressionCurve, calibrate_compression
    from onex_analytics.batching.exporters import ServiceTime
    from onex_analytics.batching.policies import BatchPolicy
    from onex_analytics.batching.presets import PRESETS, Preset
    from onex_analytics.batching.shapes import BatchingResult
    from onex_analytics.batching.simulation import compare_policies, simulate_batching

__all__ = [
    "PRESETS",
    "AsyncEventBatcher",
    "BatchCounts",
    "BatchPolicy",
    "BatchingResult",
    "CompressionCurve",
    "EventBatcher",
    "ManualClock",
    "MonotonicClock",
    "Preset",
    "ServiceTime",
    "calibrate_compression",
    "compare_policies",
    "simulate_batching",
]

_LOADED_LATER: dict[str, tuple[str, ...]] = {
    "async_batcher": ("AsyncEventBatcher",),
    "backlog": ("BatchCounts",),
    "batcher": ("EventBatcher",),
    "clocks": ("ManualClock", "MonotonicClock"),
    "compression": ("CompressionCurve", "calibrate_compression"),
    "exporters": ("ServiceTime",),
    "policies": ("BatchPolicy",),
    "presets": ("PRESETS", "Preset"),
    "shapes": ("BatchingResult",),
    "simulation": ("compare_policies", "simulate_batching"),
}
__getattr__, __dir__ = loaded_later(__name__, __all__, _LOADED_LATER)
