"""One clean week of the default fleet, read once."""

from __future__ import annotations

import polars as pl
import pytest

from onex_analytics.synthetic import SyntheticLog, generate
from tests.synthetic.reading import READ, events_of, flat


@pytest.fixture(scope="session")
def week() -> SyntheticLog:
    return generate(140_000, seed=5, traps=None)


@pytest.fixture(scope="session")
def week_events(week: SyntheticLog) -> pl.DataFrame:
    rows = [flat(event) for event in events_of(week)]
    frame = pl.DataFrame(rows, schema=READ, orient="row")
    return frame.with_columns(pl.col("at").str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", time_zone="UTC"))


@pytest.fixture(scope="session")
def week_calls(week: SyntheticLog) -> pl.DataFrame:
    return pl.concat(week.calls())
