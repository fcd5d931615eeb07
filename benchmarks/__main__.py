"""`python -m benchmarks [append scan import]`: all benchmarks, or the named ones; ends with a table.

The table stands, with machine and date, in docs/reference/performance.md.
"""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = ("import", "append", "scan", "trees", "spans", "compare", "latency", "profile_operation", "alert_cells",
         "alert_sweep", "alert_rules", "alert_live", "templates", "sampling", "batching", "pipeline", "sizing")

chosen = sys.argv[1:] or NAMES
found = []
for name in chosen:
    print(f"{name}:", flush=True)
    found += import_module(f"benchmarks.bench_{name}").rows()
print("\n| what | bar | measured | |\n|---|---|---|---|")
for row in found:
    print(row)
sys.exit(0 if all(row.met for row in found) else 1)
