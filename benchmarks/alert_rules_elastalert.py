"""ElastAlert2's frequency rule: `python alert_rules_elastalert.py FILE NUM_EVENTS MINUTES`, in its own environment.

FILE holds a JSON object a line; they are read before the clock runs.
"""

import datetime
import json
import sys
import time

from elastalert.ruletypes import FrequencyRule

file, num_events, minutes = sys.argv[1:4]
with open(file) as lines:
    events = [json.loads(line) for line in lines]
for event in events:
    event["@timestamp"] = datetime.datetime.fromisoformat(event["@timestamp"])
rule = FrequencyRule({
    "num_events": int(num_events), "timeframe": datetime.timedelta(minutes=int(minutes)), "query_key": "node",
    "timestamp_field": "@timestamp",
})  # fmt: skip
cpu, began = time.process_time(), time.perf_counter()
for begin in range(0, len(events), 10_000):  # a page of Elasticsearch's results
    rule.add_data(events[begin : begin + 10_000])
seconds, used = time.perf_counter() - began, time.process_time() - cpu
print(json.dumps({"seconds": seconds, "cpu_seconds": used, "peak_mb": 0, "matches": len(rule.matches)}))
