"""A small log."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from onex_analytics.sources.block import block_of_bytes
from onex_analytics.sources.canonical import Gate
from onex_analytics.synthetic import generate


@pytest.fixture(scope="session")
def fleet() -> pl.DataFrame:
    """The events of a fleet, 4,000 lines of its log."""
    log = b"".join(generate(4000, seed=7).chunks())
    return Gate(datetime(2026, 11, 23, tzinfo=UTC)).read(block_of_bytes(log, "log")).events
