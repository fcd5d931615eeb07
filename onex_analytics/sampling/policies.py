"""What is kept, as frozen data: one share for all, or shares by rules. What decides is in `deciding`."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from onex_analytics.sampling.thresholds import HEX_DIGITS, threshold_of

Scope = Literal["trace", "event"]
"""Whose id is drawn by: the trace's, so that a trace is never torn where its events have one share, or the event's."""

FACTS = ("event_type", "node", "severity", "error_code", "outcome")
"""Columns that a rule looks at."""


def several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def share(value: float) -> float:
    threshold_of(value)
    return value


Patterns = Annotated[tuple[str, ...], BeforeValidator(several)]
_FROZEN = ConfigDict(frozen=True, extra="forbid")
SHARE = "share that is kept: 0 (none), or from 2^-56 to 1"


class ProbabilityPolicy(BaseModel):
    """Keeps one share of the traces, or of the events: the same ones everywhere, and those of a smaller share with it.

    >>> ProbabilityPolicy(probability=0.1).scope
    'trace'
    """

    model_config = _FROZEN

    kind: Literal["probability"] = "probability"
    name: str = "probability"
    probability: float = Field(description=SHARE)
    scope: Scope = "trace"
    precision: int = Field(default=4, ge=1, le=HEX_DIGITS, description="hex digits of the threshold that count")

    _check = field_validator("probability")(share)

    def share_of(self, facts: Mapping[str, str | None]) -> tuple[float, str]:
        """The share that is kept of such events, and the name of what says so."""
        return self.probability, self.name

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The columns of `FACTS` that the share hangs on."""
        return ()

    @property
    def estimated(self) -> bool:
        """Whether adjusted counts are estimates: not here, each is one over the share with which an event is kept."""
        return False


class SampleRule(BaseModel):
    """A share for the events that match: each fact one of some texts, in which `*`, `?` and `[…]` are wildcards.

    An event without a fact matches `*` alone.
    """

    model_config = _FROZEN

    probability: float = Field(description=SHARE)
    name: str | None = Field(default=None, description="as which it is told; else its number, from 1")
    event_type: Patterns = ("*",)
    node: Patterns = ("*",)
    severity: Patterns = ("*",)
    error_code: Patterns = ("*",)

    _check = field_validator("probability")(share)

    def matches(self, facts: Mapping[str, str | None]) -> bool:
        """Whether an event with such facts is one of those meant."""
        return all(_one_of(facts.get(name), getattr(self, name)) for name in self.reads)

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The facts that it looks at."""
        return tuple(name for name in FACTS[:-1] if "*" not in getattr(self, name))


class RulePolicy(BaseModel):
    """Keeps a share by the first rule that matches; failures whole, unless told otherwise.

    Events of one trace have different shares, but one randomness: whoever is kept at a small share has those beside it
    that are kept at a greater one.

    >>> policy = RulePolicy(rules=[{"event_type": "NODE_*", "probability": 0.05}], default=0.5)
    >>> policy.share_of({"event_type": "NODE_START", "outcome": "start"})
    (0.05, 'rules/1')
    >>> policy.share_of({"event_type": "NODE_FAILURE", "outcome": "failure"})
    (1.0, 'rules/failures')
    """

    model_config = _FROZEN

    kind: Literal["rules"] = "rules"
    name: str = "rules"
    rules: tuple[SampleRule, ...] = ()
    default: float = Field(default=1.0, description=f"where no rule matches; {SHARE}")
    keep_failures: bool = True
    scope: Scope = "trace"
    precision: int = Field(default=4, ge=1, le=HEX_DIGITS, description="hex digits of the threshold that count")

    _check = field_validator("default")(share)

    def share_of(self, facts: Mapping[str, str | None]) -> tuple[float, str]:
        """The share that is kept of such events, and the name of what says so."""
        if self.keep_failures and facts.get("outcome") == "failure":
            return 1.0, f"{self.name}/failures"
        for number, rule in enumerate(self.rules, start=1):
            if rule.matches(facts):
                return rule.probability, f"{self.name}/{rule.name or number}"
        return self.default, f"{self.name}/default"

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The columns of `FACTS` that the share hangs on."""
        read = {name for rule in self.rules for name in rule.reads} | ({"outcome"} if self.keep_failures else set())
        return tuple(name for name in FACTS if name in read)

    @property
    def estimated(self) -> bool:
        """Whether adjusted counts are estimates: not here, each is one over the share with which an event is kept."""
        return False


Policy = ProbabilityPolicy | RulePolicy


def _one_of(value: str | None, patterns: tuple[str, ...]) -> bool:
    return value is not None and any(fnmatchcase(value, pattern) for pattern in patterns)
