"""One import, in a process of its own: `python -m benchmarks.import_timed onex_analytics|polars,pydantic,numpy`."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from benchmarks.timed import timed


def load() -> dict[str, Any]:
    for name in sys.argv[1].split(","):
        import_module(name)
    return {}


timed(load)
