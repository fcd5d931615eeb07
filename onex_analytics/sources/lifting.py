"""Declared dimensions: values under a JSON path of the metadata as typed columns, at the gate and for stored events."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.sources.block import block_of_texts_of
from onex_analytics.sources.layout import Dimension
from onex_analytics.sources.numbers import IS_WRONG, floats
from onex_analytics.sources.paths import compile_paths
from onex_analytics.sources.scan import FALSE, NUMBER, TRUE, scan
from onex_analytics.sources.spans import Spans, slot_spans
from onex_analytics.sources.texts import text

_EXACT_WHOLE = 2**53


def dimension_series(dimension: Dimension, buffer: NDArray[np.uint8], spans: Spans) -> pl.Series | pl.Expr:
    """The values of one dimension. What is not of its type is null; text is taken for numbers where it holds one."""
    name, kind = dimension.name, spans.kind
    if not spans.any():
        return pl.lit(None, dtype=dimension.dtype)
    if dimension.type == "bool":
        said = (kind == TRUE) | (kind == FALSE)
        return pl.select(pl.when(pl.Series(said)).then(pl.Series(name, kind == TRUE)).alias(name)).to_series()
    if dimension.type == "str":
        return text(name, buffer, spans.read_as_text(NUMBER, TRUE, FALSE))
    values, states = floats(buffer, spans)
    if dimension.type == "f64":
        return pl.Series(name, values).fill_nan(None)
    if (np.abs(np.nan_to_num(values)) >= _EXACT_WHOLE).any():
        # a float cannot hold these exactly
        return text(name, buffer, spans.read_as_text(NUMBER)).cast(pl.Int64, strict=False)
    whole = (states != IS_WRONG) & (values == np.trunc(values))
    return pl.Series(name, np.where(whole, values, np.nan)).fill_nan(None).cast(pl.Int64)


def lift(metadata: pl.Series, dimension: Dimension) -> pl.Series:
    """The values of a dimension in stored metadata: what the gate would have lifted.

    >>> import polars as pl
    >>> from onex_analytics.sources.layout import parse_dimensions
    >>> tenant = parse_dimensions({"tenant": "$.input_state.tenant"})["tenant"]
    >>> lift(pl.Series(['{"input_state":{"tenant":"acme"}}', None]), tenant).to_list()
    ['acme', None]
    """
    block = block_of_texts_of(metadata.fill_null("null"))
    paths = compile_paths([dimension.path])
    found = scan(block.buffer, block.starts, block.ends, paths)
    series = dimension_series(dimension, block.buffer, slot_spans(found, paths.slots[dimension.path]))
    if isinstance(series, pl.Expr):
        return pl.Series(dimension.name, [None], dtype=dimension.dtype).new_from_index(0, len(metadata))
    return series.alias(dimension.name)
