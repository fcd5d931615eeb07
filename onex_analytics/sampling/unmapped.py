"""What a policy of one kind of file has no counterpart for in another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import polars as pl
from pydantic import BaseModel, ValidationError

from onex_analytics.exceptions import RuleError
from onex_analytics.model.shapes import EVENTS
from onex_analytics.model.yaml_tree import Node
from onex_analytics.sampling.policy_mistakes import mistake_in, shown

UNMAPPED = pl.Schema({
    "policy": pl.String(),  # as it is told in the file
    "field": pl.String(),   # what did not come along: a key, or the kind of the whole policy
    "line": pl.Int64(),     # of the file that was read; null where one was written
    "reason": pl.String(),
})  # fmt: skip
"""One row a thing that did not come along."""

_EXAMPLES = {
    "sampling_percentage": "10", "spans_per_second": "100", "max_total_spans_per_second": "1000", "min_spans": "10",
    "max_spans": "1000", "enabled_regex_matching": "true", "invert_match": "true", "num_traces": "50000",
    "and_sub_policy": "[{name: all, type: always_sample}]", "drop_sub_policy": "[{name: all, type: always_sample}]",
    "composite_sub_policy": "[{name: all, type: always_sample}]", "FieldList": "[service.name]", "Weight": "0.5",
    "AgeOutValue": "0.5", "BurstMultiple": "2", "BurstDetectionDelay": "3", "GoalSampleRate": "10", "MaxKeys": "500",
    "GoalThroughputPerSec": "100", "InitialSampleRate": "10", "decision_wait": "30s", "AdjustmentInterval": "15s",
    "ClearFrequency": "30s", "UpdateFrequency": "1s", "LookbackFrequency": "30s",
}  # fmt: skip

Made = TypeVar("Made", bound=BaseModel)


class Unmapped:
    """Notes of what did not come along, while a file is read or written."""

    def __init__(self, file: str = "") -> None:
        self.file = file
        self._rows: list[tuple[str, str, int | None, str]] = []

    def note(self, policy: str, field: str, reason: str, line: int | None = None) -> None:
        """Tell of one thing."""
        self._rows.append((policy, field, line, reason))

    def note_unread(self, policy: str, node: Node, known: Mapping[str, object] | set[str]) -> None:
        """Tell of the keys of a mapping that nobody reads."""
        for key, _ in node.items():
            if key not in known:
                self.note(policy, key, "has no counterpart here", node.line_of(key))

    def note_column(self, policy: str, column: str, line: int) -> None:
        """Tell of a column that a log of ours need not have."""
        if column not in EVENTS:
            self.note(policy, column, "kept, but no column of ours is named so: the log must have one", line)

    def made(self, model: type[Made], fields: Mapping[str, Any], node: Node, keys: Mapping[str, str]) -> Made:
        """A policy of such fields, or the mistake in it with the line of the key that says it in the file.

        Args:
            model: what is made.
            fields: of the model.
            node: where the file says them.
            keys: by field of the model, its key in the file where that is another.
        """
        try:
            return model.model_validate({name: value for name, value in fields.items() if value is not None})
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0]) if error.errors()[0]["loc"] else ""
            key = keys.get(name, name)
            told = mistake_in(error, self.file, Node(node.line, {}))
            problem = told.problem.replace(name, key, 1).replace("the file", str(fields.get("name") or "the policy"))
            mend = f"write {key}: {_EXAMPLES[key]}" if key in _EXAMPLES else told.mend
            raise RuleError(self.file, node.line_of(key), problem, mend) from None

    def frame(self) -> pl.DataFrame:
        """All that was noted, as a frame of `UNMAPPED`."""
        return pl.DataFrame(self._rows, schema=UNMAPPED, orient="row")


def duration_ms(node: Node | None, file: str) -> int | None:
    """A duration as Go writes it, such as 1m30s; None where there is none."""
    if node is None:
        return None
    text, found = str(node.data()).strip(), 0.0
    rest = text
    while rest:
        number = rest[: len(rest) - len(rest.lstrip("0123456789."))]
        rest = rest[len(number) :]
        unit = next((unit for unit in ("ms", "us", "ns", "h", "m", "s") if rest.startswith(unit)), None)
        if unit is None or number.count(".") > 1 or number in ("", "."):
            problem = f"a duration is {shown(node.data())}; wanted one such as 30s"
            raise RuleError(file, node.line, problem, "write numbers with their units h, m, s or ms: 1m30s")
        found += float(number) * _MS[unit]
        rest = rest[len(unit) :]
    return round(found)


def go_duration(ms: int) -> str:
    """A duration as Go writes it.

    >>> go_duration(30_000), go_duration(1500)
    ('30s', '1500ms')
    """
    return f"{ms}ms" if ms % 1000 else f"{ms // 1000}s"


_MS = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1, "us": 1e-3, "ns": 1e-6}
