"""Results to draw: simulations of logs made by hand, and what policies do to alerts, written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import plotly.graph_objects as go
import polars as pl

from onex_analytics import sampling
from onex_analytics.cli.sample.alert_losses import LOSSES
from onex_analytics.sampling import ProbabilityPolicy, RulePolicy, Simulation
from onex_analytics.views import sampling as views
from tests.views.profiling.results import EVIL, LONG

FRONTIER = pl.Schema({
    "design": pl.String(), "budget": pl.Float64(), "volume_share": pl.Float64(), "worst_error": pl.Float64(),
    "worst_metric": pl.String(), "worst_group": pl.String(), "mean_error": pl.Float64(), "efficient": pl.Boolean(),
    "chosen": pl.Boolean(),
})  # fmt: skip

POLICIES = (
    ProbabilityPolicy(name="half", probability=0.5),
    ProbabilityPolicy(name="a tenth", probability=0.1),
    RulePolicy(name="no starts", rules=[{"event_type": "NODE_START", "probability": 0}], default=0.3),
)


def log(traces_of_nodes: dict[str, int], ms: float = 5.0) -> pl.DataFrame:
    """Traces of a start and an end; every fifth fails."""
    rows = [(f"{node} {i}", node, word) for node, traces in traces_of_nodes.items() for i in range(traces)
            for word in ("NODE_START", "NODE_FAILURE" if i % 5 == 0 else "NODE_SUCCESS")]  # fmt: skip
    texts = dict.fromkeys(("trace_id", "node", "event_type"), pl.String)
    return pl.DataFrame(rows, schema=texts, orient="row").with_columns(
        pl.format("{} {}", "trace_id", "event_type").alias("event_id"), pl.col("trace_id").alias("correlation_id"),
        pl.col("event_type").str.replace("NODE_", "").str.to_lowercase().alias("outcome"),
        pl.when(pl.col("event_type") != "NODE_START").then(ms).alias("execution_time_ms"),
        pl.when(event_type="NODE_FAILURE").then(pl.format("CODE {}", "node")).alias("error_code"),
        pl.lit("node").alias("family"),
    )


def loss(policy: str, share: float | None, parts: tuple[float, float, float, float], pages: tuple[int, float, float],
         incidents: tuple[float, float, float] | None = None) -> dict[str, object]:  # fmt: skip
    """A row of `LOSSES`, of all rules together."""
    known = dict.fromkeys(("incidents", "incidents_on_time", "incidents_late", "incidents_lost")) if incidents is None \
        else {"incidents": round(sum(incidents)), "incidents_on_time": incidents[0], "incidents_late": incidents[1],
              "incidents_lost": incidents[2]}  # fmt: skip
    return {
        "policy": policy, "events_share": share, "group": None, "rule": None, "bias": None, "draws": 1,
        "full_firings": round(sum(parts[:3])), "on_time": parts[0], "late": parts[1],
        "late_s_p50": 60.0 if parts[1] else None, "lost": parts[2], "false": parts[3], "full_pages": pages[0],
        "pages_right": pages[1], "pages_false": pages[2], **known,
    }  # fmt: skip


def _tried(name: str, place: int) -> list[dict[str, object]]:
    """Two rows of `FRONTIER` of a design: the greater volume is never wrong."""
    told = {"design": name, "worst_metric": "count", "worst_group": None if place else name, "mean_error": 0.1}
    return [
        {**told, "budget": 0.1, "volume_share": 0.09, "worst_error": 0.5 + place, "efficient": not place,
         "chosen": not place},
        {**told, "budget": 1.0, "volume_share": 1.0, "worst_error": 0.0, "efficient": not place, "chosen": False},
    ]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Case:
    """What figures are given, reckoned once it is asked for: the names of cases are read by every worker."""

    traces_of_nodes: dict[str, int]
    rows: tuple[dict[str, object], ...]
    policies: tuple[ProbabilityPolicy | RulePolicy, ...]
    ms: float

    @cached_property
    def simulation(self) -> Simulation:
        metrics = ["count", "error_rate", "p95(execution_time_ms)"]
        return sampling.simulate(self.policies, log(self.traces_of_nodes, self.ms), metrics, "node")

    @cached_property
    def frontier(self) -> pl.DataFrame:
        tried = [one for place, row in enumerate(self.rows) for one in _tried(str(row["policy"]), place)]
        return pl.DataFrame(tried, schema=FRONTIER, orient="row")

    @cached_property
    def losses(self) -> pl.DataFrame:
        of_a_rule = [{**row, "group": "g", "rule": "Busy"} for row in self.rows]
        return pl.DataFrame([*of_a_rule, *self.rows], schema=LOSSES, orient="row")


def _case(
    traces_of_nodes: dict[str, int], *rows: dict[str, object],
    policies: tuple[ProbabilityPolicy | RulePolicy, ...] = POLICIES, ms: float = 5.0,
) -> Case:  # fmt: skip
    return Case(traces_of_nodes, rows, policies, ms)


@cache
def cases() -> dict[str, Case]:
    many = tuple(ProbabilityPolicy(name=f"{n} of 40", probability=n / 40) for n in range(1, 41))
    return {
        "a few": _case(
            {"cache_node": 200, "query_node": 400, "page_node": 40},
            loss("half", 0.51, (3, 2, 1, 1), (4, 2, 1), (2, 1, 0)),
            loss("a tenth", 0.1, (0, 1, 5, 0), (4, 1, 0), (0, 0, 3)),
        ),
        "means of draws": _case({"a": 30}, loss("half", 0.5, (2.25, 0.5, 1.25, 0.3), (4, 1.7, 0.1))),
        "no event": _case({}, loss("half", None, (0, 0, 0, 0), (0, 0, 0))),
        "one trace, and no policy tried on a rule": _case({"a": 1}),
        "everything lost": _case(
            {"a": 40, "b": 9}, loss("nothing", 0.0, (0, 0, 9, 0), (9, 0, 0), (0, 0, 2)),
            policies=(ProbabilityPolicy(name="nothing", probability=0),),
        ),
        "from few to very many": _case(
            {"rare": 2, "often": 3_000}, loss("half", 0.5, (1_000_000, 1, 1, 1e6), (10**7, 1.0, 9e6)), ms=1e12
        ),
        "200 nodes, 40 policies": _case(
            {f"node_{n:03}": 1 + n % 7 for n in range(200)},
            *(loss(f"{n} of 40", n / 40, (n, 0, 40 - n, 0), (40, n, 0), (n, 0, 0)) for n in range(1, 41)),
            policies=many,
        ),
        "markup": _case(
            {EVIL: 40, LONG: 90}, *(loss(name, 0.5, (1, 1, 1, 1), (3, 1, 1), (1, 1, 1)) for name in (EVIL, LONG)),
            policies=tuple(ProbabilityPolicy(name=name, probability=0.2) for name in (EVIL, LONG)),
        ),
    }  # fmt: skip


DRAWN: dict[str, Callable[[Case], go.Figure]] = {
    "alert_impact": lambda case: views.alert_impact(case.losses),
    "frontier": lambda case: views.frontier(case.frontier),
    "group_errors": lambda case: views.group_errors(case.simulation.errors),
    "lost": lambda case: views.lost(case.simulation.losses, case.simulation.policies),
    "volume_and_error": lambda case: views.volume_and_error(case.simulation.policies, case.simulation.errors),
}


@cache
def drawn(name: str, case: str) -> go.Figure:
    """A figure of a case, to look at and leave as it is."""
    return DRAWN[name](cases()[case])
