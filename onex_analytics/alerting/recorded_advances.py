"""Calls of `advance`, beside a checkpoint: a line of JSON each, good as far as the checkpoint says."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from onex_analytics.model.shapes import UTC_MICROSECONDS

ADVANCES = pl.Schema({"after_arrival": UTC_MICROSECONDS, "to": UTC_MICROSECONDS, "events": pl.Int64()})
"""A row a call."""


def append_advances(path: Path, good_bytes: int, advances: Sequence[dict[str, Any]]) -> int:
    """Write calls behind those that are good already, and bring them to the disk; how many bytes are good then."""
    rows = [
        {**row, "after_arrival": row["after_arrival"].isoformat(), "to": row["to"].isoformat()} for row in advances
    ]
    with open(path, "ab") as file:
        file.truncate(good_bytes)
        file.write("".join(json.dumps(row) + "\n" for row in rows).encode())
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def read_advances(path: Path, good_bytes: int) -> list[dict[str, Any]]:
    """The calls in the file, as far as they are good; none where there is no file."""
    if not path.exists():
        return []
    with open(path, "rb") as file:
        lines = file.read(good_bytes).splitlines()
    return [
        {**row, "after_arrival": datetime.fromisoformat(row["after_arrival"]),
         "to": datetime.fromisoformat(row["to"])}
        for row in map(json.loads, lines)
    ]  # fmt: skip
