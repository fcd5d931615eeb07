"""What one emitted event costs: `python -m benchmarks.pipeline_timed ours|nothing LOG`.

`ours` samples, packs, protects and batches; `nothing` writes each event as JSON and appends it to a list: what anybody
does who sends events at all. The exporter does nothing in both.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import Any

from benchmarks.timed import timed
from onex_analytics.batching import BatchPolicy
from onex_analytics.pipeline import EventPipeline
from onex_analytics.sampling import EventSampler
from onex_analytics.sizing import SizePolicy

way, where = sys.argv[1:3]
events = []
with open(where, "rb") as log:
    for line in log:
        with suppress(ValueError):  # lines that are no event, of which a lifelike log has some
            events.append(json.loads(line))
events = [event for event in events if isinstance(event, dict)]


def pipeline() -> dict[str, Any]:
    sampler = EventSampler({"TELEMETRY_*": 0.5}, default=1.0, scope="trace")
    with EventPipeline(
        lambda batch: None, sample=sampler, size=SizePolicy(), protect=bytes, batch=BatchPolicy(max_size=512)
    ) as chain:  # fmt: skip
        for event in events:
            chain.emit(event)
    counts = chain.counts()
    assert counts.adds_up and counts.emitted == len(events)
    return {"events": len(events), "exported": counts.exported}


def nothing() -> dict[str, Any]:
    sent: list[bytes] = []
    for event in events:
        sent.append(json.dumps(event, separators=(",", ":")).encode())
    return {"events": len(events)}


timed({"ours": pipeline, "nothing": nothing}[way])
