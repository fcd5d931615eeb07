"""What things of sampling are called in a figure."""

from __future__ import annotations

from onex_analytics.views.durations import number


def share(value: float | None) -> str:
    """A share in per cent, to three digits.

    >>> share(0.1), share(0.00012), share(None), share(1.0), share(12.5)
    ('10 %', '0.012 %', '–', '100 %', '1,250 %')
    """
    return "–" if value is None else f"{number(100 * value)} %"


def quantity(value: float | None) -> str:
    """A number of which nobody knows the unit.

    >>> quantity(1234.5), quantity(0.01234), quantity(None), quantity(2.5e9)
    ('1,234', '0.0123', '–', '2.5e+09')
    """
    if value is None:
        return "–"
    return number(value) if abs(value) < 1e7 else f"{value:.3g}"


def per_draw(value: float) -> str:
    """How many in a draw, on average; of a single draw a whole number.

    >>> per_draw(3.0), per_draw(2.25), per_draw(1200.0)
    ('3', '2.2', '1,200')
    """
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
