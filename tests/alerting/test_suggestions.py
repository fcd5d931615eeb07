"""Rules are tuned on the first part of a log, and judged on the rest."""

from __future__ import annotations

import polars as pl
import pytest

from onex_analytics.alerting.backtesting import backtest
from onex_analytics.alerting.loading import presets
from onex_analytics.alerting.notification import wakes
from onex_analytics.alerting.routing import Notification
from onex_analytics.alerting.rules import RuleSet
from onex_analytics.alerting.suggestions import suggest
from onex_analytics.exceptions import InvalidOption
from onex_analytics.store import EventStore
from onex_analytics.synthetic import generate
from onex_analytics.synthetic.incidents import DIMENSIONS
from tests.alerting.arrivals import when

HOUR = 3_600.0
BURSTS = [5, 12, 20, 29, 38, 44]


def log() -> pl.DataFrame:
    """Two days: a failure every ten minutes, and six bursts of one a minute for half an hour."""
    times = [600.0 * n + 7 for n in range(6 * 48)]
    times += [HOUR * hour + 60.0 * n + 11 for hour in BURSTS for n in range(30)]
    return pl.DataFrame({
        "event_id": [f"{n:04}" for n in range(len(times))], "timestamp": [when(t) for t in sorted(times)],
        "outcome": "failure",
    })  # fmt: skip


def incidents(hours: list[int]) -> pl.DataFrame:
    return pl.DataFrame({
        "id": [f"burst-{hour}" for hour in hours], "start": [when(HOUR * hour) for hour in hours],
        "end": [when(HOUR * hour + 1_800) for hour in hours],
    })  # fmt: skip


def rules(threshold: float) -> RuleSet:
    rule = {"alert": "Failures", "when": {"count": {"of": "outcome == 'failure'", "window": "10m"},
                                          "threshold": threshold}}  # fmt: skip
    return RuleSet.model_validate({"groups": [{"name": "g", "interval": "1m", "rules": [rule]}]})


@pytest.mark.parametrize("threshold", [0.0, 1000.0])
def test_a_rule_that_always_or_never_fires_is_tuned_until_it_finds_each_burst_with_no_false_page(threshold):
    found = suggest(rules(threshold), log(), incidents(BURSTS), max_pages_per_day=8, general=False)
    assert found.met, found.verdict
    assert 2 <= found.rules.rule("Failures").when.threshold < 11
    total = found.scores.filter(pl.col("rule").is_null())
    assert total["recall"].to_list() == [1.0, 1.0]
    again = backtest(found.rules, log(), incidents(BURSTS))
    assert again.transitions.equals(found.backtest.transitions)


def test_what_cannot_be_had_is_said():
    found = suggest(rules(3.0), log(), incidents(BURSTS), max_pages_per_day=0.1, general=False)
    assert not found.met
    assert "there are more than 0.1 pages a day" in found.verdict


@pytest.mark.parametrize("general", [True, False])
def test_the_second_part_has_no_say_in_the_tuning(general):
    early = [hour for hour in BURSTS if hour < 24]
    with_all = suggest(rules(3.0), log(), incidents(BURSTS), max_pages_per_day=8, general=general)
    with_early = suggest(rules(3.0), log(), incidents(early), max_pages_per_day=8, general=general)
    assert with_all.choices.equals(with_early.choices)
    assert with_all.rules == with_early.rules


def test_without_an_incident_in_the_first_part_there_is_nothing_to_tune_on():
    with pytest.raises(InvalidOption, match="some in the first part"):
        suggest(rules(3.0), log(), incidents([38, 44]))


def test_how_a_file_tells_its_alerts_is_left_as_it_is():
    own = Notification.model_validate({"route": {"receiver": "default", "group_wait": "1m"}})
    file = rules(3.0).model_copy(update={"notification": own})
    found = suggest(file, log(), incidents(BURSTS), max_pages_per_day=8)
    assert found.rules.notification == own


def test_a_rule_alone_is_tuned_alone():
    found = suggest(rules(3.0).rule("Failures"), log(), incidents(BURSTS), max_pages_per_day=8)
    assert found.choices["rule"].to_list() == ["Failures"]


def test_a_general_rule_that_the_file_asks_already_is_not_asked_twice():
    on_a_node = log().with_columns(node=pl.lit("a"), outcome=pl.lit("success")).with_columns(
        pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.lit("failure")).otherwise("outcome").alias("outcome")
    )  # fmt: skip
    found = suggest(None, on_a_node, incidents(BURSTS), max_pages_per_day=8)
    assert "FailuresAboveUsual" in found.choices["rule"]
    again = suggest(found.rules, on_a_node, incidents(BURSTS), max_pages_per_day=8)
    assert again.choices["rule"].to_list().count("FailuresAboveUsual") == 1


# ---------------------------------------------------------------------- the promise, on a fleet


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Two weeks of the synthetic fleet, and its labelled incidents: four in the first one, six in the second."""
    folder = tmp_path_factory.mktemp("fleet")
    made = generate(200_000, 22, days=14)
    made.write(folder / "log.jsonl")
    store = EventStore(folder / "store", dimensions=DIMENSIONS)
    store.append(str(folder / "log.jsonl"))
    return store.scan().collect(), made.labels


def test_rules_of_the_first_week_find_nearly_all_of_the_second_with_two_pages_a_day(fleet):
    events, labels = fleet
    found = suggest(None, events, labels, max_pages_per_day=2, min_recall=0.9)
    assert found.met, found.verdict
    _, told = found.scores.filter(pl.col("rule").is_null()).to_dicts()
    assert told["recall"] >= 0.9 and told["pages_per_day"] <= 2
    assert told["precision"] > 2 * told["random_precision"]
    assert told["random_recall"] < told["recall"]
    late = found.backtest.tellings.filter(pl.col("start") >= told_from(events))
    assert late["in_time"].mean() >= 0.9  # they are told as well, and while there is something to be done
    kinds = found.backtest.verdicts.filter(pl.col("verdict") == "harmless")["kind"].to_list()
    assert kinds == ["deploy"]  # nobody is told of it, and nobody misses it
    pages = found.backtest.pages.filter(wakes())
    assert pages.filter(pl.col("at") >= told_from(events)).height == told["pages"]
    reread = RuleSet.model_validate(found.rules.model_dump(by_alias=True))
    assert reread == found.rules


def told_from(events: pl.DataFrame) -> object:
    first, last = events["timestamp"].min(), events["timestamp"].max()
    return first + (last - first) * 0.5


def test_rules_that_were_given_are_made_quieter_and_never_more_eager(fleet):
    found = suggest(presets(), *fleet)
    given = found.choices.filter(pl.col("threshold_before").is_not_null() & pl.col("kept") & (pl.col("caught") == 0))
    sign = pl.when(pl.col("rule") == "SuccessRateLow").then(-1).otherwise(1)  # whose low values are bad
    assert given.height
    assert given.select((sign * (pl.col("threshold") - pl.col("threshold_before")) >= 0).all()).item()
