"""Test files of rules as frozen data, read with the line and the mend of every mistake."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, Field, model_validator

from onex_analytics.alerting.checking import Inside, strange_keys
from onex_analytics.alerting.durations import Duration, Length
from onex_analytics.alerting.frozen import Frozen, FrozenMap, Whole
from onex_analytics.alerting.loading import read_file
from onex_analytics.alerting.mistakes import mistakes_of
from onex_analytics.exceptions import RuleError
from onex_analytics.model.yaml_tree import Node, read_yaml

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
STATES = ("pending", "firing", "resolved")
MOST_EVENTS = 1_000_000


def _listed(found: Any) -> Any:
    return found if isinstance(found, list | tuple) else [found]


Times = Annotated[tuple[Duration, ...], BeforeValidator(_listed), Field(min_length=1)]
LabelSets = tuple[FrozenMap[str], ...]


class InputEvents(Frozen):
    """One event, or the same one again and again."""

    event: FrozenMap[Any] = Field(description="columns of the event; what they do not say follows from its type")
    at: Times = Field(description="when it happens, since `begin`; one time, or a list of them")
    every: Length | None = Field(default=None, description="again after so long")
    times: Whole = Field(default=1, ge=1, le=MOST_EVENTS, description="how often in all")

    @model_validator(mode="after")
    def _every_with_times(self) -> InputEvents:
        if (self.times > 1) != (self.every is not None):
            raise ValueError("times and every belong together; write both, such as every: 20s, times: 40")
        return self

    def moments(self) -> Iterator[timedelta]:
        for first in self.at:
            yield from (first + i * (self.every or timedelta()) for i in range(self.times))


class Expectation(Frozen):
    """What an alert is at a time: the label sets that are pending, firing, or over; only what is named is checked."""

    at: Duration = Field(description="since `begin`; an evaluation at this very time counts")
    alert: str = Field(description="the alert's name")
    group: str | None = Field(default=None, description="its group, where several have an alert of this name")
    pending: LabelSets | None = Field(default=None, description="all label sets that are pending")
    firing: LabelSets | None = Field(default=None, description="all label sets that fire")
    resolved: LabelSets | None = Field(default=None, description="all label sets that have fired and are over")

    @model_validator(mode="after")
    def _says_something(self) -> Expectation:
        if all(getattr(self, state) is None for state in STATES):
            raise ValueError("nothing is expected; write pending, firing or resolved, [] for none")
        return self


class ExpectedPage(Frozen):
    """A page, with all labels of its alerts: alertname, those of `by` and those of the rule."""

    at: Duration = Field(description="when it is told, since `begin`")
    receiver: str = Field(default="default", description="who is told")
    firing: LabelSets = Field(default=(), description="the alerts of the page that fire")
    resolved: LabelSets = Field(default=(), description="the alerts of the page that are over")


class RuleTest(Frozen):
    """Events that go in, and what is expected of the rules."""

    name: str = Field(default="", description="what the test is about")
    begin: AwareDatetime = Field(default=BEGIN, description="the time from which all others count")
    input_events: tuple[InputEvents, ...] = Field(default=(), description="the events, in any order")
    until: Duration | None = Field(default=None, description="how long the rules run; to the last expectation")
    expect: tuple[Expectation, ...] = Field(default=(), description="what alerts are at some times")
    pages: tuple[ExpectedPage, ...] | None = Field(default=None, description="all pages that are told, in time")

    @property
    def end(self) -> timedelta:
        """How long the rules run."""
        said = [*(one.at for one in self.expect), *(one.at for one in self.pages or ())]
        return self.until if self.until is not None else max(said, default=timedelta())


class RuleTests(Frozen):
    """A test file."""

    rule_files: tuple[str, ...] = Field(min_length=1, description='rule files, beside this one; or "presets"')
    tests: tuple[RuleTest, ...] = Field(min_length=1, description="the tests")


_INSIDE: Inside = {
    (RuleTests, "tests"): RuleTest, (RuleTest, "input_events"): InputEvents, (RuleTest, "expect"): Expectation,
    (RuleTest, "pages"): ExpectedPage,
}  # fmt: skip


def read_rule_tests(source: str | os.PathLike[str]) -> tuple[str, Node, RuleTests]:
    """A test file: its name, its tree of lines and what it says.

    Raises:
        RuleError: on the first mistake, with its line.
    """
    file, text = read_file(source)
    tree = read_yaml(text, file)
    found = list(strange_keys(tree, RuleTests, _INSIDE))
    told: RuleTests | None = None
    if not found:
        told, found = mistakes_of(tree, RuleTests, "rule_files: [rules.yaml] and tests: […]")
    if told is None:
        raise RuleError(file, *min(found, key=lambda mistake: mistake[0]))
    return file, tree, told
