"""What IPython is told of us: how results look and how long work tells of itself, and by `%load_ext` the magics."""

from __future__ import annotations

from typing import Any

from onex_analytics.jupyter.formatters import register


def greet(shell: Any) -> None:
    """In a running IPython, whoever imports us: results show themselves."""
    register(shell)


def load(shell: Any) -> None:
    """`%load_ext onex_analytics`: the magics, too."""
    from onex_analytics.jupyter.magics import OnexMagics

    greet(shell)
    OnexMagics(shell).register()
