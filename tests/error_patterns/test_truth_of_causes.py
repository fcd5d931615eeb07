"""Injected causes rank first, by way of a file and a store; what only goes along with them is marked."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from onex_analytics import EventStore
from onex_analytics.frames import contrast
from onex_analytics.looks.explaining import explaining
from onex_analytics.synthetic import DIMENSIONS, Incident, generate

VERSION, HOST, SIZE = (
    "ONEX_VALID_102_VALIDATION_FAILED", "ONEX_SYS_904_RESOURCE_EXHAUSTED", "ONEX_SYS_902_NETWORK_UNAVAILABLE",
)  # fmt: skip
BURSTS = (
    Incident(kind="error_burst", node="stamper_node", start=0.1, end=0.2, error_code=VERSION,
             cause="node_version=2.4.0"),
    Incident(kind="error_burst", start=0.3, end=0.4, error_code=HOST, cause="host=onex-05"),
    Incident(kind="error_burst", start=0.5, end=0.6, error_code=SIZE, cause="input_bytes>=65536"),
)  # fmt: skip


@pytest.fixture(scope="module", params=[21, 22, 23])
def struck(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    """By code: what is different about its failures, in the time of the burst and as much before it."""
    folder: Path = tmp_path_factory.mktemp("struck")
    log = generate(60_000, seed=request.param, incidents=BURSTS)
    log.write(folder / "log.jsonl")
    store = EventStore(str(folder / "store"), dimensions=DIMENSIONS)
    store.append(folder / "log.jsonl")
    spans = store.spans().filter(pl.col("outcome") != "start").collect()
    found = {}
    for label in log.labels.iter_rows(named=True):
        begin = label["start"] - (label["end"] - label["start"])
        about = spans.filter(pl.col("start").is_between(begin, label["end"], closed="left"))
        failed = (pl.col("outcome") == "failure") & (pl.col("error_code") == label["error_code"]).fill_null(False)
        target = about.with_columns(failed.alias("failed"))
        told = contrast(target, "failed", columns=explaining(spans.lazy())).collect()
        found[label["error_code"]] = told.filter(pl.col("left_out").is_null())
    return found


def test_a_version_ranks_first_and_the_operations_that_run_it_are_its_shadows(struck):
    """The node is no shadow where some of its failures lost the metadata that would tell their version."""
    shadows = dict(struck[VERSION].select("pattern", "shadowed_by").rows())
    first = struck[VERSION]["pattern"][0]
    assert first == "node_version=2.4.0" and shadows[first] is None
    operations = [shadow for pattern, shadow in shadows.items() if pattern.startswith("operation=")]
    assert operations and set(operations) == {first}


def test_a_host_ranks_first(struck):
    assert struck[HOST]["pattern"][0] == "host=onex-05"
    assert struck[HOST]["shadowed_by"][0] is None


def test_a_size_of_input_ranks_first_cut_near_where_it_begins_to_matter(struck):
    assert struck[SIZE]["columns"][0].to_list() == ["input_bytes"]
    assert 65_536 / 3 < int(struck[SIZE]["pattern"][0].split(">=")[1]) < 3 * 65_536
    assert struck[SIZE]["shadowed_by"][0] is None
