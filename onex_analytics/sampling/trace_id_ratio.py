"""The `TraceIdRatioBased` sampler of OpenTelemetry's SDKs, for those who must agree with one. It is none of ours.

It reads other bits than consistent sampling does, so that what it keeps is no part of what a `ProbabilityPolicy` keeps,
and it takes all of the last eight bytes to be random. Those of a UUID are not: their first two bits are 10. So of UUIDs
it keeps nothing up to a half, all from three quarters on, and in between what lies there; the shares and counts told
here are those that really are kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from onex_analytics.sampling.randomness import is_random_uuid, plain

_LIMIT = 1 << 64
_UUIDS_FROM, _UUIDS = 1 << 63, 1 << 62  # the last eight bytes of a UUID are one of so many numbers from there on
_HEX_DIGITS = 16


class TraceIdRatioBased(BaseModel):
    """Keeps a trace where the last eight bytes of its id are below a share of their range.

    Of an id that is not of 32 hex digits, those of its SHA-256. Not to be mixed with consistent sampling; for one share
    that all agree on, use `ProbabilityPolicy`.

    >>> TraceIdRatioBased(probability=0.25).bound == 2**62
    True

    Source: OpenTelemetry, "TraceIdRatioBased"; the reckoning is that of the SDK for Python.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["trace_id_ratio_based"] = "trace_id_ratio_based"
    name: str = "trace_id_ratio_based"
    probability: float = Field(ge=0, le=1, description="share of the range of ids that is kept, 0 to 1")

    def share_of(self, facts: Mapping[str, str | None]) -> tuple[float, str]:
        """The share that is meant to be kept of any events, and the policy's name."""
        return self.probability, self.name

    @property
    def bound(self) -> int:
        """What the last eight bytes of an id that is kept are below."""
        return round(self.probability * _LIMIT)

    @property
    def scope(self) -> Literal["trace"]:
        """Whose id is looked at."""
        return "trace"

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that the decision hangs on, besides the ids."""
        return ()

    @property
    def estimated(self) -> bool:
        """Whether adjusted counts are estimates: not here, they are those of the kind of id."""
        return False


def ratio_decision(policy: TraceIdRatioBased, identifier: str | None) -> tuple[bool, float, float | None, str]:
    """What becomes of an event of such an id; see `deciding.DECISION`.

    >>> policy = TraceIdRatioBased(probability=0.625)
    >>> ratio_decision(policy, "c0ffee00-1234-4abc-8def-0123456789ab")
    (True, 0.5, 2.0, 'trace_id_ratio_based/UUIDs')
    >>> ratio_decision(policy, "c0ffee0012340abcdef00123456789ab")
    (False, 0.625, None, 'trace_id_ratio_based')
    """
    if identifier is None:
        return True, 1.0, 1.0, f"{policy.name}/without id"
    one = plain(identifier)
    hashed = one if _is_hex(one) else hashlib.sha256(one.encode("utf-8", "surrogatepass")).hexdigest()
    keep = int(hashed[-_HEX_DIGITS:], 16) < policy.bound
    share, name = policy.bound / _LIMIT, policy.name
    if is_random_uuid(one):
        share, name = min(max((policy.bound - _UUIDS_FROM) / _UUIDS, 0.0), 1.0), f"{name}/UUIDs"
    return keep, share, 1 / share if keep else None, name


def ratio_decisions(policy: TraceIdRatioBased, identifiers: pl.Series) -> pl.DataFrame:
    """`ratio_decision` of each id of a column."""
    distinct = identifiers.unique()
    told = [ratio_decision(policy, one) for one in distinct]
    columns = ("keep", "probability", "adjusted_count", "policy")
    kinds = {"keep": pl.Boolean, "probability": pl.Float64, "adjusted_count": pl.Float64, "policy": pl.String}
    found = pl.DataFrame(told, schema=kinds, orient="row").with_columns(distinct.alias("id"))
    read = pl.DataFrame({"id": identifiers})
    return read.join(found, on="id", how="left", nulls_equal=True, maintain_order="left").select(columns)


def _is_hex(one: str) -> bool:
    return len(one) == 32 and not one.strip("0123456789abcdef")
