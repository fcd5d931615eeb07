"""How known exporters batch."""

from __future__ import annotations

from onex_analytics.cli.output import AsCsv, AsJson, Out, Output


def presets(as_json: AsJson = False, as_csv: AsCsv = False, out: Out = None) -> None:
    """How known exporters batch by default, and how they differ from the policy of that name."""
    output = Output(as_json, as_csv, out)
    import polars as pl

    from onex_analytics.batching import PRESETS

    rows = [
        {**preset.policy.model_dump(), "source": preset.source, "differs": list(preset.differs)}
        for preset in PRESETS.values()
    ]
    shape: dict[str, pl.DataType] = {
        "name": pl.String(), "max_size": pl.Int64(), "max_age_ms": pl.Float64(), "max_bytes": pl.Int64(),
        "queue_limit": pl.Int64(), "when_full": pl.String(), "oversize": pl.String(), "source": pl.String(),
        "differs": pl.List(pl.String()),
    }  # fmt: skip
    table = pl.DataFrame(rows, schema=shape)
    output.frame(table.with_columns(pl.col("differs").list.join("; ")) if output.form == "table" else table)
