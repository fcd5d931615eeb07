"""How known exporters batch by default, as policies, with what of each has no counterpart here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from onex_analytics.batching.policies import BatchPolicy


class Preset(NamedTuple):
    """A policy, where its numbers come from, and how what it stands for differs."""

    policy: BatchPolicy
    source: str
    differs: tuple[str, ...] = ()


_OTEL_DIFFERS = (
    "its delay counts from the last export, so that a batch may be younger than the delay, never older",
    "an export that takes over 30 s is given up",
)

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "onex": Preset(BatchPolicy(name="onex"), "the seed's EventBatcher(max_size=100, max_age_ms=1000)"),
        "otel-spans": Preset(
            BatchPolicy(name="otel-spans", max_size=512, max_age_ms=5000, queue_limit=2048, when_full="drop_newest"),
            "OpenTelemetry SDK specification, BatchSpanProcessor: maxExportBatchSize, scheduledDelayMillis, "
            "maxQueueSize",
            (*_OTEL_DIFFERS, "the Python SDK 1.45 drops the oldest spans, not the newest"),
        ),
        "otel-logs": Preset(
            BatchPolicy(name="otel-logs", max_size=512, max_age_ms=1000, queue_limit=2048, when_full="drop_newest"),
            "OpenTelemetry SDK specification, BatchLogRecordProcessor: maxExportBatchSize, scheduledDelayMillis, "
            "maxQueueSize",
            (*_OTEL_DIFFERS, "the Python SDK 1.45 drops the oldest records, not the newest"),
        ),
        "otel-collector": Preset(
            BatchPolicy(name="otel-collector", max_size=8192, max_age_ms=200),
            "OpenTelemetry Collector, batch processor: send_batch_size, timeout",
            ("send_batch_max_size is 0: what comes in one piece may make a larger batch",),
        ),
        "kafka": Preset(
            BatchPolicy(name="kafka", max_size=16_384, max_age_ms=5, max_bytes=16_384, oversize="alone"),
            "Apache Kafka 4.0 producer: batch.size, linger.ms (0 before 4.0)",
            (
                "it counts no records: max_size stands for one byte a record",
                "it batches by partition",
                "its buffer is 32 MiB (buffer.memory), not a number of records; who finds it full waits up to 60 s",
                "records over max.request.size (1 MiB) are refused",
            ),
        ),
        "librdkafka": Preset(
            BatchPolicy(
                name="librdkafka",
                max_size=10_000,
                max_age_ms=5,
                max_bytes=1_000_000,
                queue_limit=100_000,
                when_full="drop_newest",
            ),
            "librdkafka 2.0: batch.num.messages, batch.size, linger.ms, queue.buffering.max.messages, "
            "message.max.bytes",
            (
                "it batches by partition",
                "a full queue is an error of the call that adds, which may try again",
                "its queue has a limit of bytes, too: 1 GiB (queue.buffering.max.kbytes)",
            ),
        ),
    }
)
"""By name."""
