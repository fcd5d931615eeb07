"""What is different about some rows: values and combinations that are more frequent among them than among the rest."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.clusters import cluster_codes
from onex_analytics.frames.columns import names, require
from onex_analytics.frames.contrasts.findings import Finding, findings, score, text
from onex_analytics.frames.contrasts.traits import Trait, Votes, reads_target, trait, unreadable
from onex_analytics.frames.grouping import in_threads

__all__ = ["CONTRAST", "contrast"]

CONTRAST = pl.Schema({
    "pattern": pl.String(),
    "columns": pl.List(pl.String()),
    "order": pl.UInt8(),
    "support": pl.Float64(),
    "votes": pl.Float64(),
    "target_votes": pl.Float64(),
    "precision": pl.Float64(),
    "recall": pl.Float64(),
    "risk_ratio": pl.Float64(),
    "ci_low": pl.Float64(),
    "ci_high": pl.Float64(),
    "cliffs_delta": pl.Float64(),
    "p": pl.Float64(),
    "q": pl.Float64(),
    "score": pl.Float64(),
    "shadowed_by": pl.String(),
    "n_tests": pl.UInt32(),
    "left_out": pl.String(),
})
"""One row a finding of `contrast`, best first, then one a column that took no part."""

_FEWEST_VOTES = 5.0


def contrast(
    rows: pl.LazyFrame | pl.DataFrame,
    target: str | pl.Expr,
    max_order: int = 2,
    *,
    columns: str | Iterable[str] | None = None,
    trace: str | None = "trace_id",
    min_support: float = 0.005,
    min_ratio: float = 1.5,
    alpha: float = 0.05,
) -> pl.LazyFrame:
    """What is different about the rows of `target`: slow spans, failed events, the spans of last night.

    Every trace has one vote, shared out evenly among its rows, so that a trace of a thousand rows weighs no more than
    a trace of one; tests take votes for rows, which can only make them too careful. Reads the columns that take part
    into memory. Nothing is random.

    Args:
        rows: events, spans or any other frame, in any order.
        target: a Boolean column, or an expression that is true for the rows in question, such as
            `pl.col("duration_ms") > 800`. Rows for which it is null take no part.
        max_order: 1 looks at single columns, 2 at combinations of two as well.
        columns: which columns may explain; default: all but `trace`. Those named here are left out only if the target
            is made of them, if they are the same in every row, or if no value of theirs can be tested.
        trace: the column that says which rows belong together; null is alone. None, or a frame without `trace_id`:
            every row has a vote of its own.
        min_support: smallest share of all votes that a pattern must have, and at least five votes; whatever its target.
        min_ratio: smallest risk ratio of a finding.
        alpha: the share of false findings among all findings that is accepted.

    Returns:
        Shape `CONTRAST`. One row a finding, ranked by `score`, never by p:

        - `pattern`: such as "host=onex-03", "input_bytes>=65000" or two of them joined by " & ". A quantity (a float,
          or a whole number of more than fifty values) is cut at fixed shares of its rows, for each direction at the
          best of them. `columns` and `order`: the columns of the pattern, and how many (1 or 2).
        - `votes`, `target_votes`: of the pattern, and those of them of the target, in traces. `support`: share of all
          votes; `precision`: share of the pattern's votes that are of the target; `recall`: share of the target's votes
          that the pattern has; all 0 to 1.
        - `risk_ratio`, `ci_low`, `ci_high`: precision over that of all other rows, with Katz's 95 % interval; where
          a cut was chosen, widened for the choice (Bonferroni).
        - `cliffs_delta`: −1 to 1, of a single quantity: how much more often it is larger in the target than in the
          rest; null for others. `p`: of a single quantity Mann–Whitney's, else an upper bound of Fisher's; two-sided.
          `q`: after Benjamini–Hochberg over all `n_tests` tests that were tried: every value, quantity and combination
          that has the support.
        - `score`: `ci_low` × `recall`.
        - `shadowed_by`: the finding that explains this one away: within its rows and within all others the
          Mantel–Haenszel risk ratio of this pattern is 1 as far as can be told, or below `min_ratio`. Null for others.

        A combination is a finding only if its `ci_low` exceeds `ci_high` of each of its parts. The ratio of a part that
        holds the target but for fewer than five votes has no upper end worth the name: of such a part the combination
        must stand out within it, by `min_ratio` and with an interval above 1, and `p` is that of standing out.

        Last come the columns that took no part, in their order in the frame: `columns` names one, `left_out` says why,
        and all else but `n_tests` is null: it is the same in every row, different in every row, made of the target
        or telling it in every row, neither name nor number, or has no value that is common enough. A row without
        `columns` says how many rows had no target.

    Raises:
        MissingColumns: a column is absent. InvalidOption: an argument lies outside what is allowed.

    Sources: Katz et al. (1978); Benjamini and Hochberg (1995); Mantel and Haenszel (1959); Cliff (1993); the rule for
    combinations follows Bay and Pazzani, "Detecting group differences: mining contrast sets" (2001).

    >>> spans = pl.DataFrame({
    ...     "trace_id": [f"{i}" for i in range(1000)], "host": [f"onex-{i % 5}" for i in range(1000)],
    ...     "tenant": ["acme" if i % 3 else "globex" for i in range(1000)],
    ...     "duration_ms": [900.0 if i % 5 == 3 and i % 7 < 4 else 10.0 + i % 13 for i in range(1000)],
    ... })
    >>> found = contrast(spans, pl.col("duration_ms") > 800).collect()
    >>> found.select("pattern", "precision", "recall", "left_out").rows()
    [('host=onex-3', 0.57, 1.0, None), (None, None, None, 'the target is made of it')]
    """
    if max_order not in (1, 2):
        raise InvalidOption("max_order", max_order, "1 or 2")
    for name, value, most in (("min_support", min_support, 0.5), ("alpha", alpha, 1.0)):
        if not 0 < value < most:
            raise InvalidOption(name, value, f"a share above 0 and below {most}")
    if not min_ratio >= 1:
        raise InvalidOption("min_ratio", min_ratio, "a ratio from 1, such as 1.5")
    lazy = rows.lazy()
    schema = lazy.collect_schema()
    aim = pl.col(target) if isinstance(target, str) else target
    reads = frozenset(aim.meta.root_names())
    chosen = [c for c in schema if c != trace] if columns is None else names(columns)
    grouped = trace is not None and (trace in schema or trace != "trace_id")
    require(lazy, *reads, *chosen, *([trace] if grouped and trace is not None else []))
    if lazy.select(aim.alias("_target")).collect_schema()["_target"] != pl.Boolean:
        raise InvalidOption("target", str(target), 'a Boolean, such as `pl.col("duration_ms") > 800`')
    no_part = {c: why for c in chosen if (why := reads_target(c, reads) or unreadable(schema[c]))}
    taking_part = [c for c in chosen if c not in no_part]
    wanted = [pl.col(c) for c in taking_part] + [aim.alias("_target")]
    wanted += [pl.col(trace).alias("_trace")] if grouped and trace is not None else []

    def result() -> pl.DataFrame:
        frame = lazy.select(wanted).collect()
        known = frame["_target"].is_not_null()
        without_target = frame.height - int(known.sum())
        frame = frame.filter(known) if without_target else frame
        votes = _votes(frame, min_support)
        found: dict[str, Trait | str] = dict.fromkeys(taking_part, "there are no rows")
        waiting = iter(taking_part if frame.height else ())

        def look(_: int) -> None:
            for name in waiting:
                found[name] = trait(frame[name], votes, named=columns is not None)

        in_threads(look)
        traits = [one for one in found.values() if isinstance(one, Trait)]
        left_out = {**no_part, **{name: why for name, why in found.items() if isinstance(why, str)}}
        best: list[Finding] = []
        n_tests = 0
        if 0 < votes.hits < votes.total:
            best, n_tests = findings(traits, votes, max_order=max_order, min_ratio=min_ratio, alpha=alpha)
        told = [_row(finding, traits, votes, n_tests) for finding in best]
        told += [
            {"columns": [name], "left_out": left_out[name], "n_tests": n_tests} for name in chosen if name in left_out
        ]
        if without_target:
            rows_are = "row has" if without_target == 1 else "rows have"
            told.append({"left_out": f"{without_target} {rows_are} no target", "n_tests": n_tests})
        return pl.DataFrame(told, schema=CONTRAST)

    return pl.defer(result, schema=CONTRAST)


def _votes(frame: pl.DataFrame, min_support: float) -> Votes:
    target = frame["_target"].to_numpy()
    if "_trace" in frame.columns:
        trace, n = cluster_codes(frame["_trace"])
        of_row = 1.0 / np.bincount(trace, minlength=n)[trace]
    else:
        of_row = np.ones(frame.height)
    total = float(of_row.sum())
    return Votes(of_row, target, total, float(of_row[target].sum()), max(min_support * total, _FEWEST_VOTES))


def _row(finding: Finding, traits: list[Trait], votes: Votes, n_tests: int) -> dict[str, object]:
    single = traits[finding.keys[0][0]] if len(finding.keys) == 1 else None
    return {
        "pattern": text(finding, traits), "columns": [traits[i].name for i, _ in finding.keys],
        "order": len(finding.keys), "support": finding.votes / votes.total, "votes": finding.votes,
        "target_votes": finding.hits, "precision": min(finding.hits / finding.votes, 1.0),
        "recall": min(finding.hits / votes.hits, 1.0), "risk_ratio": finding.ratio, "ci_low": finding.low,
        "ci_high": finding.high, "cliffs_delta": single.cliffs_delta if single else None, "p": finding.p,
        "q": finding.q, "score": score(finding, votes), "shadowed_by": finding.shadowed_by, "n_tests": n_tests,
    }  # fmt: skip
