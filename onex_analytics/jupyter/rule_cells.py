"""A rule that is written in a cell: the cell as a rule file, and mistakes told with the cell's own lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from onex_analytics.exceptions import OnexError, RuleError

if TYPE_CHECKING:
    from onex_analytics.alerting import RuleSet

GROUP = "cell"
_WHOLE = re.compile(r"^(groups|dimensions|notification|silences)\s*:", re.M)
_LIST = re.compile(r"^- ", re.M)
_AROUND = 1


class CellMistake(OnexError):
    """What is wrong with a cell. IPython shows its text and no traceback: there is nothing of ours to look into."""

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


def rules_of(cell: str, dimensions: Mapping[str, str] | None = None) -> RuleSet:
    """The rules of a cell: one rule, a list of rules, or a whole rule file.

    Args:
        cell: the YAML below the line of the magic, which is the first line of the cell.
        dimensions: columns of the store, as `load_rules` takes them.

    Raises:
        CellMistake: all mistakes, with the line of the cell, the text that stands there and the mend.

    >>> rules_of("alert: Busy\\nwhen: {count: {window: 5m}, threshold: 3}").rule("Busy").when.threshold
    3.0
    >>> rules_of("alert: Busy\\nwhen: {coun: {window: 5m}}")
    Traceback (most recent call last):
    onex_analytics.jupyter.rule_cells.CellMistake: line 3: unknown key 'coun' in `when`. Mend: write count.
          2  alert: Busy
        > 3  when: {coun: {window: 5m}}
    """
    from onex_analytics.alerting import check_rules, load_rules

    text, before = file_text(cell)
    if all(not line.strip() or line.lstrip().startswith("#") for line in cell.splitlines()):
        raise CellMistake("the cell holds no rule. Mend: write one below, such as\n" + EXAMPLE)
    if mistakes := check_rules(text, dimensions=dimensions):
        raise CellMistake(mistakes_text(cell, mistakes, before))
    return load_rules(text, dimensions=dimensions)


def file_text(cell: str) -> tuple[str, int]:
    """The cell as a rule file, and how many lines that has before those of the cell.

    >>> file_text("alert: Busy")
    ('groups:\\n- name: cell\\n  rules:\\n  -\\n    alert: Busy', 4)
    """
    if _WHOLE.search(cell):
        return cell, 0
    head, indent = f"groups:\n- name: {GROUP}\n  rules:\n", "  "
    if not _LIST.search(cell):
        head, indent = head + "  -\n", "    "
    return head + "\n".join(indent + line if line.strip() else "" for line in cell.splitlines()), head.count("\n")


def mistakes_text(cell: str, mistakes: Sequence[RuleError], before: int = 0) -> str:
    """Mistakes with the lines of the cell, in which the magic is the first, and what stands there."""
    lines = cell.splitlines() or [""]
    told = []
    for mistake in mistakes:
        place = min(max(mistake.line - before, 1), len(lines))
        told.append(f"line {place + 1}: {mistake.problem}. Mend: {mistake.mend}.")
        first, last = max(place - _AROUND, 1), min(place + _AROUND, len(lines))
        told += [
            f"    {'>' if number == place else ' '} {number + 1}  {lines[number - 1]}"
            for number in range(first, last + 1)
        ]
    return "\n".join(told)


EXAMPLE = """alert: ManyFailures
by: [node]
when: {count: {of: outcome == 'failure', window: 5m}, threshold: 10}
for: 2m"""
