"""What the pages say to type is there to be typed: commands with their options, make targets, our own files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from onex_analytics.cli import app

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
COMMAND = typer.main.get_command(app)


def lines_of(page: Path) -> Iterator[str]:
    """The lines of its console blocks, those that go on in the next put together; and its indented commands."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for block in re.findall(r"^```(?:sh|console|bash)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        yield from block.splitlines()
    yield from re.findall(r"^    (onex-analytics .*)$", text, re.MULTILINE)
    yield from (" ".join(words.split()) for words in re.findall(r"`(onex-analytics [^`]*--[^`]*)`", text))


TYPED = [
    pytest.param(line.strip(), id=f"{page.relative_to(REPOSITORY)}: {line.strip()[:60]}")
    for page in PAGES for line in lines_of(page) if "onex-analytics " in line
]  # fmt: skip


def words_of(line: str) -> list[str]:
    """The words behind `onex-analytics`, up to a pipe, an operator or a remark; `…` stands for what is left out."""
    words = shlex.split(line[line.index("onex-analytics ") :], comments=True)[1:]
    ends = [at for at, word in enumerate(words) if word in ("|", "||", "&&", ">", ";")]
    return [word for word in words[: min(ends, default=len(words))] if word != "…"]


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """The command that the first words name, and the words behind it."""
    command, rest = COMMAND, list(words)
    while (inner := getattr(command, "commands", None)) is not None:
        assert rest, f"{words} names a group of commands, {sorted(inner)}"
        assert rest[0] in inner, f"{rest[0]} is none of {sorted(inner)}"
        command = inner[rest.pop(0)]
    return command, rest


@pytest.mark.parametrize("line", TYPED)
def test_a_command_on_a_page_is_there_and_takes_its_options(line: str) -> None:
    command, rest = command_of(words_of(line))
    options = {name: param for param in command.params for name in (*param.opts, *param.secondary_opts)}
    taken = 0
    while rest:
        word, _, value = rest.pop(0).partition("=")
        if not word.startswith("--"):
            taken += 1
            continue
        assert word in options, f"{word} is none of {sorted(options)}"
        if not getattr(options[word], "is_flag", False) and not value:
            assert rest, f"{word} wants a value"
            rest.pop(0)
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    most = float("inf") if any(param.nargs == -1 for param in arguments) else len(arguments)
    assert taken <= most, f"{taken} arguments, where {most} are taken"


def test_a_command_that_is_none_is_noticed() -> None:
    with pytest.raises(AssertionError, match="ingset is none of"):
        command_of(["ingset"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_targets_and_modules_on_a_page_are_there(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in lines_of(page):
        if found := re.match(r"make ([a-z-]+)", line.strip()):
            assert found[1] in targets, line
        if found := re.search(r"python -m (benchmarks(?:\.\w+)*)", line):
            place = REPOSITORY / found[1].replace(".", "/")
            assert place.is_dir() or place.with_suffix(".py").is_file(), line
