"""Logs drawn from the makes in benchmarks/makes: harsher ones than those of the tests, in three files.

Rules are made on `tuning.txt`; `held_out.txt` and `fresh.txt` were written before them, the latter after the first
rules were made, and are scored when they are done, so that they show how the rules do on logs that they have not seen.
Whoever has looked at why such a log scores as it does moves its make to the tuning file and writes another.

A line `# name` begins a make, and each line after it is a template with its values in braces; all are equally likely
to be the frequent ones. A line `$name = a | b` is a value that is one of these, with `~` the first half of the time,
and the later ones ever more rarely. In braces stand a value's name, `0..99` (a number, as wide as the first one), `x8`
or `X8` (hex digits), `a5` (letters and digits), `value+` or `value++` (up to five, with commas or with blanks).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import polars as pl

from tests.error_patterns.labelled_logs import VALUES

FOLDER = Path(__file__).parent / "makes"
SPLITS = ("tuning", "held_out", "fresh")
SEEDS = (1, 2)
LINES = 2000
MOST_OF_A_LIST = 5
SKEWS = (1.0, 1.4, 1.8)
"""Of two templates the second most frequent comes 1 / 2 ** skew as often as the first, and so on (Zipf)."""

_PART = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
_LETTERS = {"x": "0123456789abcdef", "X": "0123456789ABCDEF", "a": "abcdefghijklmnopqrstuvwxyz0123456789"}


class Makes(NamedTuple):
    """What one file says."""

    templates: dict[str, list[str]]
    values: dict[str, tuple[bool, list[str]]]  # whether the first ones are the frequent ones, and all


@cache
def makes(split: str) -> Makes:
    """The makes of one split, with the values of all."""
    found = Makes({}, {})
    for name in SPLITS:
        now: list[str] = []
        for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            value = re.fullmatch(r"\$(\w+) ([=~]) (.*)", line)
            if value:
                found.values[value[1]] = value[2] == "~", value[3].split(" | ")
            elif line.startswith("# "):
                now = []
                if name == split:
                    found.templates[line[2:]] = now
            elif line:
                now.append(line)
    return found


def filled(text: str, values: dict[str, tuple[bool, list[str]]], chance: random.Random) -> str:
    """A template with values drawn for the braces.

    >>> filled("{{{05..05}}} at {place}", {"place": (False, ["home"])}, random.Random(1))
    '{05} at home'
    """

    def drawn(what: str) -> str:
        if what.endswith("+"):
            parted = " " if what.endswith("++") else ", "
            return parted.join(drawn(what.rstrip("+")) for _ in range(chance.randint(1, MOST_OF_A_LIST)))
        if span := re.fullmatch(r"(\d+)\.\.(\d+)", what):
            return str(chance.randint(int(span[1]), int(span[2]))).zfill(len(span[1]))
        if digits := re.fullmatch(r"([xXa])(\d+)", what):
            return "".join(chance.choices(_LETTERS[digits[1]], k=int(digits[2])))
        if what not in values:
            return VALUES[what](chance)
        skewed, known = values[what]
        at = min(int(chance.paretovariate(1)) - 1, len(known) - 1) if skewed else chance.randrange(len(known))
        return filled(known[at], values, chance)

    return _PART.sub(lambda part: drawn(part[1]) if part[1] else part[0][0], text)


def drawn_log(split: str, make: str, seed: int, lines: int = LINES) -> pl.DataFrame:
    """`error_message` and its `truth`, the number of its template; every template comes at least once."""
    templates, values = makes(split)
    known = templates[make]
    chance = random.Random(f"{make}/{seed}")
    ranks = list(range(1, len(known) + 1))
    chance.shuffle(ranks)
    skew = chance.choice(SKEWS)
    numbers = [*range(len(known)), *chance.choices(range(len(known)), [1 / rank**skew for rank in ranks], k=lines)]
    chosen = numbers[:lines]
    chance.shuffle(chosen)
    messages = [filled(known[number], values, chance) for number in chosen]
    return pl.DataFrame({"error_message": messages, "truth": chosen})


def drawn_logs(split: str) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each make of a split, once a seed, with its name."""
    for make in makes(split).templates:
        for seed in SEEDS:
            yield f"{make} {seed}", drawn_log(split, make, seed)
