"""Figures of batching: how large batches are, what their rate costs in delay, and what waits or is lost."""

from __future__ import annotations

from onex_analytics.views.batching.queues import queue_over_time
from onex_analytics.views.batching.sizes import batch_sizes
from onex_analytics.views.batching.trade_offs import delay_by_rate

__all__ = ["batch_sizes", "delay_by_rate", "queue_over_time"]
