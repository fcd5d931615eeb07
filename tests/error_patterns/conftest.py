"""A small seeded fleet, once a session."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from onex_analytics.store import EventStore
from onex_analytics.synthetic import generate
from onex_analytics.synthetic.log import SyntheticLog

Fleet = tuple[pl.DataFrame, SyntheticLog]


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """The events of a fleet of 20,000 as a store gives them, and the log with its labels."""
    return _stored(generate(20_000, seed=11), tmp_path_factory.mktemp("fleet"))


@pytest.fixture(scope="session")
def large_fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """The same of 150,000 events, where there are failures enough to learn from."""
    return _stored(generate(150_000, seed=12), tmp_path_factory.mktemp("large_fleet"))


def _stored(log: SyntheticLog, folder: Path) -> Fleet:
    log.write(folder / "fleet.jsonl")
    store = EventStore(str(folder / "store"))
    store.append(folder / "fleet.jsonl")
    return store.scan().collect(), log
