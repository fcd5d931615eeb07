"""Files of policies: our own, the OpenTelemetry collector's and Refinery's, read and written."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from onex_analytics.exceptions import InvalidOption, RuleError, SourceError
from onex_analytics.model.yaml_tree import Node, read_yaml
from onex_analytics.sampling.collector_yaml import from_collector, is_collector, to_collector
from onex_analytics.sampling.deciding import AnyPolicy
from onex_analytics.sampling.policy_mistakes import mistake_in
from onex_analytics.sampling.refinery_yaml import from_refinery, is_refinery, to_refinery
from onex_analytics.sampling.unmapped import Unmapped

Form = Literal["onex", "collector", "refinery"]

_TEXT = re.compile(r"\s*(?:$|[#\[{]|- |---|[A-Za-z_\"'][^\n]*:(?:\s|$))")


@dataclass(frozen=True)
class PolicyFile:
    """The policies of a file, and as a frame of `UNMAPPED` what has no counterpart here."""

    policies: tuple[AnyPolicy, ...]
    unmapped: pl.DataFrame

    def __repr__(self) -> str:
        names = ", ".join(repr(one.name) for one in self.policies[:5]) + (", …" if len(self.policies) > 5 else "")
        return f"PolicyFile({names}; {self.unmapped.height:,} without counterpart)"


@dataclass(frozen=True)
class PolicyText:
    """Policies as a file, and as a frame of `UNMAPPED` what has no counterpart there."""

    text: str
    unmapped: pl.DataFrame

    def __repr__(self) -> str:
        lines = self.text.rstrip("\n").count("\n") + 1
        return f"PolicyText({lines:,} lines; {self.unmapped.height:,} without counterpart)"


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    policies: tuple[Annotated[AnyPolicy, Field(discriminator="kind")], ...] = Field(min_length=1)


def load_policies(source: str | os.PathLike[str]) -> PolicyFile:
    """Read a file of policies; what kind of file it is, its keys say.

    - Ours: `policies`, a list of policies by `kind`, with their fields.
    - The OpenTelemetry collector's: its `processors`, or `tail_sampling` and `probabilistic_sampler` alone. A
      `service.name` is a `node`, spans are events.
    - Refinery's rules: `Samplers`. One policy a sampler, by the name of its data set.

    Args:
        source: a path, or the YAML itself: a text of several lines, or of one such as `policies: []`.

    Returns:
        `.policies`, each with a name of its own, and `.unmapped`: one row a thing that did not come along, with the
        policy as it is told in the file, the field, its line and why. It is empty for a file of ours.

    Raises:
        RuleError: on the first mistake, with `.file` and `.line`.
        SourceError: where the file cannot be read.

    >>> load_policies('''
    ... policies:
    ... - {kind: probability, probability: 0.1}
    ... - {kind: tail, policies: [{kind: status_code}, {kind: probabilistic, probability: 0.05}]}
    ... ''').policies[1].reads
    ('timestamp', 'outcome')
    >>> found = load_policies('''
    ... tail_sampling:
    ...   decision_wait: 10s
    ...   policies: [{name: slow, type: latency, latency: {threshold_ms: 5000}}, {name: odd, type: ottl_condition}]
    ... ''')
    >>> found.policies[0].decision_wait_ms, found.unmapped["policy"].to_list()
    (10000, ['tail_sampling: odd'])
    """
    file, text = _read(source)
    tree = read_yaml(text, file)
    notes = Unmapped(file)
    if is_refinery(tree):
        found = from_refinery(tree, notes)
    elif is_collector(tree):
        found = from_collector(tree, notes)
    else:
        found = _ours(tree, file)
    if not found:
        mend = "write policies: [{kind: probability, probability: 0.1}]"
        raise RuleError(file, tree.line, "no policy in the file has a counterpart here", mend)
    names = [policy.name for policy in found]
    for place, name in enumerate(names):
        if name in names[:place]:
            line = _line_of(tree, place)
            problem = f"two policies are named {name!r}"
            raise RuleError(file, line, problem, f"give one a name of its own: name: {name}_2")
    return PolicyFile(tuple(found), notes.frame())


def dump_policies(policies: Sequence[AnyPolicy] | AnyPolicy, form: Form = "onex") -> PolicyText:
    """Policies as a file.

    Args:
        policies: one or several, each with a name of its own.
        form: "onex" (all of them, as `load_policies` reads them again), "collector" (processors of the OpenTelemetry
            collector) or "refinery" (its rules file).

    Returns:
        `.text`, and `.unmapped`: one row a thing that the other has no counterpart for.

    Raises:
        InvalidOption: another form, no policy, or two of one name.

    >>> from onex_analytics.sampling import ProbabilityPolicy, DynamicPolicy
    >>> print(dump_policies([ProbabilityPolicy(probability=0.1, name="tenth")]).text, end="")
    policies:
    - kind: probability
      name: tenth
      probability: 0.1
    >>> told = dump_policies([ProbabilityPolicy(probability=0.1), DynamicPolicy(by="node")], "collector")
    >>> told.unmapped.select("policy", "reason").rows()
    [('dynamic', 'the collector has no such policy')]
    """
    listed: Sequence[AnyPolicy] = [policies] if isinstance(policies, AnyPolicy) else list(policies)
    names = [policy.name for policy in listed]
    if not listed or len(set(names)) < len(names):
        raise InvalidOption("policies", names, "at least one, each with a name of its own")
    notes = Unmapped()
    match form:
        case "onex":
            data = {"policies": [_plain(policy) for policy in listed]}
        case "collector":
            data = to_collector(listed, notes)
        case "refinery":
            data = to_refinery(listed, notes)
        case _:
            raise InvalidOption("form", form, "onex, collector or refinery")
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
    return PolicyText(text, notes.frame())


def _ours(tree: Node, file: str) -> list[AnyPolicy]:
    data = tree.data()
    if data is None:
        raise RuleError(file, tree.line, "the file says nothing", "write policies: [{kind: always_sample}]")
    try:
        return list(_File.model_validate(data).policies)
    except ValidationError as error:
        raise mistake_in(error, file, tree) from None


def _line_of(tree: Node, place: int) -> int:
    listed = tree.get("policies")
    entries = list(listed.entries()) if listed is not None else []
    return entries[place].line if place < len(entries) else tree.line


def _plain(part: BaseModel) -> dict[str, Any]:
    """A policy as it is written: its kind, and what is not as usual."""
    told: dict[str, Any] = {}
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if name == "kind" or field.is_required() or value != field.default:
            told[name] = _value(name, value)
    return {"kind": told.pop("kind"), **told} if "kind" in told else told


def _value(name: str, value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _plain(value)
    if name == "rate_allocation":
        return dict(value)
    return [_value("", one) for one in value] if isinstance(value, tuple) else value


def _read(source: str | os.PathLike[str]) -> tuple[str, str]:
    """The name of a file and its text; a text is its own file."""
    if isinstance(source, str) and ("\n" in source or _TEXT.match(source)):
        return "<text>", source
    path = Path(source)
    try:
        return str(path), path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise RuleError(str(path), line, "bytes that are no UTF-8", "save the file as UTF-8") from None
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) and error.strerror else "no path"
        raise SourceError(str(path), problem, "name a file of policies, such as policies.yaml") from None
