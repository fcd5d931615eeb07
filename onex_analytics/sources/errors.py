"""What an event says of its failure: type, code, message, severity, and whether it may be tried again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.model.error_codes import ErrorCodeTaxonomy
from onex_analytics.sources.scan import FALSE, NULL, TRUE
from onex_analytics.sources.spans import Spans
from onex_analytics.sources.texts import spread, text

CODE_PREFIX = r"^\s*\[([A-Z][A-Z0-9_]*_?\d{3}(?:_[A-Z0-9_]+)?)\]"
"""A bracketed code in front of a message, as emitters without a code field write it."""


@lru_cache(maxsize=1)
def _lookup() -> dict[str, tuple[str | None, str | None]]:
    """Severity and recoverable of every spelling of a code that has but one meaning of both."""
    frame = ErrorCodeTaxonomy.default().lookup()
    return {row["text"]: (row["severity"], row["recoverable"]) for row in frame.iter_rows(named=True)}


_COLUMNS = ("error_type", "error_code", "error_message", "severity", "recoverable")


@lru_cache(maxsize=1)
def _judged() -> list[pl.Expr]:
    """The five columns, from the texts that the event gives."""
    severities = {code: severity for code, (severity, _) in _lookup().items()}
    recoverables = {code: recoverable for code, (_, recoverable) in _lookup().items()}
    message = pl.coalesce("error_message", pl.when("failed").then("of_state"))
    given = pl.col("given").str.strip_chars()
    code = pl.coalesce(pl.when(given != "").then(given), message.str.extract(CODE_PREFIX, 1))
    word = pl.col("recoverable").str.to_lowercase()
    return [
        pl.col("error_type"),
        code.alias("error_code"),
        message.alias("error_message"),
        pl.coalesce(
            pl.col("severity").str.to_uppercase(),
            code.replace_strict(severities, default=None, return_dtype=pl.String),
        ).alias("severity"),
        pl.coalesce(
            pl.when(word.is_in(["no", "yes", "retry"])).then(word),
            pl.when(flag=TRUE).then(pl.lit("yes")).when(flag=FALSE).then(pl.lit("no")),
            code.replace_strict(recoverables, default=None, return_dtype=pl.String),
        ).alias("recoverable"),
    ]


def error_columns(
    buffer: NDArray[np.uint8], slot: Callable[..., Spans], failed: NDArray[np.bool_]
) -> Mapping[str, pl.Series | None]:
    """The columns `error_type`, `error_code`, `error_message`, `severity`, `recoverable` of a block.

    A message is `error_message`, else `error` (or its `message`), else, for a failure of either kind, the
    message of the output state. A code is the field's, else the bracketed prefix of the message. Severity and
    recoverable are the event's own word, else what the taxonomy says of the code.

    Args:
        slot: the spans of the first of several paths that holds a value.
        failed: rows that failed, softly or not.
    """
    spans = {
        "error_type": slot("metadata.error_type", "metadata.error.type"),
        "given": slot("metadata.error_code", "metadata.error.code", "metadata.output_state.error_code"),
        "error_message": slot("metadata.error_message", "metadata.error.message", "metadata.error"),
        "severity": slot("metadata.severity"),
        "recoverable": slot("metadata.recoverable"),
    }
    of_state = slot("metadata.output_state.message")
    says = failed & (of_state.kind > NULL)
    for found in spans.values():
        if found.any():
            says = says | (found.kind > NULL)
    rows = np.flatnonzero(says)
    if rows.size == 0:
        return dict.fromkeys(_COLUMNS)
    # few events speak of errors: all below is about those alone
    few = pl.DataFrame([
        *(text(name, buffer, found.take(rows)) for name, found in spans.items()),
        text("of_state", buffer, of_state.take(rows)),
        pl.Series("flag", spans["recoverable"].kind[rows]),
        pl.Series("failed", failed[rows]),
    ]).select(_judged())
    if rows.size == failed.size:
        return few.to_dict()
    return {column.name: spread(column, rows, failed.size) for column in few}
