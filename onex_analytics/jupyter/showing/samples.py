"""What sampling policies would keep, and how far off answers would be."""

from __future__ import annotations

from functools import partial

import plotly.graph_objects as go
import polars as pl

from onex_analytics.jupyter.cards import Card, CardTable
from onex_analytics.sampling import Choice, PolicyFile, PolicyText, RulePolicy, Simulation
from onex_analytics.views.tables import Column

_UNMAPPED = (
    Column("policy", "policy", "word"), Column("field", "field", "code"), Column("reason", "reason"),
)  # fmt: skip


def simulation(found: Simulation) -> Card:
    """A row a policy: what it keeps, and its largest error."""
    worst = found.errors.group_by("policy").agg(
        pl.col("relative_error").max().alias("worst_error"), unclaimed=pl.col("warning").is_not_null().sum()
    )
    lost = found.losses.group_by("policy").agg(likely_lost=(pl.col("never_seen") > 0.5).sum())
    rows = found.policies.join(worst, on="policy", how="left", maintain_order="left").join(
        lost, on="policy", how="left", maintain_order="left"
    )
    columns = (
        Column("policy", "policy"), Column("kind", "kind", "word"), Column("events_kept", "events kept", "count"),
        Column("events_share", "of events", "share"), Column("bytes_share", "of bytes", "share"),
        Column("worst_error", "largest relative error", "share"),
        Column("likely_lost", "likely never seen", "count"), Column("cost", "cost", "number"),
    )  # fmt: skip
    estimated = found.policies.filter("estimated")["policy"].to_list()
    unclaimed = int(worst["unclaimed"].sum())
    return Card(
        "Simulation of sampling",
        facts={"policies": (found.policies.height, "count"),
               "events of the log": (found.policies["events"].max(), "count"),
               "metrics": (found.errors["metric"].n_unique(), "count")},
        tables=(CardTable(".policies", rows, columns, "no policy", "the first", most=10),),
        left_out=[
            *[f"{unclaimed:,} rows of .errors claim no interval; their warning says why"] * bool(unclaimed),
            *[f"adjusted counts are estimates, and so are the errors: {', '.join(estimated)}"] * bool(estimated),
        ],
        figure=partial(_volume_and_error, found),
    )  # fmt: skip


def choice(found: Choice) -> Card:
    """The policy that was chosen, beside the others that were tried."""
    chosen = found.frontier.filter("chosen").row(0, named=True)
    columns = (
        Column("design", "design"), Column("volume_share", "of the volume", "share"),
        Column("worst_error", "worst error", "share"), Column("worst_metric", "of", "word"),
        Column("worst_group", "in"), Column("chosen", "chosen", "flag"),
    )  # fmt: skip
    return Card(
        "Choice of a sampling policy",
        lead=f"{chosen['design']}: keeps {chosen['volume_share']:.1%} of the volume, worst error "
             f"{chosen['worst_error']:.1%}",
        facts={"tried": (found.frontier.height, "count"), "rules": (len(found.policy.rules), "count")},
        tables=(
            CardTable(".frontier, those that nothing beats", found.frontier.filter("efficient"), columns,
                      order="by volume"),
            *rule_policy(found.policy).tables,
        ),
        figure=partial(_frontier, found.frontier),
    )  # fmt: skip


def rule_policy(policy: RulePolicy) -> Card:
    """Its rules, the first that matches holds; and its other fields."""
    rows = [
        (number, one.name, ", ".join(f"{name}={'|'.join(getattr(one, name))}" for name in one.reads) or "any",
         one.probability)
        for number, one in enumerate(policy.rules[:50], start=1)
    ]  # fmt: skip
    shape = {"number": pl.Int64, "name": pl.String, "matches": pl.String, "share": pl.Float64}
    frame = pl.DataFrame(rows, schema=shape, orient="row")
    columns = (Column("number", "rule", "count"), Column("name", "name"), Column("matches", "matches", "code"),
               Column("share", "keeps", "share"))  # fmt: skip
    return Card(
        f"RulePolicy {policy.name!r}",
        facts={"other events": (policy.default, "share"), "failures kept whole": (policy.keep_failures, "flag"),
               "drawn by the id of the": (policy.scope, "text"),
               "hex digits of a threshold": (policy.precision, "count")},
        tables=(CardTable(".rules", frame, columns, "no rule", "the first", rows=len(policy.rules), most=12),),
    )  # fmt: skip


def policy_file(held: PolicyFile) -> Card:
    """The policies, and what has no counterpart here."""
    frame = pl.DataFrame([
        {"name": one.name, "kind": one.kind, "scope": one.scope} for one in held.policies[:40]
    ])  # fmt: skip
    columns = (Column("name", "policy"), Column("kind", "kind", "word"), Column("scope", "scope", "word"))
    return Card(
        "Policies of a file",
        tables=(CardTable(".policies", frame, columns if held.policies else (), "no policy",
                          rows=len(held.policies), most=12), _unmapped(held.unmapped, "here")),
    )  # fmt: skip


def policy_text(held: PolicyText) -> Card:
    """The file, and what has no counterpart there."""
    return Card("Policies as a file", code=held.text, tables=(_unmapped(held.unmapped, "there"),))


def _unmapped(frame: pl.DataFrame, where: str) -> CardTable:
    return CardTable(".unmapped", frame, _UNMAPPED, f"everything has a counterpart {where}", "the first")


def _volume_and_error(found: Simulation) -> go.Figure:
    from onex_analytics.views.sampling import volume_and_error

    return volume_and_error(found.policies, found.errors)


def _frontier(frame: pl.DataFrame) -> go.Figure:
    from onex_analytics.views.sampling import frontier

    return frontier(frame)
