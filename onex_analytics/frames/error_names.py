"""One name for an error code, however it is spelled."""

from __future__ import annotations

from functools import cache

import polars as pl

from onex_analytics.model.error_codes import ErrorCodeTaxonomy


def canonical_code(column: str = "error_code", taxonomy: ErrorCodeTaxonomy | None = None) -> pl.Expr:
    """The long form of the code in `column`, where the taxonomy knows a single code by that spelling.

    Case, blanks and one pair of brackets do not matter, as in `ErrorCodeTaxonomy.resolve`. A spelling of several
    codes, or of none that is known, stays what it is.

    Args:
        column: codes as they were written: long form, short form, bare name, second family, or anything else.
        taxonomy: the codes and their spellings; upstream's by default.

    >>> codes = pl.DataFrame({"error_code": ["ONEX_RT_400", "NODE_INITIALIZATION_FAILED", "ONEX_REGISTRY_001", "E7"]})
    >>> for code in codes.select(canonical_code())["error_code"]: print(code)
    ONEX_RT_400_NODE_INITIALIZATION_FAILED
    ONEX_RT_400_NODE_INITIALIZATION_FAILED
    ONEX_REGISTRY_001
    E7
    """
    known = _default_codes() if taxonomy is None else _codes(taxonomy)
    written = pl.col(column).str.strip_chars().str.strip_prefix("[").str.strip_suffix("]").str.strip_chars()
    resolved = written.str.to_uppercase().replace_strict(
        known["text"], known["code"], default=None, return_dtype=pl.String
    )
    return pl.coalesce(resolved, pl.col(column)).alias(column)


@cache
def _default_codes() -> pl.DataFrame:
    return _codes(ErrorCodeTaxonomy.default())


def _codes(taxonomy: ErrorCodeTaxonomy) -> pl.DataFrame:
    return taxonomy.lookup().drop_nulls("code")
