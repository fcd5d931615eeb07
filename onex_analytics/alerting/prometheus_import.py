"""The lifecycle of Prometheus' alerts for rules of ours: intervals, waits, labels and texts; never the condition."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from pydantic import ValidationError

from onex_analytics.alerting.loading import read_file
from onex_analytics.alerting.prometheus import UNMAPPED
from onex_analytics.alerting.rules import Group, Rule, RuleSet
from onex_analytics.alerting.templates import check_template
from onex_analytics.exceptions import RuleError
from onex_analytics.model.yaml_tree import read_yaml

_OF_RULE = ("for", "keep_firing_for", "labels", "annotations")


@dataclass(frozen=True)
class PrometheusImport:
    """Rules with the lifecycle of those of Prometheus, and as a frame of `UNMAPPED` what did not come along."""

    rules: RuleSet
    unmapped: pl.DataFrame

    def __repr__(self) -> str:
        return f"PrometheusImport({self.rules!r}, {self.unmapped.height:,} without counterpart)"


def import_lifecycle(source: str | os.PathLike[str], rules: RuleSet) -> PrometheusImport:
    """Give rules the lifecycle of the alerts of the same name in a Prometheus rule file.

    From a rule `for`, `keep_firing_for`, `labels` and `annotations` come along, from a group `interval` and `limit`
    where all our rules of a group find theirs in that one. What Prometheus asks of its series (`expr`) has no
    counterpart: the condition stays ours.

    Args:
        source: the Prometheus rule file, a path or its text.
        rules: the rules that take the lifecycle over, by the alert's name.

    Raises:
        RuleError: where the file is none of Prometheus', with its line.

    >>> from onex_analytics.alerting import presets
    >>> told = import_lifecycle('''
    ... groups:
    ... - name: fleet
    ...   rules:
    ...   - alert: RestartLoop
    ...     expr: increase(restarts[5m]) >= 4
    ...     for: 10m
    ... ''', presets())
    >>> told.rules.rule("RestartLoop").for_, told.unmapped["field"].to_list()
    (datetime.timedelta(seconds=600), ['expr'])
    """
    unmapped: list[tuple[str, str | None, str, str]] = []
    theirs = dict(_alerts(source, unmapped))
    ours = {rule.alert for _, rule in rules.rules}
    for alert, (name, _, told) in theirs.items():
        if alert not in ours:
            unmapped.append((name, alert, "alert", "no rule of ours has this name"))
        else:
            reason = f"Prometheus asks its series ({told.get('expr')}); the condition stays ours"
            unmapped.append((name, alert, "expr", reason))
    groups = tuple(_group(group, theirs, unmapped) for group in rules.groups)
    return PrometheusImport(
        rules.model_copy(update={"groups": groups}), pl.DataFrame(unmapped, schema=UNMAPPED, orient="row")
    )


def _alerts(
    source: str | os.PathLike[str], unmapped: list[tuple[str, str | None, str, str]]
) -> Iterator[tuple[str, tuple[str, Mapping[str, Any], Mapping[str, Any]]]]:
    """Each alert of the file by name: its group's name, its group and itself."""
    file, text = read_file(source)
    tree = read_yaml(text, file)
    groups = tree.get("groups")
    if groups is None or not isinstance(groups.held, list):
        raise RuleError(file, tree.line, "no groups", "name a rule file of Prometheus: groups: [{name: …, rules: […]}]")
    for node in groups.entries():
        group = node.data() if isinstance(node.held, dict) else {}
        name = str(group.get("name", ""))
        for field in group:
            if field not in ("name", "rules", "interval", "limit"):
                unmapped.append((name, None, field, "has no counterpart here"))
        rules = node.get("rules")
        for inner in rules.entries() if rules is not None else ():
            told = inner.data()
            if not isinstance(told, dict) or not ({"alert", "record"} & told.keys()):
                raise RuleError(file, inner.line, "neither an alert nor a recorded series", "name one: alert: …")
            if "record" in told:
                unmapped.append((name, str(told["record"]), "record", "series are not recorded here; see kind expr"))
            else:
                yield str(told["alert"]), (name, group, told)


def _group(
    group: Group, theirs: Mapping[str, tuple[str, Mapping[str, Any], Mapping[str, Any]]],
    unmapped: list[tuple[str, str | None, str, str]],
) -> Group:  # fmt: skip
    found = {rule.alert: theirs[rule.alert] for rule in group.rules if rule.alert in theirs}
    taken: dict[str, Any] = {"rules": tuple(
        _rule(rule, *found[rule.alert][::2], unmapped) if rule.alert in found else rule for rule in group.rules
    )}  # fmt: skip
    homes = {name for name, _, _ in found.values()}
    for name, fields, _ in list(found.values())[:1]:
        for field in ("interval", "limit"):
            if field not in fields:
                continue
            if len(homes) == 1 and len(found) == len(group.rules):
                taken = {**taken, **_validated(Group, group, {field: fields[field]}, name, None, unmapped)}
            else:
                reason = f"the rules of our group {group.name!r} are not all of this one"
                unmapped.append((name, None, field, reason))
    return group.model_copy(update=taken)


def _rule(
    rule: Rule, group: str, told: Mapping[str, Any], unmapped: list[tuple[str, str | None, str, str]]
) -> Rule:
    fields = {field: told[field] for field in _OF_RULE if told.get(field) is not None}
    for field in told:
        if field not in (*_OF_RULE, "alert", "expr"):
            unmapped.append((group, rule.alert, field, "has no counterpart here"))
    for field in ("labels", "annotations"):
        kept = {}
        for name, text in (fields.get(field) or {}).items():
            labels = {*rule.by, *rule.labels, *(fields.get("labels") or {})}
            problem = _of_text(field, name, str(text), labels, rule)
            if problem is None:
                kept[name] = str(text)
            else:
                unmapped.append((group, rule.alert, f"{field}.{name}", problem))
        if field in fields:
            fields[field] = kept
    return rule.model_copy(update=_validated(Rule, rule, fields, group, rule.alert, unmapped))


def _of_text(field: str, name: str, text: str, labels: set[str], rule: Rule) -> str | None:
    if field == "labels":
        if name in rule.by:
            return "it is a label of `by` here, whose value the events say"
        return "labels are plain texts here, without templates" if "{{" in text else None
    problem = check_template(text, labels)
    return None if problem is None else f"{problem[0]}; {problem[1]}"


def _validated(
    model: type[Rule] | type[Group], held: Rule | Group, fields: Mapping[str, Any], group: str, alert: str | None,
    unmapped: list[tuple[str, str | None, str, str]],
) -> dict[str, Any]:  # fmt: skip
    """The fields as our models hold them; one that they refuse is noted."""
    taken: dict[str, Any] = {}
    own = {field.alias or name: name for name, field in model.model_fields.items()}
    whole = {alias: getattr(held, name) for alias, name in own.items()}
    for field, value in fields.items():
        try:
            taken[own[field]] = getattr(model.model_validate({**whole, field: value}), own[field])
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
            unmapped.append((group, alert, field, problem.rstrip(".")))
    return taken
