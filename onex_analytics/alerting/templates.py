"""Annotations for people: texts with `{{ … }}` in which labels and the value are filled in, and nothing else.

    {{ labels.node }}  {{ $labels.node }}       a label
    {{ value }}  {{ $value }}                   the value that the condition judged
    {{ value | humanizePercentage }}            written for people: humanize, humanizePercentage, humanizeDuration

Both ways to write are read, ours and Prometheus'. Nothing is evaluated; an alert's texts can hold any letters.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal

_HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_WORDS = re.compile(r"\s*-?\s*\$?(?:(value)|labels\.([A-Za-z_][A-Za-z0-9_]*))\s*(?:\|\s*([A-Za-z]+)\s*)?-?\s*")
_LARGE = ("", "k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL = ("", "m", "u", "n", "p", "f", "a", "z", "y")


def render(text: str, labels: Mapping[str, str], value: float) -> str:
    """Fill in a template. A label that is not there is an empty text, as in Prometheus.

    >>> render("{{ labels.node }} fails {{ value | humanizePercentage }}", {"node": "stamper_node"}, 0.0525)
    'stamper_node fails 5.25%'
    """

    def filled(hole: re.Match[str]) -> str:
        words = _WORDS.fullmatch(hole[1])
        if words is None or (words[3] is not None and words[3] not in FUNCTIONS):
            return hole[0]
        if words[1]:
            return FUNCTIONS[words[3] or "plain"](value)
        text = labels.get(words[2], "")
        return text if words[3] is None else _of_text(words[3], text)

    return _HOLE.sub(filled, text)


def check_template(text: str, labels: Collection[str]) -> tuple[str, str] | None:
    """What is wrong with a template, and the mend; None where nothing is.

    >>> check_template("{{ labels.nod }}", ["node"])
    ("a template names label 'nod', and the alert has none of this name", 'write labels.node')
    """
    holes = _HOLE.findall(text)
    if text.count("{{") != len(holes):
        return "a template is not closed", "write {{ value }} with both pairs of braces"
    for hole in holes:
        words = _WORDS.fullmatch(hole)
        if words is None:
            problem = f"a template says {{{{{hole}}}}}"
            return problem, "fill in {{ labels.name }} or {{ value }}, with | humanize or the like behind"
        if words[3] is not None and words[3] not in FUNCTIONS:
            known = [name for name in FUNCTIONS if name != "plain"]
            near = difflib.get_close_matches(words[3], known, n=1)
            return f"a template uses {words[3]!r}", f"write {near[0]}" if near else f"known are {', '.join(known)}"
        if words[2] and words[2] not in labels and words[2] != "alertname":
            known = sorted(labels)
            near = difflib.get_close_matches(words[2], known, n=1)
            mend = f"write labels.{near[0]}" if near else f"add it to `by`; there are {', '.join(known) or 'no labels'}"
            return f"a template names label {words[2]!r}, and the alert has none of this name", mend
    return None


def plain(value: float) -> str:
    """A number in as few letters as say it, as Go and so Prometheus writes it: from a million on with an exponent.

    >>> [plain(x) for x in (12.0, 0.05, 172800.0, 1234567.0, 1e-7, float("nan"))]
    ['12', '0.05', '172800', '1.234567e+06', '1e-07', 'NaN']
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)
    figures = "".join(map(str, digits)).rstrip("0") or "0"
    power = len(digits) + exponent - 1 if value else 0
    minus = "-" if sign else ""
    if -4 <= power < 6:
        return minus + (f"{abs(value):.{max(len(figures) - 1 - power, 0)}f}")
    return f"{minus}{figures[0]}{'.' + figures[1:] if figures[1:] else ''}e{power:+03d}"


def humanize(value: float) -> str:
    """Four digits and a letter for the thousands.

    >>> [humanize(x) for x in (0, 1234567, 0.00123, -20)]
    ['0', '1.235M', '1.23m', '-20']
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:.4g}" if math.isfinite(value) else plain(value)
    letters, step = (_LARGE, 1000.0) if abs(value) >= 1 else (_SMALL, 0.001)
    place = 0
    while place + 1 < len(letters) and (abs(value) >= 1000 if step > 1 else abs(value) < 1):
        value /= step
        place += 1
    return f"{value:.4g}{letters[place]}"


def humanize_percentage(value: float) -> str:
    """A share as a percentage.

    >>> humanize_percentage(0.123456)
    '12.35%'
    """
    return (f"{value * 100:.4g}" if math.isfinite(value) else plain(value)) + "%"


def humanize_duration(value: float) -> str:
    """Seconds in days, hours, minutes and seconds.

    >>> [humanize_duration(x) for x in (0, 90, 3661.5, 172800, 0.02)]
    ['0s', '1m 30s', '1h 1m 1s', '2d 0h 0m 0s', '20ms']
    """
    if not math.isfinite(value):
        return plain(value)
    if value == 0:
        return f"{value:.4g}s"
    if abs(value) < 1:
        return humanize(value) + "s"
    sign, seconds = ("-" if value < 0 else ""), int(abs(value))
    days, hours, minutes = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds % 60}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {seconds % 60}s"
    if minutes:
        return f"{sign}{minutes}m {seconds % 60}s"
    return f"{sign}{abs(value):.4g}s"


FUNCTIONS: dict[str, Callable[[float], str]] = {
    "plain": plain, "humanize": humanize, "humanizePercentage": humanize_percentage,
    "humanizeDuration": humanize_duration,
}  # fmt: skip
"""How a value can be written."""


def _of_text(function: str, text: str) -> str:
    try:
        return FUNCTIONS[function](float(text))
    except ValueError:
        return text
