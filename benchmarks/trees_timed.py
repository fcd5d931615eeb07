"""Self time or critical path: `python -m benchmarks.trees_timed ours|loop self_time|critical_path FILE TRACES`.

`loop` is the plain Python that one would write, over the first TRACES traces; `ours` takes the whole file, and those
traces once before, untimed, so that both can be seen to agree and the kernels are loaded.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import Any

import polars as pl

from benchmarks.timed import timed
from onex_analytics import profiling

way, what, where, few = sys.argv[1:]
spans = pl.read_parquet(where)
some = spans.filter(pl.col("trace_id").is_in(spans["trace_id"].unique().sort().head(int(few)).implode()))


def whole() -> dict[str, Any]:
    reckoned = getattr(profiling, what)(spans.lazy()).collect()
    return {"rows": reckoned.height, "spans": spans.height, "agreed": agreed}


def loop() -> dict[str, Any]:
    columns = [some[name].to_list() for name in ("trace_id", "span_id", "parent_span_id")]
    times = [some[name].to_physical().to_list() for name in ("start", "end")]
    children = defaultdict(list)
    roots = []
    for trace, span, parent, start, end in zip(*columns, *times, strict=True):
        if parent is None:
            roots.append((trace, span, start, end))
        else:
            children[trace, parent].append((trace, span, start, end))
    if what == "self_time":
        found = [own_time(span, children) for below in [roots, *list(children.values())] for span in below]
    else:
        found = [section for root in roots for section in path_of(root, children)]
    return {"rows": len(found), "spans": some.height, "agreed": sum(found) if what == "self_time" else len(found)}


def own_time(span: tuple[str, str, int, int], children: dict[tuple[str, str], list[Any]]) -> int:
    trace, name, low, edge = span
    own = edge - low
    for _, _, start, end in sorted(children.get((trace, name), ()), key=lambda child: (-child[3], -child[2])):
        start, end = max(start, low), min(end, edge)
        if start < end:
            own -= end - start
            edge = start
    return own


def path_of(root: tuple[str, str, int, int], children: dict[tuple[str, str], list[Any]]) -> list[tuple[str, int, int]]:
    found = []
    if root[2] == root[3]:
        return [(root[1], root[2], root[3])]
    stack = [(root, root[2], root[3])]
    while stack:
        (trace, name, _, _), low, high = stack.pop()
        t = high
        clipped = [(min(c[3], high), max(c[2], low), c) for c in children.get((trace, name), ())]
        for end, start, child in sorted(clipped, key=lambda c: (-c[0], -c[1], -c[2][3], -c[2][2], c[2][1])):
            if start < end <= t:
                if end < t:
                    found.append((name, end, t))
                stack.append((child, start, end))
                t = start
        if low < t:
            found.append((name, low, t))
    return found


if way == "ours":
    first = getattr(profiling, what)(some.lazy()).collect()
    agreed = first.height
    if what == "self_time":
        agreed = round(first["self_ms"].sum() * 1000)
    timed(whole)
else:
    timed(loop)
