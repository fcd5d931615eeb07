"""Terms of a deviance as expressions: how far counts lie from what was expected; the root is nearly a z."""

from __future__ import annotations

import polars as pl


def deviance(k: str | pl.Expr, mean: str | pl.Expr) -> pl.Expr:
    """2·k·ln(k/mean), and 0 for k = 0: one term of a deviance.

    >>> pl.DataFrame({"k": [0, 10], "mean": [5.0, 10.0]}).select(of=deviance("k", "mean"))["of"].to_list()
    [0.0, 0.0]
    """
    seen = (pl.col(k) if isinstance(k, str) else k).cast(pl.Float64)
    expected = pl.col(mean) if isinstance(mean, str) else mean
    return 2 * pl.when(seen > 0).then(seen * (seen / expected.clip(1e-9)).log()).otherwise(0.0)


def poisson_deviance(k: str, mean: str | pl.Expr) -> pl.Expr:
    """Twice the log-likelihood that is lost by `mean` against `k` itself."""
    expected = pl.col(mean) if isinstance(mean, str) else mean
    return (deviance(k, mean) - 2 * (pl.col(k).cast(pl.Float64) - expected)).clip(0)
