"""What is different about some rows: planted causes are found, chance is not."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import stats

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.frames import CONTRAST, contrast


def fleet(seed: int | list[int], n: int = 4000, traces: int = 1500) -> pl.DataFrame:
    """Rows of nodes, of which several make a trace; a host serves a whole trace."""
    rng = np.random.default_rng(seed)
    trace = rng.integers(0, traces, n)
    return pl.DataFrame({
        "trace_id": pl.Series(trace).cast(pl.String),
        "host": pl.Series(rng.integers(0, 8, traces)[trace]).cast(pl.String),
        "version": pl.Series(rng.integers(0, 3, n)).cast(pl.String),
        "tenant": pl.Series((rng.pareto(1, n) * 2).astype(int).clip(0, 30)).cast(pl.String),
        "attempt": rng.integers(1, 3, n),
        "input_bytes": np.rint(6000 * np.exp(2 * rng.normal(size=n))).astype(np.int64),
        "load": rng.random(n),
    })


def struck(rows: pl.DataFrame, where: pl.Expr, seed: int = 0, base: float = 0.02, share: float = 0.5) -> pl.DataFrame:
    """`bad`: a few anywhere, many where the cause is."""
    dice = pl.Series(np.random.default_rng([seed, 9]).random(rows.height))
    return rows.with_columns(bad=pl.when(where).then(dice < share).otherwise(dice < base))


def found_in(rows: pl.DataFrame, target: str | pl.Expr = "bad", **options: object) -> pl.DataFrame:
    return contrast(rows, target, **options).filter(pl.col("pattern").is_not_null()).collect()  # type: ignore[arg-type]


# ---------------------------------------------------------------- causes


@pytest.mark.parametrize(
    ("where", "first"),
    [
        (pl.col("host") == "3", "host=3"),
        (pl.col("version") == "2", "version=2"),
        ((pl.col("host") == "3") & (pl.col("version") == "1"), "host=3 & version=1"),
    ],
)
def test_the_cause_ranks_first(where, first):
    found = found_in(struck(fleet(1), where))
    assert found["pattern"][0] == first
    assert found["score"].is_sorted(descending=True)
    assert found["q"].max() <= 0.05 and found["risk_ratio"].min() >= 1.5


def test_a_quantity_is_cut_near_where_it_begins_to_matter():
    found = found_in(struck(fleet(2, n=20_000, traces=20_000), pl.col("input_bytes") >= 65_536)).row(0, named=True)
    assert found["columns"] == ["input_bytes"]
    assert 30_000 < int(found["pattern"].split(">=")[1]) < 100_000
    assert found["cliffs_delta"] > 0.3


def test_a_small_quantity_can_be_the_cause():
    found = found_in(struck(fleet(2), pl.col("load") < 0.2))
    assert found["pattern"][0].startswith("load<0.")
    assert found["cliffs_delta"][0] < -0.3


def test_a_value_that_is_absent_can_be_the_cause():
    rows = fleet(3).with_columns(tenant=pl.when(pl.col("load") > 0.1).then("tenant"))
    assert found_in(struck(rows, pl.col("tenant").is_null()).drop("load"))["pattern"][0] == "tenant is null"


def test_the_numbers_are_those_of_a_table_of_four_cells():
    rows = struck(fleet(4), pl.col("host") == "5").drop("trace_id")
    found = found_in(rows).row(0, named=True)
    inside = rows.filter(pl.col("host") == "5")
    n, hits, total, all_hits = inside.height, inside["bad"].sum(), rows.height, rows["bad"].sum()
    theirs = stats.contingency.relative_risk(hits, n, all_hits - hits, total - n)
    interval = theirs.confidence_interval(0.95)
    assert found["pattern"] == "host=5"
    for column, value in {
        "votes": n, "target_votes": hits, "support": n / total, "precision": hits / n, "recall": hits / all_hits,
        "risk_ratio": theirs.relative_risk, "ci_low": interval.low, "ci_high": interval.high,
        "score": interval.low * hits / all_hits,
    }.items():  # fmt: skip
        assert found[column] == pytest.approx(value), column
    assert found["p"] >= stats.fisher_exact([[hits, n - hits], [all_hits - hits, total - n - all_hits + hits]]).pvalue


def test_a_quantity_has_mann_whitneys_p_and_cliffs_delta():
    rows = struck(fleet(5), pl.col("load") > 0.5, share=0.06).drop("trace_id")
    found = found_in(rows, max_order=1, columns="load").row(0, named=True)
    bad, rest = rows.filter("bad")["load"], rows.filter(~pl.col("bad"))["load"]
    theirs = stats.mannwhitneyu(bad, rest, use_continuity=False, method="asymptotic")
    assert found["p"] == pytest.approx(theirs.pvalue, rel=1e-9)
    assert found["cliffs_delta"] == pytest.approx(2 * theirs.statistic / (len(bad) * len(rest)) - 1)


def test_every_test_that_was_tried_is_counted():
    rows = struck(fleet(6), pl.col("host") == "3").select("host", "version", "load", "bad").with_columns(
        rare=pl.when(pl.col("load") < 0.004).then(pl.lit("rare")).otherwise(pl.lit("common"))
    )  # fmt: skip
    assert found_in(rows.drop("load", "rare"))["n_tests"][0] == 8 + 3 + 8 * 3
    assert found_in(rows.drop("load"))["n_tests"][0] == 8 + 3 + 8 * 3, "a value in 16 of 4,000 rows is not tested"
    assert found_in(rows.drop("rare"), max_order=1)["n_tests"][0] == 8 + 3 + 1


# ---------------------------------------------------------------- votes


def test_a_trace_has_one_vote_however_many_rows_it_has():
    """One trace fails a thousand times on host a; elsewhere a fails as rarely as b."""
    rng = np.random.default_rng(0)
    calm = pl.DataFrame({
        "trace_id": [f"{i}" for i in range(2000)], "host": rng.choice(["a", "b"], 2000), "bad": rng.random(2000) < 0.02,
    })  # fmt: skip
    loud = pl.DataFrame({"trace_id": ["loud"] * 1000, "host": ["a"] * 1000, "bad": [True] * 1000})
    rows = pl.concat([calm, loud])
    assert found_in(rows).height == 0
    assert found_in(rows.drop("trace_id"))["pattern"].to_list() == ["host=a"]
    assert "host=a" in found_in(rows, trace=None)["pattern"]


def test_telling_every_row_of_every_trace_again_changes_nothing():
    rows = struck(fleet(7), pl.col("host") == "3")
    assert_frame_equal(found_in(rows), found_in(pl.concat([rows] * 3)), check_exact=False, rel_tol=1e-9)


def test_the_order_of_the_rows_does_not_matter():
    rows = struck(fleet(7), pl.col("host") == "3")
    assert_frame_equal(found_in(rows), found_in(rows.sample(fraction=1, shuffle=True, seed=1)), rel_tol=1e-9)


# ---------------------------------------------------------------- combinations


def test_a_combination_stays_only_if_it_says_more_than_its_parts():
    found = found_in(struck(fleet(8), pl.col("host") == "3"))
    assert found.filter(pl.col("order") == 2).height == 0
    found = found_in(struck(fleet(8), (pl.col("host") == "3") & (pl.col("version") == "1")))
    highest = {row["pattern"]: row["ci_high"] for row in found.filter(order=1).iter_rows(named=True)}
    for row in found.filter(order=2).iter_rows(named=True):
        for part in row["pattern"].split(" & "):
            assert row["ci_low"] > highest.get(part, 0)


def test_parts_that_a_combination_explains_away_are_marked_with_it():
    found = found_in(struck(fleet(8, n=8000), (pl.col("host") == "3") & (pl.col("version") == "1")))
    shadows = dict(found.select("pattern", "shadowed_by").rows())
    assert shadows["host=3 & version=1"] is None
    assert shadows["host=3"] == shadows["version=1"] == "host=3 & version=1"


def test_a_part_that_matters_by_itself_is_not_marked():
    where = (pl.col("host") == "3") & (pl.col("version") == "1")
    rows = struck(fleet(8, n=12_000), where, share=0.9)
    dice = pl.Series(np.random.default_rng(5).random(rows.height))
    found = found_in(rows.with_columns(bad=pl.col("bad") | (pl.col("host") == "3") & (dice < 0.2)))
    assert dict(found.select("pattern", "shadowed_by").rows())["host=3"] is None


def test_what_only_goes_along_with_the_cause_is_marked_with_it():
    """Zone z holds host 3 and two others: it is in the picture only because of host 3."""
    in_zone = pl.col("host").is_in(["3", "4", "5"])
    rows = fleet(9, n=8000).with_columns(zone=pl.when(in_zone).then(pl.lit("z")).otherwise(pl.lit("y")))
    found = dict(found_in(struck(rows, pl.col("host") == "3")).select("pattern", "shadowed_by").rows())
    assert found["host=3"] is None
    assert found["zone=z"] == "host=3"


def test_a_combination_stands_out_within_a_part_that_holds_the_whole_target():
    """Nothing is bad but on host 3, so that the ratio of host 3 has no upper end to be exceeded."""
    where = (pl.col("host") == "3") & (pl.col("version") == "1")
    found = found_in(struck(fleet(8, n=8000), where, base=0.0))
    shadows = dict(found.select("pattern", "shadowed_by").rows())
    assert found["pattern"][0] == "host=3 & version=1" and shadows["host=3 & version=1"] is None
    assert shadows["host=3"] == shadows["version=1"] == "host=3 & version=1"


def test_a_part_that_holds_the_whole_target_alike_has_no_combination():
    combined = 0
    for seed in range(40):
        rows = struck(fleet([seed, 7], n=3000), pl.col("host") == "3", seed=seed, base=0.0, share=0.3)
        found = found_in(rows)
        assert found["pattern"][0] == "host=3" and found["shadowed_by"][0] is None
        combined += found.filter(order=2).height > 0
    assert combined <= 4  # more than 4 of 40 come in 5 % of draws where the stated 5 % hold


def test_order_one_looks_at_no_combination():
    rows = struck(fleet(8), (pl.col("host") == "3") & (pl.col("version") == "1"))
    assert set(found_in(rows, max_order=1)["order"]) == {1}


# ---------------------------------------------------------------- what falls away


def left_out(rows: pl.DataFrame, target: str | pl.Expr, **options: object) -> dict[str, str]:
    told = contrast(rows, target, **options).filter(pl.col("left_out").is_not_null()).collect()  # type: ignore[arg-type]
    return {row["columns"][0] if row["columns"] else "": row["left_out"] for row in told.iter_rows(named=True)}


def test_columns_that_cannot_explain_anything_are_listed_with_the_reason():
    rows = struck(fleet(10), pl.col("host") == "3").with_columns(
        same=pl.lit("x"), nothing=pl.lit(None, dtype=pl.String), id=pl.Series(range(4000)).cast(pl.String),
        row=pl.Series(range(4000)), rare=pl.Series(range(4000)) // 2, at=pl.datetime(2026, 1, 1), level=pl.lit(1.5),
        parts=pl.lit([1]), told=pl.when("bad").then(pl.lit("E1")), copy=pl.col("bad"),
        severity=pl.when("bad").then(2.0 + pl.col("load")).otherwise(pl.col("load")),
    )  # fmt: skip
    reasons = left_out(rows.with_columns(rare=pl.col("rare").cast(pl.String)), "bad")
    assert reasons["same"] == reasons["nothing"] == reasons["level"] == "it is the same in every row"
    assert reasons["id"] == reasons["row"] == "it is different in every row"
    assert reasons["rare"] == "no value of it is common enough to be tested"
    assert "neither a name nor a number" in reasons["at"] and "neither a name nor a number" in reasons["parts"]
    assert reasons["told"] == reasons["copy"] == "its values tell the target in every row"
    assert reasons["severity"] == "a cut through its numbers tells the target in every row"
    assert reasons["bad"] == "the target is made of it"
    assert not {"host", "version", "tenant", "attempt", "input_bytes", "load"} & set(reasons)


def test_what_a_target_of_durations_or_outcomes_is_made_of_falls_away_with_its_family():
    rows = fleet(11).with_columns(
        duration_ms=pl.col("load") * 100, execution_time_ms=pl.col("load") * 90, status=pl.lit("ok"),
        outcome=pl.when(pl.col("load") > 0.9).then(pl.lit("failure")).otherwise(pl.lit("success")),
        error_type=pl.when(pl.col("load") > 0.95).then(pl.lit("E")),
    )  # fmt: skip
    by_time = left_out(rows, pl.col("duration_ms") > 80)
    assert by_time["duration_ms"] == "the target is made of it"
    assert by_time["execution_time_ms"] == "it tells its duration, and so does the target"
    by_outcome = left_out(rows, pl.col("outcome") == "failure")
    assert by_outcome["error_type"] == "it tells its outcome, and so does the target"


def test_a_column_that_was_asked_for_stays_even_if_it_tells_everything():
    rows = fleet(12).with_columns(bad=pl.col("host") == "3")
    assert left_out(rows, "bad")["host"] == "its values tell the target in every row"
    assert found_in(rows, columns="host")["pattern"].to_list() == ["host=3"]


def test_rows_without_a_target_take_no_part_and_are_counted():
    rows = struck(fleet(13), pl.col("host") == "3")
    unknown = rows.with_columns(bad=pl.when(pl.col("tenant") != "0").then("bad"))
    n = unknown["bad"].null_count()
    assert left_out(unknown, "bad")[""] == f"{n} rows have no target"
    single = rows.with_row_index().with_columns(bad=pl.when(pl.col("index") > 0).then("bad")).drop("index")
    assert left_out(single, "bad")[""] == "1 row has no target"
    assert_frame_equal(found_in(unknown), found_in(unknown.drop_nulls("bad")))


@pytest.mark.parametrize("bad", [True, False])
def test_a_target_that_is_all_or_nothing_differs_in_nothing(bad):
    assert found_in(fleet(14).with_columns(bad=bad)).height == 0


def test_a_frame_without_rows_has_no_findings():
    result = contrast(struck(fleet(15), pl.col("host") == "3").clear(), "bad")
    assert result.collect_schema() == CONTRAST
    assert result.filter(pl.col("pattern").is_not_null()).collect().height == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_order": 3}, "max_order is 3; wanted 1 or 2"), ({"min_support": 0}, "min_support is 0"),
        ({"min_ratio": 0.5}, "a ratio from 1"), ({"alpha": 2}, "alpha is 2"),
    ],
)  # fmt: skip
def test_an_impossible_option_is_refused_with_the_mend(options, words):
    with pytest.raises(InvalidOption, match=words):
        contrast(struck(fleet(1), pl.col("host") == "3"), "bad", **options)


def test_absent_columns_and_a_target_that_is_no_truth_are_refused():
    rows = fleet(1)
    for options in ({"target": "bad"}, {"target": pl.col("load") > 1, "columns": ["zone"]},
                    {"target": pl.col("load") > 1, "trace": "request"}):  # fmt: skip
        with pytest.raises(MissingColumns):
            contrast(rows, **options)
    with pytest.raises(InvalidOption, match="a Boolean"):
        contrast(rows, "load")


# ---------------------------------------------------------------- chance

RUNS = 200


@pytest.mark.parametrize(("shuffled", "share", "min_ratio", "runs"), [
    ("rows", 0.02, 1.5, 80), ("traces", 0.3, 1.0, 80),
    *(pytest.param(shuffled, share, min_ratio, RUNS, marks=pytest.mark.soak)
      for shuffled in ("rows", "traces") for share, min_ratio in ((0.02, 1.5), (0.3, 1.0))),
])  # fmt: skip
def test_under_a_permuted_target_a_finding_is_as_rare_as_stated(shuffled, share, min_ratio, runs):
    """Every finding is false here, so that the false-discovery rate is the share of runs with any finding."""
    with_any = 0
    for seed in range(runs):
        rng = np.random.default_rng([seed, 5])
        rows = fleet([seed, 4], n=1500, traces=400)
        by_trace = rng.random(400) < share
        bad = rng.random(1500) < share if shuffled == "rows" else by_trace[rows["trace_id"].cast(pl.Int64).to_numpy()]
        with_any += found_in(rows.with_columns(bad=pl.Series(bad)), min_ratio=min_ratio).height > 0
    assert with_any <= 0.05 * runs


@pytest.mark.parametrize("runs", [60, pytest.param(RUNS, marks=pytest.mark.soak)])
def test_columns_that_go_together_keep_the_rate_under_a_permuted_target(runs):
    """Zone and rack follow from the host, and two quantities from one: their tests are false together or not at all."""
    with_any = 0
    for seed in range(runs):
        rng = np.random.default_rng([seed, 8])
        rows = fleet([seed, 4], n=1500, traces=400).with_columns(
            zone=pl.col("host").cast(pl.Int64) // 4, rack=pl.col("host").cast(pl.Int64) // 2,
            more=pl.col("load") + pl.Series(0.1 * rng.random(1500)),
        )  # fmt: skip
        with_any += found_in(rows.with_columns(bad=pl.Series(rng.random(1500) < 0.1)), min_ratio=1.0).height > 0
    assert with_any <= 0.05 * runs


def test_what_is_true_beside_chance_keeps_the_share_of_false_findings():
    """Four columns of noise beside a cause: of all findings at most the stated share names none of the cause."""
    false = findings = 0
    for seed in range(60):
        rows = struck(fleet([seed, 6], n=2000), pl.col("host") == "3", seed=seed)
        patterns = found_in(rows)["pattern"]
        findings += len(patterns)
        false += sum("host=3" not in pattern for pattern in patterns)
    assert findings >= 60
    assert false <= 0.05 * findings


def test_two_columns_at_a_time_are_counted_as_a_group_by_counts_them():
    from onex_analytics.frames.contrasts.counting import pair_votes

    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(0, size, 500) for size in (3, 4, 2)], axis=1).astype(np.uint16)
    votes, target = rng.random(500), rng.random(500) < 0.3
    table, begins = pair_votes(codes, votes, target, np.array([3, 4, 2]))
    for place, (i, j) in enumerate(combinations(range(3), 2)):
        frame = pl.DataFrame({"a": codes[:, i], "b": codes[:, j], "v": votes, "t": target})
        slow = frame.group_by("a", "b").agg(pl.col("v").sum(), h=pl.col("v").filter("t").sum())
        part = table[begins[place]:begins[place + 1]].reshape((3, 4, 2)[i], (3, 4, 2)[j], 2)
        for a, b, v, h in slow.iter_rows():
            np.testing.assert_allclose(part[a, b], [v, h])
        np.testing.assert_allclose(part.sum(axis=(0, 1)), [votes.sum(), votes[target].sum()])
