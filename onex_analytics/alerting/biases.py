"""Which rules sampling bends: those whose values are not those of the whole log, even on average."""

from __future__ import annotations

from onex_analytics.alerting.conditions import Absent, Aggregate, Cell, Change, Distinct, Expr, NewValue, Unfinished
from onex_analytics.alerting.conditions import Sequence as SequenceCell
from onex_analytics.alerting.rules import Rule


def bias(rule: Rule) -> str | None:
    """Why the values of a rule are not those of the whole log on average when events are sampled; None if they are.

    >>> from onex_analytics.alerting import Rule
    >>> seen = {"absent": {"window": "5m"}}
    >>> bias(Rule.model_validate({"alert": "Silent", "when": seen}))
    'absent looks at the events that are kept, whatever they stand for'
    """
    found = _bias(rule.when.cell)
    if rule.when.min_count:
        found.append("min_count counts the events that are kept")
    if rule.unit == "operation":
        found.append("the worst outcome of an operation is known only where operations are kept whole")
    return "; ".join(dict.fromkeys(found)) or None


def _bias(cell: Cell) -> list[str]:
    if isinstance(cell, Expr):
        return [why for part in cell.cells.values() for why in _bias(part)]
    if isinstance(cell, Absent | Change | Distinct | NewValue | SequenceCell):
        return [f"{cell.kind} looks at the events that are kept, whatever they stand for"]
    if isinstance(cell, Aggregate) and cell.function in ("min", "max"):
        return [f"the {cell.function} of what is kept is not that of all"]
    if isinstance(cell, Unfinished):
        return ["unfinished needs both ends of an operation: right only where operations are kept whole"]
    return []
