"""The directive `commands`: every command of `onex-analytics` with its arguments and options, as `--help` has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from extension.docstrings import escaped


def commands(command: Any, words: str) -> Iterator[tuple[str, Any]]:
    """Every command that can be typed, with its words."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield words, command
        return
    for name, held in inner.items():
        yield from commands(held, f"{words} {name}")


def written(command: Any) -> Iterator[str]:
    """A command's help and a list of what it takes, as reStructuredText."""
    yield from (escaped(_quoted(line)) for line in (command.help or "").splitlines())
    yield ""
    for param in command.params:
        if param.name in ("help", "install_completion", "show_completion"):
            continue
        names = ", ".join(f"``{name}``" for name in (*param.opts, *param.secondary_opts))
        shown = f"``{param.name.upper()}``" if param.param_type_name == "argument" else names
        said = escaped(_quoted(" ".join((getattr(param, "help", None) or "").split())))
        default = param.default
        told = not callable(default) and default not in (None, False, (), "")
        notes = ([f"default ``{default}``"] if told else []) + (["required"] if param.required else [])
        yield f"* {shown}: {said}" + (f" ({', '.join(notes)})" if notes else "")
    yield ""


def _quoted(text: str) -> str:
    """Words in single backticks as code."""
    return re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", text)


class Commands(SphinxDirective):
    """`.. commands::`"""

    def run(self) -> list[nodes.Node]:
        import typer

        from onex_analytics.cli import app

        lines: list[str] = []
        for words, command in commands(typer.main.get_command(app), "onex-analytics"):
            title = f"``{words}``"
            lines += [title, "-" * len(title), "", *written(command), ""]
        held = nodes.section()
        held.document = self.state.document
        self.state.nested_parse(StringList(lines, source="<commands>"), self.content_offset, held, match_titles=True)
        return held.children


def setup(app: Sphinx) -> None:
    app.add_directive("commands", Commands)
