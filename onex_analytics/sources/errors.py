"""What an event says of its failure: type, code, message, severity, and whether it may be tried again."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.model.error_codes import ErrorCodeTaxonomy
from onex_analytics.sources.columns import Spans, text
from onex_analytics.sources.scan import FALSE, NULL, TRUE, Scan

CODE_PREFIX = r"^\s*\[([A-Z][A-Z0-9_]*_?\d{3}(?:_[A-Z0-9_]+)?)\]"
"""A bracketed code in front of a message, as emitters without a code field write it."""


@lru_cache(maxsize=1)
def _lookup() -> dict[str, tuple[str | None, str | None]]:
    """Severity and recoverable of every spelling of a code that has but one meaning of both."""
    frame = ErrorCodeTaxonomy.default().lookup()
    return {row["text"]: (row["severity"], row["recoverable"]) for row in frame.iter_rows(named=True)}


def error_columns(
    buffer: NDArray[np.uint8], slot: Callable[..., Spans], found: Scan, outcomes: pl.Series,
) -> dict[str, pl.Series | pl.Expr]:
    """The columns `error_type`, `error_code`, `error_message`, `severity`, `recoverable` of a block.

    A message is `error_message`, else `error` (or its `message`), else, for a failure of either kind, the
    message of the output state. A code is the field's, else the bracketed prefix of the message.
    """
    message_spans = slot("metadata.error_message", "metadata.error.message", "metadata.error")
    state_spans = slot("metadata.output_state.message")
    code_spans = slot("metadata.error_code", "metadata.error.code", "metadata.output_state.error_code")
    severity_spans, recoverable_spans = slot("metadata.severity"), slot("metadata.recoverable")
    type_spans = slot("metadata.error_type", "metadata.error.type")
    said = [message_spans, state_spans, code_spans, severity_spans, recoverable_spans, type_spans]
    if not any((spans.kind > NULL).any() for spans in said):
        return {n: pl.lit(None, dtype=pl.String) for n in ("error_type", "error_code", "error_message", "severity", "recoverable")}
    failed = outcomes.is_in(["failure", "soft_failure"])
    flags = np.select([recoverable_spans.kind == TRUE, recoverable_spans.kind == FALSE], [1, 0], -1)
    frame = pl.DataFrame({
        "error_type": text("error_type", buffer, type_spans),
        "given": text("given", buffer, code_spans),
        "error_message": text("error_message", buffer, message_spans),
        "of_state": text("of_state", buffer, state_spans),
        "severity": text("severity", buffer, severity_spans).str.to_uppercase(),
        "recoverable": text("recoverable", buffer, recoverable_spans).str.to_lowercase(),
        "flag": pl.Series(flags, dtype=pl.Int8),
        "failed": failed,
    }).with_columns(
        error_message=pl.coalesce("error_message", pl.when("failed").then("of_state")),
        given=pl.col("given").str.strip_chars().replace("", None),
    ).with_columns(
        error_code=pl.coalesce("given", pl.col("error_message").str.extract(CODE_PREFIX, 1)),
    )
    codes = [c for c in frame["error_code"].unique().to_list() if c is not None]
    known = {c: _lookup()[c] for c in codes if c in _lookup()} if codes else {}
    severities = {c: severity for c, (severity, _) in known.items()}
    recoverables = {c: recoverable for c, (_, recoverable) in known.items()}
    frame = frame.with_columns(
        severity=pl.coalesce("severity", pl.col("error_code").replace_strict(severities, default=None, return_dtype=pl.String)),
        recoverable=pl.coalesce(
            pl.when(pl.col("recoverable").is_in(["no", "yes", "retry"])).then("recoverable"),
            pl.when(flag=1).then(pl.lit("yes")).when(flag=0).then(pl.lit("no")),
            pl.col("error_code").replace_strict(recoverables, default=None, return_dtype=pl.String),
        ),
    )
    return {n: frame[n] for n in ("error_type", "error_code", "error_message", "severity", "recoverable")}
