"""Logs of many makes, drawn line by line from known templates, so that mined templates can be scored.

They show that the rules of template mining carry over: these know no word of any log. Two rules were mended after what
these logs showed (a MAC address comes before a host with a port; the words of a root are in the very same lines), so
that whoever needs logs that no rule has seen adds a make to the text file and scores it before looking further.

Each log has frequent and rare templates, templates seen once,
values of every kind, and the habits that make mining hard: lists of any length, words as values, most often the same
few, and templates that differ in one word.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import polars as pl

Draw = Callable[[random.Random], str]

NAMES = [
    "ada", "bob", "carla", "dmitri", "eva", "farid", "greta", "hans", "ines", "jun", "karl", "lena", "mona", "nils",
    "olga", "pavel", "quinn", "rosa", "sven",
]  # fmt: skip
THINGS = [
    "anchor", "basil", "cedar", "delta", "ember", "fjord", "gravel", "harbor", "indigo", "jasper", "kelp", "lotus",
    "marble", "nectar", "onyx", "pebble", "quartz", "ridge", "saffron", "timber", "umber", "velvet", "willow",
    "xenon", "yarrow", "zinc", "apricot", "birch", "clover", "dune",
]  # fmt: skip
CLASSES = [f"{a.title()}{b.title()}" for a in THINGS[:12] for b in ("reader", "writer", "cache", "pool")]


def _often(words: Sequence[str]) -> Draw:
    """The first word half of the time, the later ones ever more rarely, as the words of real logs are."""
    return lambda chance: words[min(int(chance.paretovariate(1)) - 1, len(words) - 1)]


def _digits(low: int, high: int) -> Draw:
    return lambda chance: str(chance.randint(low, high))


def _hex(length: int) -> Draw:
    return lambda chance: "".join(chance.choices("0123456789abcdef", k=length))


def _ip(chance: random.Random) -> str:
    return ".".join(str(chance.randint(1, 254)) for _ in range(4))


def _host(chance: random.Random) -> str:
    parts = [chance.choice(THINGS), chance.choice(THINGS), chance.choice(("com", "org", "net", "co.uk"))]
    return ".".join(parts if chance.random() < 0.7 else [f"n{chance.randint(1, 99)}", *parts])


def _path(chance: random.Random) -> str:
    names = [chance.choice(THINGS) for _ in range(chance.randint(2, 5))]
    return "/" + "/".join(names) + chance.choice(("", ".log", ".conf", ".so.1"))


def _list_of_numbers(chance: random.Random) -> str:
    return ", ".join(str(chance.randint(0, 999)) for _ in range(chance.randint(1, 6)))


def _uuid(chance: random.Random) -> str:
    return "-".join(_hex(length)(chance) for length in (8, 4, 4, 4, 12))


def _time(chance: random.Random) -> str:
    return f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}:{chance.randint(0, 59):02}"


VALUES: dict[str, Draw] = {
    "n": _digits(0, 9), "int": _digits(0, 99_999), "big": _digits(10**9, 10**13), "port": _digits(1024, 65_535),
    "signed": lambda chance: str(chance.randint(-10**9, 10**9)),
    "float": lambda chance: f"{chance.uniform(0, 500):.3f}",
    "hex": lambda chance: "0x" + _hex(8)(chance), "sha": _hex(40), "uuid": _uuid, "ip": _ip, "host": _host,
    "path": _path, "time": _time, "list": _list_of_numbers,
    "date": lambda chance: f"2017-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
    "user": _often(NAMES), "word": _often(THINGS),
    "class": _often(CLASSES), "bool": lambda chance: chance.choice(("true", "false")),
    "url": lambda chance: f"http://{_host(chance)}{_path(chance)}?q={chance.randint(1, 999)}",
    "size": lambda chance: chance.choice(("{} B", "{}.5 KB", "{}.1 MB", "{} GB")).format(chance.randint(1, 900)),
    "ms": lambda chance: f"{chance.randint(1, 9000)} ms", "secs": lambda chance: f"{chance.uniform(0, 9):.2f}s",
    "mac": lambda chance: ":".join(_hex(2)(chance) for _ in range(6)),
    "email": lambda chance: f"{chance.choice(NAMES)}.{chance.choice(THINGS)}@{_host(chance)}",
    "hash": lambda chance: "".join(chance.choices("bcdfghjklmnpqrstvwxz2456789", k=9)),
    "tail": lambda chance: "".join(chance.choices("bcdfghjklmnpqrstvwxz2456789", k=5)),
    "pkg": lambda chance: f"com.{chance.choice(THINGS)}.{chance.choice(THINGS)}.{chance.choice(CLASSES)}",
}  # fmt: skip

TEMPLATES = Path(__file__).with_suffix(".txt")
"""After the name of each log: how often a template comes (its weight), and its text with the values in braces."""


@cache
def makes() -> dict[str, list[tuple[int, str]]]:
    """The weight and the text of each template, by make of log."""
    found: dict[str, list[tuple[int, str]]] = {}
    for line in TEMPLATES.read_text(encoding="utf-8").splitlines():
        first, rest = line.split(" ", 1)
        if first == "#":
            found[rest] = known = []
        else:
            known.append((int(first), rest))
    return found


def labelled_log(log: str, lines: int, seed: int = 0) -> pl.DataFrame:
    """`error_message` and its `truth`, the number of its template; every template comes at least once."""
    chance = random.Random(f"{log} {seed}")
    known = makes()[log]
    drawn = [*range(len(known)), *chance.choices(range(len(known)), [weight for weight, _ in known], k=lines)][:lines]
    chance.shuffle(drawn)
    messages = [_filled(known[number][1], chance) for number in drawn]
    schema = {"error_message": pl.String, "truth": pl.Int64}
    return pl.DataFrame({"error_message": messages, "truth": drawn}, schema=schema)


def _filled(text: str, chance: random.Random) -> str:
    filled = re.sub(r"(?<!\{)\{(\w+)\}(?!\}(?!\}))|\{(\w+)\}", lambda found: VALUES[found[1] or found[2]](chance), text)
    return filled.replace("{{", "{").replace("}}", "}")


def labelled_logs(lines: int, seed: int = 0) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each make of log with its name."""
    for log in makes():
        yield log, labelled_log(log, lines, seed)
