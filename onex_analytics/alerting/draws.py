"""What is kept of a log, draw by draw, and what the kept events stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import require
from onex_analytics.frames.statistics import seeded

Keep = Callable[[pl.LazyFrame, int], pl.LazyFrame | pl.DataFrame] | pl.Expr
"""What keeps events: of the events and a seed, see `draws`; or the probability of each event."""

_TOGETHER = ("trace_id", "correlation_id", "event_id")
_WEIGHT, _CHANCE, _PLACE = "adjusted_count", "probability", "_place"


def seeds_of(seeds: int | Iterable[int]) -> list[int]:
    """The seeds that are meant: so many from 0 on, or those that are given."""
    found = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    if not found or min(found) < 0 or len(set(found)) < len(found):
        raise InvalidOption("seeds", str(seeds), "how many draws to make, from 1; or different whole numbers from 0")
    return found


def draws(keep: Keep, events: pl.LazyFrame, read: Iterable[str], seeds: Iterable[int]) -> Iterator[pl.DataFrame]:
    """The kept events of each seed: the columns `read` and `adjusted_count`, how many events each stands for.

    Args:
        keep: `keep(events, seed)` gives events back, whole or only those that are kept. Of a column `keep`, those that
            are true are kept; without it all that come back are. A column `probability` divides what an event stood
            for, so that one kept with 0.1 stands for ten; without it, `adjusted_count` says what it stands for now.
            Or an expression: the probability of each event, 0 to 1. Events with one trace id (else correlation id,
            else event id) share one draw, so that of one probability they are kept or lost together.
        events: the log; collected once for an expression, by `keep` as it likes, and as far as it is kept.
        read: columns that the rules read.

    Raises:
        InvalidOption: a probability that is none, or nothing that says what an event stands for.
    """
    columns = sorted({*read} - {_WEIGHT})
    if isinstance(keep, pl.Expr):
        yield from _drawn(keep, events, columns, seeds)
        return
    for seed in seeds:
        kept = keep(events, seed).lazy()
        schema = require(kept, *columns).collect_schema()
        if "keep" in schema:
            kept = kept.filter(pl.col("keep"))
        if _CHANCE not in schema and _WEIGHT not in schema:
            wanted = f"a column {_CHANCE}, or {_WEIGHT}: without one nobody knows what a kept event stands for"
            raise InvalidOption("keep", "events with neither", wanted)
        weight = _weight(schema)
        if _CHANCE in schema:
            weight = weight / pl.col(_CHANCE)
        more = [_CHANCE] if _CHANCE in schema else []
        found = kept.select(*columns, *more, weight.alias(_WEIGHT)).collect()
        if more:
            _check(found[_CHANCE], above_zero=True)
        yield found.drop(more)


def _drawn(chance: pl.Expr, events: pl.LazyFrame, columns: list[str], seeds: Iterable[int]) -> Iterator[pl.DataFrame]:
    schema = events.collect_schema()
    together = pl.coalesce(name for name in _TOGETHER if name in schema)
    held = events.select(
        *columns, _weight(schema).alias(_WEIGHT), chance.cast(pl.Float64).alias(_CHANCE),
        together.rank("dense").fill_null(0).cast(pl.Int64).alias(_PLACE),
    ).collect()  # fmt: skip
    _check(held[_CHANCE], above_zero=False)
    chances, place = held[_CHANCE].to_numpy(), held[_PLACE].to_numpy()
    weighted = held.with_columns(pl.col(_WEIGHT) / pl.col(_CHANCE)).select(*columns, _WEIGHT)
    for seed in seeds:
        draw = seeded(seed).random(int(place.max(initial=-1)) + 1)
        yield weighted.filter(pl.Series(draw[place] < chances))


def _weight(schema: pl.Schema) -> pl.Expr:
    return pl.col(_WEIGHT).cast(pl.Float64).fill_null(1.0) if _WEIGHT in schema else pl.lit(1.0)


def _check(chances: pl.Series, *, above_zero: bool) -> None:
    found = chances.cast(pl.Float64).fill_null(np.nan)
    bad = ~found.is_between(0, 1) | found.is_nan()
    if above_zero:
        bad |= found == 0
    if bad.any():
        wanted = "above 0 for an event that was kept" if above_zero else "from 0"
        raise InvalidOption(_CHANCE, chances.filter(bad)[0], f"a probability {wanted}, up to 1")
