"""A small seeded fleet, once a session."""

from __future__ import annotations

import polars as pl
import pytest

from onex_analytics.store import EventStore
from onex_analytics.synthetic import generate
from onex_analytics.synthetic.log import SyntheticLog


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, SyntheticLog]:
    """The events of a fleet of 20,000 as a store gives them, and the log with its labels."""
    folder = tmp_path_factory.mktemp("fleet")
    log = generate(20_000, seed=11)
    log.write(folder / "fleet.jsonl")
    store = EventStore(str(folder / "store"))
    store.append(folder / "fleet.jsonl")
    return store.scan().collect(), log
