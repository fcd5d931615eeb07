"""A card as plain text, for a terminal and for programs that show no HTML."""

from __future__ import annotations

from onex_analytics.jupyter.cards import Card, CardTable, printable, short, shortened, told

_WIDEST_CELL = 48
_RIGHT = {"count", "ms", "share", "seconds", "number", "duration", "bytes"}


def card_text(card: Card) -> str:
    """The card in lines.

    >>> print(card_text(Card("Store", facts={"events": (1200, "count"), "size": (3, "number")})))
    Store
      events 1,200 · size 3
    """
    lines = [short(card.title), *[f"  {short(card.lead, 600)}"] * bool(card.lead)]
    facts = [f"{short(title)} {told(value, form)}" for title, (value, form) in card.facts.items()]
    lines += [f"  {line}" for line in _filled(facts)]
    for table in card.tables:
        lines += _table(table)
    if card.code:
        code, more = shortened(card.code)
        lines += [f"  {printable(line)}" for line in code.splitlines()]
        lines += [f"  … and {more:,} lines more"] * bool(more)
    return "\n".join(lines + [f"  ! {short(one, 400)}" for one in card.left_out])


def _filled(parts: list[str], width: int = 100) -> list[str]:
    """Parts side by side, as many as a line holds."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(part) + 3 <= width:
            lines[-1] += f" · {part}"
        else:
            lines.append(part)
    return lines


def _table(table: CardTable) -> list[str]:
    if not table.height:
        return [f"  {short(f'{table.name}: {table.empty}' if table.name else table.empty)}"]
    right = [column.form in _RIGHT for column in table.columns]
    rows = [[short(column.title) for column in table.columns]]
    rows += [[short(text, _WIDEST_CELL) for text, _ in row] for row in table.cells()]
    wide = [max(len(row[place]) for row in rows) for place in range(len(right))]
    lines = ["  ".join(map(_placed, row, wide, right)).rstrip() for row in rows]
    return [f"  {short(table.caption)}"] * bool(table.caption) + [f"    {line}" for line in lines]


def _placed(text: str, width: int, at_right: bool) -> str:
    return text.rjust(width) if at_right else text.ljust(width)
