"""What commands of sampling share: the policies that are named, and how metrics and columns are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onex_analytics.cli.inputs import store_of
from onex_analytics.cli.output import say
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import polars as pl

    from onex_analytics.sampling.deciding import AnyPolicy
    from onex_analytics.store import EventStore

Files = Annotated[list[str] | None, typer.Argument(help="Raw files, globs or folders; or name a --store.")]
Since = Annotated[str | None, typer.Option(help="Only events from this time on, such as 2026-11-01.")]
Until = Annotated[str | None, typer.Option(help="Only events before this time.")]
Policies = Annotated[
    Path | None,
    typer.Option("--policies", help="A YAML file of policies: ours, the OpenTelemetry collector's or Refinery's."),
]  # fmt: skip
Probability = Annotated[
    list[float] | None,
    typer.Option("--probability", help="Keep this share of the traces, 0 to 1; may be given again. With --rule or "
                                       "--keep-failures: of what these do not speak of."),
]  # fmt: skip
Rule = Annotated[
    list[str] | None,
    typer.Option("--rule", help="A share for some events, such as 'event_type=NODE_*,node=cache_*:0.05'; may be given "
                                "again, the first that matches holds."),
]  # fmt: skip
KeepFailures = Annotated[
    bool | None, typer.Option("--keep-failures/--no-keep-failures", help="Keep failures whole; so it is with --rule.")
]
ByEvent = Annotated[bool, typer.Option("--by-event", help="Draw for each event alone, and not for whole traces.")]
Metrics = Annotated[
    list[str] | None,
    typer.Option("--metric", help="count, rate, error_rate, sum(size_bytes), mean(…), p95(execution_time_ms); may be "
                                  "given again."),
]  # fmt: skip
METRICS = ("count", "error_rate")
_FACTS = ("event_type", "node", "severity", "error_code")
_WANTED = f"COLUMN=PATTERN:SHARE with columns of {', '.join(_FACTS)}, such as event_type=NODE_*:0.05"


def rule_of(text: str) -> dict[str, Any]:
    """A rule of a policy from its text.

    >>> rule_of("event_type=NODE_*,node=cache_*,node=db:0.05")
    {'name': 'event_type=NODE_*,node=cache_*,node=db', 'event_type': ['NODE_*'], 'node': ['cache_*', 'db'],
     'probability': 0.05}
    """
    what, colon, share = text.rpartition(":")
    told: dict[str, Any] = {"name": what}
    for pair in what.split(","):
        column, equals, pattern = (part.strip() for part in pair.partition("="))
        if not (colon and equals and pattern) or column not in _FACTS:
            raise InvalidOption("--rule", text, _WANTED)
        told.setdefault(column, []).append(pattern)
    return told | {"probability": share_of("--rule", share)}


def share_of(option: str, text: str | float) -> float:
    """A share that can be kept.

    >>> share_of("--probability", "0.1")
    0.1
    """
    from onex_analytics.sampling.thresholds import threshold_of

    try:
        share = float(text)
        threshold_of(share)
    except ValueError as problem:
        raise InvalidOption(option, text, "a share that is kept: 0 (none), or from 2^-56 to 1") from problem
    return share


def policies_of(
    probabilities: Sequence[float] | None, rules: Sequence[str] | None, keep_failures: bool | None, by_event: bool,
    ladder: Sequence[float] = (),
) -> list[AnyPolicy]:  # fmt: skip
    """The policies that a command names; where it names none, each share of `ladder` plain and with all failures.

    >>> [policy.name for policy in policies_of([0.1], ["node=a:0.5"], None, False)]
    ['rules, else 10 %']
    >>> [policy.name for policy in policies_of(None, None, None, False, [0.05])]
    ['5 %', 'failures and 5 %']
    """
    from onex_analytics.looks.sampling import plain_policy, ruled_policy

    scope = "event" if by_event else "trace"
    shares = [share_of("--probability", one) for one in probabilities or []]
    if rules:
        told = [rule_of(text) for text in rules]
        return [ruled_policy(told, share, keep_failures is not False, scope) for share in shares or [1.0]]
    if keep_failures is not None and not shares:
        raise InvalidOption("--keep-failures", "alone", "--probability as well: the share of all that is no failure")
    if shares:
        return [
            ruled_policy([], share, True, scope) if keep_failures else plain_policy(share, scope) for share in shares
        ]
    return [made for share in ladder for made in (plain_policy(share, scope), ruled_policy([], share, True, scope))]


def policies_named(
    path: Path | None, probabilities: Sequence[float] | None, rules: Sequence[str] | None, keep_failures: bool | None,
    by_event: bool, ladder: Sequence[float] = (),
) -> list[AnyPolicy]:  # fmt: skip
    """The policies of a file, or those that the other options name; what of a file has no counterpart is said."""
    if path is None:
        return policies_of(probabilities, rules, keep_failures, by_event, ladder)
    if probabilities or rules or keep_failures is not None or by_event:
        beside = "with --probability, --rule, --keep-failures or --by-event"
        raise InvalidOption("--policies", beside, "one or the other")
    from onex_analytics.sampling import load_policies

    found = load_policies(path)
    for policy, field, line, reason in found.unmapped.iter_rows():
        say(f"{path}:{line}: {policy}: {field} does not come along: {reason}")
    return list(found.policies)


def one_policy(policies: Sequence[AnyPolicy]) -> AnyPolicy:
    """The policy that is meant where only one can be."""
    if len(policies) != 1:
        found = "none" if not policies else ", ".join(policy.name for policy in policies)
        raise InvalidOption("the policy", found, "exactly one: --probability, --rule, or a file of one as --policies")
    return policies[0]


def told_apart(policies: Sequence[AnyPolicy]) -> list[AnyPolicy]:
    """The policies, those of one name numbered."""
    often, seen = Counter(policy.name for policy in policies), Counter[str]()
    apart = []
    for policy in policies:
        seen[policy.name] += 1
        number = f" {seen[policy.name]}" if often[policy.name] > 1 else ""
        apart.append(policy.model_copy(update={"name": f"{policy.name}{number}"}) if number else policy)
    return apart


@contextmanager
def log_of(
    files: Sequence[str] | None, store: str | None, since: str | None, until: str | None
) -> Iterator[tuple[EventStore, pl.LazyFrame]]:
    """The store that a command reads, and the events that were asked for."""
    from onex_analytics.store.selection import time_of

    begin, end = time_of("--since", since), time_of("--until", until)
    with store_of(None if files else store, list(files or [])) as (held, _):
        yield held, held.scan(since=begin, until=end)


def say_what_was_sampled_before(events: pl.LazyFrame) -> None:
    """That a log is a sample already: its adjusted counts go on to count."""
    import polars as pl

    weight = pl.col("adjusted_count").cast(pl.Float64).fill_null(1.0).fill_nan(1.0)
    n, stands_for = events.select(pl.len(), weight.sum().alias("stands_for")).collect().row(0)
    if abs(stands_for - n) > 1e-6 * max(n, 1):
        say(f"this log was sampled before: its {n:,} events stand for {stands_for:,.0f}")
