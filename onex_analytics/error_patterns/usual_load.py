"""How much is usual in a bucket of time: even, or as in the same hour of other weeks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.exceptions import InvalidOption

Season = Literal["auto", "weekly", "none"]

_ENOUGH = timedelta(weeks=4)


def season_of(season: Season, begin: datetime, end: datetime) -> bool:
    """Whether hours of the week are told apart: by default, where four weeks are there.

    >>> begin = datetime(2026, 1, 1)
    >>> season_of("auto", begin, datetime(2026, 1, 29)), season_of("auto", begin, datetime(2026, 1, 28))
    (True, False)
    """
    if season not in ("auto", "weekly", "none"):
        raise InvalidOption("season", season, '"auto", "weekly" or "none"')
    return season == "weekly" or (season == "auto" and end - begin >= _ENOUGH)


def hours_of_week(starts: pl.Series) -> NDArray[np.int64]:
    """0 for Monday, 00:00 UTC, to 167.

    >>> from datetime import datetime
    >>> hours_of_week(pl.Series([datetime(2026, 11, 2, 5), datetime(2026, 11, 8, 23)])).tolist()
    [5, 167]
    """
    return ((starts.dt.weekday().cast(pl.Int64) - 1) * 24 + starts.dt.hour().cast(pl.Int64)).to_numpy()
