"""What IPython is told of us: how results look and how long work tells of itself, and by `%load_ext` the magics."""

from __future__ import annotations

import sys
from typing import Any

from onex_analytics.jupyter.figures import see_to_figures
from onex_analytics.jupyter.formatters import register
from onex_analytics.jupyter.progress_bars import INSTALL, for_shell
from onex_analytics.progress import shown_by


def greet(shell: Any) -> None:
    """In a running IPython, whoever imports us: results show themselves, and long work says how far it is."""
    register(shell)
    see_to_figures(shell)
    shown_by(for_shell(shell))


def load(shell: Any) -> None:
    """`%load_ext onex_analytics`: the magics, too."""
    from onex_analytics.jupyter.magics import OnexMagics

    greet(shell)
    OnexMagics(shell).register()
    if for_shell(shell) is None:
        sys.stdout.write(f"Long work shows no progress, as tqdm is not installed. Mend: {INSTALL}\n")
