"""The rule that watches the engine's own source."""

from __future__ import annotations

from datetime import timedelta

from onex_analytics.alerting.conditions import Absent, When
from onex_analytics.alerting.rules import Group, Rule, RuleSet
from onex_analytics.exceptions import InvalidOption

OWN_GROUP = "onex_analytics"
STALLED = "SourceStalled"


def watched(rules: RuleSet) -> RuleSet:
    """The rules and one more: `SourceStalled` fires when no event at all has come for two intervals.

    It is a rule as any other, `absent` over two of the longest interval of the groups, so a backtest of the watched
    rules says when it would have fired. While nothing comes it can fire only if the clock is moved (`advance`).

    Raises:
        InvalidOption: a group has the name "onex_analytics" already.

    >>> watched(RuleSet()).groups[0].rules[0].alert
    'SourceStalled'
    """
    if any(group.name == OWN_GROUP for group in rules.groups):
        raise InvalidOption("a group's name", OWN_GROUP, "another name; this one is that of the built-in rules")
    interval = max((group.interval for group in rules.groups), default=timedelta(minutes=1))
    lateness = max((group.allowed_lateness for group in rules.groups), default=timedelta())
    stalled = Rule(
        alert=STALLED,
        when=When(cell=Absent(window=2 * interval, expect=({},)), op=">", threshold=0),
        labels={"severity": "warning"},
        annotations={"summary": "no event has come for two intervals"},
    )
    own = Group(name=OWN_GROUP, interval=interval, allowed_lateness=lateness, rules=(stalled,))
    return rules.model_copy(update={"groups": (*rules.groups, own)})
